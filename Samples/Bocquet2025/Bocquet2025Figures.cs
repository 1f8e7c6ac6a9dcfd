using System.Globalization;

namespace DaML.Samples;

/// <summary>The figures of the sample beside the sweeps, each as the paper draws its own.</summary>
internal static class Bocquet2025Figures
{
    private const int MostLines = 7;

    /// <summary>r(lambda) for some update steps (figure 6).</summary>
    /// <param name="points">Update steps and figures of their networks, ascending.</param>
    public static Figure IncrementScaling(IReadOnlyList<(double Interval, IReadOnlyDictionary<string, double[]> Figures)> points)
    {
        double[] scales = points[0].Figures["scaling.lambda"];
        return new LineChart("", new Axis("λ") { Scale = AxisScale.Logarithmic }, new Axis("r(λ)") { Scale = AxisScale.Logarithmic },
            [.. Some(points, MostLines - 1)
                .Select(point => new LineSeries(StepName(point.Interval), point.Figures["scaling.lambda"], point.Figures["scaling.r"])),
             new LineSeries("linear", scales, scales) { Style = LineStyle.Dotted, Color = new RgbColor(0x66, 0x66, 0x66) }])
        { Width = 760, Height = 460 };
    }

    /// <summary>The density of the projected innovations for some update steps (figure 7).</summary>
    /// <param name="points">Update steps and figures of their networks, ascending.</param>
    public static Figure Innovations(IReadOnlyList<(double Interval, IReadOnlyDictionary<string, double[]> Figures)> points) =>
        new LineChart("", new Axis("projected innovation"), new Axis("density") { Minimum = 0 },
            [.. Some(points, MostLines)
                .Select(point =>
                    new LineSeries(StepName(point.Interval), point.Figures["innovation.center"], point.Figures["innovation.density"]))])
        { Width = 760, Height = 400 };

    /// <summary>The error over N_iter for each update step (figure 4), one line where the paper has a surface.</summary>
    public static Figure TruncationsByUpdateStep(IReadOnlyList<TruncationError> points) =>
        new LineChart("", new Axis("N_iter") { Scale = AxisScale.Logarithmic }, new Axis("test RMSE"),
            [.. points.GroupBy(point => point.Interval)
                .Select(some =>
                    new LineSeries(StepName(some.Key), [.. some.Select(point => (double)point.Truncation)],
                        [.. some.Select(point => point.Mean)]) { Markers = true })])
        { Width = 760, Height = 400 };

    /// <summary>The error over N_iter with a standard deviation to either side (figure A1).</summary>
    public static Figure Truncations(IReadOnlyList<TruncationError> points)
    {
        double[] x = [.. points.Select(point => (double)point.Truncation)];
        List<LineSeries> lines = [new("mean", x, [.. points.Select(point => point.Mean)]) { Markers = true }];
        if (points.Any(point => point.Deviation > 0))
            foreach (var (name, sign) in (ReadOnlySpan<(string, int)>)[("mean + deviation", 1), ("mean - deviation", -1)])
                lines.Add(new(name, x, [.. points.Select(point => point.Mean + sign * point.Deviation)]) { Style = LineStyle.Dashed });
        return new LineChart("", new Axis("N_iter") { Scale = AxisScale.Logarithmic }, new Axis("test RMSE"), lines)
            { Width = 760, Height = 380 };
    }

    /// <summary>
    /// The errors over the batch and over the number of trajectories (figure A2), and over the argument of the fitted law (figure A3).
    /// </summary>
    public static Figure Data(IReadOnlyList<TrainedError> errors, ScalingLaw? law)
    {
        var rmse = new Axis("test RMSE");
        LineSeries Line(string name, IEnumerable<TrainedError> some, Func<TrainedError, double> place) =>
            new(name, [.. some.OrderBy(place).Select(place)], [.. some.OrderBy(place).Select(error => error.Rmse)]) { Markers = true };
        List<Figure> panels =
        [
            new LineChart("over the batch", new Axis("S_b") { Scale = AxisScale.Logarithmic }, rmse,
                [.. errors.GroupBy(error => error.Trajectories).Select(some => Line($"N_r = {some.Key}", some, error => error.Batch))])
                { Width = 560, Height = 360 },
            new LineChart("over the trajectories", new Axis("N_r") { Scale = AxisScale.Logarithmic }, rmse,
                [.. errors.GroupBy(error => error.Batch).Select(some => Line($"S_b = {some.Key}", some, error => error.Trajectories))])
                { Width = 560, Height = 360 },
        ];
        if (law is not null)
        {
            double[] arguments = [.. errors.Select(error => law.Argument(error.Trajectories, error.Batch)).Order()];
            double[] places = [.. Enumerable.Range(0, 101).Select(i => arguments[0] + (arguments[^1] - arguments[0]) * i / 100)];
            panels.Add(new LineChart("the fitted law", new Axis("N_r^α / S_b^β"), rmse,
                [new LineSeries("f^γ", places, [.. places.Select(law.Error)]),
                    .. errors.GroupBy(error => error.Batch)
                        .Select(some =>
                            Line($"S_b = {some.Key}", some, error => law.Argument(error.Trajectories, error.Batch)) with
                                { Style = LineStyle.Dotted })])
            { Width = 560, Height = 360 });
        }
        return new FigureGrid("", panels, columns: 2);
    }

    /// <summary>The patterns of some cases about their sites (figures 1 and 2).</summary>
    /// <param name="cases">The cases.</param>
    /// <param name="common">Whether all are divided by the largest value of all of them, not each by its own.</param>
    public static Figure Patterns(IReadOnlyList<(GainCase Case, IReadOnlyDictionary<string, double[]> Figures)> cases, bool common)
    {
        var patterns = cases.Select(one => (one.Case.Name, Pattern: GainPatterns.Pattern(one.Figures)!)).ToList();
        double? largest = common ? patterns.Max(one => one.Pattern.Largest) : null;
        return new FigureGrid("", [.. patterns.Select(one => one.Pattern.ToFigure(one.Name, largest))], columns: 2);
    }

    private static string StepName(double interval) => string.Create(CultureInfo.InvariantCulture, $"Δt = {interval:0.0#}");

    // At most so many points at about equal distances, the first and the last among them.
    private static IEnumerable<T> Some<T>(IReadOnlyList<T> points, int most) =>
        points.Count <= most ? points
        : Enumerable.Range(0, most).Select(i => points[(int)Math.Round(i * (points.Count - 1.0) / (most - 1))]);
}
