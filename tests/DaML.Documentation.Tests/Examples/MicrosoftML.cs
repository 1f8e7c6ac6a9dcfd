using Microsoft.ML;
using Microsoft.ML.Data;

namespace DaML.Tests;

static class MicrosoftMLExamples
{
    public static IDataView Features(MLContext ml, ITransformer filter, ITrajectoryView twin)
    {
        // <rows>
        var rows = filter.Transform(twin.Take(500)).ToDataView();
        var pipeline = ml.Transforms.Concatenate("Features", "forecast", "observation")
            .Append(ml.Transforms.NormalizeMeanVariance("Features", fixZero: false));
        var features = pipeline.Fit(rows).Transform(rows);
        // </rows>
        return features;
    }

    public static IDataView Table(MLContext ml, string path)
    {
        // <table>
        var loader = ml.Data.CreateTextLoader(new TextLoader.Options
        {
            HasHeader = true, Separators = [','], MissingRealsAsNaNs = true,
            Columns = [new("Date", DataKind.DateTime, 0), new("Pressure", DataKind.Single, 1, 3)],
        });
        var reports = loader.Load(path);
        // </table>
        return reports;
    }

    public static (Microsoft.ML.ITransformer Model, IDataView Analyses) Pipeline(MLContext ml, DataAssimilationContext daml,
        ITransformer filter, IDataView reports)
    {
        // <pipeline>
        var reading = new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure"))
            { Time = "Date", StartTime = FileStart.AtFirstCycle };
        var pipeline = filter.AsMicrosoftML(ml, daml, reading)
            .Append(ml.Transforms.Concatenate("Features", "analysis", "analysis-spread"))
            .Append(ml.Transforms.NormalizeMeanVariance("Features", fixZero: false));
        var shape = pipeline.GetOutputSchema(reports.Schema.ToShape());   // refuses what cannot work
        var model = pipeline.Fit(reports);
        var analyses = model.Transform(reports);
        // </pipeline>
        return (model, analyses);
    }

    public static ITrajectoryView View(DataAssimilationContext daml, IDataView reports)
    {
        // <view>
        var view = daml.Data.FromDataView(reports, new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure"))
            { Time = "Date", StartTime = FileStart.OneIntervalBefore });
        // </view>
        return view;
    }

    public static float Step(MLContext ml, Microsoft.ML.ITransformer model, IEnumerable<Report> reports)
    {
        float last = 0;
        // <step>
        using var engine = ml.Model.CreatePredictionEngine<Report, Estimate>(model);
        foreach (var report in reports) last = engine.Predict(report).Analysis[0];
        // </step>
        return last;
    }

    public static Microsoft.ML.ITransformer Save(MLContext ml, DataAssimilationContext daml, Microsoft.ML.ITransformer model,
        IDataView reports, string path)
    {
        // <save>
        daml.Model.SaveMicrosoftML(ml, model, reports.Schema, path);
        var again = daml.Model.LoadMicrosoftML(ml, path, out var schema);
        // </save>
        return schema.Count == reports.Schema.Count ? again : throw new InvalidDataException();
    }

    public static DataAssimilationContext Telling(MLContext ml)
    {
        // <progress>
        ml.Log += (_, message) =>
        {
            if (message.Source.StartsWith("DaML") && message.Kind >= Microsoft.ML.Runtime.ChannelMessageKind.Info)
                Console.WriteLine(message.Message);
        };
        var daml = new DataAssimilationContext(new DataAssimilationOptions { Progress = ml.AsProgress() });
        // </progress>
        return daml;
    }

    // <report>
    public sealed class Report
    {
        public DateTime Date { get; set; }
        [VectorType(3)] public float[] Pressure { get; set; } = [];     // NaN where there is no report
    }

    public sealed class Estimate
    {
        [ColumnName("analysis")] public float[] Analysis { get; set; } = [];
    }
    // </report>
}
