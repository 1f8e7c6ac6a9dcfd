namespace DaML;

/// <summary>
/// When the state before the first cycle of a file is, from which a method's first forecast starts: a time, or a place among the file's own
/// times. Many files do not say it.
/// </summary>
public sealed class FileStart
{
    private readonly Func<double[], int, double> place;

    private FileStart(Func<double[], int, double> place) => this.place = place;

    /// <summary>At the first cycle: its observation is of the initial state.</summary>
    public static FileStart AtFirstCycle { get; } = new((times, first) => times[first]);

    /// <summary>The file's time before the first cycle that is read; where there is none, as long before the first cycle as the second is
    /// after it, or one unit of time before the only one.</summary>
    public static FileStart OneIntervalBefore { get; } = new((times, first) => first > 0 ? times[first - 1] : StartTimes.Before(times));

    /// <summary>At a time.</summary>
    /// <param name="time">In the view's unit, not after the first cycle.</param>
    public static implicit operator FileStart(double time) => new((_, _) => time);

    /// <summary>The time of the state before the first cycle.</summary>
    /// <param name="times">All times of the file, rising.</param>
    /// <param name="first">The first of them that is read.</param>
    /// <exception cref="ArgumentException">It is after the first cycle, or not a number.</exception>
    internal double Of(double[] times, int first = 0) => place(times, first) is var start && start <= times[first] ? start
        : throw new ArgumentException($"The start time {start} must not be after the first cycle, which is at {times[first]}.");
}
