namespace DaML.Tests;

/// <summary>
/// The reader against a second one, over a folder of files: each way of packing and of marking missing values, in each type.
/// </summary>
public sealed class NetCdfReferenceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public NetCdfReferenceTests() => Assert.SkipUnless(NetCdfFile.IsAvailable, "the netcdf library is not installed");

    public void Dispose() => folder.Dispose();

    public static TheoryData<int> Types => [1, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryFeatureOfEveryTypeIsReadAsTheGuideSays(int type)
    {
        bool isFloating = type is 5 or 6, isUnsigned = type is 7 or 8 or 9 or 11;
        int bits = 8 * RawNetCdf.SizeOf(type), size = 0;
        Int128 top = (Int128.One << (isUnsigned ? bits : bits - 1)) - 1, bottom = isUnsigned ? 0 : -(Int128.One << (bits - 1));
        object[] values = isFloating ? [0.0, 1.0, -1.5, 42.0, 99.0, 100.0, 101.0, 1e20, 9.9692099683868690e+36, double.NaN, 3.25, -7.0]
            : [.. new Int128[] { 0, 1, 2, 5, 42, 99, 100, 101, top, top - 1, top - 2, bottom, bottom + 1, bottom + 2, top / 2, top / 2 + 1 }
                .Concat(isUnsigned ? [] : [-1, -2, -5, -100]).Concat(type == 10 ? [(Int128)long.MinValue + 7] : []).Distinct()
                .Cast<object>()];
        size = values.Length;

        (string, int, object) Same(string name, params object[] numbers) => (name, type, numbers);
        (string, int, object) Double(string name, params object[] numbers) => (name, 6, numbers);
        (string, int, object) Single(string name, params object[] numbers) => (name, 5, numbers);
        var features = new List<(string Name, (string, int, object)[] Attributes)>
        {
            ("plain", []),
            ("no fill", [("no fill", 0, 0)]),
            ("fill", [Same("_FillValue", 42)]),
            ("fill and range", [Same("_FillValue", 99), Same("valid_range", 1, 100)]),
            ("missing", [Same("missing_value", 42)]),
            ("several missing", [Same("missing_value", 1, 42, 100), Same("_FillValue", 99)]),
            ("missing of double", [Double("missing_value", 42.0)]),
            ("minimum", [Same("valid_min", 2)]),
            ("maximum", [Same("valid_max", 99)]),
            ("range", [Same("valid_range", 1, 100)]),
            ("range of double", [Double("valid_range", 0.5, 99.5)]),
            ("packed", [Double("scale_factor", 0.5), Double("add_offset", 10.0)]),
            ("packed in single", [Single("scale_factor", 0.25), Single("add_offset", -3.0)]),
            ("packed with fill", [Double("scale_factor", -0.5), Same("_FillValue", 5)]),
            ("packed with range", [Double("scale_factor", 0.01), Same("valid_range", 1, 100)]),
            ("packed with limits",
                [Double("add_offset", 1000.0), Same("valid_min", 2), Same("valid_max", 99), Same("missing_value", 42, 5)]),
        };
        if (!isFloating)
        {
            features.Add(
                ("packed with a range of the values",
                    [Double("scale_factor", 0.1), Double("add_offset", 1.0), Double("valid_range", 1.2, 10.9)]));
            features.Add(
                ("packed with limits of the values", [Single("scale_factor", 0.5), Single("valid_min", 0.5), Single("valid_max", 49.5)]));
            features.Add(("extreme fill", [Same("_FillValue", bottom)]));
            features.Add(("extreme missing", [Same("missing_value", top)]));
            if (type == 10) features.Add(("long fill beside another", [Same("_FillValue", (Int128)long.MinValue + 7)]));
            // Read as the other sort of whole number.
            string said = isUnsigned ? "false" : "true";
            object upper = isUnsigned ? 100 : (Int128)(-2), fill = isUnsigned ? top : (Int128)(-1);
            features.Add(("unsigned", [("_Unsigned", 2, said)]));
            features.Add(("unsigned with range", [("_Unsigned", 2, said), Same("valid_range", isUnsigned ? top - 2 : (Int128)0, upper)]));
            features.Add(("unsigned with fill", [("_Unsigned", 2, said), Same("_FillValue", fill), Same("missing_value", 42)]));
            features.Add(
                ("unsigned, packed, with limits",
                    [("_Unsigned", 2, said), Single("scale_factor", 0.5), Single("add_offset", 10), Same("valid_min", 1),
                        Same("valid_max", isUnsigned ? 100 : (Int128)(-5))]));
        }

        foreach (var (name, attributes) in features)
        {
            string path = folder.File($"{type} {name}.nc");
            using (var writer = new NetCdf4Writer(path)) writer.Dimension("x", size).Variable("v", type, ["x"], values, attributes);
            double[] expected = RawNetCdf.Read(path, "v", size);
            using var file = NetCdfFile.Open(path);
            Assert.True(expected.AsSpan().SequenceEqual(file.Read("v")),
                $"type {type}, {name}: {string.Join(" ", file.Read("v"))} where the guide says {string.Join(" ", expected)}");
        }
    }
}
