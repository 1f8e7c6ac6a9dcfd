namespace DaML;

/// <summary>The outcome of a trajectory in an evaluation.</summary>
public enum TrajectoryOutcome
{
    /// <summary>The trajectory is part of every average.</summary>
    Scored,

    /// <summary>
    /// The method diverged on it (<see cref="Columns.Diverged"/>, or a non-finite analysis): counted, and part of no average.
    /// </summary>
    Diverged,

    /// <summary>Its error exceeds <see cref="ScoreOptions.LostTruthBound"/>: counted as divergent, and part of no average.</summary>
    LostTruth,
}

/// <summary>
/// The result of an evaluation of a method against the truth. Every root-mean-square error is the time average of sqrt(mean over
/// components of the squared error), as the field reports it.
/// </summary>
public sealed class ScoreReport
{
    /// <summary>Two scores are the same if they have the same kind and name.</summary>
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

    /// <summary>The number of trajectories, the divergent ones included.</summary>
    public long Trajectories => Outcomes.Count;

    /// <summary>The outcome of each trajectory.</summary>
    public IReadOnlyList<TrajectoryOutcome> Outcomes { get; }

    /// <summary>The number of trajectories that diverged or lost their truth; if all did, every average is not a number.</summary>
    public long Divergences => Outcomes.LongCount(outcome => outcome != TrajectoryOutcome.Scored);

    /// <summary>
    /// The number of trajectories with an error above <see cref="ScoreOptions.LostTruthBound"/>; they are among the
    /// <see cref="Divergences"/>.
    /// </summary>
    public long LostTruths => Outcomes.LongCount(outcome => outcome == TrajectoryOutcome.LostTruth);

    /// <summary>
    /// The error while the truth is tracked, and the frequency and duration of losses; null if no bound was given
    /// (<see cref="ScoreOptions.TruthBounds"/>) or there is no error.
    /// </summary>
    public TruthTracking? Tracking { get; }

    /// <summary>The number of cycles that were averaged, after the burn-in.</summary>
    public long Cycles { get; }

    /// <summary>The error of the analysis.</summary>
    /// <exception cref="SchemaException">The view has no analysis, or no truth.</exception>
    public TimeAverage AnalysisRmse => Find(StandardScores.AnalysisRmse) ?? throw Missing(Columns.Analysis);

    /// <summary>The error of the forecast.</summary>
    /// <exception cref="SchemaException">The view has no forecast, or no truth.</exception>
    public TimeAverage ForecastRmse => Find(StandardScores.ForecastRmse) ?? throw Missing(Columns.Forecast);

    /// <summary>
    /// The distance of the observations from the truth, over those that exist; null if observation and state differ in dimension. It
    /// means an error only if the operator is the identity.
    /// </summary>
    public TimeAverage? ObservationRmse => Find(StandardScores.ObservationRmse);

    /// <summary>The spread of the analysis, sqrt(mean over components of the variance); null if the method has none.</summary>
    public TimeAverage? AnalysisSpread => Find(StandardScores.AnalysisSpread);

    /// <summary>The spread of the forecast; null if the method has none.</summary>
    public TimeAverage? ForecastSpread => Find(StandardScores.ForecastSpread);

    /// <summary>The average of a score with one figure: one of the <see cref="StandardScores"/>, or one that was requested.</summary>
    /// <exception cref="ArgumentException">The score was not computed, or has several figures.</exception>
    public TimeAverage this[IScore score] => Figures(score) is { Count: 1 } one ? one[0]
        : throw new ArgumentException(
            $"The score '{score.Name}' has {Figures(score).Count} figures, not one; use {nameof(Of)} for its summary, or " +
                $"{nameof(Figures)} for all.", nameof(score));

    /// <summary>The result that a score computes from its averages.</summary>
    /// <exception cref="ArgumentException">The score was not computed.</exception>
    public TResult Of<TResult>(IScore<TResult> score) => score.Summarise(Figures(score));

    /// <summary>The averages of a score's figures.</summary>
    /// <exception cref="ArgumentException">The score was not computed.</exception>
    public ScoreFigures Figures(IScore score) => figures.GetValueOrDefault(score)
        ?? throw new ArgumentException($"The score '{score.Name}' was not measured; there are: " +
            $"{string.Join(", ", figures.Keys.Select(known => known.Name))}.", nameof(score));

    private TimeAverage? Find(IScore score) => figures.GetValueOrDefault(score)?[0];

    private static SchemaException Missing(Column column) =>
        new($"The view that was scored has no column '{column}' to compare with '{Columns.Truth}'.");
}
