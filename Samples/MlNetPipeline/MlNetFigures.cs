namespace DaML.Samples;

/// <summary>The figures of the sample.</summary>
/// <param name="days">The days of the test.</param>
/// <param name="learned">Tomorrow's pressure as it is forecast on each of the days from the analyses, hPa.</param>
/// <param name="analyses">The analyses of all stations.</param>
/// <param name="errors">The errors of all forecasts.</param>
internal sealed class MlNetFigures(StationDay[] days, double[] learned, float[][] analyses, IReadOnlyList<PressureErrors> errors)
{
    /// <summary>The error of each forecast.</summary>
    public Figure Errors() => new BarChart("Tomorrow's pressure at Lerwick", new Axis("RMSE", "hPa"),
        [.. errors.Select(forecast => new Bar(forecast.Name, forecast.Rmse))]) { Width = 760, Decimals = 2 };

    /// <summary>The beginning of the last year.</summary>
    public Figure Winter(int count)
    {
        int first = Array.FindIndex(days, day => day.Date.Year == 2010);
        double[] x = [.. Enumerable.Range(1, count).Select(day => (double)day)];
        var shown = Enumerable.Range(first, count).ToList();
        return new LineChart("Pressure at Lerwick", new Axis("day of 2010"), new Axis("pressure", "hPa"),
        [
            new("reanalysis", x, [.. shown.Select(day => (double)days[day].Reanalysis[0])]),
            new("analysis", x, [.. shown.Select(day => (double)analyses[day][0])]),
            new("forecast of the day before", x, [.. shown.Select(day => learned[day - 1])]) { Style = LineStyle.Dashed },
            new("reports", x, [.. shown.Select(day => (double)days[day].Reports[0])]) { Markers = true, Style = LineStyle.Dotted },
        ]) { Width = 1120, Height = 420 };
    }
}
