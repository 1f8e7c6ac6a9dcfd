using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public partial class DocumentTests
{
    [Theory]
    [InlineData("csv")]
    [InlineData("netcdf")]
    [InlineData("write")]
    [InlineData("sequence")]
    [InlineData("modes")]
    [InlineData("fields")]
    [InlineData("tolerance")]
    public void Interop_quotes_the_marked_lines_about_files(string mark) => Assert.Contains(Marked("Files.cs", mark), Quoted("interop.md"));

    [Fact]
    public void The_examples_about_files_read_what_was_written()
    {
        Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");
        string folder = Directory.CreateTempSubdirectory("daml-documents-").FullName;
        string In(string name) => Path.Combine(folder, name);
        try
        {
            File.WriteAllText(In("buoy.csv"), "# buoy 42\ntime,height,period\n2020-01-01,1.5,NA\n2020-01-02,-9999,6\n");
            var context = FileExamples.Coarse();
            var buoy = FileExamples.Buoy(context, In("buoy.csv"));
            Assert.Equal("observation[2], observation-mask[2]", buoy.Schema.ToString());

            context.Data.FromCsv(In("buoy.csv"), new CsvOptions { Missing = MissingValues.Mask, Markers = ["-9999"], Comment = '#' },
                new CsvColumn(new Column("level"), "height"))
                .ToNetCdf(In("levels.nc"), timeUnits: "days since 1970-01-01");
            using (var levels = FileExamples.Levels(context, In("levels.nc")).OpenCursor())
            {
                Assert.True(levels.MoveNext() && levels[Columns.ObservationMask].ToBoolean());
                Assert.Equal(1.5, levels[Columns.Observation].ToDouble());
                Assert.True(levels.MoveNext() && !levels[Columns.ObservationMask].ToBoolean());
            }

            var dynamics = new LinearDynamics(eye(2, dtype: ScalarType.Float64));
            var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(2))
                { Initial = new AttractorInitialCondition(dynamics, 1000) };
            var filter = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 4 });
            var again = FileExamples.Written(context, filter.Transform(buoy), In("analyses.csv"), In("analyses.nc"));
            Assert.Equal((2, buoy.StartTime), (again.CycleCount, again.StartTime));
            Assert.Equal("time,analysis[0],analysis[1]", File.ReadLines(In("analyses.csv")).First());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void The_examples_about_fields_read_decompose_and_write()
    {
        Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");
        string folder = Directory.CreateTempSubdirectory("daml-documents-").FullName;
        try
        {
            var context = new DataAssimilationContext(new DataAssimilationOptions { Precision = ScalarType.Float64 });
            var grid = new LatitudeLongitudeGrid([70, 50, 30, 10], [0, 120, 240, 300, 350]);
            using var random = context.Random("days");
            double[] days = [.. Enumerable.Range(0, 40).Select(day => 11323.0 + day)];
            var slp = random.Normal([40, 1, 20], ScalarType.Float64) * 500 + 101325;
            foreach (var (name, from, to) in ((string, int, int)[])[("slp.2.nc", 25, 40), ("slp.1.nc", 0, 25)])
                context.Data.FromMemory(new Dictionary<Column, Tensor> { [new("slp")] = slp[from..to] }, days[from..to], days[from] - 1)
                    .ToNetCdf(Path.Combine(folder, name), null, "days since 1970-01-01", descriptions: new Dictionary<Column,
                        NetCdfDescription> { [new("slp")] = new() { Grid = grid } });
            var pressure = FileExamples.Years(context, folder);
            Assert.Equal((40, 9), (pressure.CycleCount, pressure.Schema[new("pressure")].Shape.Single()));
            var part = LatitudeLongitudeGrid.FromNetCdf(Path.Combine(folder, "slp.*.nc"), "slp", new(30, 70, -70, 10));
            Assert.Equal([-60, -10, 0], part.Longitudes);
            var decomposition = FileExamples.Modes(context, pressure, part).Decomposition;
            Assert.InRange(decomposition.VarianceFraction, 0.9, 1);
            using var run = context.Data.FromMemory(new Dictionary<Column, Tensor>
            {
                [Columns.Analysis] = random.Normal([2, 1, 9], ScalarType.Float64), [Columns.Forecast] = random.Normal([2, 1, 3, 9],
                    ScalarType.Float64),
            }, [11323, 11324], 11322);
            FileExamples.Fields(run, part, Path.Combine(folder, "run.nc"));
            Assert.Equal(part, LatitudeLongitudeGrid.FromNetCdf(Path.Combine(folder, "run.nc"), "forecast"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
