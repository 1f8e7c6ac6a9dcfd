namespace DaML.Samples;

/// <summary>How fast an activity goes, from what it reported since it was first heard of.</summary>
internal sealed class WorkRate
{
    private ProgressReport? first, last;

    /// <summary>Takes down a report. An activity that begins anew is measured anew.</summary>
    public void Add(ProgressReport report)
    {
        if (last is null || report.Completed < last.Completed || report.Elapsed < last.Elapsed) first = report;
        last = report;
    }

    /// <summary>Units a second; null before the second report. What a run that is resumed found done does not count.</summary>
    public double? PerSecond => first is not null && last!.Completed > first.Completed && last.Elapsed > first.Elapsed
        ? (last.Completed - first.Completed) / (last.Elapsed - first.Elapsed).TotalSeconds : null;

    /// <summary>The time left: as reported, or else what is left at this rate; null where neither is known.</summary>
    public TimeSpan? Remaining
    {
        get
        {
            if (last?.Remaining is { } reported) return reported;
            return last?.Total - last?.Completed is { } left and > 0 && PerSecond is { } rate
                ? TimeSpan.FromSeconds(Math.Min(left / rate, TimeSpan.FromDays(10_000).TotalSeconds)) : null;
        }
    }
}
