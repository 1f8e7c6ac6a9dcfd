namespace DaML;

/// <summary>
/// The Kalman filter, exact for a linear model and operator, from a normal initial condition (<see cref="AssimilationSystem.Initial"/>);
/// for nonlinear
/// ones it is the <see cref="ExtendedKalmanFilter"/>.
/// </summary>
public record KalmanFilter : AssimilationMethod<GaussianMemory>
{
    /// <summary>The inflation of the covariance in every cycle, by a factor (default: none).</summary>
    public MultiplicativeInflation Inflation { get; init; } = DaML.Inflation.None;

    /// <summary>
    /// What the covariance grows by per unit of the model's time, beside what the model makes of it, against errors of linearisation: a
    /// factor
    /// of at least one (default: 1). Lorenz-96 observed every 0.05 wants 10. Unlike an inflation per cycle it does not depend on how often
    /// is
    /// observed.
    /// </summary>
    public double CovarianceGrowthPerTimeUnit { get; init; } = 1;

    /// <inheritdoc/>
    protected internal override string UsualName => "Kalman filter";

    /// <inheritdoc/>
    protected internal override AssimilationTriple<GaussianMemory> Triple(AssimilationSystem system, DataAssimilationContext context) =>
        new(
        new KalmanFilterAnalyzer(system.Network.Operator, system.Network.Error, Inflation),
        new GaussianPropagater(system.Dynamics, CovarianceGrowthPerTimeUnit), new GaussianProcoder(),
        new GaussianSource(system.GaussianInitial(UsualName), context.Precision));
}

/// <summary>
/// The extended Kalman filter: model and operator linearised at the mean in every time step. A chaotic model wants a
/// <see cref="KalmanFilter.CovarianceGrowthPerTimeUnit"/>.
/// </summary>
public sealed record ExtendedKalmanFilter : KalmanFilter
{
    /// <inheritdoc/>
    protected internal override string UsualName => "extended Kalman filter";
}
