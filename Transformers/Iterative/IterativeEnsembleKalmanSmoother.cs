namespace DaML;

/// <summary>
/// The iterative ensemble Kalman smoother, IEnKS, over windows of any length, for a model without model error
/// (<see cref="IterativeEnsembleKalmanSmootherAnalyzer"/>). Over a window of one cycle, the default, it is the iterative ensemble Kalman
/// filter, IEnKF. Lorenz-96 with 40 members needs an inflation of 1.01 on the posterior standard deviation and a rotation.
/// </summary>
[Component("iterative-ensemble-kalman-smoother-method", 3)]
public sealed record IterativeEnsembleKalmanSmoother : IterativeEnsembleMethod
{
    /// <summary>The sequence of the windows (default: one cycle long, the iterative ensemble Kalman filter).</summary>
    [Inlined]
    public WindowCycling Window { get; init; } = WindowCycling.Overlapping(1);

    /// <summary>The use of an observation that several windows hold (default: once).</summary>
    [Inlined]
    public ObservationUse ObservationUse { get; init; } = ObservationUse.Single;

    /// <summary>
    /// The hyperprior of the finite-size smoother, IEnKS-N, which needs no inflation against sampling error (default: null, the plain
    /// smoother).
    /// </summary>
    [Inlined]
    public FiniteSizePrior? Prior { get; init; }

    /// <summary>The minimisation of the finite-size cost function within a step (default: by its dual).</summary>
    public FiniteSizeForm Form { get; init; } = FiniteSizeForm.Dual;

    /// <inheritdoc/>
    protected internal override string UsualName
    {
        get
        {
            string kind = Window.Length == 1 ? "IEnKF" : "IEnKS", finite = Prior is null ? "" : "-N";
            string window = Window.Length switch { 0 => ", no window", 1 => "", var length => $", L = {length}" };
            return $"{kind}{finite} (N = {Members}{window})";
        }
    }

    /// <inheritdoc/>
    protected internal override AssimilationTriple<WindowMemory<EnsembleMemory>> Triple(AssimilationSystem system,
        DataAssimilationContext context)
    {
        ObservationUse.Check(Window);
        return Windowed(
            new IterativeEnsembleKalmanSmootherAnalyzer(system.Dynamics, system.Network.Operator, system.Network.Error, Iteration,
                ObservationUse,
            Inflation, Rotation, Prior, Form), Window, system, context);
    }
}

/// <summary>
/// The iterative ensemble Kalman filter with additive model error, IEnKF-Q, for a model with the covariance of a time step's error
/// (<see cref="AdditiveErrorEnsembleKalmanFilterAnalyzer"/>). The error is part of what the analysis estimates; the forecast before it
/// draws an error for each member.
/// </summary>
[Component("additive-error-iterative-ensemble-kalman-filter-method", 3)]
public sealed record AdditiveErrorIterativeEnsembleKalmanFilter : IterativeEnsembleMethod
{
    /// <inheritdoc/>
    protected internal override string UsualName => $"IEnKF-Q (N = {Members})";

    /// <inheritdoc/>
    protected internal override AssimilationTriple<WindowMemory<EnsembleMemory>> Triple(AssimilationSystem system,
        DataAssimilationContext context) =>
        Windowed(new AdditiveErrorEnsembleKalmanFilterAnalyzer(system.Dynamics, system.Network.Operator, system.Network.Error, Iteration,
            Inflation, Rotation),
            WindowCycling.Overlapping(1), system, context);
}
