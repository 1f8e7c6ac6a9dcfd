using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A region of a grid against the points of the whole, and grids whose latitudes fall.</summary>
public sealed class NetCdfRegionTests : IDisposable
{
    private static readonly Column Value = new("value");
    private readonly TemporaryFolder folder = new();
    private readonly DataAssimilationContext context = new();

    public NetCdfRegionTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(40, 60, -30, 0)]
    [InlineData(30, 30, -70, -70)]
    [InlineData(55, 90, 330, 350)]    // as -30 to -10
    [InlineData(-90, 90, -180, 180)]
    public void TheRegionOfARealFileIsItsPoints(double south, double north, double west, double east)
    {
        var region = new LatitudeLongitudeBox(south, north, west, east);
        var grid = LatitudeLongitudeGrid.FromNetCdf(NetCdfFileTests.RealFile, "slp");
        var part = LatitudeLongitudeGrid.FromNetCdf(NetCdfFileTests.RealFile, "slp", region);
        if (west > 180) (west, east) = (west - 360, east - 360);
        long[] inside = [.. Enumerable.Range(0, (int)grid.Size).Select(i => (long)i).Where(i => grid.Location(i) is var (latitude,
            longitude) &&
            latitude >= south && latitude <= north && longitude >= west && longitude <= east)];
        Assert.Equal(inside.Select(grid.Location), Enumerable.Range(0, (int)part.Size).Select(i => part.Location(i)));
        var month = new NetCdfOptions { Until = new DateTime(2001, 2, 1), CyclesPerRead = 7 };
        using ITrajectoryCursor whole = context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Value, month).OpenCursor(),
            window = context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Value, month with { Region = region }).OpenCursor();
        while (whole.MoveNext())
        {
            Assert.True(window.MoveNext());
            Assert.Equal(whole[Value].index_select(1, tensor(inside)).ToArray<double>(), window[Value].ToArray<double>());
        }
    }

    public static TheoryData<string, double, double, double[]> Circles => new()
    {
        { "rising", -100, 10, [-90, 0] },             // across the file's edge: read from its end, then from its beginning
        { "rising", 270, 0, [270, 360] },
        { "rising", 90, 190, [90, 180] },
        { "rising", -180, 180, [0, 90, 180, 270] },
        { "rising", 0, 360, [0, 90, 180, 270] },
        { "falling", -100, 10, [0, -90] },
        { "falling", 170, 280, [270, 180] },
    };

    [Theory]
    [MemberData(nameof(Circles))]
    public void ARegionMayCrossTheEdgeOfTheFile(string order, double west, double east, double[] expected)
    {
        double[] longitudes = order == "rising" ? [0, 90, 180, 270] : [270, 180, 90, 0];
        foreach (bool isTimeLast in (bool[])[false, true])
        {
            // The value is 1000 time + 10 (row) + longitude / 90.
            string[] dimensions = isTimeLast ? ["level", "latitude", "longitude", "time"] : ["time", "level", "latitude", "longitude"];
            double Of(int t, int level, int row, int column) => 1000 * t + 100 * level + 10 * row + longitudes[column] / 90;
            var numbers = from t in Enumerable.Range(0, 3) from level in Enumerable.Range(0, 2) from row in Enumerable.Range(0,
                3) from column in Enumerable.Range(0, 4)
                          orderby isTimeLast ? 0 : t, level, row, column, t
                          select Of(t, level, row, column);
            string path = new ClassicNetCdfWriter().Dimension("time", 3).Dimension("level", 2).Dimension("latitude",
                3).Dimension("longitude", 4)
                .Variable("time", 6, ["time"], [0, 1, 2], ("units", "days since 2000-01-01")).Variable("latitude", 5, ["latitude"], [30,
                    0, -30], ("units", "degrees_north"))
                .Variable("longitude", 5, ["longitude"], longitudes, ("units", "degrees_east")).Variable("v", 6, dimensions,
                    [.. numbers]).Write(folder.File("v.nc"));
            var region = new LatitudeLongitudeBox(0, 40, west, east);
            var grid = LatitudeLongitudeGrid.FromNetCdf(path, "v", region);
            Assert.Equal([30, 0], grid.Latitudes);
            Assert.Equal(expected, grid.Longitudes);
            using var cursor = context.Data.FromNetCdf(path, "v", Value, new() { Region = region, CyclesPerRead = 2 }).OpenCursor();
            for (int t = 0; t < 3; t++)
            {
                Assert.True(cursor.MoveNext());
                double[] should = [.. from level in Enumerable.Range(0, 2) from row in Enumerable.Range(0, 2) from longitude in expected
                    select 1000 * t + 100 * level + 10 * row + (longitude + 360) % 360 / 90];
                Assert.Equal(should, cursor[Value].ToArray<double>());
            }
        }
    }

    [Fact]
    public void LatitudesThatFallKeepTheirOrderInWeightsAndPoints()
    {
        string path = new ClassicNetCdfWriter().Dimension("time", 1).Dimension("latitude", 3).Dimension("longitude", 2)
            .Variable("time", 6, ["time"], [0], ("units", "days since 2000-01-01")).Variable("latitude", 5, ["latitude"], [60, 30, 0],
                ("units", "degrees_north"))
            .Variable("longitude", 5, ["longitude"], [0, 1], ("units", "degrees_east")).Variable("v", 6, ["time", "latitude",
                "longitude"], [1, 2, 3, 4, 5, 6]).Write(folder.File("v.nc"));
        var grid = LatitudeLongitudeGrid.FromNetCdf(path, "v");
        Assert.Equal((60, 1), grid.Location(1));
        Assert.Equal((0, 0), grid.Location(4));
        Assert.Equal([0.5, 0.5, 0.866025403784, 0.866025403784, 1, 1], grid.AreaWeights(ScalarType.Float64,
            CPU).ToArray<double>().Select(weight => Math.Round(weight, 12)));
        using var cursor = context.Data.FromNetCdf(path, "v", Value).OpenCursor();
        cursor.MoveNext();
        Assert.Equal([1, 2, 3, 4, 5, 6], cursor[Value].ToArray<double>());
    }

    [Fact]
    public void GridsAreEqualByTheirCoordinates()
    {
        var grid = new LatitudeLongitudeGrid([30, 40], [0, 10, 20]);
        Assert.Equal(grid, new LatitudeLongitudeGrid(new List<double> { 30, 40 }, new List<double> { 0, 10, 20 }));
        Assert.Equal(grid.GetHashCode(), new LatitudeLongitudeGrid([30, 40], [0, 10, 20]).GetHashCode());
        Assert.NotEqual(grid, new LatitudeLongitudeGrid([40, 30], [0, 10, 20]));
        grid.RequireSame(new([30, 40.00000001], [0, 10, 20]));
        Assert.Contains("the same values in the opposite order", Assert.Throws<ArgumentException>(() => grid.RequireSame(new([40, 30], [0,
            10, 20]))).Message);
        Assert.Contains("its longitude has 2 values; 3 are needed", Assert.Throws<ArgumentException>(() => grid.RequireSame(new([30,
            40], [0, 10]))).Message);
        Assert.Contains("The field is on a different grid: value 1 of its longitude is 11; 10 is needed",
            Assert.Throws<ArgumentException>(() => grid.RequireSame(new([30, 40], [0, 11, 20]))).Message);
    }

    [Fact]
    public void ARegionWithoutPointsIsRefused()
    {
        string Message(LatitudeLongitudeBox region) => Assert.Throws<DataFileException>(() =>
            context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Value, new() { Region = region })).Message;
        Assert.Contains("its latitudes are from 30 to 70, its longitudes from -70 to 10", Message(new(-10, 10, -30, 0)));
        Assert.Contains("No point of the grid", Message(new(30, 60, 100, 120)));
        foreach (var wrong in (LatitudeLongitudeBox[])[new(60, 30, 0, 10), new(-91, 0, 0, 10), new(0, 10, double.NaN, 10)])
            Assert.Contains("from -90 to 90 degrees, in this order", Assert.Throws<ArgumentException>(() =>
                context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Value, new() { Region = wrong })).Message);
        string series = new ClassicNetCdfWriter().Dimension("time", 1).Variable("time", 6, ["time"], [0], ("units",
            "days since 2000-01-01")).Variable("v", 6, ["time"], [1]).Write(folder.File("s.nc"));
        Assert.Contains("no latitude and longitude", Assert.Throws<DataFileException>(() => context.Data.FromNetCdf(series, "v", Value,
            new() { Region = new(0, 1, 0, 1) })).Message);
    }
}
