namespace DaML;

/// <summary>The way to combine the scores of the trajectories.</summary>
public enum TuningAggregate
{
    /// <summary>Their mean, which is infinite if one of them diverged.</summary>
    Mean,

    /// <summary>Their median, which is infinite if half of them diverged.</summary>
    Median,
}

/// <summary>Settings of a <see cref="TuningEstimator{TTransformer}"/>, with their defaults.</summary>
public sealed record TuningOptions
{
    /// <summary>The number of first cycles of the view in use (default: all; the view must then end).</summary>
    public long? Cycles { get; init; }

    /// <summary>The number of first cycles left out of the score.</summary>
    public long BurnIn { get; init; }

    /// <summary>
    /// The analysis error above which a trajectory counts as diverged, as in <see cref="ScoreOptions.LostTruthBound"/> (default:
    /// infinite).
    /// </summary>
    public double LostTruthBound { get; init; } = double.PositiveInfinity;

    /// <summary>The score to minimise, for each trajectory (default: the analysis error).</summary>
    public Func<ScoreReport, TimeAverage> Score { get; init; } = report => report.AnalysisRmse;

    /// <summary>The name of the score in reports and figures.</summary>
    public string ScoreName { get; init; } = "analysis RMSE";

    /// <summary>
    /// The way to combine the trajectories' scores (default: the mean, so that a value with a diverged trajectory is never chosen).
    /// </summary>
    public TuningAggregate Aggregate { get; init; } = TuningAggregate.Mean;

    /// <summary>
    /// The number of candidates that are tried at once (default: the number of CPU cores). The result does not depend on it.
    /// </summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
