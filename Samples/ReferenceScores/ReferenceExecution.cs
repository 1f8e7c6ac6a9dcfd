using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>What a row gave.</summary>
/// <param name="Row">The row.</param>
/// <param name="Measured">The exact figure, or the median over the seeds that did not diverge; not a number where all did.</param>
/// <param name="PerSeed">The figures of the seeds that did not diverge, ascending.</param>
/// <param name="Seeds">How many independent trajectories there were.</param>
/// <param name="Cycles">How many cycles of each were scored.</param>
/// <param name="Divergences">How many of them diverged or lost their truth.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record ReferenceOutcome(ReferenceRow Row, double Measured, IReadOnlyList<double> PerSeed, long Seeds, long Cycles,
    long Divergences, double Seconds)
{
    /// <summary>How many of the <see cref="Divergences"/> lost their truth without a divergence.</summary>
    public long LostTruths { get; init; }

    /// <summary>The mean over the seeds that did not diverge; not a number where all did.</summary>
    public double Mean => PerSeed.Count == 0 ? double.NaN : PerSeed.Average();

    /// <summary>The error while the truth is tracked, and how often and how long it is lost; null for an exact figure.</summary>
    public TruthTracking? Tracking { get; init; }

    /// <summary>Whether the figure is what was expected. A method that diverges for half of the seeds or more does not have it.</summary>
    public bool Pass => 2 * Divergences < Seeds && Row.Tolerance.Accepts(Measured, Row.Expected);
}

/// <summary>Measures rows: each in a thread of its own with one torch thread, so that rows run side by side on all cores.</summary>
internal static class ReferenceExecution
{
    /// <summary>The experiment and the method of a row, ready to run.</summary>
    /// <exception cref="SampleException">The row names what is not known.</exception>
    /// <exception cref="ArgumentException">A value that a component refuses.</exception>
    public static (ITrajectoryView Twin, ITransformer Method, ScoreOptions Scoring) Prepare(ReferenceRow row,
        ReferenceExperiment experiment, DataAssimilationContext context, long seeds, long cycles, bool isRehearsal = false)
    {
        var definition = ReferenceMethods.Find(row.Method!);
        var settings = new NamedSettings(definition.Name, row.Settings).Only(definition.Settings);
        var dynamics = ReferenceModels.Make(experiment);
        var network = experiment.Stride == 1 ? ObservationNetwork.Full(dynamics.Dimension, experiment.ErrorVariance)
            : ObservationNetwork.Strided(dynamics.Dimension, experiment.Stride, experiment.ErrorVariance);
        var system = new AssimilationSystem(dynamics, network)
            { Interval = experiment.Interval, Initial = experiment.Start.Of(dynamics.Dimension) };
        var twin = context.Data.Twin(system,
            new() { Stream = "reference/" + row.Experiment, Batch = seeds,
                Cycles = Require.NotNegative(experiment.BurnIn, "burnIn") + cycles });
        var request = new ReferenceRequest(context, system, settings, isRehearsal);
        // A method that is no better than climatology corrected by one cycle's observations has lost the truth.
        var bounds = request.Bounds();
        var scoring = new ScoreOptions
            { BurnIn = experiment.BurnIn, LostTruthBound = definition.FollowsTruth && bounds is not null ? bounds.Found
                : double.PositiveInfinity, TruthBounds = bounds };
        var method = definition.Make(request) with { DivergenceHandling = DivergenceHandling.Isolate };
        return (twin, (ITransformer)method.For(system, context), scoring);
    }

    /// <summary>Measures all rows; the longest first, as many at once as there are cores.</summary>
    /// <param name="table">The rows.</param>
    /// <param name="options">Seed and device.</param>
    /// <param name="seeds">Independent trajectories of each statistical row.</param>
    /// <param name="cycles">Scored cycles of each.</param>
    /// <param name="progress">Told how far it has come.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The outcomes in the order of the rows.</returns>
    public static IReadOnlyList<ReferenceOutcome> Run(ReferenceTable table, DataAssimilationOptions options, long seeds, long cycles,
        IProgress<ProgressReport> progress, CancellationToken cancellation)
    {
        var outcomes = new ReferenceOutcome[table.Rows.Count];
        var exact = new ConcurrentDictionary<string, Lazy<IReadOnlyList<double>>>();    // one computation for all figures of a case
        var waiting = new Queue<int>(Enumerable.Range(0, outcomes.Length).OrderByDescending(i => Effort(table, table.Rows[i])));
        var shares = new double[outcomes.Length];
        var watch = Stopwatch.StartNew();
        var efforts = table.Rows.Select(row => Effort(table, row)).ToArray();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Exception? failure = null;

        void Tell(int row, double share)
        {
            lock (shares)
            {
                shares[row] = share;
                double done = shares.Zip(efforts, (part, effort) => part * effort).Sum() / efforts.Sum();
                progress.Report(new ProgressReport("reference scores", (long)(1000 * done), 1000,
                    new Dictionary<string, double> { ["rows done"] = shares.Count(part => part >= 1), ["of"] = shares.Length },
                    watch.Elapsed, done > 0.02 ? watch.Elapsed * (1 / done - 1) : null));
            }
        }

        void Work()
        {
            set_num_threads(1);
            while (true)
            {
                int next;
                lock (waiting)
                    if (stop.IsCancellationRequested || !waiting.TryDequeue(out next)) return;
                try
                {
                    outcomes[next] = table.Rows[next].IsExact ? MeasureExact(table.Rows[next], exact)
                        : Measure(table, table.Rows[next], options, seeds, cycles, share => Tell(next, share), stop.Token);
                    Tell(next, 1);
                }
                catch (OperationCanceledException) { return; }
                catch (Exception failed)
                {
                    Interlocked.CompareExchange(ref failure,
                        new InvalidOperationException(
                            $"The row '{table.Rows[next].MethodName}' ({table.Rows[next].SettingsText}; {table.Rows[next].ModelName}) " +
                                $"failed: {failed.Message}", failed), null);
                    stop.Cancel();
                    return;
                }
            }
        }

        var threads = Enumerable.Range(0, Math.Min(Environment.ProcessorCount, outcomes.Length))
            .Select(i => new Thread(Work) { Name = $"reference scores {i}", IsBackground = true }).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        if (failure is not null) throw failure;
        cancellation.ThrowIfCancellationRequested();
        return outcomes;
    }

    private static ReferenceOutcome MeasureExact(ReferenceRow row, ConcurrentDictionary<string, Lazy<IReadOnlyList<double>>> computed)
    {
        var watch = Stopwatch.StartNew();
        var definition = ExactCases.Find(row.Case!);
        string key =
            JsonSerializer.Serialize(new { row.Case, Settings = row.Settings.OrderBy(setting => setting.Key, StringComparer.Ordinal) });
        double figure =
            definition.Figure(computed.GetOrAdd(key, _ => new(() => definition.Figures(new NamedSettings(row.Case!, row.Settings)))).Value,
            row.Quantity!);
        return new(row, figure, [figure], 1, 1, 0, watch.Elapsed.TotalSeconds);
    }

    private static ReferenceOutcome Measure(ReferenceTable table, ReferenceRow row, DataAssimilationOptions options, long seeds,
        long cycles, Action<double> tell, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var context = new DataAssimilationContext(options with { Progress = null });
        seeds = Math.Max(seeds, row.Seeds);
        var (twin, method, scoring) = Prepare(row, table.Experiments[row.Experiment!], context, seeds, cycles);
        var report = context.Scores.Evaluate(method.Transform(twin), scoring with { Progress = new Shares(tell) }, cancellation);
        double[] figures = [.. report.AnalysisRmse.PerTrajectory.Where(double.IsFinite).Order()];
        return new(row, Median.Of(figures), figures, seeds, report.Cycles, report.Divergences, watch.Elapsed.TotalSeconds)
            { LostTruths = report.LostTruths, Tracking = report.Tracking };
    }

    // About how much work a row is beside others: states that are propagated, per cycle.
    private static double Effort(ReferenceTable table, ReferenceRow row)
    {
        if (row.IsExact) return 1;
        var experiment = table.Experiments[row.Experiment!];
        double members = row.Settings.TryGetValue("members", out var given) ? given.GetDouble() : 10;
        double step = experiment.Model.TryGetValue("timeStep", out var length) ? length.GetDouble() : experiment.Interval;
        double iterations = row.Method!.StartsWith('I') ? 6 : 1;
        return 100 + iterations * (50 + members) * (1 + 0.2 * experiment.Interval / step);
    }

    private sealed class Shares(Action<double> tell) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport value) => tell((double)value.Completed / Math.Max(1, value.Total ?? 1) * 0.999);
    }
}
