namespace DaML;

/// <summary>How a search spaces the values of a setting.</summary>
public enum SearchScale
{
    /// <summary>Equal differences.</summary>
    Linear,

    /// <summary>Equal ratios, for settings above zero whose size is not known.</summary>
    Logarithmic,
}

/// <summary>Which values of a setting are tried: those of a grid, or a grid and then golden sections around the best of it.</summary>
public sealed record TuningSearch
{
    private TuningSearch(IReadOnlyList<double> values, SearchScale scale, double? tolerance)
    {
        if (values.Count == 0) throw new ArgumentException("A search needs at least one value.", nameof(values));
        foreach (double value in values)
            if (!double.IsFinite(value))
                throw new ArgumentException($"Every value of a search must be finite; given: {value}.", nameof(values));
        if (values.Distinct().Count() < values.Count)
            throw new ArgumentException($"The values of a search must differ; given: {string.Join(", ", values)}.", nameof(values));
        Values = [.. values.Order()];
        Scale = scale;
        Tolerance = tolerance;
    }

    /// <summary>The values of the grid, ascending.</summary>
    public IReadOnlyList<double> Values { get; }

    /// <summary>How they are spaced.</summary>
    public SearchScale Scale { get; }

    /// <summary>
    /// How narrow the golden sections become: a difference, or of the logarithm where the scale is one; null for the grid alone.
    /// </summary>
    public double? Tolerance { get; }

    /// <summary>These values and no others.</summary>
    /// <param name="values">At least one, finite, all different.</param>
    public static TuningSearch Grid(params double[] values) => new(values, SearchScale.Linear, null);

    /// <summary>Equally spaced values.</summary>
    /// <param name="from">The smallest.</param>
    /// <param name="to">The largest.</param>
    /// <param name="points">How many, at least two.</param>
    /// <param name="scale">Equal differences unless said.</param>
    public static TuningSearch Grid(double from, double to, int points, SearchScale scale = SearchScale.Linear) =>
        new(Spaced(from, to, points, scale), scale, null);

    /// <summary>
    /// A grid, then golden sections between the neighbours of its best value (Kiefer 1953). It finds the least score to the
    /// tolerance where the score has one valley between those neighbours; noise of the score makes it stop near it.
    /// </summary>
    /// <param name="from">The smallest value.</param>
    /// <param name="to">The largest value.</param>
    /// <param name="tolerance">How narrow the bracket becomes: a difference, or a ratio's logarithm where the scale is logarithmic.</param>
    /// <param name="scale">Equal differences unless said.</param>
    /// <param name="points">Of the grid, at least two; eight unless said, enough for a score with two valleys.</param>
    public static TuningSearch GoldenSection(double from, double to, double tolerance, SearchScale scale = SearchScale.Linear,
        int points = 8) =>
        new(Spaced(from, to, points, scale), scale, Require.Positive(tolerance));

    /// <summary>The value as the search measures it.</summary>
    internal double Place(double value) => Scale == SearchScale.Logarithmic ? Math.Log(value) : value;

    /// <summary>The value at a place.</summary>
    internal double Value(double place) => Scale == SearchScale.Logarithmic ? Math.Exp(place) : place;

    private static double[] Spaced(double from, double to, int points, SearchScale scale)
    {
        Require.AtLeast(points, 2);
        if (scale == SearchScale.Logarithmic) Require.Positive(from);
        if (!(from < to) || !double.IsFinite(from) || !double.IsFinite(to))
            throw new ArgumentException($"A search goes from a smaller to a larger finite value; given: {from} to {to}.");
        double ratio = to / from;
        return [.. Enumerable.Range(0, points).Select(i => i == points - 1 ? to : i == 0 ? from
            : scale == SearchScale.Logarithmic ? from * Math.Pow(ratio, (double)i / (points - 1)) : from + (to - from) * i / (points - 1))];
    }
}
