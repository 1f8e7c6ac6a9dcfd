using System.Diagnostics;

namespace DaML.Components;

/// <summary>Decides when long work reports its progress: at most ten times a second, and not at its very beginning.</summary>
public sealed class ProgressPace
{
    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(100);

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private TimeSpan reported;

    /// <summary>Time since the work began.</summary>
    public TimeSpan Elapsed => watch.Elapsed;

    /// <summary>Whether a report is due now; the next is then due a tenth of a second later.</summary>
    /// <param name="elapsed">Time since the work began.</param>
    public bool IsDue(out TimeSpan elapsed)
    {
        elapsed = watch.Elapsed;
        if (elapsed - reported <= interval) return false;
        reported = elapsed;
        return true;
    }
}
