namespace DaML;

/// <summary>What became of a trajectory that was to be scored.</summary>
public enum TrajectoryOutcome
{
    /// <summary>It is part of every average.</summary>
    Scored,

    /// <summary>The method diverged on it (<see cref="Columns.Diverged"/>): counted, and part of no average.</summary>
    Diverged,

    /// <summary>Its error exceeds <see cref="ScoreOptions.LostTruthBound"/>: counted as divergent, and part of no average.</summary>
    LostTruth,
}

/// <summary>
/// How well a method does against the truth. Every root-mean-square error is the time average of
/// sqrt(mean over components of the squared error), as the field reports it.
/// </summary>
public sealed class ScoreReport
{
    private readonly TimeAverage? analysisRmse, forecastRmse;

    internal ScoreReport(IReadOnlyDictionary<string, TimeAverage> scores, IReadOnlyList<TrajectoryOutcome> outcomes, long cycles)
    {
        analysisRmse = scores.GetValueOrDefault(nameof(AnalysisRmse));
        forecastRmse = scores.GetValueOrDefault(nameof(ForecastRmse));
        ObservationRmse = scores.GetValueOrDefault(nameof(ObservationRmse));
        AnalysisSpread = scores.GetValueOrDefault(nameof(AnalysisSpread));
        ForecastSpread = scores.GetValueOrDefault(nameof(ForecastSpread));
        Outcomes = outcomes;
        Cycles = cycles;
    }

    /// <summary>Number of trajectories, the divergent ones included.</summary>
    public long Trajectories => Outcomes.Count;

    /// <summary>What became of each trajectory.</summary>
    public IReadOnlyList<TrajectoryOutcome> Outcomes { get; }

    /// <summary>How many trajectories diverged or lost their truth; where all did, every average is not a number.</summary>
    public long Divergences => Outcomes.LongCount(outcome => outcome != TrajectoryOutcome.Scored);

    /// <summary>Number of cycles that were averaged, after the burn-in.</summary>
    public long Cycles { get; }

    /// <summary>Error of the analysis.</summary>
    /// <exception cref="SchemaException">The view has no analysis.</exception>
    public TimeAverage AnalysisRmse => analysisRmse ?? throw Missing(Columns.Analysis);

    /// <summary>Error of the forecast.</summary>
    /// <exception cref="SchemaException">The view has no forecast.</exception>
    public TimeAverage ForecastRmse => forecastRmse ?? throw Missing(Columns.Forecast);

    /// <summary>
    /// Distance of the observations from the truth, over those that exist; null where an observation has not the state's
    /// dimension. It means an error only where the operator is the identity.
    /// </summary>
    public TimeAverage? ObservationRmse { get; }

    /// <summary>Spread of the analysis, sqrt(mean over components of the variance); null where the method has none.</summary>
    public TimeAverage? AnalysisSpread { get; }

    /// <summary>Spread of the forecast; null where the method has none.</summary>
    public TimeAverage? ForecastSpread { get; }

    private static SchemaException Missing(Column column) => new($"The view that was scored has no column '{column}'.");
}
