using System.Reflection;
using System.Runtime.InteropServices;

namespace DaML.Components;

/// <summary>
/// The netcdf C library as installed on the machine (https://docs.unidata.ucar.edu/netcdf-c/). It is not safe for several threads, so
/// every call is made within <see cref="Enter"/>.
/// </summary>
internal static partial class NetCdfLibrary
{
    private const string Library = "netcdf";
    public const int Global = -1;
    public const int MaximumName = 256;
    public const int NotNetCdf = -51;
    public const int Hdf5Error = -101;
    public const int NetCdf4 = 0x1000;

    /// <summary>The names of the library: on Debian 12 and 13, with development files, on other systems.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["libnetcdf.so.19", "libnetcdf.so.22", "libnetcdf.so", "libnetcdf.dylib", "netcdf"];

    private static readonly Lock Gate = new();
    private static readonly Lazy<nint> Loaded = new(() =>
    {
        // A process that is started while HDF5 has a file open keeps the file, and the lock on it, until it ends (HDF5 1.10.8 does not
        // close files in such processes). DaML's files get their names when they are complete, and need no lock.
        if (NativeEnvironment.Get(FileLocking) is null) NativeEnvironment.Set(FileLocking, "FALSE");
        return Load(Names);
    });

    private const string FileLocking = "HDF5_USE_FILE_LOCKING";

    [ThreadStatic]
    private static bool quiet;

    static NetCdfLibrary() => NativeLibrary.SetDllImportResolver(typeof(NetCdfLibrary).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => name == Library ? Loaded.Value : 0;

    /// <summary>Whether the library is installed.</summary>
    public static bool IsInstalled
    {
        get
        {
            try { return Loaded.Value != 0; }
            catch (DataFileException) { return false; }
        }
    }

    /// <summary>Waits until no other thread uses the library.</summary>
    /// <exception cref="DataFileException">The library is not installed.</exception>
    public static unsafe Lock.Scope Enter()
    {
        // HDF5, on which the library is built, prints every missing attribute, in each thread, until it is told not to.
        if (!quiet && NativeLibrary.TryGetExport(Loaded.Value, "H5Eset_auto2", out nint setAuto))
            ((delegate* unmanaged<long, nint, nint, int>)setAuto)(0, 0, 0);
        quiet = true;
        return Gate.EnterScope();
    }

    /// <summary>Loads the first of these libraries that exists.</summary>
    public static nint Load(IReadOnlyList<string> names)
    {
        foreach (string name in names)
            if (NativeLibrary.TryLoad(name, out nint handle)) return handle;
        throw new DataFileException($"NetCDF files cannot be read or written: the netcdf library ({string.Join(", ", names)}) is not " +
            $"installed; on Debian and Ubuntu: apt-get install libnetcdf-dev.");
    }

    /// <summary>The version; the library's own text goes on with the day on which it was built.</summary>
    public static string Version
    {
        get
        {
            using (Enter()) return (Marshal.PtrToStringUTF8(InquireVersion()) ?? "").Split(' ')[0];
        }
    }

    /// <summary>Throws the exception for a status other than zero.</summary>
    public static void Check(int status, string doing, string path)
    {
        if (status == 0) return;
        string reason = Marshal.PtrToStringUTF8(StrError(status)) ?? $"status {status}";
        throw new DataFileException($"{doing} '{path}' failed: " +
            $"{reason}{(status == Hdf5Error ? "; the file is damaged or incomplete" : "")}.");
    }

    [LibraryImport(Library, EntryPoint = "nc_strerror")]
    private static partial nint StrError(int status);

    [LibraryImport(Library, EntryPoint = "nc_inq_libvers")]
    private static partial nint InquireVersion();

    [LibraryImport(Library, EntryPoint = "nc_open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int mode, out int file);

    [LibraryImport(Library, EntryPoint = "nc_close")]
    public static partial int Close(int file);

    [LibraryImport(Library, EntryPoint = "nc_inq")]
    public static partial int Inquire(int file, out int dimensions, out int variables, out int attributes, out int unlimited);

    [LibraryImport(Library, EntryPoint = "nc_inq_dimids")]
    public static unsafe partial int InquireDimensions(int group, out int count, int* dimensions, int withParents);

    [LibraryImport(Library, EntryPoint = "nc_inq_unlimdims")]
    public static unsafe partial int InquireUnlimited(int group, out int count, int* dimensions);

    [LibraryImport(Library, EntryPoint = "nc_inq_grps")]
    public static unsafe partial int InquireGroups(int group, out int count, int* groups);

    [LibraryImport(Library, EntryPoint = "nc_inq_grpname")]
    public static unsafe partial int InquireGroupName(int group, byte* name);

    [LibraryImport(Library, EntryPoint = "nc_inq_dim")]
    public static unsafe partial int InquireDimension(int file, int dimension, byte* name, out nuint length);

    [LibraryImport(Library, EntryPoint = "nc_inq_varndims")]
    public static partial int InquireRank(int file, int variable, out int rank);

    [LibraryImport(Library, EntryPoint = "nc_inq_var")]
    public static unsafe partial int InquireVariable(int file, int variable, byte* name, out int type, out int rank, int* dimensions,
        out int attributes);

    [LibraryImport(Library, EntryPoint = "nc_inq_attname")]
    public static unsafe partial int InquireAttributeName(int file, int variable, int number, byte* name);

    [LibraryImport(Library, EntryPoint = "nc_inq_att", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int InquireAttribute(int file, int variable, string name, out int type, out nuint length);

    /// <summary>Reads an attribute in its stored type.</summary>
    [LibraryImport(Library, EntryPoint = "nc_get_att", StringMarshalling = StringMarshalling.Utf8)]
    public static unsafe partial int GetStored(int file, int variable, string name, void* values);

    [LibraryImport(Library, EntryPoint = "nc_free_string")]
    public static unsafe partial int FreeStrings(nuint count, nint* texts);

    [LibraryImport(Library, EntryPoint = "nc_get_att_double", StringMarshalling = StringMarshalling.Utf8)]
    public static unsafe partial int GetNumbers(int file, int variable, string name, double* numbers);

    /// <summary>Reads a block of a variable in its stored type.</summary>
    [LibraryImport(Library, EntryPoint = "nc_get_vara")]
    public static unsafe partial int GetStoredValues(int file, int variable, nuint* start, nuint* count, void* values);

    [LibraryImport(Library, EntryPoint = "nc_get_vara_double")]
    public static unsafe partial int GetValues(int file, int variable, nuint* start, nuint* count, double* values);

    [LibraryImport(Library, EntryPoint = "nc_create", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Create(string path, int mode, out int file);

    [LibraryImport(Library, EntryPoint = "nc_def_dim", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DefineDimension(int file, string name, nuint length, out int dimension);

    [LibraryImport(Library, EntryPoint = "nc_def_var", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int DefineVariable(int file, string name, int type, int rank, [In] int[] dimensions, out int variable);

    [LibraryImport(Library, EntryPoint = "nc_put_att_text", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int PutText(int file, int variable, string name, nuint length, [In] byte[] text);

    [LibraryImport(Library, EntryPoint = "nc_put_att_double", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int PutNumber(int file, int variable, string name, int type, nuint length, in double number);

    [LibraryImport(Library, EntryPoint = "nc_enddef")]
    public static partial int EndDefinitions(int file);

    [LibraryImport(Library, EntryPoint = "nc_put_vara")]
    public static unsafe partial int PutValues(int file, int variable, nuint* start, nuint* count, void* values);
}
