using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace DaML.Tests;

/// <summary>
/// Writes NetCDF-4 files by the C library, with every type, several unlimited dimensions and groups: what the byte-by-byte writer of
/// classic files cannot.
/// </summary>
public sealed partial class NetCdf4Writer : IDisposable
{
    private readonly int file;
    private readonly Dictionary<string, int> dimensions = [];
    private readonly Dictionary<string, int> lengths = [];

    static NetCdf4Writer() => RawNetCdf.Resolve();

    public NetCdf4Writer(string path)
    {
        using var gate = NetCdfLibrary.Enter();   // the library serves one thread at a time
        Check(Create(path, 0x1000, out file));
    }

    /// <summary>A dimension; an unlimited one gets its length from what is written.</summary>
    public NetCdf4Writer Dimension(string name, int length, bool unlimited = false, string group = "")
    {
        using var gate = NetCdfLibrary.Enter();
        Check(DefineDimension(Group(group), name, unlimited ? 0 : (nuint)length, out int number));
        (dimensions[name], lengths[name]) = (number, length);
        return this;
    }

    /// <summary>
    /// A variable with all of its values, of any numeric type (1 byte ... 11 ulong); numbers beyond 2^53 as <see cref="Int128"/>.
    /// </summary>
    public NetCdf4Writer Variable(string name, int type, string[] of, object[] values,
        params (string Name, int Type, object Value)[] attributes)
    {
        using var gate = NetCdfLibrary.Enter();
        int split = name.LastIndexOf('/') + 1, group = Group(name[..Math.Max(0, split - 1)]);
        Check(DefineVariable(group, name[split..], type, of.Length, [.. of.Select(dimension => dimensions[dimension]), 0],
            out int variable));
        foreach (var (attribute, kind, value) in attributes)
        {
            if (attribute == "no fill") Check(DefineFill(group, variable, 1, 0));
            else if (value is string text)
                Check(PutText(group, variable, attribute, (nuint)Encoding.UTF8.GetByteCount(text), Encoding.UTF8.GetBytes(text)));
            else
            {
                object[] numbers = value as object[] ?? [value];
                Check(PutAttribute(group, variable, attribute, kind, (nuint)numbers.Length,
                    [.. numbers.SelectMany(number => Bytes(kind, number))]));
            }
        }
        nuint[] counts = [.. of.Select(dimension => (nuint)lengths[dimension]), 1];
        Check(PutValues(group, variable, new nuint[of.Length + 1], counts, [.. values.SelectMany(value => Bytes(type, value))]));
        return this;
    }

    /// <summary>A variable in double precision.</summary>
    public NetCdf4Writer Doubles(string name, string[] of, double[] values, params (string, string)[] attributes) =>
        Variable(name, 6, of, [.. values.Cast<object>()], [.. attributes.Select(pair => (pair.Item1, 2, (object)pair.Item2))]);

    /// <summary>A number in a type's bytes, little-endian.</summary>
    public static byte[] Bytes(int type, object value)
    {
        if (type == 5) return BitConverter.GetBytes(Convert.ToSingle(value, CultureInfo.InvariantCulture));
        if (type == 6) return BitConverter.GetBytes(Convert.ToDouble(value, CultureInfo.InvariantCulture));
        Int128 whole = value is Int128 exact ? exact : (Int128)Convert.ToDouble(value, CultureInfo.InvariantCulture);
        var all = new byte[16];
        BinaryPrimitives.WriteInt128LittleEndian(all, whole);
        return all[..RawNetCdf.SizeOf(type)];
    }

    public void Dispose()
    {
        using var gate = NetCdfLibrary.Enter();
        Check(Close(file));
    }

    private int Group(string path)
    {
        int group = file;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            if (InquireGroup(group, name, out int inner) == 0) group = inner;
            else
            {
                Check(DefineGroup(group, name, out inner));
                group = inner;
            }
        return group;
    }

    private static void Check(int status) => Assert.Equal(0, status);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Create(string path, int mode, out int id);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_def_grp", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int DefineGroup(int parent, string name, out int group);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_inq_grp_ncid", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InquireGroup(int parent, string name, out int group);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_def_dim", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int DefineDimension(int id, string name, nuint length, out int dimension);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_def_var", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int DefineVariable(int id, string name, int type, int rank, [In] int[] dimensions, out int variable);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_def_var_fill")]
    private static partial int DefineFill(int id, int variable, int noFill, nint value);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_put_att_text", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PutText(int id, int variable, string name, nuint length, [In] byte[] text);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_put_att", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PutAttribute(int id, int variable, string name, int type, nuint length, [In] byte[] values);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_put_vara")]
    private static partial int PutValues(int id, int variable, [In] nuint[] start, [In] nuint[] count, [In] byte[] values);

    [LibraryImport("netcdf-under-test", EntryPoint = "nc_close")]
    private static partial int Close(int id);
}
