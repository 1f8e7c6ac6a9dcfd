namespace DaML;

/// <summary>
/// A climatology as a method: forecast and analysis are its mean in every cycle, whatever is observed. It is the baseline for every other
/// method.
/// </summary>
[Component("climatology-method", 2)]
public sealed record Climatology : ClimatologicalMethod
{
    /// <inheritdoc/>
    protected internal override string UsualName => "climatology";

    private protected override IAnalyzer<GaussianMemory> Analyzer(IObservationNetwork network) => new UnobservingAnalyzer<GaussianMemory>();
}

/// <summary>
/// Optimal interpolation: in every cycle the Kalman analysis of a climatology's mean and covariance with the cycle's observations alone,
/// without earlier cycles (Gandin 1963). The forecast column is the climatology; <see cref="LeadTimeForecast"/> adds a model forecast
/// from its analyses.
/// </summary>
[Component("optimal-interpolation-method", 2)]
public sealed record OptimalInterpolation : ClimatologicalMethod
{
    /// <inheritdoc/>
    protected internal override string UsualName => "optimal interpolation";

    private protected override IAnalyzer<GaussianMemory> Analyzer(IObservationNetwork network) =>
        new KalmanFilterAnalyzer(network.Operator, network.Error);
}
