using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace DaML.Tests;

/// <summary>
/// A second reader, which shares nothing with the library's but the C functions that give bytes: it takes a variable's and its attributes'
/// bytes, and goes by the text of the NetCDF Users Guide (appendix A) and the CF conventions.
/// </summary>
public static partial class RawNetCdf
{
    static RawNetCdf() => NativeLibrary.SetDllImportResolver(typeof(RawNetCdf).Assembly,
        (name, _, _) => name == "netcdf-under-test" ? NetCdfLibrary.Load(NetCdfLibrary.Names) : 0);

    /// <summary>Makes the C library known to all bindings of this assembly.</summary>
    public static void Resolve() { }

    /// <summary>Bytes of a type (1 byte ... 11 ulong).</summary>
    public static int SizeOf(int type) => type switch { 1 or 2 or 7 => 1, 3 or 8 => 2, 4 or 5 or 9 => 4, _ => 8 };

    /// <summary>The values of a variable, NaN where one is missing.</summary>
    public static double[] Read(string path, string variable, int count)
    {
        FileLocks.Open(path, FileAccess.Read).Dispose();   // a tool that another test started meanwhile may keep it locked
        using var gate = NetCdfLibrary.Enter();   // the library serves one thread at a time
        Assert.Equal(0, Open(path, 0, out int file));
        Assert.Equal(0, InquireVariable(file, variable, out int number));
        Assert.Equal(0, InquireType(file, number, out int type));
        var bytes = new byte[count * SizeOf(type)];
        Assert.Equal(0, GetVariable(file, number, bytes));
        (int Type, byte[] Bytes)? Attribute(string name)
        {
            if (InquireAttribute(file, number, name, out int kind, out nuint length) != 0) return null;
            var value = new byte[(int)length * SizeOf(kind)];
            Assert.Equal(0, GetAttribute(file, number, name, value));
            return (kind, value);
        }
        double[] values = type is 5 or 6 ? Floating(type, bytes, Attribute) : Whole(type, bytes, Attribute);
        Assert.Equal(0, Close(file));
        return values;
    }

    // Whole numbers are exact here: Int128 holds all of them.
    private static double[] Whole(int type, byte[] bytes, Func<string, (int Type, byte[] Bytes)?> attribute)
    {
        int size = SizeOf(type);
        bool isUnsignedType = type is 7 or 8 or 9 or 11;
        string said = attribute("_Unsigned") is { } text ? Encoding.UTF8.GetString(text.Bytes) : "";
        bool isUnsigned = said == "true" || (isUnsignedType && said != "false");
        Int128 Number(ReadOnlySpan<byte> raw, bool unsigned)
        {
            Int128 number = 0;
            for (int i = raw.Length - 1; i >= 0; i--) number = number * 256 + raw[i];
            return unsigned || raw[^1] < 128 ? number : number - (Int128.One << (8 * raw.Length));
        }
        // An attribute of the stored width is read as the data are.
        double[] Numbers(string name) => attribute(name) is not { } found ? [] : [.. found.Bytes.Chunk(SizeOf(found.Type)).Select(raw =>
            found.Type == 5 ? BitConverter.ToSingle(raw) : found.Type == 6 ? BitConverter.ToDouble(raw)
            : (double)Number(raw, raw.Length == size ? isUnsigned : found.Type is 7 or 8 or 9 or 11))];
        Int128[] Exact(string name) =>
            attribute(name) is not { } found || found.Type is 5 or 6 ? [] : [.. found.Bytes.Chunk(SizeOf(found.Type)).Select(raw =>
            Number(raw, raw.Length == size ? isUnsigned : found.Type is 7 or 8 or 9 or 11))];

        double scale = Numbers("scale_factor") is [var s, ..] ? s : 1, offset = Numbers("add_offset") is [var o, ..] ? o : 0;
        bool isPacked = attribute("scale_factor") is not null || attribute("add_offset") is not null;
        var missing = Exact("_FillValue").Concat(Exact("missing_value")).ToHashSet();
        foreach (double number in Numbers("missing_value").Where(double.IsInteger)) missing.Add((Int128)number);
        // "If it is wider": only the guide's case, limits of the type of scale_factor, occurs in these files.
        var (low, high, unpacked) = (double.NegativeInfinity, double.PositiveInfinity, false);
        var (exactLow, exactHigh) = (Int128.MinValue, Int128.MaxValue);
        if (attribute("valid_range") is { } range)
            (low, high, unpacked) = (Numbers("valid_range")[0], Numbers("valid_range")[1], isPacked && range.Type is 5 or 6);
        if (attribute("valid_min") is { } least) (low, unpacked) = (Numbers("valid_min")[0], isPacked && least.Type is 5 or 6);
        if (attribute("valid_max") is { } most) (high, unpacked) = (Numbers("valid_max")[0], isPacked && most.Type is 5 or 6);
        if (Exact("valid_range") is [var a, var b]) (exactLow, exactHigh) = (a, b);
        if (Exact("valid_min") is [var c]) exactLow = c;
        if (Exact("valid_max") is [var d]) exactHigh = d;
        bool isExact = (attribute("valid_range") ?? attribute("valid_min") ?? attribute("valid_max")) is { Type: not (5 or 6) };
        // Default fills (netcdf.h): none for bytes, none where the data are read as another type.
        if (attribute("_FillValue") is null && said.Length == 0 && size > 1)
            missing.Add(
                type switch { 3 => -32767, 4 => -2147483647, 8 => 65535, 9 => 4294967295, 10 => -9223372036854775806, _ =>
                    (Int128)18446744073709551614 });

        return [.. bytes.Chunk(size).Select(raw =>
        {
            Int128 stored = Number(raw, isUnsigned);
            double value = (double)stored * scale + offset, compared = unpacked ? value : (double)stored;
            bool outside = isExact ? stored < exactLow || stored > exactHigh
                : compared < low - (unpacked ? 1e-9 : 0) || compared > high + (unpacked ? 1e-9 : 0);
            return missing.Contains(stored) || outside ? double.NaN : value;
        })];
    }

    private static double[] Floating(int type, byte[] bytes, Func<string, (int Type, byte[] Bytes)?> attribute)
    {
        double Number(byte[] raw, int kind) => kind switch
        {
            5 => BitConverter.ToSingle(raw),
            6 => BitConverter.ToDouble(raw),
            3 => BinaryPrimitives.ReadInt16LittleEndian(raw),
            _ => BinaryPrimitives.ReadInt32LittleEndian(raw),
        };
        double[] Numbers(string name) =>
            attribute(name) is not { } found ? [] : [.. found.Bytes.Chunk(SizeOf(found.Type)).Select(raw => Number(raw, found.Type))];
        double AsStored(double number) => type == 5 ? (float)number : number;
        double scale = Numbers("scale_factor") is [var s, ..] ? s : 1, offset = Numbers("add_offset") is [var o, ..] ? o : 0;
        double[] missing = [.. Numbers("_FillValue"), .. Numbers("missing_value")];
        if (attribute("_FillValue") is null) missing = [.. missing, 9.9692099683868690e+36];
        double low = double.NegativeInfinity, high = double.PositiveInfinity;
        if (Numbers("valid_range") is [var a, var b]) (low, high) = (a, b);
        if (Numbers("valid_min") is [var c]) low = c;
        if (Numbers("valid_max") is [var d]) high = d;
        return [.. bytes.Chunk(SizeOf(type)).Select(raw =>
        {
            double stored = Number(raw, type);
            bool isMissing = double.IsNaN(stored) || missing.Any(fill => AsStored(fill) == stored) || stored < AsStored(low)
                || stored > AsStored(high);
            return isMissing ? double.NaN : stored * scale + offset;
        })];
    }

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int mode, out int id);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_inq_varid", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InquireVariable(int id, string name, out int variable);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_inq_vartype")]
    private static partial int InquireType(int id, int variable, out int type);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_get_var")]
    private static partial int GetVariable(int id, int variable, [Out] byte[] values);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_inq_att", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InquireAttribute(int id, int variable, string name, out int type, out nuint length);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_get_att", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int GetAttribute(int id, int variable, string name, [Out] byte[] values);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_close")]
    private static partial int Close(int id);
}
