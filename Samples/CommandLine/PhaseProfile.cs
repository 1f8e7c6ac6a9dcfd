using System.Diagnostics;
using System.Globalization;

namespace DaML.Samples;

/// <summary>
/// Takes down how long the phases of a run take (<see cref="Telemetry"/>), each without the phases inside it, and what they
/// allocate of managed memory.
/// </summary>
internal sealed class PhaseProfile : IDisposable
{
    private sealed class Phase
    {
        public long Count, Allocated;
        public TimeSpan Time;
    }

    private sealed class Inner
    {
        public long Began, Allocated;
        public TimeSpan Time;
    }

    private const string Key = "profile";

    private readonly Lock door = new();
    private readonly SortedDictionary<string, Phase> phases = new(StringComparer.Ordinal);
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly long allocatedBefore = GC.GetTotalAllocatedBytes();
    private readonly ActivityListener listener;

    public PhaseProfile()
    {
        listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = activity => activity.SetCustomProperty(Key, new Inner { Began = GC.GetAllocatedBytesForCurrentThread() }),
            ActivityStopped = Stopped,
        };
        ActivitySource.AddActivityListener(listener);
    }

    /// <summary>A table of the phases, the longest first.</summary>
    public ReportTable ToTable()
    {
        double total = watch.Elapsed.TotalSeconds;
        static string Megabytes(long bytes) => (bytes / 1048576.0).ToString("F1", CultureInfo.InvariantCulture);
        lock (door)
        {
            var rows = phases.OrderByDescending(pair => pair.Value.Time).Select(pair => (IReadOnlyList<string>)
            [
                pair.Key, SampleRun.Number(pair.Value.Time.TotalSeconds, 2),
                SampleRun.Number(100 * pair.Value.Time.TotalSeconds / total, 1),
                pair.Value.Count.ToString(CultureInfo.InvariantCulture),
                SampleRun.Number(pair.Value.Time.TotalMicroseconds / pair.Value.Count, 1), Megabytes(pair.Value.Allocated),
            ]).ToList();
            double inside = phases.Values.Sum(phase => phase.Time.TotalSeconds);
            rows.Add(["everything else", SampleRun.Number(Math.Max(0, total - inside), 2),
                SampleRun.Number(Math.Max(0, 100 * (1 - inside / total)), 1), "", "",
                Megabytes(GC.GetTotalAllocatedBytes() - allocatedBefore - phases.Values.Sum(phase => phase.Allocated))]);
            using var process = Process.GetCurrentProcess();
            return new ReportTable(
                $"Where the time goes ({SampleRun.Number(total, 1)} s; at most {Megabytes(process.PeakWorkingSet64)} MiB resident)",
                ["phase", "s", "%", "times", "us each", "MiB allocated"], rows);
        }
    }

    public void Dispose() => listener.Dispose();

    private void Stopped(Activity activity)
    {
        if (activity.GetCustomProperty(Key) is not Inner inner) return;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - inner.Began;
        lock (door)
        {
            if (!phases.TryGetValue(activity.OperationName, out var phase)) phases.Add(activity.OperationName, phase = new Phase());
            phase.Count++;
            phase.Time += activity.Duration - inner.Time;
            phase.Allocated += allocated - inner.Allocated;
        }
        if (activity.Parent?.GetCustomProperty(Key) is not Inner outer) return;
        outer.Time += activity.Duration;
        outer.Allocated += allocated;
    }
}
