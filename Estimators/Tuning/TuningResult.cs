namespace DaML;

/// <summary>A candidate that was tried.</summary>
/// <param name="Values">The values of the settings, in their order.</param>
/// <param name="PerTrajectory">The score of each trajectory; infinite if it diverged.</param>
/// <param name="Score">The combined score; infinite if too many diverged.</param>
public sealed record TuningPoint(IReadOnlyList<double> Values, IReadOnlyList<double> PerTrajectory, double Score)
{
    /// <summary>The number of trajectories that diverged.</summary>
    public long Divergences => PerTrajectory.LongCount(double.IsPositiveInfinity);
}

/// <summary>The record of a search: every candidate and its scores.</summary>
/// <param name="Settings">The names of the settings.</param>
/// <param name="ScoreName">The name of the score.</param>
/// <param name="Scale">The spacing of the first setting's values.</param>
/// <param name="Points">The candidates, sorted by their values.</param>
/// <param name="Best">The candidate with the smallest score; the smallest values if several have it.</param>
/// <param name="AtEdge">Whether a better value may lie outside the search: the best is the smallest or largest of a setting.</param>
public sealed record TuningCurve(IReadOnlyList<string> Settings, string ScoreName, SearchScale Scale, IReadOnlyList<TuningPoint> Points,
    TuningPoint Best, bool AtEdge)
{
    /// <summary>
    /// Draws the score over the first setting: for one setting with the best and the worst trajectory, for two with a line for each value
    /// of the second. Candidates that diverged are gaps.
    /// </summary>
    /// <param name="title">The figure's title.</param>
    public LineChart ToFigure(string title)
    {
        static double OrGap(double value) => double.IsFinite(value) ? value : double.NaN;
        LineSeries Line(string name, IEnumerable<TuningPoint> points, Func<TuningPoint, double> score) =>
            new(name, [.. points.Select(point => point.Values[0])], [.. points.Select(point => OrGap(score(point)))]) { Markers = true };

        var series = Settings.Count == 1
            ? new[]
            {
                Line(ScoreName, Points, point => point.Score),
                Line("best trajectory", Points, point => point.PerTrajectory.Min()) with { Markers = false, Style = LineStyle.Dashed },
                Line("worst trajectory", Points, point => point.PerTrajectory.Max()) with { Markers = false, Style = LineStyle.Dashed },
            }
            : Points.GroupBy(point => point.Values[1]).OrderBy(group => group.Key)
                .Where(group => group.Any(point => double.IsFinite(point.Score)))
                .Select(group => Line($"{Settings[1]} = {group.Key:g4}", group, point => point.Score)).ToArray();
        // A line without a number is left out.
        series = [.. series.Where(line => line.Y.Any(double.IsFinite))];
        return new LineChart(title,
            new Axis(Settings[0]) { Scale = Scale == SearchScale.Logarithmic ? AxisScale.Logarithmic : AxisScale.Linear },
            new Axis(ScoreName), series);
    }
}

/// <summary>A method with the best settings, and the record of the search.</summary>
/// <param name="Method">The method, fitted with them.</param>
/// <param name="Curve">Every candidate and its scores.</param>
/// <typeparam name="TTransformer">The result of the tuned estimator.</typeparam>
public sealed record TuningResult<TTransformer>(TTransformer Method, TuningCurve Curve) where TTransformer : class, ITransformer
{
    /// <summary>The best values of the settings, in their order.</summary>
    public IReadOnlyList<double> Values => Curve.Best.Values;
}
