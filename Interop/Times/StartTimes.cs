namespace DaML.Components;

/// <summary>The time of the state before the first cycle, where a file does not say it.</summary>
internal static class StartTimes
{
    // Twice what single precision leaves of a time.
    private const double RoundOff = 2.4e-7;

    /// <summary>As long before the first time as the second is after it; one unit before the only one.</summary>
    /// <param name="times">Rising times. Where they are equally far apart but for rounding to single precision, their mean distance counts,
    /// which the rounding does not spoil.</param>
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
