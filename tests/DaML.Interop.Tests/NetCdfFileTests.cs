namespace DaML.Tests;

/// <summary>The NetCDF reader against a real file with known values, and against files written byte by byte.</summary>
public sealed class NetCdfFileTests : IDisposable
{
    public static readonly string RealFile = Path.Combine(AppContext.BaseDirectory, "data", "slp_ncep1_natlantic_daily_2001-2010.nc");
    private readonly TemporaryFolder folder = new();

    // ./daml test installs the library where it can.
    public NetCdfFileTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ARealFileHasItsKnownDimensionsAttributesAndValues()
    {
        using var file = NetCdfFile.Open(RealFile);
        Assert.Equal([("time", 3652L), ("lat", 17L), ("lon", 33L)],
            file.Dimensions.Select(dimension => (dimension.Name, dimension.Length)));
        Assert.Equal("CF-1.6", file.Attributes["Conventions"].Text);
        var pressure = file.Variable("slp");
        Assert.Equal(NetCdfType.Int16, pressure.Type);
        Assert.Equal([3652, 17, 33], pressure.Shape);
        Assert.Equal("Pa", pressure.Text("units"));
        Assert.Equal(2.5, pressure.FirstNumber("scale_factor"));
        Assert.Equal(100000, pressure.FirstNumber("add_offset"));

        Assert.Equal(30, file.Read("lat")[0]);
        Assert.Equal(70, file.Read("lat")[^1]);
        Assert.Equal(-70, file.Read("lon")[0]);
        Assert.Equal(10, file.Read("lon")[^1]);
        Assert.Equal(11323, file.Read("time")[0]); // days from 1970-01-01 to 2001-01-01

        // Read once with SciPy's own NetCDF reader: corners, one point, extremes and mean.
        double[] values = file.Read("slp");
        Assert.Equal(102207.5, values[0]);
        Assert.Equal(100287.5, values[5 * 33 + 7]);
        Assert.Equal(99727.5, values[^1]);
        Assert.Equal(93955, values.Min());
        Assert.Equal(106557.5, values.Max());
        Assert.Equal(101350.54559877819, values.Average(), 6);
        Assert.Equal(values[(3651 * 17 + 16) * 33 + 32], file.Read(pressure, [3651, 16, 32], [1, 1, 1]).Single());
    }

    [Fact]
    public void AProcessThatIsStartedMeanwhileLocksNoFile()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there, processes inherit no files");
        string path = folder.File("open.nc");
        using (var writer = new NetCdf4Writer(path)) writer.Dimension("x", 3).Variable("v", 10, ["x"], [1, -2, 3]);
        System.Diagnostics.Process child;
        using (NetCdfFile.Open(path)) child = System.Diagnostics.Process.Start("sleep", "60");
        using (child)
        {
            try
            {
                using var whole = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                Assert.True(whole.Length > 0 && !child.HasExited);
            }
            finally
            {
                child.Kill();
            }
        }
    }

    [Fact]
    public void PackedNumbersAreUnpackedAndEveryKindOfMissingValueIsNotANumber()
    {
        var writer = new ClassicNetCdfWriter().Dimension("x", 5)
            .Variable("packed", 3, ["x"], [-100, 0, 7, -999, 32000], ("scale_factor", 0.5), ("add_offset", 10.0),
                ("_FillValue", (short)-999), ("missing_value", (short)32000))
            .Variable("default", 5, ["x"], [1, 2, 9.96920996838687e36, 4, double.NaN])
            .Variable("range", 4, ["x"], [1, 2, 3, 4, 5], ("valid_min", 2), ("valid_max", 4))
            .Variable("bytes", 1, ["x"], [-1, 0, 1, 127, -128], ("_Unsigned", "true"));
        using var file = NetCdfFile.Open(writer.Write(folder.File("packed.nc")));
        Assert.Equal([-40, 10, 13.5, double.NaN, double.NaN], file.Read("packed"));
        Assert.Equal([1, 2, double.NaN, 4, double.NaN], file.Read("default"));
        Assert.Equal([double.NaN, 2, 3, 4, double.NaN], file.Read("range"));
        Assert.Equal([255, 0, 1, 127, 128], file.Read("bytes"));
    }

    [Fact]
    public void RecordVariablesAreReadWhereTheyLie()
    {
        var writer = new ClassicNetCdfWriter { Records = 3 }.Dimension("time", 0).Dimension("x", 2)
            .Variable("x", 6, ["x"], [10, 20])
            .Variable("time", 4, ["time"], [5, 6, 7], ("units", "days since 2000-01-01"))
            .Variable("v", 3, ["time", "x"], [1, 2, 3, 4, 5, 6]);
        using var file = NetCdfFile.Open(writer.Write(folder.File("records.nc")));
        Assert.True(file.Dimensions[0].IsUnlimited);
        Assert.Equal([5, 6, 7], file.Read("time"));
        Assert.Equal([3, 4, 5, 6], file.Read(file.Variable("v"), [1, 0], [2, 2]));
    }

    [Fact]
    public void NetCdf4IsReadToo()
    {
        string path = folder.File("four.nc");
        using (var writer = new NetCdf4Writer(path)) writer.Dimension("x", 3).Variable("v", 10, ["x"], [1, -2, 3]);
        using var file = NetCdfFile.Open(path);
        Assert.Equal(NetCdfType.Int64, file.Variable("v").Type);
        Assert.Equal([1, -2, 3], file.Read("v"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(4112300)]
    public void ATruncatedFileIsRefusedWhereTheLibraryWouldReadZeros(int missing)
    {
        byte[] bytes = File.ReadAllBytes(RealFile);
        string path = folder.File("cut.nc");
        File.WriteAllBytes(path, bytes[..^missing]);
        var refused = Assert.Throws<DataFileException>(() => NetCdfFile.Open(path));
        Assert.Contains($"'{path}' is truncated: it has {bytes.Length - missing} bytes", refused.Message);
    }

    [Fact]
    public void AFileCutInItsHeaderIsRefused()
    {
        string path = folder.File("header.nc");
        byte[] bytes = File.ReadAllBytes(RealFile);
        for (int length = 0; length < 980; length += 7)
        {
            File.WriteAllBytes(path, bytes[..length]);
            Assert.Contains(path, Assert.Throws<DataFileException>(() => NetCdfFile.Open(path)).Message);
        }
    }

    [Fact]
    public void DamageInTheHeaderIsRefusedOrHarmless()
    {
        var writer = new ClassicNetCdfWriter { Records = 3 }.Dimension("time", 0).Dimension("x", 2).Attribute("title", "a small file")
            .Variable("time", 4, ["time"], [5, 6, 7], ("units", "days since 2000-01-01"))
            .Variable("v", 3, ["time", "x"], [1, 2, 3, 4, 5, 6], ("scale_factor", 0.5));
        byte[] bytes = File.ReadAllBytes(writer.Write(folder.File("whole.nc")));
        var random = new Random(5);
        string path = folder.File("damaged.nc");
        int refusals = 0;
        for (int trial = 0; trial < 1000; trial++)
        {
            byte[] damaged = [.. bytes];
            damaged[random.Next(0, damaged.Length - 24)] = (byte)random.Next(256);
            File.WriteAllBytes(path, damaged);
            try
            {
                using var file = NetCdfFile.Open(path);
                file.Read("v");
            }
            catch (DataFileException) { refusals++; }
        }
        Assert.InRange(refusals, 100, 990);
    }

    [Fact]
    public void AForeignFileIsRefused()
    {
        string path = folder.Write("note.nc", "dear reader, this is no NetCDF file");
        Assert.Contains($"'{path}' is not a NetCDF file", Assert.Throws<DataFileException>(() => NetCdfFile.Open(path)).Message);
        Assert.Contains("nowhere.nc", Assert.Throws<FileNotFoundException>(() => NetCdfFile.Open(folder.File("nowhere.nc"))).Message);
    }

    [Fact]
    public void WhatCannotBeReadIsNamed()
    {
        using var file = NetCdfFile.Open(RealFile);
        Assert.Contains("has no variable 'z500'; it has: time(time = 3652)",
            Assert.Throws<DataFileException>(() => file.Read("z500")).Message);
        Assert.Contains("'lat' of length 17; given: 2 from 16",
            Assert.Throws<DataFileException>(() => file.Read(file.Variable("slp"), [0, 16, 0], [1, 2, 1])).Message);
        Assert.Contains("needs 3 starts and counts",
            Assert.Throws<DataFileException>(() => file.Read(file.Variable("slp"), [0], [1])).Message);
        var writer = new ClassicNetCdfWriter().Dimension("x", 2).Variable("name", 2, ["x"], [65, 66]);
        using var text = NetCdfFile.Open(writer.Write(folder.File("text.nc")));
        Assert.Contains("of type Character, not numeric", Assert.Throws<DataFileException>(() => text.Read("name")).Message);
    }

    [Fact]
    public void AClosedFileIsRefused()
    {
        var file = NetCdfFile.Open(RealFile);
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Read("lat"));
    }

    [Fact]
    public void AMissingLibraryNamesItsPackage()
    {
        var missing = Assert.Throws<DataFileException>(() => NetCdfLibrary.Load(["libnetcdf-that-is-nowhere.so"]));
        Assert.Contains("apt-get install libnetcdf-dev", missing.Message);
    }

    [Fact]
    public void SeveralThreadsReadTheSame()
    {
        using var whole = NetCdfFile.Open(RealFile);
        double[] expected = whole.Read("slp");
        Parallel.For(0, 8, thread =>
        {
            using var file = NetCdfFile.Open(RealFile);
            for (int i = thread; i < 3652; i += 97)
                Assert.Equal(expected[(i * 561)..((i + 1) * 561)], file.Read(file.Variable("slp"), [i, 0, 0], [1, 17, 33]));
        });
    }
}
