using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// Runs the parts of a long sample side by side, each on a core of its own (on another device one after the other, with all
/// cores), and keeps the figures of those that are finished in the run's folder of parts, so that <c>--resume</c> does only
/// what is left. Two trainings beside each other use two cores better than one after the other.
/// </summary>
/// <param name="run">Seed, device, folder, cancellation.</param>
/// <param name="setting">All that figures depend on beside the code, for telling this run's parts from another's.</param>
internal sealed class PartRunner(SampleRun run, string setting)
{
    private sealed record Kept(string Setting, Dictionary<string, double[]> Figures);

    private static readonly JsonSerializerOptions Format = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly string folder = run.Parts();
    private readonly Dictionary<string, IReadOnlyDictionary<string, double[]>> finished = [];
    private readonly Lock door = new();

    /// <summary>Runs the parts in the order given as far as they do not wait for others, and gives the figures of each.</summary>
    /// <param name="parts">The parts; those that wait for others stand behind them.</param>
    /// <param name="progress">Told how far it has come.</param>
    /// <exception cref="OperationCanceledException">It was stopped; what was finished is kept.</exception>
    /// <exception cref="SampleException">What is kept belongs to another run.</exception>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> Run(IReadOnlyList<SamplePart> parts,
        IProgress<ProgressReport> progress)
    {
        Directory.CreateDirectory(folder);
        var waiting = new List<SamplePart>();
        foreach (var part in parts)
            if (Find(part) is { } figures) finished.Add(part.Name, figures);
            else waiting.Add(part);
        int done = finished.Count;
        var watch = Stopwatch.StartNew();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(run.Cancellation);
        Exception? failure = null;
        bool onProcessor = run.Options.Device == "cpu";
        int workers = onProcessor ? Math.Min(Environment.ProcessorCount, waiting.Count) : 1, threads = onProcessor
            ? Math.Max(1, Environment.ProcessorCount / Math.Max(1, workers)) : Environment.ProcessorCount;

        // The next part whose predecessors are finished, or null where none is left.
        SamplePart? Next()
        {
            lock (waiting)
                while (true)
                {
                    if (waiting.Count == 0 || stop.IsCancellationRequested) return null;
                    var ready = waiting.FirstOrDefault(part => part.After.All(IsFinished));
                    if (ready is not null)
                    {
                        waiting.Remove(ready);
                        return ready;
                    }
                    Monitor.Wait(waiting);
                }
        }

        void Work()
        {
            set_num_threads(threads);
            while (Next() is { } part)
            {
                try
                {
                    var context = run.CreateContext(new Named(part.Name, progress));
                    using (NewDisposeScope()) Keep(part, part.Work(new PartRun(context, folder, stop.Token)));
                    progress.Report(
                        new ProgressReport("parts", Interlocked.Increment(ref done), parts.Count, new Dictionary<string, double>(),
                            watch.Elapsed, null));
                }
                catch (Exception failed)
                {
                    if (failed is not OperationCanceledException) Interlocked.CompareExchange(ref failure, failed, null);
                    stop.Cancel();
                }
                lock (waiting) Monitor.PulseAll(waiting);
            }
        }

        var crew = Enumerable.Range(0, workers).Select(i => new Thread(Work) { Name = $"part {i}", IsBackground = true }).ToList();
        crew.ForEach(thread => thread.Start());
        crew.ForEach(thread => thread.Join());
        if (failure is not null) ExceptionDispatchInfo.Throw(failure);
        run.Cancellation.ThrowIfCancellationRequested();
        return finished;
    }

    /// <summary>Removes what was kept, for a sample that is done.</summary>
    public void Clear() => Directory.Delete(folder, recursive: true);

    private bool IsFinished(string name)
    {
        lock (door) return finished.ContainsKey(name);
    }

    private string FileOf(SamplePart part) => Path.Combine(folder, part.Name.Replace(' ', '-') + ".json");

    private void Keep(SamplePart part, IReadOnlyDictionary<string, double[]> figures)
    {
        AtomicFile.WriteText(FileOf(part), JsonSerializer.Serialize(new Kept(setting, figures.ToDictionary()), Format));
        lock (door) finished.Add(part.Name, figures);
    }

    private Dictionary<string, double[]>? Find(SamplePart part)
    {
        string path = FileOf(part);
        if (!File.Exists(path)) return null;
        Kept kept;
        try { kept = JsonSerializer.Deserialize<Kept>(File.ReadAllText(path), Format)!; }
        catch (JsonException damaged) { throw new SampleException(
            $"--resume: '{path}' is damaged ({damaged.Message}). Start again without --resume."); }
        if (kept.Setting != setting)
            throw new SampleException(
                $"--resume: '{path}' was written by a run with other settings: {kept.Setting}. This run has: {setting}. Start again " +
                    $"without --resume.");
        return kept.Figures;
    }

    // Reports under the part's name.
    private sealed class Named(string part, IProgress<ProgressReport> progress) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport report) => progress.Report(report with { Activity = $"{part}: {report.Activity}" });
    }
}
