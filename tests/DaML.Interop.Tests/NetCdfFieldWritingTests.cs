using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Fields and forecasts written on their grids, read back to the bit, and by readers that are not ours.</summary>
public sealed class NetCdfFieldWritingTests : IDisposable
{
    private static readonly Column Analysis = new("analysis"), Forecast = new("forecast"), Spread = new("spread");
    private static readonly LatitudeLongitudeGrid Grid = new([60, 57.5, 55], [-10, -7.5]);
    private static readonly NetCdfDescription Pressure = new()
    {
        Grid = Grid, Units = "hPa", StandardName = "air_pressure_at_mean_sea_level", LongName = "sea-level pressure, analysed",
    };

    private static readonly Dictionary<Column, NetCdfDescription> Described = new()
    {
        [Analysis] = Pressure, [Forecast] = Pressure with { Leads = [1, 3, 5, 10], LongName = null },
    };

    private readonly TemporaryFolder folder = new();

    public NetCdfFieldWritingTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1, ScalarType.Float64)]
    [InlineData(3, ScalarType.Float32)]
    public void AnalysesAndForecastsAreReadBackEqualToTheBit(long batch, ScalarType precision)
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 2, Precision = precision });
        var view = View(context, batch);
        string path = folder.File("fields.nc");
        view.ToNetCdf(path, null, "days since 1970-01-01", descriptions: Described);
        using (var file = NetCdfFile.Open(path))
        {
            string[] several = batch > 1 ? ["trajectory"] : [];
            Assert.Equal(["time", .. several, "latitude", "longitude"], file.Variable("analysis").Dimensions.Select(dimension =>
                dimension.Name));
            Assert.Equal(["forecast_reference_time", .. several, "leadtime", "latitude", "longitude"],
                file.Variable("forecast").Dimensions.Select(dimension => dimension.Name));
            Assert.Equal(["time", .. several, "size_2"], file.Variable("spread").Dimensions.Select(dimension => dimension.Name));
            Assert.Equal([11324, 11326, 11328, 11333, 11325, 11327, 11329, 11334], file.Read("valid_time")[..8]);
        }
        Assert.Equal(Grid, LatitudeLongitudeGrid.FromNetCdf(path, "analysis"));
        Assert.Equal(Grid, LatitudeLongitudeGrid.FromNetCdf(path, "forecast"));
        var options = new NetCdfOptions { Missing = MissingValues.Mask, TrajectoryDimension = batch > 1 ? "trajectory" : null };
        foreach (var column in (Column[])[Analysis, Forecast, Spread])
        {
            var back = context.Data.FromNetCdf(path, column.Name, column, options);
            Assert.Equal((view.StartTime, view.CycleCount, batch), (back.StartTime, back.CycleCount, back.Schema.Batch));
            using ITrajectoryCursor expected = view.OpenCursor(), read = back.OpenCursor();
            while (expected.MoveNext())
            {
                Assert.True(read.MoveNext());
                Assert.Equal(expected.Time, read.Time);
                Assert.Equal(expected[column].contiguous().bytes.ToArray(), read[column].contiguous().bytes.ToArray());
                Assert.Equal(column == Analysis && expected.Cycle == 1 ? 1 : 0, read[Columns.MaskOf(column)].logical_not().sum().ToInt64());
            }
        }
    }

    [Fact]
    public void NcdumpShowsTheConventions()
    {
        View(new DataAssimilationContext(2), 1).ToNetCdf(folder.File("fields.nc"), null, "days since 1970-01-01",
            descriptions: Described);
        string header = NetCdfTools.Dump("-h", folder.File("fields.nc"));
        foreach (string line in (string[])["double analysis(time, latitude, longitude) ;",
            "double forecast(forecast_reference_time, leadtime, latitude, longitude) ;",
            "analysis:units = \"hPa\" ;", "analysis:standard_name = \"air_pressure_at_mean_sea_level\" ;",
                "analysis:long_name = \"sea-level pressure, analysed\" ;",
            "latitude:units = \"degrees_north\" ;", "longitude:standard_name = \"longitude\" ;",
                "time:units = \"days since 1970-01-01\" ;", "time:calendar = \"standard\" ;",
            "forecast_reference_time:standard_name = \"forecast_reference_time\" ;", "leadtime:standard_name = \"forecast_period\" ;",
                "leadtime:units = \"days\" ;",
            "valid_time:standard_name = \"time\" ;", "forecast:coordinates = \"valid_time\" ;", ":Conventions = \"CF-1.11\" ;"])
            Assert.Contains(line, header);
        Assert.Contains("time = \"2001-01-01\", \"2001-01-02\", \"2001-01-03\" ;", NetCdfTools.Dump("-t", "-v", "time",
            folder.File("fields.nc")));
    }

    [Fact]
    public void PythonReadsTheSameNumbersAndDates()
    {
        var view = View(new DataAssimilationContext(2), 1);
        view.ToNetCdf(folder.File("fields.nc"), null, "days since 1970-01-01", descriptions: Described);
        using var read = JsonDocument.Parse(NetCdfTools.AskPython("""
            import json, sys, netCDF4
            with netCDF4.Dataset(sys.argv[1]) as f:
                dates = lambda name: [str(d) for d in netCDF4.num2date(f[name][:], f[name].units, f[name].calendar).flat]
                print(json.dumps({
                    "analysis": [float(x).hex() for x in f["analysis"][:].filled(-1).flat], "missing": int(f["analysis"][:].mask.sum()),
                    "forecast": [float(x).hex() for x in f["forecast"][:].flat], "shape": f["forecast"].shape,
                    "time": dates("time"), "valid": dates("valid_time"), "latitude": f["latitude"][:].tolist(),
                        "lead": f["leadtime"][:].tolist()}))
            """, folder.File("fields.nc")));
        var root = read.RootElement;
        Assert.Equal(["2001-01-01 00:00:00", "2001-01-02 00:00:00", "2001-01-03 00:00:00"], Texts("time"));
        Assert.Equal(["2001-01-02 00:00:00", "2001-01-04 00:00:00", "2001-01-06 00:00:00", "2001-01-11 00:00:00"], Texts("valid").Take(4));
        Assert.Equal([3, 4, 3, 2], root.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()));
        Assert.Equal([60, 57.5, 55], root.GetProperty("latitude").EnumerateArray().Select(value => value.GetDouble()));
        Assert.Equal([1, 3, 5, 10], root.GetProperty("lead").EnumerateArray().Select(value => value.GetDouble()));
        Assert.Equal(1, root.GetProperty("missing").GetInt32());
        var values = view.Materialise();
        Assert.Equal(values[Forecast].ToArray<double>(), Texts("forecast").Select(Hexadecimal));
        double[] analysis = values[Analysis].ToArray<double>();
        analysis[6] = -1;   // what is missing
        Assert.Equal(analysis, Texts("analysis").Select(Hexadecimal));

        IEnumerable<string> Texts(string name) => root.GetProperty(name).EnumerateArray().Select(text => text.GetString()!);
    }

    [Fact]
    public void GridsAndLeadTimesThatDifferHaveCoordinatesOfTheirOwn()
    {
        var context = new DataAssimilationContext(2);
        var view = View(context, 1);
        var other = new LatitudeLongitudeGrid([0, 1], [5]);
        view.ToNetCdf(folder.File("two.nc"), null, null, descriptions: new Dictionary<Column, NetCdfDescription>
        {
            [Analysis] = new() { Grid = Grid }, [Spread] = new() { Grid = other }, [Forecast] = new() { Leads = [0.5, 1, 1.5, 2] },
        });
        Assert.Equal(other, LatitudeLongitudeGrid.FromNetCdf(folder.File("two.nc"), "spread"));
        using var file = NetCdfFile.Open(folder.File("two.nc"));
        Assert.Equal(["time", "latitude_2", "longitude_2"], file.Variable("spread").Dimensions.Select(dimension => dimension.Name));
        Assert.Equal(["forecast_reference_time", "leadtime", "size_6"], file.Variable("forecast").Dimensions.Select(dimension =>
            dimension.Name));
        Assert.Equal("1", file.Variable("leadtime").Text("units"));
        Assert.Equal(11323.5, file.Read("valid_time")[0]);
    }

    [Fact]
    public void ADescriptionThatIsNotOfTheColumnIsRefused()
    {
        var view = View(new DataAssimilationContext(2), 1);
        string Message(Column column, NetCdfDescription description, params Column[] columns) => Assert.Throws<ArgumentException>(() =>
            view.ToNetCdf(folder.File("x.nc"),
            columns, descriptions: new Dictionary<Column, NetCdfDescription> { [column] = description })).Message;
        Assert.Contains("column 'forecast' has a description but is not written; written are: analysis", Message(Forecast, Pressure,
            Analysis));
        Assert.Contains(
            "has 3 latitudes and 2 longitudes, so the last axis of the column must have 6 points; it has the shape [2].",
            Message(Spread, Pressure));
        Assert.Contains("must be finite and rise; given: 3, 1", Message(Forecast, new() { Leads = [3, 1] }));
        Assert.Contains("has 2 lead times, so its first axis must have 2 values", Message(Forecast, new() { Leads = [1, 2] }));
        Assert.Contains("has 6 lead times, so its first axis must have 6 values", Message(Analysis, Pressure with { Leads = [1, 2, 3, 4, 5,
            6] }));
        Assert.False(File.Exists(folder.File("x.nc")));
    }

    // Three days from 2001-01-01; the first value of the second is missing.
    private static MemoryTrajectoryView View(DataAssimilationContext context, long batch)
    {
        using var random = context.Random("fields");
        var mask = ones([3, batch, 6], dtype: ScalarType.Bool);
        mask[1, 0, 0] = tensor(false);
        return context.Data.FromMemory(new Dictionary<Column, Tensor>
        {
            [Analysis] = (random.Normal([3, batch, 6], context.Precision) + 1000) * mask, [Columns.MaskOf(Analysis)] = mask,
            [Forecast] = random.Normal([3, batch, 4, 6], context.Precision), [Spread] = random.Normal([3, batch, 2], context.Precision),
        }, [11323, 11324, 11325], 11320);
    }

    // Python's float.hex.
    private static double Hexadecimal(string text)
    {
        string[] parts = text.TrimStart('-')[2..].Split('p');
        string digits = parts[0].Replace(".", "");
        double value = Math.ScaleB(long.Parse(digits, System.Globalization.NumberStyles.HexNumber),
            int.Parse(parts[1]) - 4 * (digits.Length - 1));
        return text[0] == '-' ? -value : value;
    }
}
