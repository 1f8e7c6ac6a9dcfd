namespace DaML;

/// <summary>What became of a trajectory that was to be scored.</summary>
public enum TrajectoryOutcome
{
    /// <summary>It is part of every average.</summary>
    Scored,

    /// <summary>
    /// The method diverged on it (<see cref="Columns.Diverged"/>, or an analysis that is not finite): counted, and part of no average.
    /// </summary>
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
    /// <summary>Two scores are the same where they are of one kind and name.</summary>
    internal static readonly IEqualityComparer<IScore> SameScore =
        EqualityComparer<IScore>.Create((a, b) => a!.Name == b!.Name && a.GetType() == b.GetType(), score => score.Name.GetHashCode());

    private readonly IReadOnlyDictionary<IScore, ScoreFigures> figures;

    internal ScoreReport(IReadOnlyDictionary<IScore, ScoreFigures> figures, IReadOnlyList<TrajectoryOutcome> outcomes, long cycles,
        TruthTracking? tracking)
    {
        Tracking = tracking;
        this.figures = figures;
        Outcomes = outcomes;
        Cycles = cycles;
    }

    /// <summary>Number of trajectories, the divergent ones included.</summary>
    public long Trajectories => Outcomes.Count;

    /// <summary>What became of each trajectory.</summary>
    public IReadOnlyList<TrajectoryOutcome> Outcomes { get; }

    /// <summary>How many trajectories diverged or lost their truth; where all did, every average is not a number.</summary>
    public long Divergences => Outcomes.LongCount(outcome => outcome != TrajectoryOutcome.Scored);

    /// <summary>
    /// How many trajectories have an error above <see cref="ScoreOptions.LostTruthBound"/>; they are among the <see cref="Divergences"/>.
    /// </summary>
    public long LostTruths => Outcomes.LongCount(outcome => outcome == TrajectoryOutcome.LostTruth);

    /// <summary>
    /// The error while the truth is tracked, and how often and how long it is lost; null where no bound was given
    /// (<see cref="ScoreOptions.TruthBounds"/>) or there is no error.
    /// </summary>
    public TruthTracking? Tracking { get; }

    /// <summary>Number of cycles that were averaged, after the burn-in.</summary>
    public long Cycles { get; }

    /// <summary>Error of the analysis.</summary>
    /// <exception cref="SchemaException">The view has no analysis, or no truth.</exception>
    public TimeAverage AnalysisRmse => Find(StandardScores.AnalysisRmse) ?? throw Missing(Columns.Analysis);

    /// <summary>Error of the forecast.</summary>
    /// <exception cref="SchemaException">The view has no forecast, or no truth.</exception>
    public TimeAverage ForecastRmse => Find(StandardScores.ForecastRmse) ?? throw Missing(Columns.Forecast);

    /// <summary>
    /// Distance of the observations from the truth, over those that exist; null where an observation has not the state's
    /// dimension. It means an error only where the operator is the identity.
    /// </summary>
    public TimeAverage? ObservationRmse => Find(StandardScores.ObservationRmse);

    /// <summary>Spread of the analysis, sqrt(mean over components of the variance); null where the method has none.</summary>
    public TimeAverage? AnalysisSpread => Find(StandardScores.AnalysisSpread);

    /// <summary>Spread of the forecast; null where the method has none.</summary>
    public TimeAverage? ForecastSpread => Find(StandardScores.ForecastSpread);

    /// <summary>The average of a score that has one figure: one of the <see cref="StandardScores"/>, or one that was asked for.</summary>
    /// <exception cref="ArgumentException">It was not measured, or has several figures.</exception>
    public TimeAverage this[IScore score] => Figures(score) is { Count: 1 } one ? one[0]
        : throw new ArgumentException(
            $"The score '{score.Name}' has {Figures(score).Count} figures, not one; ask for what it makes of them with {nameof(Of)}, or " +
                $"for its {nameof(Figures)}.", nameof(score));

    /// <summary>What a score makes of its averages.</summary>
    /// <exception cref="ArgumentException">It was not measured.</exception>
    public TResult Of<TResult>(IScore<TResult> score) => score.Summarise(Figures(score));

    /// <summary>The averages of a score's figures.</summary>
    /// <exception cref="ArgumentException">It was not measured.</exception>
    public ScoreFigures Figures(IScore score) => figures.GetValueOrDefault(score)
        ?? throw new ArgumentException($"The score '{score.Name}' was not measured; there are: " +
            $"{string.Join(", ", figures.Keys.Select(known => known.Name))}.", nameof(score));

    private TimeAverage? Find(IScore score) => figures.GetValueOrDefault(score)?[0];

    private static SchemaException Missing(Column column) =>
        new($"The view that was scored has no column '{column}' to compare with '{Columns.Truth}'.");
}
