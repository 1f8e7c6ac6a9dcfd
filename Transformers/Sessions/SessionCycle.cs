namespace DaML.Components;

/// <summary>An estimate of the state at one time.</summary>
/// <param name="Time">The time, in the model's unit.</param>
/// <param name="Mean">The mean of each component, <c>[n]</c>.</param>
/// <param name="Spread">The standard deviation of each component, <c>[n]</c>; null for a method that gives a single state.</param>
public sealed record StateEstimate(double Time, IReadOnlyList<double> Mean, IReadOnlyList<double>? Spread);

/// <summary>What one cycle of a session gave.</summary>
/// <param name="Cycle">The cycle's number, from 0.</param>
/// <param name="Forecast">The state before the observation is used.</param>
/// <param name="Analysis">The state after it is used.</param>
/// <param name="Observed">The number of observations that were not missing.</param>
public sealed record SessionCycle(long Cycle, StateEstimate Forecast, StateEstimate Analysis, int Observed)
{
    /// <summary>
    /// The root mean square of R^(-1/2) (y - H m), m the forecast's mean (<see cref="ForecastInnovation"/>); null without
    /// observations, or if the method was not made for a system.
    /// </summary>
    public double? Innovation { get; init; }

    /// <summary>
    /// d^T S^-1 d / p with S = H P H^T + R (<see cref="InnovationChiSquare"/>), one on average if the covariances are right;
    /// null without observations, for a method that gives a single state, or if it was not made for a system.
    /// </summary>
    public double? ChiSquare { get; init; }

    /// <summary>The root mean square of the forecast's spread; null for a method that gives a single state.</summary>
    public double? ForecastSpread => Size(Forecast.Spread);

    /// <summary>The root mean square of the analysis' spread; null for a method that gives a single state.</summary>
    public double? AnalysisSpread => Size(Analysis.Spread);

    private static double? Size(IReadOnlyList<double>? spread) =>
        spread is null ? null : Math.Sqrt(spread.Sum(value => value * value) / spread.Count);
}
