namespace DaML;

/// <summary>
/// The Kalman filter, exact for a linear model and operator, from a normal initial condition (<see cref="AssimilationSystem.Initial"/>);
/// for nonlinear ones it is the <see cref="ExtendedKalmanFilter"/>.
/// </summary>
[Component("kalman-filter-method", 2)]
public record KalmanFilter : AssimilationMethod<GaussianMemory>
{
    /// <summary>The inflation of the covariance in every cycle, by a factor (default: none).</summary>
    public MultiplicativeInflation Inflation { get; init; } = DaML.Inflation.None;

    /// <summary>
    /// The growth factor of the covariance per unit of the model's time, beyond the model's own growth, against errors of linearisation;
    /// at least one (default: 1). Lorenz-96 observed every 0.05 needs 10. Unlike an inflation per cycle it does not depend on the
    /// frequency of observations.
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
/// The extended Kalman filter: model and operator linearised at the mean in every time step. A chaotic model needs a
/// <see cref="KalmanFilter.CovarianceGrowthPerTimeUnit"/>.
/// </summary>
[Component("extended-kalman-filter-method", 2)]
public sealed record ExtendedKalmanFilter : KalmanFilter
{
    /// <inheritdoc/>
    protected internal override string UsualName => "extended Kalman filter";
}
