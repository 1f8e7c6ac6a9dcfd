namespace DaML.Components;

/// <summary>Whether cycles come at equal distances in time, looked at one after another.</summary>
/// <param name="spacing">The distance they must have; not a number (the default) = that of the first two.</param>
internal sealed class EvenSpacing(double spacing = double.NaN)
{
    private double usual = spacing, previous = double.NaN;

    /// <summary>Takes the next cycle.</summary>
    /// <param name="time">Its time.</param>
    /// <returns>Where it does not lie at the usual distance from the one before: its distance, and the usual one; null where it
    /// does.</returns>
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
