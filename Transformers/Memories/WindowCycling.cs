namespace DaML;

/// <summary>
/// The sequence of windows, counted in cycles: the number that a window holds (L) and the number that it advances between two analyses
/// (S; Bocquet and Sakov 2014, Q. J. R. Meteorol. Soc. 140, 1521-1535). An analysis is due after every S cycles; at the beginning of a
/// run the window grows until it holds L.
/// </summary>
public sealed record WindowCycling
{
    private WindowCycling([Saved("windowLength")] int length, [Saved("windowShift")] int shift)
    {
        if (shift < 1 || shift > Math.Max(1, length))
            throw new ArgumentOutOfRangeException(nameof(shift), shift,
                $"The shift of a window of {length} cycles must be between 1 and {length} cycles; given: {shift}.");
        Length = (int)Require.AtLeast(length, 0);
        Shift = shift;
    }

    /// <summary>
    /// No window: the analysis concerns the memory at the observation's own time (3D-Var, the maximum-likelihood ensemble filter).
    /// </summary>
    public static WindowCycling Instant { get; } = new(0, 1);

    /// <summary>L, the cycles of a full window; zero for <see cref="Instant"/>.</summary>
    public int Length { get; }

    /// <summary>S, the cycles from one analysis to the next.</summary>
    public int Shift { get; }

    /// <summary>Windows that share all but the first cycles with the window before.</summary>
    /// <param name="length">L, at least one. A value of one is a filter that looks back one cycle, the window of the iterative ensemble
    /// Kalman filter.</param>
    /// <param name="shift">S, between one and <paramref name="length"/> (default: 1, so that every cycle has an analysis).</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside these bounds; windows further apart than they are long would lose
    /// observations.</exception>
    public static WindowCycling Overlapping(int length, int shift = 1) => new((int)Require.AtLeast(length, 1), shift);

    /// <summary>Windows that share no cycle: an analysis after every <paramref name="length"/> cycles.</summary>
    /// <param name="length">L, at least one.</param>
    public static WindowCycling Disjoint(int length) => Overlapping(length, length);
}
