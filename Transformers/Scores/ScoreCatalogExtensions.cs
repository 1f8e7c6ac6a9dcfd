
namespace DaML;

/// <summary>Settings of an evaluation, with their defaults.</summary>
public sealed record ScoreOptions
{
    /// <summary>The number of first cycles to leave out of the averages (default: 0).</summary>
    public long BurnIn { get; init; }

    /// <summary>
    /// The model time from the view's start to leave out of the averages, in the model's unit: cycles at most this long after
    /// <see cref="ITrajectoryView.StartTime"/>. Give this or <see cref="BurnIn"/>, not both (default: null, none).
    /// </summary>
    public double? BurnInTime { get; init; }

    /// <summary>
    /// The analysis error, averaged over the cycles after the burn-in, above which a trajectory has lost its truth (default: infinite,
    /// because the right bound depends on model and network). Such a trajectory is counted as divergent and left out of all averages.
    /// Without an analysis the forecast error counts. <see cref="Components.TruthBounds.Of"/> gives bounds that suit model and network, and
    /// <see cref="Components.TruthBounds.Found"/> is the bound of a method that is no better than observations and climatology alone.
    /// </summary>
    public double LostTruthBound { get; init; } = double.PositiveInfinity;

    /// <summary>
    /// The bounds of a lost truth within a run, for <see cref="ScoreReport.Tracking"/> (default: null, the <see cref="LostTruthBound"/>
    /// is then both bounds if it is finite). They leave nothing out of the averages.
    /// </summary>
    public TruthBounds? TruthBounds { get; init; }

    /// <summary>The scores to compute in addition to the errors and spreads that follow from the view's columns (default:
    /// none).</summary>
    public IReadOnlyList<IScore> Scores { get; init; } = [];

    /// <summary>
    /// The number of first cycles for which the report keeps the average over the trajectories (<see cref="TimeAverage.PerCycle"/>); the
    /// memory does not grow beyond it.
    /// </summary>
    public int SeriesCycles { get; init; } = 10_000;

    /// <summary>The name of the work in progress reports.</summary>
    public string Activity { get; init; } = "scoring";

    /// <summary>The listener to progress, called at most ten times a second (default: the context's listener).</summary>
    public IProgress<ProgressReport>? Progress { get; init; }
}

/// <summary>Scores, made from <see cref="DataAssimilationContext.Scores"/>.</summary>
public static class ScoreCatalogExtensions
{
    /// <summary>
    /// Reads a view once and compares a method's output (<see cref="Columns.Forecast"/>, <see cref="Columns.Analysis"/>, their spreads,
    /// and the observations) with <see cref="Columns.Truth"/>. All of these that the view has are scored, and all scores that are
    /// requested. Memory does not grow with the number of cycles, beyond <see cref="ScoreOptions.SeriesCycles"/>. Trajectories that
    /// diverged (<see cref="Columns.Diverged"/>) or lost their truth are counted, and left out of every average.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="view">A view that ends, for instance the output of a transformer. Scores of densities need an assimilation method in
    /// it.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="SchemaException">The view lacks a column that a score reads, has no truth, or has a truth of another shape than
    /// the estimates.</exception>
    /// <exception cref="ArgumentException">The view never ends, or ends within the burn-in, or two scores share a name.</exception>
    /// <exception cref="DivergenceException">The method diverged, and does not isolate divergence.</exception>
    public static ScoreReport Evaluate(this ScoreCatalog catalog, ITrajectoryView view, ScoreOptions? options = null,
        CancellationToken cancellation = default)
    {
        options ??= new();
        long burnIn = Require.NotNegative(options.BurnIn, nameof(options.BurnIn));
        if (options.BurnInTime is { } time)
        {
            Require.NotNegative(time, nameof(options.BurnInTime));
            if (burnIn > 0)
                throw new ArgumentException($"A burn-in is given in cycles or in model time; given: {burnIn} cycles and {time:g6} units " +
                    $"of time. Leave out {nameof(options.BurnIn)} or {nameof(options.BurnInTime)}.", nameof(options));
        }
        Require.NotNegative(options.SeriesCycles, nameof(options.SeriesCycles));
        if (!(options.LostTruthBound > 0))
            throw new ArgumentOutOfRangeException(nameof(options), options.LostTruthBound,
                $"The bound of the error of a trajectory that lost its truth must be above zero; given: {options.LostTruthBound}.");
        options.TruthBounds?.Checked();
        if (view.CycleCount is not { } total)
            throw new ArgumentException("An endless view cannot be scored; take a number of its cycles first.", nameof(view));
        if (total <= burnIn)
            throw new ArgumentException($"The view has {total} cycles; none is left after a burn-in of {burnIn}.", nameof(options));

        var evaluation = new ScoreEvaluation(view, ScoresOf(view.Schema, options), options);
        var progress = options.Progress ?? catalog.Context.Progress;
        var pace = new ProgressPace();

        foreach (var cycle in view)
        {
            cancellation.ThrowIfCancellationRequested();
            evaluation.Add(cycle);
            if (progress is not null && pace.IsDue(out var elapsed)) progress.Report(Report(elapsed));
        }
        if (evaluation.Scored == 0)
            throw new ArgumentException($"The view ended after {evaluation.Cycles} cycles; none is left after a burn-in of " +
                $"{(options.BurnInTime is { } length ? $"{length:g6} units of time" : burnIn)}.", nameof(view));
        progress?.Report(Report(pace.Elapsed));
        return evaluation.Report();

        ProgressReport Report(TimeSpan elapsed) =>
            new(options.Activity, evaluation.Cycles, total, evaluation.Latest, elapsed,
                elapsed * Math.Max(0, (double)total / evaluation.Cycles - 1));
    }

    // The errors and spreads that follow from the columns, then the requested scores.
    private static List<IScore> ScoresOf(TrajectorySchema schema, ScoreOptions options)
    {
        var scores = new List<IScore>();
        if (schema.Has(Columns.Truth) || options.Scores.Count == 0) scores.AddRange(StandardScores.Of(schema));
        scores.AddRange(options.Scores.Except(scores));
        if (scores.Count == 0)
            throw new SchemaException(
                $"Scoring needs a column to compare with '{Columns.Truth}': '{Columns.Analysis}', '{Columns.Forecast}' or " +
                    $"'{Columns.Observation}'; the view has: {schema}.");
        foreach (var score in scores) Require.AtLeast(score.Every, 1, $"{score.Name}.{nameof(score.Every)}");
        foreach (var score in scores)
            if (score.Requires.FirstOrDefault(column => !schema.Has(column)) is { } missing)
                throw new SchemaException(
                    $"The score '{score.Name}' needs the column '{missing}', which is missing; the view has: {schema}.");
        if (scores.GroupBy(score => score.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Two scores are called '{twice.Key}'; every score needs a name of its own.", nameof(options));
        return scores;
    }
}
