using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A pipeline with steps of DaML is one file that gives the same rows to the bit when it is read.</summary>
public sealed class SavedModelTests : IDisposable
{
    private const int Cycles = 12, Dimension = 8;
    private readonly TemporaryFolder folder = new();
    private readonly MLContext ml = new(seed: 1);
    private readonly DataAssimilationContext context = new(7);
    private readonly ITransformer filter;
    private readonly IDataView rows;

    private static readonly TrajectoryRows Reading = new(new RowColumn(Columns.Observation))
        { Time = "Time", Trajectory = "Trajectory", StartTime = 0, Missing = MissingValues.Refuse, Precision = ScalarType.Float64 };

    public SavedModelTests()
    {
        var dynamics = new Lorenz96(Dimension);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(Dimension));
        filter = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 12 });
        rows = context.Data.Twin(system, new() { Batch = 2, Cycles = Cycles }).Take(Cycles).ToDataView(ScalarType.Float64);
    }

    public void Dispose() => folder.Dispose();

    // A filter, its analyses once more under another name through a second step of DaML, and features of ML.NET's.
    private Microsoft.ML.ITransformer Model()
    {
        var copy = context.Transforms.SeasonalCycle(Columns.Analysis, new Column("departure"),
            new SeasonalCycleOptions { Harmonics = 0 });
        var departures = new TrajectoryRows(new RowColumn(Columns.Analysis)) { Time = "Time", Trajectory = "Trajectory" };
        return filter.AsMicrosoftML(ml, context, Reading)
            .Append(ml.Transforms.Conversion.ConvertType("single", "analysis"))
            .Append(copy.AsMicrosoftML(ml, context, departures).Append(ml.Transforms.Concatenate("Features", "single", "departure")))
            .Append(ml.Transforms.NormalizeMeanVariance("Features")).Fit(rows);
    }

    private Microsoft.ML.ITransformer Load(string file, out DataViewSchema schema) =>
        new DataAssimilationContext(7).Model.LoadMicrosoftML(new MLContext(seed: 2), file, out schema);

    [Fact]
    public void A_read_model_gives_the_same_rows_to_the_bit()
    {
        var model = Model();
        string file = folder.File("model.zip");
        context.Model.SaveMicrosoftML(ml, model, rows.Schema, file);
        var read = Load(file, out var schema);
        Assert.Equal(rows.Schema.Select(column => (column.Name, column.Type)), schema.Select(column => (column.Name, column.Type)));
        var (before, after) = (model.Transform(rows), read.Transform(rows));
        Assert.Equal(before.Schema.Select(column => (column.Name, column.Type)), after.Schema.Select(column => (column.Name, column.Type)));
        Assert.Equal(before.GetColumn<double[]>("analysis"), after.GetColumn<double[]>("analysis"));
        Assert.Equal(before.GetColumn<float[]>("departure"), after.GetColumn<float[]>("departure"));
        Assert.Equal(before.GetColumn<float[]>("Features"), after.GetColumn<float[]>("Features"));

        string again = folder.File("again.zip");    // what was read can be saved
        context.Model.SaveMicrosoftML(ml, read, schema, again);
        Assert.Equal(before.GetColumn<float[]>("Features"), Load(again, out _).Transform(rows).GetColumn<float[]>("Features"));
    }

    [Theory]
    [InlineData("number")]
    [InlineData("before")]
    [InlineData("first")]
    [InlineData("none")]
    public void How_rows_are_trajectories_is_read_as_it_was(string start)
    {
        var reading = new TrajectoryRows(new RowColumn(Columns.Observation, "a", "b"), new RowColumn(new Column("x")) { IsScalar = true })
        {
            Time = "when", Missing = MissingValues.Refuse, Precision = ScalarType.Float64,
            StartTime = start switch
            {
                "number" => 0.1, "before" => FileStart.OneIntervalBefore, "first" => FileStart.AtFirstCycle, _ => null,
            },
        };
        string file = folder.File("one.zip");
        context.Model.SaveMicrosoftML(ml, new MicrosoftMLTransformer(filter, ml, context, reading), rows.Schema, file);
        var read = Assert.IsType<MicrosoftMLTransformer>(
            Load(file, out _) is IEnumerable<Microsoft.ML.ITransformer> chain ? chain.Single() : Load(file, out _)).Rows;
        Assert.Equal(reading.Columns.Select(column => (column.Column, string.Join('|', column.Names), column.IsScalar)),
            read.Columns.Select(column => (column.Column, string.Join('|', column.Names), column.IsScalar)));
        Assert.Equal((reading.Time, reading.Trajectory, reading.Missing, reading.Precision),
            (read.Time, read.Trajectory, read.Missing, read.Precision));
        Assert.Equal(reading.StartTime?.Of([3, 5]), read.StartTime?.Of([3, 5]));
        if (start is "before" or "first") Assert.Same(reading.StartTime, read.StartTime);
    }

    [Fact]
    public void A_read_model_steps_row_by_row()
    {
        string file = folder.File("model.zip");
        var reading = new TrajectoryRows(new RowColumn(Columns.Observation)) { Time = "Time", StartTime = 0 };
        var one = ml.Data.FilterRowsByColumn(rows, "Time", upperBound: 1e9);
        var model = new MicrosoftMLTransformer(filter, ml, context, reading);
        context.Model.SaveMicrosoftML(ml, model, rows.Schema, file);
        var input = new Observed { Time = 0.05, Observation = [.. one.GetColumn<double[]>("observation").First()] };
        using var before = ml.Model.CreatePredictionEngine<Observed, Estimate>(model);
        using var after = ml.Model.CreatePredictionEngine<Observed, Estimate>(Load(file, out _));
        Assert.Equal(before.Predict(input).Analysis, after.Predict(input).Analysis);
    }

    [Fact]
    public void ML_NETs_own_doors_refuse_with_a_message_that_names_ours()
    {
        var model = Model();
        string file = folder.File("model.zip");
        context.Model.SaveMicrosoftML(ml, model, rows.Schema, file);
        Assert.Contains("load it by context.Model.LoadMicrosoftML(ml, path, out schema)",
            Innermost(() => new MLContext().Model.Load(file, out _)).Message);
        Assert.Contains("saved by context.Model.SaveMicrosoftML(ml, model, schema, path)",
            Innermost(() => ml.Model.Save(model, rows.Schema, new MemoryStream())).Message);

        static Exception Innermost(Action work)
        {
            var thrown = Record.Exception(work);
            while (thrown?.InnerException is { } inner) thrown = inner;
            return Assert.IsType<InvalidOperationException>(thrown);
        }
    }

    [Fact]
    public void A_model_of_ML_NETs_alone_is_read_too()
    {
        string file = folder.File("plain.zip");
        var model = ml.Transforms.CopyColumns("copy", "observation").Fit(rows);
        ml.Model.Save(model, rows.Schema, file);
        Assert.Equal(rows.GetColumn<double[]>("observation"), Load(file, out _).Transform(rows).GetColumn<double[]>("copy"));
    }

    [Fact]
    public void Damaged_files_are_refused_and_an_older_file_stays_whole()
    {
        string file = folder.File("model.zip");
        context.Model.SaveMicrosoftML(ml, Model(), rows.Schema, file);
        byte[] whole = File.ReadAllBytes(file);

        string Refused(Action<ZipArchive> damage)
        {
            string other = folder.File("damaged.zip");
            File.WriteAllBytes(other, whole);
            using (var zip = ZipFile.Open(other, ZipArchiveMode.Update)) damage(zip);
            return Assert.Throws<ModelArchiveException>(() => Load(other, out _)).Message;
        }
        Assert.Contains("does not say how the rows of its step 1", Refused(zip => zip.GetEntry("DaML/1.json")!.Delete()));
        Assert.Contains("has places for 2 steps of DaML and holds 1", Refused(zip =>
        {
            zip.GetEntry("DaML/1.zip")!.Delete();
        }));
        foreach (string json in (string[])["{ \"columns\": ", "null", "{ \"columns\": [] }", "{ \"columns\": [{ \"column\": \"a b\" }] }"])
            Refused(zip =>
            {
                zip.GetEntry("DaML/0.json")!.Delete();
                using var text = new StreamWriter(zip.CreateEntry("DaML/0.json", CompressionLevel.NoCompression).Open());
                text.Write(json);
            });
        Assert.Contains("stored as they are", Refused(zip =>
        {
            zip.GetEntry("DaML/0.json")!.Delete();
            using var text = new StreamWriter(zip.CreateEntry("DaML/0.json", CompressionLevel.SmallestSize).Open());
            text.Write(new string(' ', 10_000));
        }));
        File.WriteAllBytes(folder.File("short.zip"), whole[..(whole.Length / 2)]);
        Assert.Throws<ModelArchiveException>(() => Load(folder.File("short.zip"), out _));
        Assert.Throws<FileNotFoundException>(() => Load(folder.File("none.zip"), out _));

        var unsaved = new MicrosoftMLTransformer(new Unsaved(), ml, context, Reading);
        Assert.Contains("Unsaved, cannot be saved", Assert.Throws<NotSupportedException>(() =>
            context.Model.SaveMicrosoftML(ml, unsaved, rows.Schema, file)).Message);
        Assert.Contains("has 1 steps of DaML, of which 0 stand in its chains", Assert.Throws<NotSupportedException>(() =>
            context.Model.SaveMicrosoftML(ml, new Around(new MicrosoftMLTransformer(filter, ml, context, Reading)), rows.Schema, file))
            .Message);
        Assert.Equal(whole, File.ReadAllBytes(file));
    }

    private sealed class Observed
    {
        public double Time { get; set; }
        [ColumnName("observation"), VectorType(Dimension)] public double[] Observation { get; set; } = [];
    }

    private sealed class Estimate
    {
        [ColumnName("analysis")] public float[] Analysis { get; set; } = [];
    }

    private sealed class Around(Microsoft.ML.ITransformer inner) : Microsoft.ML.ITransformer
    {
        public bool IsRowToRowMapper => inner.IsRowToRowMapper;
        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inner.GetOutputSchema(inputSchema);
        public IDataView Transform(IDataView input) => inner.Transform(input);
        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => inner.GetRowToRowMapper(inputSchema);
        void ICanSaveModel.Save(ModelSaveContext ctx) => inner.Save(ctx);
    }

    private sealed class Unsaved() : CycleTransformer("unsaved", SchemaContract.None)
    {
        protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle) => [];
    }
}
