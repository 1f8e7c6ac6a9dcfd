using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>NetCDF variables as trajectory views.</summary>
public sealed class NetCdfTrajectoryTests : IDisposable
{
    private static readonly Column Pressure = new("pressure");
    private readonly TemporaryFolder folder = new();
    private readonly DataAssimilationContext context = new();

    // ./daml test installs the library where it can.
    public NetCdfTrajectoryTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ARealFieldIsReadDayByDay()
    {
        var view = context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Pressure,
            new NetCdfOptions { Scale = 0.01, StartTime = FileStart.OneIntervalBefore });
        Assert.Equal(3652, view.CycleCount);
        Assert.Equal("pressure[561]", view.Schema.ToString());
        Assert.Equal(11322, view.StartTime);
        using var cursor = view.OpenCursor();
        Assert.True(cursor.MoveNext());
        Assert.Equal(11323, cursor.Time);
        Assert.Equal([1, 561], cursor[Pressure].shape);
        Assert.Equal(ScalarType.Float64, cursor[Pressure].dtype);
        Assert.Equal(1022.075, cursor[Pressure][0, 0].ToDouble(), 10);
        while (cursor.Cycle < 3651) Assert.True(cursor.MoveNext());
        Assert.Equal(11323 + 3651, cursor.Time);
        Assert.Equal(997.275, cursor[Pressure][0, 560].ToDouble(), 10);
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void ReadingInPartsOfAnySizeGivesTheSameToTheBit()
    {
        var year = new NetCdfOptions { From = new DateTime(2010, 1, 1), Until = new DateTime(2010, 3, 1) };
        double[] Read(ITrajectoryView view)
        {
            var all = new List<double>();
            using var cursor = view.OpenCursor();
            while (cursor.MoveNext()) all.AddRange(cursor[Pressure].data<double>().ToArray());
            return [.. all];
        }
        var view = context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Pressure, year);
        double[] first = Read(view);
        Assert.Equal(59 * 561, first.Length);
        Assert.Equal(first, Read(view));
        foreach (int cycles in (int[])[1, 7, 1000])
            Assert.Equal(first,
                Read(context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Pressure, year with { CyclesPerRead = cycles })));
    }

    [Fact]
    public void AnIntervalBeginsAndEndsWhereItSays()
    {
        var view = context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Pressure,
            new NetCdfOptions { From = new DateTime(2010, 1, 1), Until = new DateTime(2011, 1, 1) });
        Assert.Equal(365, view.CycleCount);
        Assert.Equal((new DateTime(2009, 12, 31) - DateTime.UnixEpoch).TotalDays, view.StartTime);
        using var cursor = view.OpenCursor();
        cursor.MoveNext();
        Assert.Equal((new DateTime(2010, 1, 1) - DateTime.UnixEpoch).TotalDays, cursor.Time);
        var refused = Assert.Throws<DataFileException>(() =>
            context.Data.FromNetCdf(NetCdfFileTests.RealFile, "slp", Pressure, new NetCdfOptions { From = new DateTime(2020, 1, 1) }));
        Assert.Contains("no cycle from 2020-01-01 00:00 until the end; it runs from 2001-01-01 00:00 to 2010-12-31 00:00", refused.Message);
    }

    [Fact]
    public void MissingValuesAreMaskedOrRefusedByName()
    {
        string path = Small("gaps.nc", [1, 2, -999, 4], ("_FillValue", (short)-999));
        var masked = context.Data.FromNetCdf(path, "v", Pressure, new NetCdfOptions { Missing = MissingValues.Mask });
        Assert.Equal("pressure[2], pressure-mask[2]", masked.Schema.ToString());
        using (var cursor = masked.OpenCursor())
        {
            cursor.MoveNext();
            Assert.True(cursor[Columns.MaskOf(Pressure)].all().ToBoolean());
            cursor.MoveNext();
            Assert.Equal([false, true], cursor[Columns.MaskOf(Pressure)].data<bool>().ToArray());
            Assert.Equal([0.0, 4.0], cursor[Pressure].data<double>().ToArray());
        }
        using var refusing = context.Data.FromNetCdf(path, "v", Pressure).OpenCursor();
        Assert.True(refusing.MoveNext());
        var refused = Assert.Throws<DataFileException>(() => refusing.MoveNext());
        Assert.Contains("lacks 1 of its 2 values in entry 1 (2000-01-02 00:00)", refused.Message);
        Assert.Contains("MissingValues.Mask", refused.Message);
    }

    [Fact]
    public void WhatIsNoTrajectoryIsRefusedByName()
    {
        string path = Small("small.nc", [1, 2, 3, 4]);
        Assert.Contains("has no variable 'w'; it has: time(time = 2), v(time = 2, x = 2)", Refused(path, "w"));
        Assert.Contains("no coordinate variable for its dimension 'time'", Refused(Small("a.nc", [1, 2, 3, 4], time: ""), "v"));
        Assert.Contains("has no units", Refused(Small("b.nc", [1, 2, 3, 4], units: ""), "v"));
        Assert.Contains("'furlongs since 2000-01-01'", Refused(Small("c.nc", [1, 2, 3, 4], units: "furlongs since 2000-01-01"), "v"));
        Assert.Contains("must increase; entry 1", Refused(Small("d.nc", [1, 2, 3, 4], times: [3, 3]), "v"));

        string Refused(string file, string variable) =>
            Assert.Throws<DataFileException>(() => context.Data.FromNetCdf(file, variable, Pressure)).Message;
    }

    [Fact]
    public void AGridKnowsItsPointsAndTheirAreas()
    {
        var grid = LatitudeLongitudeGrid.FromNetCdf(NetCdfFileTests.RealFile, "slp");
        Assert.Equal(561, grid.Size);
        Assert.Equal((30, -70), grid.Location(0));
        Assert.Equal((32.5, -65), grid.Location(33 + 2));
        using var field = torch.arange(561, dtype: ScalarType.Float64);
        using var between = grid.InterpolateTo((30, -70), (32.5, 295), (31.25, -67.5)).Apply(field);
        Assert.Equal([0, 35, 33 / 2.0 + 1], between.ToArray<double>());
        using var weights = grid.AreaWeights(ScalarType.Float64, CPU);
        Assert.Equal(Math.Cos(Math.PI / 6), weights[0].ToDouble(), 14);
        Assert.Equal(0.5, weights[12 * 33].ToDouble(), 14); // 60 N
        Assert.Contains("no latitude and longitude",
            Assert.Throws<DataFileException>(() => LatitudeLongitudeGrid.FromNetCdf(NetCdfFileTests.RealFile, "lat")).Message);
        Assert.Contains("'degrees_north' is needed",
            Assert.Throws<DataFileException>(() => LatitudeLongitudeGrid.FromNetCdf(Small("e.nc", [1, 2, 3, 4]), "v")).Message);
    }

    private string Small(string name, double[] values, params (string, object)[] attributes) =>
        Small(name, values, "time", "days since 2000-01-01", [0, 1], attributes);

    private string Small(string name, double[] values, string time = "time", string units = "days since 2000-01-01", double[]? times = null,
        params (string, object)[] attributes)
    {
        var writer = new ClassicNetCdfWriter().Dimension("time", 2).Dimension("x", 2);
        if (time.Length > 0) writer.Variable(time, 6, ["time"], times ?? [0, 1], units.Length > 0 ? [("units", units)] : []);
        return writer.Variable("v", 3, ["time", "x"], values, attributes).Write(folder.File(name));
    }
}
