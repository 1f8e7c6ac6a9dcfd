namespace DaML;

/// <summary>
/// The finite-size ensemble Kalman filter, EnKF-N, which needs no inflation against sampling error
/// (<see cref="FiniteSizeEnsembleKalmanFilterAnalyzer"/>); an inflation acts on the posterior, against other errors.
/// </summary>
[Component("finite-size-ensemble-kalman-filter-method", 2)]
public sealed record FiniteSizeEnsembleKalmanFilter : EnsembleFilter
{
    /// <summary>The hyperprior.</summary>
    [Inlined]
    public FiniteSizePrior Prior { get; init; } = FiniteSizePrior.DiracJeffreys();

    /// <summary>The minimisation of the cost function (default: by its dual, which is the cheapest and finds the same mean).</summary>
    public FiniteSizeForm Form { get; init; } = FiniteSizeForm.Dual;

    /// <summary>The rotation of the analysis (default: none).</summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;

    /// <inheritdoc/>
    protected internal override string UsualName => $"EnKF-N (N = {Members})";

    /// <inheritdoc/>
    protected internal override IAnalyzer<EnsembleMemory> Analyzer(IObservationNetwork network) =>
        new FiniteSizeEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, Prior, Form, Inflation, Rotation);
}
