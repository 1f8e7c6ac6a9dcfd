namespace DaML.Samples;

/// <summary>Medians.</summary>
internal static class Median
{
    /// <summary>The middle of some numbers, or the mean of the two in the middle; not a number where there are none.</summary>
    public static double Of(IEnumerable<double> values)
    {
        double[] ordered = [.. values.Order()];
        return ordered.Length == 0 ? double.NaN : (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
    }
}
