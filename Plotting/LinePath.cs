namespace DaML.Plotting;

/// <summary>The points of a line in pixels.</summary>
internal static class LinePath
{
    /// <summary>The unbroken parts of a line.</summary>
    /// <param name="places">The places of the points.</param>
    /// <param name="values">Their values.</param>
    /// <param name="gap">Whether a point is left out, by its index.</param>
    /// <param name="x">From places to pixels.</param>
    /// <param name="y">From values to pixels.</param>
    public static IReadOnlyList<List<(double X, double Y)>> Runs(IReadOnlyList<double> places, IReadOnlyList<double> values,
        Func<int, bool> gap, Func<double, double> x, Func<double, double> y)
    {
        List<List<(double, double)>> runs = [[]];
        for (int i = 0; i < places.Count; i++)
            if (!gap(i)) runs[^1].Add((x(places[i]), y(values[i])));
            else if (runs[^1].Count > 0) runs.Add([]);
        if (runs[^1].Count == 0) runs.RemoveAt(runs.Count - 1);
        return runs;
    }

    /// <summary>The unbroken parts of a line, which NaN breaks.</summary>
    public static IReadOnlyList<List<(double X, double Y)>> Runs(LineSeries series, AxisMap x, AxisMap y) =>
        Runs(series.X, series.Y, i => double.IsNaN(series.Y[i]), x.Pixel, y.Pixel);

    /// <summary>
    /// Thins points: of those within half a pixel's width it keeps the first, the last and both extremes. A run of one point becomes a dot.
    /// </summary>
    public static IReadOnlyList<(double X, double Y)> Thin(List<(double X, double Y)> run)
    {
        if (run is [var only]) return [(only.X - 0.5, only.Y), (only.X + 0.5, only.Y)];
        var kept = new List<(double X, double Y)>();
        for (int from = 0; from < run.Count;)
        {
            int to = from, low = from, high = from;
            double column = Math.Floor(2 * run[from].X);
            for (; to < run.Count && Math.Floor(2 * run[to].X) == column; to++)
            {
                if (run[to].Y < run[low].Y) low = to;
                if (run[to].Y > run[high].Y) high = to;
            }
            kept.AddRange(new SortedSet<int> { from, low, high, to - 1 }.Select(i => run[i]));
            from = to;
        }
        return kept;
    }
}
