namespace DaML.Components;

/// <summary>Checks that cycles come at equal distances in time, one after another.</summary>
/// <param name="spacing">The required distance (default: not a number, the distance of the first two).</param>
internal sealed class EvenSpacing(double spacing = double.NaN)
{
    private double usual = spacing, previous = double.NaN;

    /// <summary>Adds the next cycle.</summary>
    /// <param name="time">The cycle's time.</param>
    /// <returns>If it does not lie at the usual distance from the cycle before: its distance, and the usual one; otherwise
    /// null.</returns>
    public (double Passed, double Usual)? Gap(double time)
    {
        double passed = time - previous;
        bool isFirst = double.IsNaN(previous);
        previous = time;
        if (isFirst) return null;
        if (double.IsNaN(usual)) usual = passed;
        return Math.Abs(passed - usual) <= TimeInterval.DefaultTolerance * usual ? null : (passed, usual);
    }
}
