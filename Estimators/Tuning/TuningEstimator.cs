using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace DaML;

/// <summary>A numeric setting and the values to try.</summary>
/// <param name="Name">The name in reports and figures.</param>
/// <param name="Search">The values to try.</param>
public sealed record TuningSetting(string Name, TuningSearch Search);

/// <summary>
/// Learns one or two numeric settings of a method: each candidate is made, fitted and scored on the view's trajectories (its seeds),
/// several candidates at once, and the one of the smallest score is kept. All candidates see the same truth, observations and random
/// numbers, so that differences come only from the settings. A trajectory that diverges has an infinite score; a method that stops at a
/// divergence instead of isolating it counts as divergent on all of them.
/// </summary>
/// <typeparam name="TTransformer">The result of the tuned estimator.</typeparam>
public sealed class TuningEstimator<TTransformer> : IValidatedEstimator<TTransformer> where TTransformer : class, ITransformer
{
    private readonly DataAssimilationContext context;
    private readonly IReadOnlyList<TuningSetting> settings;
    private readonly Func<IReadOnlyList<double>, IEstimator<ITransformer>> make;
    private readonly TuningOptions options;
    private readonly IEstimator<ITransformer> typical;

    /// <summary>Makes an estimator.</summary>
    /// <param name="context">Logger and progress.</param>
    /// <param name="settings">One setting, or two that are both searched by a grid.</param>
    /// <param name="make">Makes the method for the settings' values, in their order; it fits to a <typeparamref name="TTransformer"/>. It
    /// is called by one thread at a time; the methods it makes run on several.</param>
    /// <param name="options">Settings of the tuning itself (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">There is no setting or more than two, their names do not differ, two settings have golden
    /// sections, or options are invalid.</exception>
    public TuningEstimator(DataAssimilationContext context, IReadOnlyList<TuningSetting> settings,
        Func<IReadOnlyList<double>, IEstimator<ITransformer>> make, TuningOptions? options = null)
    {
        if (settings.Count is not (1 or 2))
            throw new ArgumentException($"One or two settings can be tuned at once; given: {settings.Count}.", nameof(settings));
        foreach (var setting in settings) ArgumentException.ThrowIfNullOrWhiteSpace(setting.Name);
        if (settings.Count == 2 && settings[0].Name == settings[1].Name)
            throw new ArgumentException($"The two settings must have different names; both are '{settings[0].Name}'.", nameof(settings));
        if (settings.Count == 2 && settings.Any(setting => setting.Search.Tolerance is not null))
            throw new ArgumentException("A golden-section search tunes one setting; give each of two settings a grid.", nameof(settings));
        this.context = context;
        this.settings = [.. settings];
        this.make = make;
        this.options = options ??= new();
        Require.NotNegative(options.BurnIn, nameof(options.BurnIn));
        Require.AtLeast(options.Threads, 1, nameof(options.Threads));
        ArgumentException.ThrowIfNullOrWhiteSpace(options.ScoreName);
        if (options.Cycles is { } cycles) Require.AtLeast(cycles, options.BurnIn + 1, nameof(options.Cycles));
        if (!(options.LostTruthBound > 0))
            throw new ArgumentOutOfRangeException(nameof(options), options.LostTruthBound,
                $"The bound of a lost truth must be above zero; given: {options.LostTruthBound}.");
        typical = make([.. settings.Select(setting => setting.Search.Values[0])]);
        Name = typical.Name;
    }

    /// <inheritdoc/>
    public string Name { get; init; }

    /// <inheritdoc/>
    public SchemaContract Contract => typical.Contract;

    /// <inheritdoc/>
    public TrajectorySchema GetOutputSchema(TrajectorySchema input) => typical.GetOutputSchema(input);

    /// <inheritdoc/>
    public TTransformer Fit(ITrajectoryView data, CancellationToken cancellation = default) => Tune(data, cancellation).Method;

    /// <inheritdoc/>
    public TTransformer Fit(ITrajectoryView training, ITrajectoryView validation, CancellationToken cancellation = default) =>
        Tune(training, validation, cancellation).Method;

    /// <summary>Searches; candidates with something to learn are fitted on the data of their score.</summary>
    /// <param name="data">A view with the truth.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="SchemaException">The view has no truth, or lacks columns that the method needs.</exception>
    /// <exception cref="ArgumentException">The view never ends and no number of cycles is set, or it ends within the burn-in.</exception>
    /// <exception cref="InvalidOperationException">Every candidate diverged; the first failure is the inner exception.</exception>
    public TuningResult<TTransformer> Tune(ITrajectoryView data, CancellationToken cancellation = default)
    {
        using var recorded = Record(data, cancellation);
        return Search(recorded, recorded, cancellation);
    }

    /// <summary>Searches; candidates learn from one view and are scored on another.</summary>
    /// <inheritdoc cref="Tune(ITrajectoryView, CancellationToken)"/>
    public TuningResult<TTransformer> Tune(ITrajectoryView training, ITrajectoryView validation, CancellationToken cancellation = default)
    {
        GetOutputSchema(training.Schema);
        using var recorded = Record(validation, cancellation);
        return Search(training, recorded, cancellation);
    }

    private MemoryTrajectoryView Record(ITrajectoryView data, CancellationToken cancellation)
    {
        new SchemaContract([new(Columns.Truth, ColumnDefinition.AnySize)], []).Apply(data.Schema, $"Tuning {Name}");
        GetOutputSchema(data.Schema);
        var piece = options.Cycles is { } cycles ? data.Take(cycles) : data;
        if (piece.CycleCount is null)
            throw new ArgumentException($"Tuning {Name} needs a view that ends, or a number of its cycles in the options.", nameof(data));
        if (piece.CycleCount <= options.BurnIn)
            throw new ArgumentException(
                $"Tuning {Name} needs more cycles than its burn-in of {options.BurnIn}; the data has {piece.CycleCount}.", nameof(data));
        return piece.Materialise(cancellation: cancellation);
    }

    private TuningResult<TTransformer> Search(ITrajectoryView training, ITrajectoryView scored, CancellationToken cancellation)
    {
        var run = new Run(this, training, scored, cancellation);
        var first = settings[0].Search;
        IReadOnlyList<double[]> grid = settings.Count == 1
            ? [.. first.Values.Select(value => new[] { value })]
            : [.. from one in first.Values from two in settings[1].Search.Values select new[] { one, two }];
        run.Expect(grid.Count);
        run.Evaluate(grid);
        if (first.Tolerance is { } tolerance) new GoldenSection(first, tolerance).Refine(run);
        return run.Finish();
    }

    // One search, with the candidates tried so far.
    private sealed class Run(TuningEstimator<TTransformer> tuning, ITrajectoryView training, ITrajectoryView scored,
        CancellationToken cancellation) : GoldenSection.IScores
    {
        private readonly List<(TuningPoint Point, TTransformer? Method)> tried = [];
        private readonly Stopwatch watch = Stopwatch.StartNew();
        private readonly Lock gate = new();
        private Exception? failure;
        private long done, total;

        public void Expect(long more) => total += more;

        public double Of(double value) => tried.First(candidate => candidate.Point.Values[0] == value).Point.Score;

        public void Evaluate(params IReadOnlyList<double> values) => Evaluate([.. values.Select(value => new[] { value })]);

        public void Evaluate(IReadOnlyList<double[]> candidates)
        {
            cancellation.ThrowIfCancellationRequested();
            var estimators = candidates.Select(values => tuning.make(values)).ToList();
            var results = new (TuningPoint, TTransformer?)[candidates.Count];
            try
            {
                Parallel.For(0, candidates.Count,
                    new ParallelOptions { MaxDegreeOfParallelism = tuning.options.Threads, CancellationToken = cancellation }, i =>
                {
                    results[i] = Try(candidates[i], estimators[i], i);
                });
            }
            catch (AggregateException several)
            {
                // As it would have been thrown without threads.
                ExceptionDispatchInfo.Throw(several.InnerExceptions.FirstOrDefault(inner => inner is not OperationCanceledException)
                    ?? several.InnerExceptions[0]);
            }
            tried.AddRange(results);
        }

        public TuningResult<TTransformer> Finish()
        {
            var ordered = tried.OrderBy(candidate => candidate.Point.Values[0])
                .ThenBy(candidate => candidate.Point.Values.Skip(1).FirstOrDefault()).ToList();
            var (best, method) = ordered.MinBy(candidate => candidate.Point.Score);
            var names = tuning.settings.Select(setting => setting.Name).ToList();
            if (!double.IsFinite(best.Score))
                throw new InvalidOperationException(
                    $"Tuning {tuning.Name} found no value of {string.Join(" and ", names)} that works: every one of {tried.Count} " +
                        $"candidates diverged. The first: {failure?.Message}", failure);
            bool atEdge = tuning.settings.Select((setting, i) => setting.Search.Values.Count > 1
                && (best.Values[i] == setting.Search.Values[0] || best.Values[i] == setting.Search.Values[^1])).Any(edge => edge);
            string chosen = string.Join(", ", names.Zip(best.Values, (name, value) => $"{name} = {value:g6}"));
            tuning.context.Logger.LogInformation("Tuning {Method}: {Settings} with {Score} {Value:g4} after {Count} candidates.",
                tuning.Name, chosen, tuning.options.ScoreName, best.Score, tried.Count);
            if (atEdge) tuning.context.Logger.LogWarning(
                "Tuning {Method}: the best of {Settings} lies at the edge of the search range; a wider range may have a better one.",
                tuning.Name, chosen);
            var curve = new TuningCurve(names, tuning.options.ScoreName, tuning.settings[0].Search.Scale,
                [.. ordered.Select(candidate => candidate.Point)], best, atEdge);
            return new(method!, curve);
        }

        private (TuningPoint, TTransformer?) Try(double[] values, IEstimator<ITransformer> estimator, int index)
        {
            TTransformer? method = null;
            double[] scores;
            try
            {
                method = (TTransformer)estimator.Fit(training, cancellation);
                var report = tuning.context.Scores.Evaluate(method.Transform(scored),
                    new ScoreOptions
                        { BurnIn = tuning.options.BurnIn, LostTruthBound = tuning.options.LostTruthBound,
                            Progress = SilentProgress.Instance }, cancellation);
                var average = tuning.options.Score(report);
                scores = [.. average.PerTrajectory.Select((score, b) => report.Outcomes[b] == TrajectoryOutcome.Scored
                    && double.IsFinite(score) ? score : double.PositiveInfinity)];
            }
            catch (Exception failed) when (failed is ArithmeticException or ExternalException)
            {
                // The run ended: a divergence, or a solver with numbers that it cannot work with.
                lock (gate) failure ??= failed;
                scores = [.. Enumerable.Repeat(double.PositiveInfinity, (int)scored.Schema.Batch)];
            }
            var point = new TuningPoint(values, scores, Together(scores));
            lock (gate) Report(point);
            return (point, method);
        }

        private double Together(double[] scores)
        {
            if (tuning.options.Aggregate == TuningAggregate.Mean) return scores.Average();
            double[] ordered = [.. scores.Order()];
            double lower = ordered[(ordered.Length - 1) / 2], upper = ordered[ordered.Length / 2];
            return double.IsInfinity(upper) ? upper : 0.5 * (lower + upper);
        }

        private void Report(TuningPoint point)
        {
            done++;
            var metrics = tuning.settings.Zip(point.Values).ToDictionary(pair => pair.First.Name, pair => pair.Second);
            metrics[tuning.options.ScoreName] = point.Score;
            tuning.context.Progress?.Report(
                new ProgressReport($"tuning {tuning.Name}", done, total, metrics, watch.Elapsed,
                    watch.Elapsed * Math.Max(0, (double)total / done - 1)));
        }
    }
}
