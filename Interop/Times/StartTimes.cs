namespace DaML.Components;

/// <summary>The time of the state before the first cycle, for a file that does not contain it.</summary>
internal static class StartTimes
{
    // Twice the round-off of single precision in a time.
    private const double RoundOff = 2.4e-7;

    /// <summary>A time as long before the first one as the second is after it; one unit before the only one.</summary>
    /// <param name="times">
    /// Rising times. If their distances are equal up to rounding to single precision, the mean distance is used, which the rounding
    /// hardly affects.
    /// </param>
    public static double Before(double[] times)
    {
        if (times.Length == 1) return times[0] - 1;
        double mean = (times[^1] - times[0]) / (times.Length - 1), allowed = RoundOff * Math.Max(Math.Abs(times[0]), Math.Abs(times[^1]));
        bool isRounded = false;
        for (int i = 1; i < times.Length; i++)
        {
            double off = Math.Abs(times[i] - times[i - 1] - mean);
            if (off > allowed) return 2 * times[0] - times[1];
            isRounded |= off > 1e-9 * mean;
        }
        return isRounded ? times[0] - mean : 2 * times[0] - times[1];
    }
}
