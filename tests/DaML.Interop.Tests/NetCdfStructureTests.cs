using TorchSharp;

namespace DaML.Tests;

/// <summary>Where dimensions, times and variables stand in files of other tools, and what is said of files that cannot be read.</summary>
public sealed class NetCdfStructureTests : IDisposable
{
    private static readonly Column Value = new("value");
    private static readonly (string, string) Days = ("units", "days since 2000-01-01");
    private const double Start = 10957;   // 2000-01-01 in days since 1970-01-01
    private readonly TemporaryFolder folder = new();
    private readonly DataAssimilationContext context = new();

    public NetCdfStructureTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void UnsignedLimitsOfASatelliteFieldAreReadUnsigned() // fault 01
    {
        string path = Written("u.nc", writer => writer.Dimension("time", 1).Dimension("x", 4).Doubles("time", ["time"], [0], Days)
            .Variable("q", 3, ["time", "x"], [0, 100, -6, -1], ("_FillValue", 3, -1), ("_Unsigned", 2, "true"),
                ("valid_range", 3, (object[])[0, -6]),
                ("scale_factor", 5, 0.5), ("add_offset", 5, 10.0)));
        var (_, values, mask) = Cycles(path, "q").Single();
        Assert.Equal([10, 60, 32775, 0], values);
        Assert.Equal([true, true, true, false], mask);
    }

    [Fact]
    public void AnUnsignedNumberThatIsTheSignedDefaultFillIsThere()
    {
        string path = Written("u.nc",
            writer => writer.Dimension("x", 3).Variable("q", 3, ["x"], [-32767, -1, 5], ("_Unsigned", 2, "true")));
        using var file = NetCdfFile.Open(path);
        Assert.Equal([32769, 65535, 5], file.Read("q"));
    }

    [Fact]
    public void ARangeWiderThanPackedDataIsInTheUnitsOfTheValues()
    {
        string path = Written("r.nc", writer => writer.Dimension("x", 4).Variable("q", 3, ["x"], [-1000, 0, 1000, 1001],
            ("scale_factor", 6, 0.1), ("add_offset", 6, 1000.0), ("valid_range", 6, (object[])[900.0, 1100.0])));
        using var file = NetCdfFile.Open(path);
        Assert.Equal([900, 1000, 1100, double.NaN], file.Read("q"));
    }

    [Fact]
    public void AScaleThatIsNoNumberIsRefused()
    {
        string path = Written("s.nc",
            writer => writer.Dimension("x", 1).Variable("a", 3, ["x"], [1], ("scale_factor", 2, "ten"))
                .Variable("b", 3, ["x"], [3], ("scale_factor", 2, "0.5")));
        using var file = NetCdfFile.Open(path);
        Assert.Contains("'scale_factor' of the variable a(x = 1)", Assert.Throws<DataFileException>(() => file.Read("a")).Message);
        Assert.Equal([1.5], file.Read("b"));
    }

    [Fact]
    public void SeveralDimensionsMayGrow()
    {
        string path = Written("two.nc",
            writer => writer.Dimension("time", 2, unlimited: true).Dimension("x", 3, unlimited: true)
                .Doubles("time", ["time"], [0, 1], Days)
            .Doubles("q", ["time", "x"], [1, 2, 3, 4, 5, 6]));
        using (var file = NetCdfFile.Open(path)) Assert.All(file.Dimensions, dimension => Assert.True(dimension.IsUnlimited));
        Assert.Equal([[1, 2, 3], [4, 5, 6]], Cycles(path, "q").Select(cycle => cycle.Values));
    }

    [Fact]
    public void GroupsHaveVariablesAndDimensionsOfTheirOwn()
    {
        // The group's dimension stands between two of the root, so that numbers of dimensions are not consecutive in either.
        string path = Written("groups.nc", writer => writer.Dimension("time", 2).Dimension("z", 3, group: "ObsValue").Dimension("x", 1)
            .Doubles("time", ["time"], [0, 1], Days).Doubles("q", ["time", "x"], [7, 8])
            .Doubles("ObsValue/deep/q", ["time", "z"], [1, 2, 3, 4, 5, 6]));
        using (var file = NetCdfFile.Open(path))
        {
            Assert.Equal(["time", "q", "ObsValue/deep/q"], file.Variables.Select(variable => variable.Name));
            Assert.Equal(["time", "x", "z"], file.Dimensions.Select(dimension => dimension.Name));
        }
        Assert.Equal([[7], [8]], Cycles(path, "q").Select(cycle => cycle.Values));
        Assert.Equal([[1, 2, 3], [4, 5, 6]], Cycles(path, "/ObsValue/deep/q").Select(cycle => cycle.Values));
    }

    [Fact]
    public void AnHdf5FileWithoutDimensionsIsRead()
    {
        string path = folder.File("plain.h5");
        Hdf5Dataset.Write(path, "q", [2, 3], [1, 2, 3, 4, 5, 6]);
        using (var file = NetCdfFile.Open(path))
        {
            Assert.Equal([2, 3], file.Variable("q").Shape);
            Assert.Equal([1, 2, 3, 4, 5, 6], file.Read("q"));
        }
        var refused = Assert.Throws<DataFileException>(() => context.Data.FromNetCdf(path, "q", Value));
        Assert.Contains("has no times", refused.Message);
        var (time, values, _) = Cycles(path, "q", new() { FieldTime = new DateTime(2000, 1, 2) }).Single();
        Assert.Equal(Start + 1, time);
        Assert.Equal([1, 2, 3, 4, 5, 6], values);
    }

    [Fact]
    public void ASeriesIsAVectorOfOne() // fault 14
    {
        string path = Written("q.nc",
            writer => writer.Dimension("time", 3).Doubles("time", ["time"], [0, 1, 2], Days).Doubles("q", ["time"], [1, 2, 3]));
        var cycles = Cycles(path, "q");
        Assert.Equal([(Start, 1.0), (Start + 1, 2.0), (Start + 2, 3.0)], cycles.Select(cycle => (cycle.Time, cycle.Values.Single())));
    }

    [Fact]
    public void TimeNeedNotBeFirst()
    {
        string path = Written("s.nc",
            writer => writer.Dimension("station", 2).Dimension("time", 3).Dimension("z", 2).Doubles("time", ["time"], [0, 1, 3], Days)
            .Doubles("q", ["station", "time"], [1, 2, 3, 11, 12, 13])
            .Doubles("p", ["station", "z", "time"], [.. Enumerable.Range(0, 12).Select(i => (double)i)])
            .Doubles("m", ["station", "time", "z"], [.. Enumerable.Range(0, 12).Select(i => (double)i)]));
        foreach (int cyclesPerRead in (int[])[1, 2, 64])
        {
            var options = new NetCdfOptions { CyclesPerRead = cyclesPerRead };
            Assert.Equal([[1, 11], [2, 12], [3, 13]], Cycles(path, "q", options).Select(cycle => cycle.Values));
            Assert.Equal([[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]], Cycles(path, "p", options).Select(cycle => cycle.Values));
            Assert.Equal([[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]], Cycles(path, "m", options).Select(cycle => cycle.Values));
        }
        var part = Cycles(path, "q", new() { From = new DateTime(2000, 1, 2), Until = new DateTime(2000, 1, 4) });
        Assert.Equal([2, 12], part.Single().Values);
    }

    [Fact]
    public void OneDimensionOfTrajectoriesBecomesTheBatch()
    {
        string path = Written("b.nc",
            writer => writer.Dimension("x", 2).Dimension("run", 3).Dimension("time", 2).Doubles("time", ["time"], [0, 1], Days)
            .Doubles("q", ["x", "run", "time"], [.. Enumerable.Range(0, 12).Select(i => (double)i)]));
        var view = context.Data.FromNetCdf(path, "q", Value, new() { TrajectoryDimension = "run" });
        Assert.Equal((3, "value[2]"), (view.Schema.Batch, view.Schema.ToString()));
        using var cursor = view.OpenCursor();
        cursor.MoveNext();
        Assert.Equal([0.0, 6, 2, 8, 4, 10], cursor[Value].ToArray<double>());
        Assert.Contains("has no dimension 'member'",
            Assert.Throws<DataFileException>(() =>
                context.Data.FromNetCdf(path, "q", Value, new() { TrajectoryDimension = "member" })).Message);
    }

    [Fact]
    public void ASingleFieldHasTheTimeOfAScalar() // fault 14
    {
        string path = Written("f.nc", writer => writer.Dimension("y", 2).Dimension("x", 2).Doubles("y", ["y"], [0, 1], ("units", "rad"))
            .Doubles("t", [], [86400], ("units", "seconds since 2000-01-01")).Doubles("q2", ["y", "x"], [1, 2, 3, 4]));
        var (time, values, _) = Cycles(path, "q2").Single();
        Assert.Equal(Start + 1, time);
        Assert.Equal([1, 2, 3, 4], values);
        Assert.Equal(Start, context.Data.FromNetCdf(path, "q2", Value, new() { StartTime = FileStart.OneIntervalBefore }).StartTime);
    }

    [Fact]
    public void OfSeveralScalarTimesTheForecastsStartIsNotTheFields()
    {
        string path = Written("g.nc", writer => writer.Dimension("x", 1)
            .Doubles("reference", [], [0], Days, ("standard_name", "forecast_reference_time"))
            .Doubles("valid", [], [2], Days, ("standard_name", "time"))
            .Doubles("q", ["x"], [1], ("coordinates", "reference valid")).Doubles("r", ["x"], [1]));
        Assert.Equal(Start + 2, Cycles(path, "q").Single().Time);
        Assert.Equal(Start + 2, Cycles(path, "r").Single().Time);
    }

    [Fact]
    public void AnAuxiliaryCoordinateGivesTheTimes()
    {
        string path = Written("a.nc",
            writer => writer.Dimension("obs", 2).Dimension("x", 1).Doubles("when", ["obs"], [0, 1], Days)
                .Doubles("issued", ["obs"], [5, 6], Days)
            .Doubles("q", ["x", "obs"], [1, 2], ("coordinates", "when")).Doubles("r", ["x", "obs"], [1, 2]));
        Assert.Equal([Start, Start + 1], Cycles(path, "q").Select(cycle => cycle.Time));
        Assert.Contains("any of when(obs = 2), issued(obs = 2); name one by NetCdfOptions.TimeVariable",
            Assert.Throws<DataFileException>(() => Cycles(path, "r")).Message);
        Assert.Equal([Start + 5, Start + 6], Cycles(path, "r", new() { TimeVariable = "issued" }).Select(cycle => cycle.Time));
    }

    [Fact]
    public void TimesInAnotherGroupAreNamedAndMustRise()
    {
        // As in the files of JEDI: an observation a row, times in a group of their own.
        string Observations(double[] times) => Written("ioda.nc", writer => writer.Dimension("Location", 3)
            .Doubles("MetaData/dateTime", ["Location"], times, ("units", "seconds since 20000101T000000Z"))
            .Doubles("ObsValue/q", ["Location"], [1, 2, 3]));
        string path = Observations([0, 43200, 86400]);
        Assert.Contains("Name 'MetaData/dateTime' in NetCdfOptions.TimeVariable",
            Assert.Throws<DataFileException>(() => Cycles(path, "ObsValue/q")).Message);
        NetCdfOptions named = new() { TimeVariable = "MetaData/dateTime" };
        Assert.Equal([Start, Start + 0.5, Start + 1], Cycles(path, "ObsValue/q", named).Select(cycle => cycle.Time));
        foreach (double[] times in (double[][])[[0, 86400, 43200], [0, 43200, 43200]])
        {
            string message = Assert.Throws<DataFileException>(() => Cycles(Observations(times), "ObsValue/q", named)).Message;
            Assert.Contains("must increase; entry 2 is 2000-01-01 12:00", message);
            Assert.Contains("read the values by NetCdfFile, sort them, and make a view of them by FromMemory", message);
        }
    }

    [Fact]
    public void AVariableWithoutTimesIsRefusedWithWhatItsDimensionsAre()
    {
        string path = Written("n.nc",
            writer => writer.Dimension("lat", 2).Dimension("x", 1).Doubles("lat", ["lat"], [0, 1], ("units", "degrees_north"))
                .Doubles("q", ["lat", "x"], [1, 2])
            .Dimension("time", 2).Doubles("t", [], [0], Days).Doubles("s", ["time"], [1, 2]));
        using (var other = new NetCdf4Writer(folder.File("m.nc")))
            other.Dimension("lat", 2).Dimension("x", 1).Doubles("lat", ["lat"], [0, 1], ("units", "degrees_north"))
                .Doubles("q", ["lat", "x"], [1, 2]);
        string message = Assert.Throws<DataFileException>(() => Cycles(folder.File("m.nc"), "q")).Message;
        Assert.Contains("the coordinate 'lat' is in 'degrees_north', there is no coordinate variable for its dimension 'x'", message);
        Assert.Contains("NetCdfOptions.FieldTime", message);
        // A dimension called time is no part of a field, whatever scalar there is.
        Assert.Contains("no coordinate variable for its dimension 'time'",
            Assert.Throws<DataFileException>(() => Cycles(path, "s")).Message);
        Assert.Equal([1, 2], Cycles(path, "q").Single().Values);
    }

    [Fact]
    public void TheFirstCycleMayBeTheStart()
    {
        string path = Written("i.nc",
            writer => writer.Dimension("time", 2).Doubles("time", ["time"], [0, 1], Days).Doubles("q", ["time"], [1, 2]));
        Assert.Equal(Start, context.Data.FromNetCdf(path, "q", Value, new() { StartTime = Start }).StartTime);
        Assert.Equal(Start, context.Data.FromNetCdf(path, "q", Value, new() { StartTime = FileStart.AtFirstCycle }).StartTime);
        Assert.Equal(Start - 1, context.Data.FromNetCdf(path, "q", Value, new() { StartTime = FileStart.OneIntervalBefore }).StartTime);
        Assert.Null(context.Data.FromNetCdf(path, "q", Value).StartTime);
        Assert.Contains("must not be after the first cycle",
            Assert.Throws<ArgumentException>(() => context.Data.FromNetCdf(path, "q", Value, new() { StartTime = Start + 1 })).Message);
    }

    [Fact]
    public void HourlyTimesInSinglePrecisionAreTheHoursTheyStandFor() // fault 05
    {
        // 2019: a step of single precision is a twentieth of an hour.
        float[] times = [.. Enumerable.Range(0, 200).Select(i => (float)(18000 + i / 24.0))];
        string path = Written("h.nc", writer => writer.Dimension("time", 200).Dimension("x", 3)
            .Variable("time", 5, ["time"], [.. times.Cast<object>()], ("units", 2, "days since 1970-01-01"))
            .Doubles("q", ["time", "x"], [.. Enumerable.Repeat(1.0, 600)]));
        File.WriteAllText(folder.File("h.csv"), "time,a,b,c\n" +
            string.Concat(times.Select(time => FormattableString.Invariant($"{time},1,1,1\n"))));
        var model = new Lorenz63(timeStep: 1 / 24.0);
        var before = FileStart.OneIntervalBefore;
        foreach (var view in (ITrajectoryView[])[context.Data.FromNetCdf(path, "q", Columns.Observation, new() { StartTime = before }),
            context.Data.FromCsv(folder.File("h.csv"), new CsvOptions { StartTime = before },
                new CsvColumn(Columns.Observation, "a", "b", "c"))])
        {
            using var run =
                context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)),
                new() { Members = 8 }).Run(view);
            int cycles = 0;
            while (run.MoveNext()) cycles++;
            Assert.Equal(200, cycles);
        }
    }

    [Fact]
    public void TheStartIsAsLongBeforeTheFirstCycleAsTheSecondIsAfterIt()
    {
        Assert.Equal(0, StartTimes.Before([1]));
        Assert.Equal(-1, StartTimes.Before([1, 3, 4]));
        Assert.Equal(10957 - 31, StartTimes.Before([10957, 10988, 11016, 11047]));   // months
        Assert.Equal(2 * 0.1 - 0.2, StartTimes.Before([0.1, 0.2, 0.3]));
        Assert.Equal(17999.9583333, StartTimes.Before([.. Enumerable.Range(0, 100).Select(i => (double)(float)(18000 + i / 24.0))]), 1e-4);
    }

    [Fact]
    public void AModelsCalendarCountsItsOwnDays() // fault 15
    {
        string path = Written("c.nc",
            writer => writer.Dimension("time", 3)
                .Doubles("time", ["time"], [0, 59, 60], ("units", "days since 1850-01-01"), ("calendar", "noleap"))
                .Doubles("t", ["time"], [1, 2, 3]));
        Assert.Equal([-43800, -43741, -43740], Cycles(path, "t").Select(cycle => cycle.Time));
        // 59 days after the first of January
        Assert.Equal(2, Cycles(path, "t", new() { From = new DateTime(1850, 3, 1) }).First().Values.Single());
        Assert.Contains("it runs from 1850-01-01 00:00 to 1850-03-02 00:00",
            Assert.Throws<DataFileException>(() => Cycles(path, "t", new() { From = new DateTime(1851, 1, 1) })).Message);
    }

    [Theory]
    [InlineData("degrees_north", "degrees_east")]
    [InlineData("degree_N", "degree_E")]
    [InlineData("degrees_N", "degrees_E")]
    [InlineData("degreeN", "degreeE")]
    [InlineData("degreesN", "degreesE")]
    [InlineData("degree_north", "degree_east")]
    public void DegreesHaveSixSpellingsAndTimeMayStandLast(string north, string east)
    {
        string path = Written("g.nc",
            writer => writer.Dimension("lat", 2).Dimension("lon", 3).Dimension("time", 1).Doubles("time", ["time"], [0], Days)
            .Doubles("lat", ["lat"], [10, 20], ("units", north)).Doubles("lon", ["lon"], [0, 5, 10], ("units", east))
            .Doubles("q", ["lat", "lon", "time"], [1, 2, 3, 4, 5, 6]));
        var grid = LatitudeLongitudeGrid.FromNetCdf(path, "q");
        Assert.Equal((20, 5), grid.Location(4));
    }

    [Fact]
    public void ATruncatedNetCdf4FileSaysSo()
    {
        string path = Written("whole.nc", writer => writer.Dimension("x", 500).Doubles("q", ["x"], new double[500]));
        byte[] bytes = File.ReadAllBytes(path);
        string cut = folder.File("cut.nc");
        foreach (int length in (int[])[bytes.Length - 1, bytes.Length / 2, 100, 60, 40, 9])
        {
            File.WriteAllBytes(cut, bytes[..length]);
            Assert.Contains($"'{cut}' is truncated", Assert.Throws<DataFileException>(() => NetCdfFile.Open(cut)).Message);
        }
        // What is damaged further in, the library calls an HDF error.
        Assert.Contains("the file is damaged or incomplete",
            Assert.Throws<DataFileException>(() => NetCdfLibrary.Check(NetCdfLibrary.Hdf5Error, "Reading", cut)).Message);
    }

    [Theory]
    [InlineData("GRIB\0\0\0\u0001 and so on", "it is a GRIB file. Convert it first, for instance with ecCodes: grib_to_netcdf")]
    [InlineData("IEDX01 EGRR 010000\r\r\nGRIB\0\0\0\u0002", "it is a GRIB file")]
    [InlineData("BUFR\0\0\0\u0004", "it is a BUFR file")]
    [InlineData("PK\u0003\u0004", "it is a ZIP archive")]
    [InlineData("<!DOCTYPE html><html>not found</html>", "an HTML or XML page")]
    [InlineData("dear reader", "is not a NetCDF file")]
    [InlineData("", "is empty")]
    public void AFileOfAnotherFormatIsNamed(string content, string says)
    {
        string path = folder.File("other.nc");
        File.WriteAllBytes(path, [.. content.Select(sign => (byte)sign)]);
        string message = Assert.Throws<DataFileException>(() => NetCdfFile.Open(path)).Message;
        Assert.Contains(path, message);
        Assert.Contains(says, message);
    }

    private string Written(string name, Action<NetCdf4Writer> write)
    {
        string path = folder.File(name);
        using var writer = new NetCdf4Writer(path);
        write(writer);
        return path;
    }

    private List<(double Time, double[] Values, bool[] Mask)> Cycles(string path, string variable, NetCdfOptions? options = null)
    {
        var cycles = new List<(double, double[], bool[])>();
        using var cursor = context.Data.FromNetCdf(path, variable, Value, (options ?? new()) with { Missing = MissingValues.Mask })
            .OpenCursor();
        while (cursor.MoveNext()) cycles.Add((cursor.Time, cursor[Value].ToArray<double>(), cursor[Columns.MaskOf(Value)].ToArray<bool>()));
        return cycles;
    }
}
