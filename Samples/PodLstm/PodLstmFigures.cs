using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>The sample's figures.</summary>
internal static class PodLstmFigures
{
    /// <summary>By how much errors are below climatology's, by lead, of the methods that matter.</summary>
    public static Figure Skill(PodLstmExperiment experiment, SystemResult system)
    {
        string unit = experiment.Reduced.Case.Unit;
        const int Longest = 12;
        double[] leads = [.. Enumerable.Range(1, Longest)];
        double[] Errors(ForecastErrorsByLead of) => [.. of.ByLead.Take(Longest).Select(score => score.RootMeanSquareError.Value)];
        double[] climatology = Errors(system.Forecasts["climatology"]);
        LineSeries Line(string name, ForecastErrorsByLead of) =>
            new(name, leads, [.. climatology.Zip(Errors(of), (no, yes) => no - yes)]) { Markers = true };
        string[] shown = ["damped", "lim", "ridge", "lstm", "lstm_4dvar", "lstm_etkf"];
        return new LineChart($"Below the error of climatology: {system.System.Title}",
            new Axis("lead", "days"), new Axis("RMSE of climatology less RMSE", unit),
            [
                .. shown.Select(name => Line(PodLstmTables.Titles[name], system.Forecasts[name])),
                Line("LSTM from the true coefficients", experiment.FromTruth["lstm"]) with { Style = LineStyle.Dashed },
            ])
        {
            Width = 760, Height = 480, References = [new("climatology", 0)],
        };
    }

    /// <summary>
    /// Where assimilation makes forecasts better, as maps for some leads: the root-mean-square error without it less that with it.
    /// </summary>
    public static Figure Improvement(PodLstmExperiment experiment, SystemResult system, string without, string with)
    {
        var reduced = experiment.Reduced;
        int[] leads = [1, 3, 5, 7];
        double[] Gain(int lead) => [.. system.Forecasts[without].MeanSquares[lead]
            .Zip(system.Forecasts[with].MeanSquares[lead], (a, b) => Math.Sqrt(a) - Math.Sqrt(b))];
        var markers = Markers(reduced, system);
        return new FigureGrid($"Error of '{PodLstmTables.Titles[without]}' less that of '{PodLstmTables.Titles[with]}': " +
            "red = better with the second",
            [.. leads.Select(lead =>
            {
                var field = Field(reduced.Grid, Gain(lead));
                var color = ColorScale.Diverging(ColorScale.RoundReach(field), new Axis("improvement", reduced.Case.Unit));
                return Map($"{lead} day{(lead == 1 ? "" : "s")} ahead", reduced.Grid, field, color, markers);
            })], columns: 2);
    }

    /// <summary>One day: the anomaly that was, its map without a model, its analysis, and both errors.</summary>
    public static Figure Day(PodLstmExperiment experiment, SystemResult system, int day)
    {
        using var scope = NewDisposeScope();
        var reduced = experiment.Reduced;
        double[] Analysed(string name)
        {
            var start = system.Maps[name];
            return Values(reduced.Modes.Decomposition.Reconstruct(start.States[day - start.First].narrow(0, 0, reduced.Case.Modes)));
        }
        double[] truth = Values(reduced.Anomalies[day]);
        double[] map = Analysed("interpolated"), analysis = Analysed("lstm_4dvar"), ensemble = Analysed("lstm_etkf");
        double reach = new[] { truth, map, analysis, ensemble }.Max(field => ColorScale.RoundReach(Field(reduced.Grid, field)));
        double[] mapError = Less(map, truth), error = Less(analysis, truth);
        double errorReach = Math.Max(ColorScale.RoundReach(Field(reduced.Grid, mapError)),
            ColorScale.RoundReach(Field(reduced.Grid, error)));
        var anomaly = ColorScale.Diverging(reach, new Axis("anomaly", reduced.Case.Unit));
        var difference = ColorScale.Diverging(errorReach, new Axis("error", reduced.Case.Unit));
        var markers = Markers(reduced, system);
        MapPlot One(string title, double[] field, ColorScale color) => Map(title, reduced.Grid, Field(reduced.Grid, field), color, markers);
        return new FigureGrid($"{DateTime.UnixEpoch.AddDays(reduced.Test.Times[day]):d MMMM yyyy}, {system.System.Title}",
            [
                One("truth", truth, anomaly), One("interpolated map", map, anomaly),
                One("4D-Var", analysis, anomaly), One("ETKF", ensemble, anomaly),
                One("error of the map", mapError, difference), One("error of 4D-Var", error, difference),
            ], columns: 2);
    }

    /// <summary>Training and validation errors of the two networks.</summary>
    public static Figure Training(PodLstmExperiment experiment)
    {
        IEnumerable<LineSeries> Lines(string name)
        {
            var history = ((AutoregressiveEmulator)experiment.Reduced.Models[name].Dynamics).History!;
            var validated = history.Steps.Where(step => step.ValidationError is not null).ToList();
            double[] steps = [.. validated.Select(step => (double)step.Step)];
            yield return new($"{PodLstmTables.Titles[name]}, validation", steps,
                [.. validated.Select(step => step.ValidationError!.Value)]);
            yield return new($"{PodLstmTables.Titles[name]}, training", steps,
                [.. validated.Select(step => Math.Sqrt(step.Loss))]) { Style = LineStyle.Dashed };
        }
        return new LineChart("Error over five days, as a fraction of the deviation", new Axis("optimiser steps"), new Axis("error"),
            [.. Lines("lstm"), .. Lines("lstm_alone")]) { Width = 760, Height = 400 };
    }

    private static MapPlot Map(string title, LatitudeLongitudeGrid grid, double[,] field, ColorScale color,
        IReadOnlyList<MapMarker> markers) =>
        new(title, field, grid.Longitudes[0], grid.Longitudes[1] - grid.Longitudes[0],
            grid.Latitudes[0], grid.Latitudes[1] - grid.Latitudes[0], color)
        {
            Width = 560, Height = 400, Outlines = Coastlines.World, Markers = markers, MarkerName = "observing sites",
        };

    // Hundreds of sites would hide the map.
    private static IReadOnlyList<MapMarker> Markers(ReducedOrderModels reduced, SystemResult system) =>
        system.Assimilation.Sites.Count > 60 ? []
        : [.. system.Assimilation.Sites.Select(site => new MapMarker(site.Longitude, site.Latitude))];

    private static double[] Less(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];

    private static double[] Values(Tensor field) => field.to_type(ScalarType.Float64).contiguous().ToArray<double>();

    private static double[,] Field(LatitudeLongitudeGrid grid, double[] values)
    {
        var field = new double[grid.Latitudes.Count, grid.Longitudes.Count];
        for (int i = 0; i < values.Length; i++) field[i / grid.Longitudes.Count, i % grid.Longitudes.Count] = values[i];
        return field;
    }
}
