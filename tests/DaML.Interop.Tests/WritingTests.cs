using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Views written as files and read back equal to the bit.</summary>
public sealed class WritingTests : IDisposable
{
    private static readonly Column Field = new("field"), Flag = new("flag");
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string, ScalarType, long> Settings
    {
        get
        {
            var settings = new TheoryData<string, ScalarType, long>();
            foreach (string format in (string[])["csv", "nc"])
                foreach (var precision in (ScalarType[])[ScalarType.Float32, ScalarType.Float64])
                    foreach (long batch in (long[])[1, 3]) settings.Add(format, precision, batch);
            return settings;
        }
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void WhatIsWrittenIsReadBackEqualToTheBit(string format, ScalarType precision, long batch)
    {
        Assert.SkipUnless(format == "csv" || NetCdfFile.IsAvailable, "the netcdf library is not installed");
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 4, Precision = precision });
        using var random = context.Random("values");
        double[] times = [0.1, 0.2, 0.30000000000000004, 1.0 / 3, 7];
        // Numbers of every size, of both signs, and the smallest and largest there are.
        var field = random.Normal([5, batch, 2, 3], precision) * random.Normal([5, batch, 2, 3], precision).mul(20).exp();
        field[0, 0, 0, 0] = precision == ScalarType.Float32 ? float.Epsilon : double.Epsilon;
        field[1, 0, 0, 1] = precision == ScalarType.Float32 ? float.MaxValue : double.MaxValue;
        field[2, 0, 0, 2] = -0.0;
        field[3, 0, 1, 1] = 9.9692099683868690e+36;   // what NetCDF calls missing unless the file says otherwise
        var mask = random.Normal([5, batch, 2, 3], precision) > -1;
        field = where(mask, field, zeros_like(field));
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
        {
            [Field] = field, [Columns.MaskOf(Field)] = mask, [Flag] = random.Normal([5, batch], precision) > 0,
        }, times, startTime: 0.1);

        string path = folder.File("view." + format);
        ITrajectoryView back, flags;
        if (format == "csv")
        {
            view.ToCsv(path);
            string first = File.ReadLines(path).First();
            Assert.Equal((batch > 1 ? "time,trajectory," : "time,")
                + "field[0][0],field[0][1],field[0][2],field[1][0],field[1][1],field[1][2],flag", first);
            var options = new CsvOptions
                { StartTime = 0.1, Missing = MissingValues.Mask, TrajectoryHeader = batch > 1 ? "trajectory" : null };
            back = flags = context.Data.FromCsv(path, options,
                new(Field, [.. first.Split(',').Where(header => header.StartsWith("field"))]), new CsvColumn(Flag, "flag"));
        }
        else
        {
            view.ToNetCdf(path);
            var options = new NetCdfOptions { Missing = MissingValues.Mask, TrajectoryDimension = batch > 1 ? "trajectory" : null };
            back = context.Data.FromNetCdf(path, "field", Field, options);
            flags = context.Data.FromNetCdf(path, "flag", Flag, options);
        }
        Assert.Equal((view.StartTime, view.CycleCount, batch), (back.StartTime, back.CycleCount, back.Schema.Batch));
        using ITrajectoryCursor expected = view.OpenCursor(), read = back.OpenCursor(), flag = flags.OpenCursor();
        while (expected.MoveNext())
        {
            Assert.True(read.MoveNext());
            Assert.True(flag.MoveNext());
            Assert.Equal(expected.Time, read.Time);
            Assert.Equal(expected[Field].contiguous().bytes.ToArray(), read[Field].contiguous().bytes.ToArray());
            Assert.Equal(expected[Columns.MaskOf(Field)].contiguous().bytes.ToArray(),
                read[Columns.MaskOf(Field)].contiguous().bytes.ToArray());
            Assert.True(expected[Flag].to(precision).reshape(batch, 1).equal(flag[Flag]).all().ToBoolean());
        }
        Assert.False(read.MoveNext());
    }

    [Fact]
    public void WhatAFilterMakesIsHandedOn() // fault 22
    {
        Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");
        var context = new DataAssimilationContext(2);
        var model = new Lorenz63();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
        var run = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 10 })
            .Transform(context.Data.Twin(system).Take(6));
        string path = folder.File("analyses.nc");
        run.ToNetCdf(path, [Columns.Analysis, Columns.AnalysisSpread], timeUnits: "days since 1970-01-01");
        var back = context.Data.FromNetCdf(path, "analysis", Columns.Analysis);
        using ITrajectoryCursor expected = run.OpenCursor(), read = back.OpenCursor();
        while (expected.MoveNext())
        {
            Assert.True(read.MoveNext());
            Assert.Equal(expected.Time, read.Time, 12);
            Assert.Equal(expected[Columns.Analysis].ToArray<double>(), read[Columns.Analysis].ToArray<double>());
        }
        using var file = NetCdfFile.Open(path);
        Assert.Equal("days since 1970-01-01", file.Variable("time").Text("units"));
        Assert.Equal(["time", "analysis", "analysis-spread"], file.Variables.Select(variable => variable.Name));
    }

    [Fact]
    public void WritingIsAtomicAndCanBeStopped()
    {
        var context = new DataAssimilationContext();
        var model = new Lorenz63();
        var twin = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)));
        foreach (string format in NetCdfFile.IsAvailable ? (string[])["csv", "nc"] : ["csv"])
        {
            string path = folder.Write("old." + format, "the old one");
            void Write(ITrajectoryView view, CancellationToken cancellation)
            {
                if (format == "csv") view.ToCsv(path, cancellation: cancellation);
                else view.ToNetCdf(path, cancellation: cancellation);
            }
            using var source = new CancellationTokenSource();
            source.Cancel();
            Assert.Throws<OperationCanceledException>(() => Write(twin.Take(10), source.Token));
            using var midway = new CancellationTokenSource();
            var interrupted = new WatchedView(twin.Take(10)) { Moving = cycle => { if (cycle == 4) midway.Cancel(); } };
            Assert.Throws<OperationCanceledException>(() => Write(interrupted, midway.Token));
            Assert.Equal("the old one", File.ReadAllText(path));
            Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(path)!, "*.tmp"));
            Assert.Contains("take a number of its cycles first", Assert.Throws<ArgumentException>(() => Write(twin, default)).Message);
            Write(twin.Take(10), default);
            Assert.NotEqual("the old one"u8.ToArray(), File.ReadAllBytes(path));
        }
        Assert.Throws<SchemaException>(() => twin.Take(3).ToCsv(folder.File("x.csv"), [Columns.Analysis]));
        Directory.CreateDirectory(folder.File("a folder"));
        Assert.ThrowsAny<IOException>(() => twin.Take(3).ToCsv(folder.File("a folder")));
        Assert.ThrowsAny<IOException>(() => twin.Take(3).ToCsv(folder.File("old.csv/x.csv")));
        Assert.Empty(Directory.GetFiles(folder.File("."), "*.tmp"));
        Assert.Contains("cannot be written: every file has a column of that name", Assert.Throws<ArgumentException>(() =>
            context.Data.FromMemory(new Dictionary<Column, Tensor> { [new Column("time")] = ones(1, 1) }, [1])
                .ToCsv(folder.File("x.csv"))).Message);
        Assert.Contains("'parsecs since",
            Assert.Throws<ArgumentException>(() =>
                twin.Take(3).ToNetCdf(folder.File("x.nc"), timeUnits: "parsecs since 1970-01-01")).Message);
    }

    [Fact]
    public void EveryAxisOfANetCdfVariableHasADimensionOfItsOwn()
    {
        Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");
        var context = new DataAssimilationContext();
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Field] = arange(54).reshape(2, 3, 3, 3) }, [1, 2]);
        view.ToNetCdf(folder.File("square.nc"));
        using (var file = NetCdfFile.Open(folder.File("square.nc")))
            Assert.Equal(["time", "trajectory", "size_3", "size_3_2"],
                file.Variable("field").Dimensions.Select(dimension => dimension.Name));
        using var back = context.Data.FromNetCdf(folder.File("square.nc"), "field", Field, new() { TrajectoryDimension = "trajectory" })
            .Materialise();
        Assert.Equal(Enumerable.Range(0, 54), back[Field].to(ScalarType.Int32).ToArray<int>());
        var slashed = context.Data.FromMemory(new Dictionary<Column, Tensor> { [new Column("a/b")] = ones(1, 1) }, [1]);
        Assert.Contains("'a/b' cannot be written: names in a NetCDF file have no '/'",
            Assert.Throws<ArgumentException>(() => slashed.ToNetCdf(folder.File("x.nc"))).Message);
    }

    [Fact]
    public void ProgressIsTold()
    {
        var context = new DataAssimilationContext();
        var model = new Lorenz63();
        var reports = new Reports();
        var twin = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension))).Take(4);
        var slow = new TrajectoryView(twin.Schema, twin, source => new SlowCursor(source));
        slow.ToCsv(folder.File("p.csv"), progress: reports);
        Assert.NotEmpty(reports.Told);
        Assert.All(reports.Told, report => Assert.Equal(("writing", 4), (report.Activity, report.Total)));
    }

    // Slow enough that some report is due.
    private sealed class SlowCursor(ITrajectoryCursor source) : TrajectoryCursor(source)
    {
        protected override bool Compute(long cycle)
        {
            Thread.Sleep(60);
            return true;
        }
    }

    private sealed class Reports : IProgress<ProgressReport>
    {
        public List<ProgressReport> Told { get; } = [];
        public void Report(ProgressReport value) => Told.Add(value);
    }
}
