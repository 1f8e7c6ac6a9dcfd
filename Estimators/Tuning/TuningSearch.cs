namespace DaML;

/// <summary>The spacing of a setting's values in a search.</summary>
public enum SearchScale
{
    /// <summary>Equal differences.</summary>
    Linear,

    /// <summary>Equal ratios, for settings above zero of unknown size.</summary>
    Logarithmic,
}

/// <summary>The values of a setting to try: those of a grid, or a grid and then golden sections around its best value.</summary>
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

    /// <summary>The spacing of the values.</summary>
    public SearchScale Scale { get; }

    /// <summary>
    /// The final width of the golden sections: a difference, or a difference of logarithms if the scale is logarithmic (default: null,
    /// the grid alone).
    /// </summary>
    public double? Tolerance { get; }

    /// <summary>Tries these values and no others.</summary>
    /// <param name="values">The values, at least one, finite, all different.</param>
    public static TuningSearch Grid(params double[] values) => new(values, SearchScale.Linear, null);

    /// <summary>Tries equally spaced values.</summary>
    /// <param name="from">The smallest.</param>
    /// <param name="to">The largest.</param>
    /// <param name="points">The number of values, at least two.</param>
    /// <param name="scale">The spacing (default: equal differences).</param>
    public static TuningSearch Grid(double from, double to, int points, SearchScale scale = SearchScale.Linear) =>
        new(Spaced(from, to, points, scale), scale, null);

    /// <summary>
    /// Tries a grid, then golden sections between the neighbours of its best value (Kiefer 1953). It finds the smallest score to the
    /// tolerance if the score has one valley between those neighbours; if the score has noise, it stops near it.
    /// </summary>
    /// <param name="from">The smallest value.</param>
    /// <param name="to">The largest value.</param>
    /// <param name="tolerance">The final width of the bracket: a difference, or a ratio's logarithm if the scale is logarithmic.</param>
    /// <param name="scale">The spacing (default: equal differences).</param>
    /// <param name="points">The number of grid values, at least two (default: 8, enough for a score with two valleys).</param>
    public static TuningSearch GoldenSection(double from, double to, double tolerance, SearchScale scale = SearchScale.Linear,
        int points = 8) =>
        new(Spaced(from, to, points, scale), scale, Require.Positive(tolerance));

    /// <summary>The value as the search measures it.</summary>
    internal double Place(double value) => Scale == SearchScale.Logarithmic ? Math.Log(value) : value;

    /// <summary>The value at a position.</summary>
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
