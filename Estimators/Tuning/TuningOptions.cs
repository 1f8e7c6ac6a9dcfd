namespace DaML;

/// <summary>What the scores of the trajectories make together.</summary>
public enum TuningAggregate
{
    /// <summary>Their mean, which is infinite where one of them diverged.</summary>
    Mean,

    /// <summary>Their median, which is infinite where half of them diverged.</summary>
    Median,
}

/// <summary>Settings of a <see cref="TuningEstimator{TTransformer}"/>, with their defaults.</summary>
public sealed record TuningOptions
{
    /// <summary>How many first cycles of the view are used; all of it unless said, and then it must end.</summary>
    public long? Cycles { get; init; }

    /// <summary>How many first cycles are left out of the score.</summary>
    public long BurnIn { get; init; }

    /// <summary>
    /// The analysis error above which a trajectory counts as diverged, as in <see cref="ScoreOptions.LostTruthBound"/>; infinite unless
    /// said.
    /// </summary>
    public double LostTruthBound { get; init; } = double.PositiveInfinity;

    /// <summary>What is made small, for each trajectory; the analysis error unless said.</summary>
    public Func<ScoreReport, TimeAverage> Score { get; init; } = report => report.AnalysisRmse;

    /// <summary>What the score is called in reports and figures.</summary>
    public string ScoreName { get; init; } = "analysis RMSE";

    /// <summary>
    /// What the trajectories' scores make together; the mean unless said, so that a value with which one of them diverged is no choice.
    /// </summary>
    public TuningAggregate Aggregate { get; init; } = TuningAggregate.Mean;

    /// <summary>
    /// How many candidates are tried at once; as many as there are processor cores unless said. The result does not depend on it.
    /// </summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
