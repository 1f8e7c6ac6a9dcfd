using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Files as archives of reanalyses and of climate models have them, made by ncgen, against known values and Python's
/// netCDF4.</summary>
public sealed class NetCdfArchiveTests : IDisposable
{
    private static readonly Column Value = new("value");

    // Prints each time as days since 1970-01-01 in the file's own calendar, with the mean of the values that are there.
    private const string Reader = """
        import sys, cftime, netCDF4, numpy
        with netCDF4.Dataset(sys.argv[1]) as file:
            v, t = file[sys.argv[2]], file[sys.argv[3]]
            calendar = getattr(t, "calendar", "standard")
            dates = netCDF4.num2date(t[:], t.units, calendar)
            for i, date in enumerate(dates):
                x = numpy.ma.masked_invalid(v[i]).astype(float)
                print(repr(float(cftime.date2num(date, "days since 1970-01-01", calendar))), int(x.count()), repr(float(x.mean())))
        """;

    private readonly TemporaryFolder folder = new();
    private readonly DataAssimilationContext context = new();

    public NetCdfArchiveTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AFileAsOfEra5IsRead()
    {
        string path = NetCdfTools.Generate(folder.File("era5.nc"), "netCDF-4", """
            netcdf era5 {
            dimensions: valid_time = UNLIMITED ; pressure_level = 1 ; latitude = 3 ; longitude = 2 ;
            variables:
              int64 number ; number:long_name = "ensemble member numerical id" ; number:units = "1" ;
              int64 valid_time(valid_time) ; valid_time:units = "seconds since 1970-01-01" ; valid_time:calendar = "proleptic_gregorian" ;
                valid_time:standard_name = "time" ;
              double pressure_level(pressure_level) ; pressure_level:units = "hPa" ; pressure_level:positive = "down" ;
              double latitude(latitude) ; latitude:units = "degrees_north" ; latitude:stored_direction = "decreasing" ;
              double longitude(longitude) ; longitude:units = "degrees_east" ;
              string expver(valid_time) ;
              short z(valid_time, pressure_level, latitude,
                  longitude) ; z:scale_factor = 0.25 ; z:add_offset = 54000. ; z:_FillValue = -32767s ;
                z:missing_value = -32767s ; z:coordinates = "number valid_time pressure_level latitude longitude expver" ;
                z:units = "m**2 s**-2" ;
            data:
              number = 0 ; valid_time = 1104537600, 1104559200 ; pressure_level = 500 ; latitude = 60, 59.75, 59.5 ; longitude = 350,
                  350.25 ;
              expver = "0001", "0005" ;
              z = 0, 4, 8, 12, 16, 20, -4, -8, -12, -16, _, -20 ;
            }
            """);
        var view = context.Data.FromNetCdf(path, "z", Value, new() { Missing = MissingValues.Mask });
        Assert.Equal(6, view.Schema[Value].Shape.Single());
        using (var cursor = view.OpenCursor())
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal(12784, cursor.Time);   // 2005-01-01
            Assert.Equal([54000, 54001, 54002, 54003, 54004, 54005], cursor[Value].ToArray<double>());
            Assert.True(cursor.MoveNext());
            Assert.Equal(12784.25, cursor.Time);
            Assert.Equal([true, true, true, true, false, true], cursor[Columns.MaskOf(Value)].ToArray<bool>());
        }
        var grid = LatitudeLongitudeGrid.FromNetCdf(path, "z");
        Assert.Equal(new LatitudeLongitudeGrid([60, 59.75, 59.5], [350, 350.25]), grid);
        var north = LatitudeLongitudeGrid.FromNetCdf(path, "z", new(59.7, 61, -9.8, 0));
        Assert.Equal(new LatitudeLongitudeGrid([60, 59.75], [350.25]), north);
        AssertAsPythonReads(path, "z", "valid_time");
    }

    [Fact]
    public void AFileAsOfTheOldReanalysisIsRead()
    {
        string path = NetCdfTools.Generate(folder.File("slp.2000.nc"), "classic", """
            netcdf slp.2000 {
            dimensions: lon = 2 ; lat = 2 ; time = UNLIMITED ;
            variables:
              float lat(lat) ; lat:units = "degrees_north" ; lat:actual_range = 90.f, -90.f ;
              float lon(lon) ; lon:units = "degrees_east" ;
              double time(time) ; time:units = "hours since 1-1-1 00:00:0.0" ; time:delta_t = "0000-00-01 00:00:00" ;
                time:avg_period = "0000-00-01 00:00:00" ;
              short slp(time, lat, lon) ; slp:valid_range = 87000.f, 115000.f ; slp:add_offset = 119765.f ; slp:scale_factor = 1.f ;
                slp:missing_value = 32766s ; slp:units = "Pascals" ; slp:precision = 0s ;
            data:
              lat = 90, 87.5 ; lon = 0, 2.5 ; time = 17522904, 17522928 ;
              slp = -18440, -18450, -18460, 32766, -18000, -18010, -18020, -18030 ;
            }
            """);
        using (var cursor = context.Data.FromNetCdf(path, "slp", Value, new() { Missing = MissingValues.Mask, Interval = 1,
            Scale = 0.01 }).OpenCursor())
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal(10957, cursor.Time);   // 2000-01-01 in the mixed calendar; two days later in the proleptic one
            Assert.Equal([1013.25, 1013.15, 1013.05, 0], cursor[Value].ToArray<double>().Select(value => Math.Round(value, 9)));
            Assert.Equal([true, true, true, false], cursor[Columns.MaskOf(Value)].ToArray<bool>());
        }
        AssertAsPythonReads(path, "slp", "time");
    }

    [Theory]
    [InlineData("hours since 1-1-1 00:00:0.0", null, 17522904)]
    [InlineData("hours since 1-1-1 00:00:0.0", "proleptic_gregorian", 17522904)]
    [InlineData("hours since 1800-1-1 00:00:0.0", "standard", 1753152)]
    [InlineData("hours since 1800-1-1", "gregorian", 1753152)]
    [InlineData("days since 1850-01-01", "noleap", 54810)]
    [InlineData("days since 1850-01-01 06:00:00", "365_day", 54810)]
    [InlineData("days since 1850-01-01", "360_day", 54000)]
    [InlineData("days since 1850-01-01", "all_leap", 54900)]
    [InlineData("days since 1500-02-29", "julian", 54900)]
    [InlineData("minutes since 1582-10-04 23:00", "standard", 1440)]
    [InlineData("seconds since 1970-01-01", "proleptic_gregorian", 1104537600)]
    public void TimesAreThoseOfAnotherReader(string units, string? calendar, double first)
    {
        string path = new ClassicNetCdfWriter { Records = 3 }.Dimension("time", 0).Dimension("x", 2)
            .Variable("time", 6, ["time"], [first, first + 1, first + 30], calendar is null ? [("units", units)] : [("units", units),
                ("calendar", calendar)])
            .Variable("v", 3, ["time", "x"], [1, 2, 3, -99, 5, -98], ("scale_factor", 0.1), ("add_offset", 7.0), ("_FillValue",
                (short)-99), ("missing_value", (short)-98))
            .Write(folder.File("t.nc"));
        AssertAsPythonReads(path, "v", "time");
    }

    private void AssertAsPythonReads(string path, string variable, string time)
    {
        using var cursor = context.Data.FromNetCdf(path, variable, Value, new() { Missing = MissingValues.Mask }).OpenCursor();
        foreach (string line in NetCdfTools.AskPython(Reader, path, variable, time).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            double[] expected = [.. line.Split(' ').Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
            Assert.True(cursor.MoveNext());
            Assert.Equal(expected[0], cursor.Time, 1e-9);
            var mask = cursor[Columns.MaskOf(Value)];
            Assert.Equal(expected[1], mask.sum().ToDouble());
            Assert.Equal(expected[2], cursor[Value][mask].mean().ToDouble(), 1e-9 * Math.Abs(expected[2]));
        }
        Assert.False(cursor.MoveNext());
    }
}
