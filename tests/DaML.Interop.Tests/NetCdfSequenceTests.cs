using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Several files as one view: what goes together is read in the order of its times, what does not is refused with both
/// names.</summary>
public sealed class NetCdfSequenceTests : IDisposable
{
    private static readonly Column Value = new("value");
    private const double Start = 10957;   // 2000-01-01 in days since 1970-01-01
    private readonly TemporaryFolder folder = new();
    private readonly DataAssimilationContext context = new();

    public NetCdfSequenceTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    public void FilesFollowEachOtherByTheirTimesWhateverTheirNamesUnitsAndPacking(int cyclesPerRead)
    {
        // The 3 days from 2000-01-01, the next 2, the next 2; their names say the opposite order.
        Write("v_3.nc", [0, 1, 2], "days since 2000-01-01", type: 6, [1, 2, 3, 4, 5, 6]);
        Write("v_2.nc", [1753224, 1753248], "hours since 1800-01-01 00:00:0.0", type: 3, [-6, -4, -2, 0], ("scale_factor", 0.5),
            ("add_offset", 10.0));
        Write("v_1.nc", [17522904 + 120, 17522904 + 144], "hours since 1-1-1 00:00:0.0", type: 5, [11, 12, 13, 14]);
        Write("other.nc", [0, 1], "days since 2000-01-01", type: 6, [0, 0, 0, 0]);
        foreach (var options in (NetCdfOptions[])[new() { CyclesPerRead = cyclesPerRead, StartTime = FileStart.OneIntervalBefore },
            new() { CyclesPerRead = cyclesPerRead, StartTime = FileStart.OneIntervalBefore, Interval = 1 }])
        {
            var view = context.Data.FromNetCdf(folder.File("v_*.nc"), "v", Value, options);
            Assert.Equal((7, Start - 1), (view.CycleCount, view.StartTime));
            for (int pass = 0; pass < 2; pass++)
                Assert.Equal([(Start, 1, 2), (Start + 1, 3, 4), (Start + 2, 5, 6), (Start + 3, 7, 8), (Start + 4, 9, 10), (Start + 5, 11,
                    12), (Start + 6, 13, 14)], Cycles(view));
        }
        var part = context.Data.FromNetCdf([folder.File("v_1.nc"), folder.File("v_2.nc"), folder.File("v_3.nc")], "v", Value,
            new() { CyclesPerRead = cyclesPerRead, From = new DateTime(2000, 1, 3), Until = new DateTime(2000, 1, 7) });
        Assert.Equal(Start + 1, part.StartTime);
        Assert.Equal([(Start + 2, 5, 6), (Start + 3, 7, 8), (Start + 4, 9, 10), (Start + 5, 11, 12)], Cycles(part));
    }

    [Fact]
    public void CursorsAreIndependentAndHaveOneFileOpenEach()
    {
        for (int i = 0; i < 5; i++) Write($"v_{i}.nc", [2 * i, 2 * i + 1], "days since 2000-01-01", type: 6, [4 * i, 4 * i + 1, 4 * i + 2,
            4 * i + 3]);
        var view = context.Data.FromNetCdf(folder.File("v_?.nc"), "v", Value);
        Assert.Equal(0, Open());
        using (ITrajectoryCursor ahead = view.OpenCursor(), behind = view.OpenCursor())
        {
            for (int cycle = 0; cycle < 10; cycle++)
            {
                Assert.True(ahead.MoveNext());
                Assert.Equal(2 * cycle, ahead[Value][0, 0].ToDouble());
                if (cycle % 3 == 0) Assert.True(behind.MoveNext() && behind[Value][0, 0].ToDouble() == 2 * behind.Cycle);
                Assert.InRange(Open(), OperatingSystem.IsLinux() ? 1 : 0, 2);
            }
            Assert.False(ahead.MoveNext());
        }
        Assert.Equal(0, Open());

        int Open() => !OperatingSystem.IsLinux() ? 0 : Directory.GetFiles("/proc/self/fd").Count(link =>
            new FileInfo(link).LinkTarget?.StartsWith(folder.File("v_"), StringComparison.Ordinal) == true);
    }

    [Fact]
    public void FilesMayHaveTheirDimensionsInAnotherOrder()
    {
        Write("a.nc", [0, 1], "days since 2000-01-01", type: 6, [1, 2, 3, 4]);
        new ClassicNetCdfWriter().Dimension("time", 2).Dimension("x", 2).Variable("time", 6, ["time"], [2, 3], ("units",
            "days since 2000-01-01"))
            .Variable("x", 6, ["x"], [0, 5]).Variable("v", 6, ["x", "time"], [5, 7, 6, 8], ("units", "Pa")).Write(folder.File("b.nc"));
        Assert.Equal([(Start, 1, 2), (Start + 1, 3, 4), (Start + 2, 5, 6), (Start + 3, 7, 8)],
            Cycles(context.Data.FromNetCdf(folder.File("*.nc"), "v", Value)));
    }

    [Fact]
    public void WhatDoesNotGoTogetherIsRefusedWithBothNames()
    {
        string a = Write("a.nc", [0, 1], "days since 2000-01-01", type: 6, [1, 2, 3, 4]);
        string Message(string b)
        {
            var refused = Assert.Throws<DataFileException>(() => context.Data.FromNetCdf([b, a], "v", Value));
            Assert.Contains($"'{a}'", refused.Message);
            Assert.Contains($"'{b}'", refused.Message);
            return refused.Message;
        }
        string Other(string name, double[] times, string units = "days since 2000-01-01", string? calendar = null, string unit = "Pa",
            double[]? x = null, int size = 2) =>
            new ClassicNetCdfWriter().Dimension("time", 2).Dimension("x", size)
                .Variable("time", 6, ["time"], times, calendar is null ? [("units", units)] : [("units", units), ("calendar", calendar)])
                .Variable("x", 6, ["x"], x ?? [.. Enumerable.Range(0, size).Select(i => 5.0 * i)])
                .Variable("v", 6, ["time", "x"], new double[2 * size], ("units", unit)).Write(folder.File(name));

        Assert.Contains("the first ends at 2000-01-02 00:00, and the second begins at 2000-01-02 00:00. A time may be in one of them only",
            Message(Other("same.nc", [1, 2])));
        Assert.Contains("begins at 2000-01-01 12:00", Message(Other("within.nc", [0.5, 7])));
        Assert.Matches("the calendar .(noleap|standard)., of the other in the calendar .(noleap|standard).", Message(Other("noleap.nc",
            [2, 3], calendar: "noleap")));
        Assert.Contains("the times of the one are in the model's own unit", Message(Other("model.nc", [20000, 20001], units: "1")));
        Assert.Contains("in 'hPa' in the one, and in 'Pa' in the other", Message(Other("hpa.nc", [2, 3], unit: "hPa")));
        Assert.Contains("'x' has 3 values in the one, and 'x' 2 in the other", Message(Other("three.nc", [2, 3], size: 3)));
        Assert.Contains("since value 1 of its 'x' is 6; 5 is needed", Message(Other("shifted.nc", [2, 3], x: [0, 6])));
        Assert.Contains("the same values in the opposite order, which 'cdo invertlat'", Message(Other("reversed.nc", [2, 3], x: [5, 0])));
        // another name of the same
        Assert.Equal(4, context.Data.FromNetCdf([Other("gregorian.nc", [2, 3], calendar: "gregorian"), a], "v", Value).CycleCount);
        string without = new ClassicNetCdfWriter().Dimension("x", 1).Variable("w", 6, ["x"], [1]).Write(folder.File("without.nc"));
        Assert.Contains($"'{without}' has no variable 'v'; it has: w(x = 1)", Assert.Throws<DataFileException>(() =>
            context.Data.FromNetCdf([a, without], "v", Value)).Message);
        Assert.Contains("cannot be read in sequence", Assert.Throws<DataFileException>(() => context.Data.FromNetCdf([a, a], "v",
            Value)).Message);
    }

    [Fact]
    public void AGapIsRefusedWhereARegularIntervalIsAskedFor()
    {
        string a = Write("a.nc", [0, 1], "days since 2000-01-01", type: 6, [1, 2, 3, 4]), b = Write("b.nc", [3, 4, 6],
            "days since 2000-01-01", type: 6, [5, 6, 7, 8, 9, 10]);
        Assert.Equal(5, context.Data.FromNetCdf([a, b], "v", Value).CycleCount);
        Assert.Contains("must be 1 apart (NetCdfOptions.Interval); between " +
            $"2000-01-02 00:00 in '{a}' and 2000-01-04 00:00 in '{b}' there are 2",
            Assert.Throws<DataFileException>(() => context.Data.FromNetCdf([a, b], "v", Value, new() { Interval = 1 })).Message);
        Assert.Contains($"between 2000-01-05 00:00 in '{b}' and 2000-01-07 00:00 in '{b}' there are 2",
            Assert.Throws<DataFileException>(() => context.Data.FromNetCdf(b, "v", Value, new() { Interval = 1 })).Message);
        Assert.Equal(2, context.Data.FromNetCdf([a, b], "v", Value, new() { Interval = 1, From = new DateTime(2000, 1, 4),
            Until = new DateTime(2000, 1, 7) }).CycleCount);
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Data.FromNetCdf(a, "v", Value, new() { Interval = 0 }));
    }

    [Fact]
    public void APatternThatFindsNothingIsRefused()
    {
        Write("a.nc", [0, 1], "days since 2000-01-01", type: 6, [1, 2, 3, 4]);
        string Message(string pattern) => Assert.Throws<FileNotFoundException>(() => context.Data.FromNetCdf(pattern, "v", Value)).Message;
        Assert.Contains("No file matches the pattern", Message(folder.File("b*.nc")));
        Assert.Contains("has 1 other file(s)", Message(folder.File("b*.nc")));
        Assert.Contains("does not exist", Message(Path.Combine(folder.File("nowhere"), "*.nc")));
        Assert.Contains("b.nc' does not exist", Message(folder.File("b.nc")));
        Assert.Contains("only the name of the file may have them", Assert.Throws<ArgumentException>(() =>
            context.Data.FromNetCdf(folder.File("*/a.nc"), "v", Value)).Message);
        Assert.Contains("The list of files is empty", Assert.Throws<ArgumentException>(() => context.Data.FromNetCdf([], "v",
            Value)).Message);
    }

    [Fact]
    public void MissingValuesAreNamedInTheirFile()
    {
        Write("a.nc", [0, 1], "days since 2000-01-01", type: 6, [1, 2, 3, 4]);
        string b = Write("b.nc", [2, 3], "days since 2000-01-01", type: 3, [5, 6, 7, -999], ("missing_value", (short)-999));
        using var cursor = context.Data.FromNetCdf(folder.File("?.nc"), "v", Value).OpenCursor();
        for (int i = 0; i < 3; i++) Assert.True(cursor.MoveNext());
        Assert.Contains($"in '{b}' lacks 1 of its 2 values in entry 1 (2000-01-04 00:00)", Assert.Throws<DataFileException>(() =>
            cursor.MoveNext()).Message);
    }

    private string Write(string name, double[] times, string units, int type, double[] values, params (string, object)[] attributes) =>
        new ClassicNetCdfWriter { Records = times.Length }.Dimension("time", 0).Dimension("x", 2).Variable("time", 6, ["time"], times,
            ("units", units))
            .Variable("x", 6, ["x"], [0, 5]).Variable("v", type, ["time", "x"], values, [("units", "Pa"),
                .. attributes]).Write(folder.File(name));

    private static List<(double, double, double)> Cycles(ITrajectoryView view)
    {
        var cycles = new List<(double, double, double)>();
        using var cursor = view.OpenCursor();
        while (cursor.MoveNext()) cycles.Add((cursor.Time, cursor[Value][0, 0].ToDouble(), cursor[Value][0, 1].ToDouble()));
        return cycles;
    }
}
