using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>The pressure analysis' figures.</summary>
internal static class PressureFigures
{
    private static readonly Axis Hectopascal = new("pressure", "hPa"), Day = new("day of 2010");

    /// <summary>A day's truth, analysis, error and expected error, with the observing sites.</summary>
    public static Figure Maps(PressureExperiment experiment, PressureScores scores, int day)
    {
        var grid = experiment.Grid;
        var markers = experiment.Sites.Select(grid.Location).Select(place => new MapMarker(place.Longitude, place.Latitude)).ToList();
        double[] truth = Row(scores.Analysed[PressurePipeline.Pressure], day),
            analysis = Row(scores.Analysed[PressureScores.Analysis], day);
        double[] error = [.. analysis.Zip(truth, (a, t) => a - t)];
        double low = 5 * Math.Floor(Math.Min(truth.Min(), analysis.Min()) / 5),
            high = 5 * Math.Ceiling(Math.Max(truth.Max(), analysis.Max()) / 5);
        var pressure = ColorScale.Sequential(low, high, Hectopascal);
        MapPlot Map(string title, double[] field, ColorScale color) => new(title, Field(grid, field),
            grid.Longitudes[0], grid.Longitudes[1] - grid.Longitudes[0], grid.Latitudes[0], grid.Latitudes[1] - grid.Latitudes[0], color)
        {
            Width = 560,
            Height = 400,
            Markers = markers,
            MarkerName = "observing sites",
            Outlines = Coastlines.World,
        };
        return new FigureGrid($"{DateTime.UnixEpoch.AddDays(scores.Analysed.Times[day]):d MMMM yyyy}",
        [
            Map("truth", truth, pressure), Map("analysis of the Kalman filter", analysis, pressure),
            Map("error (analysis − truth)", error,
                ColorScale.Diverging(ColorScale.RoundReach(Field(grid, error)), new Axis("error", "hPa"))),
            Map("standard deviation the filter expects", scores.Spreads[day],
                ColorScale.Sequential(0, Math.Ceiling(scores.Spreads[day].Max()), new Axis("standard deviation", "hPa"))),
        ], columns: 2);
    }

    /// <summary>The error of forecasts by their lead.</summary>
    public static Figure Skill(PressureScores kalman, PressureScores ensemble, IReadOnlyList<double> persistence, double climatology,
        double freeRuns)
    {
        double[] leads = [.. Enumerable.Range(0, PressureScores.LongestLead + 1)];
        LineSeries Line(string name, PressureScores scores) =>
            new(name, leads, [scores.AnalysisError, .. scores.ForecastErrors]) { Markers = true };
        return new LineChart("Error over the whole field", new Axis("lead", "days"), new Axis("RMSE", "hPa") { Minimum = 0 },
        [
            Line("from the Kalman filter's analyses", kalman), Line("from the ETKF's analyses", ensemble) with { Style = LineStyle.Dashed },
            new("persistence of the true field", leads, [0, .. persistence]) { Markers = true },
        ])
        {
            Width = 760,
            Height = 440,
            References = [new("climatology", climatology), new("model without assimilation, one run", freeRuns)],
        };
    }

    /// <summary>Error and expected error through the year.</summary>
    public static Figure Year(PressureScores scores) =>
        new LineChart("Analysis of the Kalman filter", Day, new Axis("over the field", "hPa") { Minimum = 0 },
            [LineSeries.Evenly("root-mean-square error", 1, 1, scores.DailyErrors), LineSeries.Evenly("spread", 1, 1, scores.DailySpreads)])
            { Width = 1120, Height = 320 };

    /// <summary>The innovations beside what the filter expects of them.</summary>
    public static Figure Innovations(PressureScores scores)
    {
        double[] places = [.. Enumerable.Range(0, 81).Select(i => -4 + 0.1 * i)];
        double[] normal = [.. places.Select(x => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI))];
        var histogram = Histogram.Density("Normalised innovations", new Axis("S⁻¹ᐟ² d") { Minimum = -4, Maximum = 4 },
            scores.Innovations.Normalised, 40)
            with { Curves = [new("expected (standard normal)", places, normal)], BinName = "innovations of 2010", Width = 560 };
        var days = LineSeries.Evenly("χ² / p", 1, 1, scores.Innovations.ChiSquares);
        return new FigureGrid("", [histogram,
            new LineChart("χ² of each day's innovations", Day, new Axis("χ² / p") { Minimum = 0 }, [days])
                { Width = 560, References = [new("expected", 1)] }], columns: 2);
    }

    private static double[] Row(Tensor values, int day)
    {
        using var scope = NewDisposeScope();
        return values[day, 0].to(ScalarType.Float64).ToArray<double>();
    }

    private static double[,] Field(LatitudeLongitudeGrid grid, double[] values)
    {
        var field = new double[grid.Latitudes.Count, grid.Longitudes.Count];
        for (int i = 0; i < values.Length; i++) field[i / grid.Longitudes.Count, i % grid.Longitudes.Count] = values[i];
        return field;
    }
}
