namespace DaML.Samples;

/// <summary>The figures of the sample.</summary>
/// <param name="days">The days of the test.</param>
/// <param name="learned">Tomorrow's pressure as it is forecast on each of the days from the analyses, hPa.</param>
/// <param name="analyses">The analyses.</param>
/// <param name="withheld">The analyses where half of the reports are withheld.</param>
/// <param name="errors">The errors of all forecasts, with all reports and with half of them.</param>
internal sealed class MlNetFigures(StationDay[] days, double[] learned, float[][] analyses, float[][] withheld,
    IReadOnlyList<(PressureErrors All, PressureErrors Half)> errors)
{
    /// <summary>The error of each forecast.</summary>
    public Figure Errors() => new BarChart("Tomorrow's pressure at Langley", new Axis("RMSE", "hPa"),
        [.. errors.SelectMany(forecast => (Bar[])[new(forecast.All.Name, forecast.All.Rmse),
            new("the same with half of the reports", forecast.Half.Rmse)])]) { Width = 760, Decimals = 2 };

    /// <summary>The beginning of the first year.</summary>
    public Figure Winter(int count)
    {
        double[] x = [.. Enumerable.Range(1, count).Select(day => (double)day)];
        var shown = Enumerable.Range(0, count).ToList();
        return new LineChart("Pressure at Langley", new Axis("day of 1946"), new Axis("pressure", "hPa"),
        [
            new("report", x, [.. shown.Select(day => (double)days[day].Reports[0])]) { Markers = true, Style = LineStyle.Dotted },
            new("analysis", x, [.. shown.Select(day => (double)analyses[day][0])]),
            new("analysis from half of the reports", x, [.. shown.Select(day => (double)withheld[day][0])]),
            new("forecast of the day before", x, [.. shown.Select(day => day == 0 ? double.NaN : learned[day - 1])])
                { Style = LineStyle.Dashed },
        ]) { Width = 1120, Height = 420 };
    }
}
