using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Settings of an evaluation, with their defaults.</summary>
public sealed record ScoreOptions
{
    /// <summary>How many first cycles are left out of the averages.</summary>
    public long BurnIn { get; init; }

    /// <summary>
    /// The analysis error, averaged over the cycles after the burn-in, above which a trajectory has lost its truth: it is then
    /// counted as divergent and left out of all averages (of the forecast where there is no analysis). Infinite unless said,
    /// because what is lost depends on the model: some three quarters of the climatological standard deviation is usual.
    /// </summary>
    public double LostTruthBound { get; init; } = double.PositiveInfinity;

    /// <summary>What to call the work in progress reports.</summary>
    public string Activity { get; init; } = "scoring";

    /// <summary>Who is told how far it has come, at most ten times a second; the context's listener unless said.</summary>
    public IProgress<ProgressReport>? Progress { get; init; }
}

/// <summary>Scores, made from <see cref="DataAssimilationContext.Scores"/>.</summary>
public static class ScoreCatalogExtensions
{
    /// <summary>
    /// Reads a view once and compares what a method gave (<see cref="Columns.Forecast"/>, <see cref="Columns.Analysis"/>,
    /// their spreads, and the observations) with <see cref="Columns.Truth"/>. Whatever of these the view has is scored. It
    /// keeps one number a cycle, trajectory and score. Trajectories that diverged (<see cref="Columns.Diverged"/>) or lost their
    /// truth are counted, and left out of every average.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="view">A view that ends, for instance the output of a transformer.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="SchemaException">The view has no truth, or one in another shape than the estimates.</exception>
    /// <exception cref="ArgumentException">The view never ends, or ends within the burn-in.</exception>
    /// <exception cref="DivergenceException">The method diverged.</exception>
    public static ScoreReport Evaluate(this ScoreCatalog catalog, ITrajectoryView view, ScoreOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new();
        long burnIn = Require.NotNegative(options.BurnIn, nameof(options.BurnIn));
        if (!(options.LostTruthBound > 0))
            throw new ArgumentOutOfRangeException(nameof(options), options.LostTruthBound, $"The bound of the error of a trajectory that lost its truth must be above zero; given: {options.LostTruthBound}.");
        if (view.CycleCount is not { } total) throw new ArgumentException("A view without end cannot be scored; take a number of its cycles first.", nameof(view));
        if (total <= burnIn) throw new ArgumentException($"The view has {total} cycles; none is left after a burn-in of {burnIn}.", nameof(options));

        var measures = Measures(view.Schema);
        var values = measures.Select(_ => new List<double[]>()).ToList();
        var progress = options.Progress ?? catalog.Context.Progress;
        var watch = Stopwatch.StartNew();
        var reported = TimeSpan.Zero;
        int batch = (int)view.Schema.Batch;

        bool flagged = view.Schema.Has(Columns.Diverged);
        var diverged = new bool[batch];

        using var cursor = view.OpenCursor();
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var noGradients = no_grad();
            double[] numbers = stack(measures.Select(measure => measure.Of(cursor).to(ScalarType.Float64))).cpu().data<double>().ToArray();
            for (int i = 0; i < measures.Count; i++) values[i].Add(numbers.AsSpan(i * batch, batch).ToArray());
            if (flagged) diverged = cursor[Columns.Diverged].cpu().data<bool>().ToArray();
            if (progress is not null && watch.Elapsed - reported > TimeSpan.FromMilliseconds(100))
            {
                reported = watch.Elapsed;
                progress.Report(Report(options.Activity, measures, values, total, reported));
            }
        }
        if (values[0].Count <= burnIn) throw new ArgumentException($"The view ended after {values[0].Count} cycles; none is left after a burn-in of {burnIn}.", nameof(view));
        progress?.Report(Report(options.Activity, measures, values, total, watch.Elapsed));

        var outcomes = Outcomes(diverged, measures.FindIndex(IsError) is >= 0 and var error ? values[error] : null, (int)burnIn, options.LostTruthBound);
        foreach (double[] cycle in values.SelectMany(score => score))
            for (int b = 0; b < batch; b++)
                if (outcomes[b] != TrajectoryOutcome.Scored) cycle[b] = double.NaN;
        var scores = measures.Zip(values).ToDictionary(pair => pair.First.Name, pair => TimeAverage.Of(pair.Second, (int)burnIn));
        return new ScoreReport(scores, outcomes, values[0].Count - burnIn);
    }

    // The analysis' error, which comes first, or the forecast's.
    private static bool IsError(Measure measure) => measure.Name is nameof(ScoreReport.AnalysisRmse) or nameof(ScoreReport.ForecastRmse);

    private static TrajectoryOutcome[] Outcomes(bool[] diverged, List<double[]>? errors, int burnIn, double bound) =>
        [.. diverged.Select((flag, b) => flag ? TrajectoryOutcome.Diverged
            : errors is not null && errors.Skip(burnIn).Average(cycle => cycle[b]) > bound ? TrajectoryOutcome.LostTruth : TrajectoryOutcome.Scored)];

    // A number for each trajectory and cycle, [batch].
    private sealed record Measure(string Name, Func<ITrajectoryCursor, Tensor> Of);

    private static List<Measure> Measures(TrajectorySchema schema)
    {
        long n = schema[Columns.Truth].Shape is [var size] ? size
            : throw new SchemaException($"Scoring needs the column '{Columns.Truth}' of shape [any], but it has shape {ColumnDefinition.Describe(schema[Columns.Truth].Shape)}.");
        var measures = new List<Measure>();

        void Error(string name, Column column)
        {
            if (Present(schema, column, n)) measures.Add(new(name, cycle => RootMeanSquare(cycle[column] - cycle[Columns.Truth])));
        }
        void Spread(string name, Column column)
        {
            if (Present(schema, column, n)) measures.Add(new(name, cycle => RootMeanSquare(cycle[column])));
        }

        Error(nameof(ScoreReport.AnalysisRmse), Columns.Analysis);
        Error(nameof(ScoreReport.ForecastRmse), Columns.Forecast);
        Spread(nameof(ScoreReport.AnalysisSpread), Columns.AnalysisSpread);
        Spread(nameof(ScoreReport.ForecastSpread), Columns.ForecastSpread);
        if (schema.Find(Columns.Observation) is { Shape: [var p] } && p == n)
        {
            bool masked = schema.Has(Columns.ObservationMask);
            measures.Add(new(nameof(ScoreReport.ObservationRmse), cycle =>
            {
                var error = cycle[Columns.Observation] - cycle[Columns.Truth];
                return masked ? RootMeanSquare(error, cycle[Columns.ObservationMask]) : RootMeanSquare(error);
            }));
        }
        return measures.Count > 0 ? measures
            : throw new SchemaException($"Scoring needs a column to compare with '{Columns.Truth}': '{Columns.Analysis}', '{Columns.Forecast}' or '{Columns.Observation}'; the view has: {schema}.");
    }

    private static Tensor RootMeanSquare(Tensor values) => values.square().mean([1]).sqrt();

    // Over the components that exist; not a number where none does, which the averages leave out.
    private static Tensor RootMeanSquare(Tensor values, Tensor mask) =>
        (values.square().masked_fill(mask.logical_not(), 0).sum(1) / mask.sum(1)).sqrt();

    private static bool Present(TrajectorySchema schema, Column column, long n)
    {
        if (schema.Find(column) is not { } given) return false;
        var needed = new ColumnDefinition(column, n);
        return needed.Accepts(given.Shape) ? true
            : throw new SchemaException($"Scoring needs the column '{column}' in the truth's shape {ColumnDefinition.Describe(needed.Shape)}, but it has shape {ColumnDefinition.Describe(given.Shape)}.");
    }

    private static ProgressReport Report(string activity, List<Measure> measures, List<List<double[]>> values, long total, TimeSpan elapsed)
    {
        int done = values[0].Count;
        var latest = measures.Zip(values).ToDictionary(pair => pair.First.Name, pair => TimeAverage.FiniteMean(pair.Second[^1]));
        return new ProgressReport(activity, done, total, latest, elapsed, elapsed * ((double)total / done - 1));
    }
}
