using System.Runtime.InteropServices;
using System.Text;

namespace DaML;

/// <summary>
/// A NetCDF file, read through the installed netcdf library: classic formats and NetCDF-4, its root group. Safe to use
/// from several threads at once; the library is asked by one at a time.
/// </summary>
public sealed class NetCdfFile : IDisposable
{
    private readonly int file;
    private bool closed;

    private NetCdfFile(string path, int file)
    {
        Path = path;
        this.file = file;
        try
        {
            Check(NetCdfLibrary.Inquire(file, out int dimensions, out int variables, out int attributes, out int unlimited), "Reading the header of");
            Dimensions = [.. Enumerable.Range(0, dimensions).Select(number => ReadDimension(number, unlimited))];
            Attributes = ReadAttributes(NetCdfLibrary.Global, attributes);
            Variables = [.. Enumerable.Range(0, variables).Select(ReadVariable)];
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether the netcdf library is installed on this machine.</summary>
    public static bool IsAvailable => NetCdfLibrary.IsInstalled;

    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFileException">It is not NetCDF, damaged or truncated, or the netcdf library is not installed (the message names its package).</exception>
    public static NetCdfFile Open(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no file '{path}'.", path);
        string full = System.IO.Path.GetFullPath(path);
        using (var stream = File.OpenRead(full))
        {
            long? needed;
            try { needed = ClassicNetCdfLayout.RequiredLength(stream); }
            catch (EndOfStreamException e) { throw new DataFileException($"'{path}' is truncated: its {stream.Length} bytes end within its header.", e); }
            catch (FormatException e) { throw new DataFileException($"'{path}' cannot be read: {e.Message}.", e); }
            if (needed > stream.Length) throw new DataFileException($"'{path}' is truncated: it has {stream.Length} bytes, and its header says {needed}.");
        }
        using (NetCdfLibrary.Enter())
        {
            int status = NetCdfLibrary.Open(full, 0, out int file);
            if (status == NetCdfLibrary.NotNetCdf) throw new DataFileException($"'{path}' is not a NetCDF file.");
            NetCdfLibrary.Check(status, "Opening the NetCDF file", path);
            return new NetCdfFile(path, file);
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its dimensions.</summary>
    public IReadOnlyList<NetCdfDimension> Dimensions { get; }

    /// <summary>Its variables.</summary>
    public IReadOnlyList<NetCdfVariable> Variables { get; }

    /// <summary>Its global attributes by name.</summary>
    public IReadOnlyDictionary<string, NetCdfAttribute> Attributes { get; }

    /// <summary>A variable by name.</summary>
    /// <exception cref="DataFileException">There is none; the message lists what there is.</exception>
    public NetCdfVariable Variable(string name) => Variables.FirstOrDefault(variable => variable.Name == name)
        ?? throw new DataFileException($"'{Path}' has no variable '{name}'; it has: {string.Join(", ", Variables)}.");

    /// <summary>All values of a variable, unpacked (scale_factor, add_offset), row-major; NaN where one is missing.</summary>
    /// <exception cref="DataFileException">There is no such variable, it is not numeric, or the file is damaged.</exception>
    public double[] Read(string variable)
    {
        var found = Variable(variable);
        return Read(found, new long[found.Dimensions.Count], found.Shape);
    }

    /// <summary>A block of a variable, unpacked, row-major; NaN where a value is missing.</summary>
    /// <param name="variable">One of <see cref="Variables"/>.</param>
    /// <param name="start">Where the block begins, one index per dimension.</param>
    /// <param name="count">Its sizes, one per dimension.</param>
    /// <exception cref="DataFileException">The block leaves the variable, the variable is not numeric, or the file is damaged.</exception>
    public unsafe double[] Read(NetCdfVariable variable, ReadOnlySpan<long> start, ReadOnlySpan<long> count)
    {
        int rank = variable.Dimensions.Count;
        if (start.Length != rank || count.Length != rank)
            throw new DataFileException($"A block of {variable} in '{Path}' needs {rank} starts and counts; given: {start.Length} and {count.Length}.");
        if (variable.Type is NetCdfType.Character or NetCdfType.Text or NetCdfType.UserDefined)
            throw new DataFileException($"The variable {variable} in '{Path}' is of type {variable.Type}, not numeric.");
        long size = 1;
        for (int i = 0; i < rank; i++)
        {
            var dimension = variable.Dimensions[i];
            if (start[i] < 0 || count[i] < 0 || start[i] > dimension.Length - count[i])
                throw new DataFileException($"A block of {variable} in '{Path}' must lie within '{dimension.Name}' of length {dimension.Length}; given: {count[i]} from {start[i]}.");
            size = checked(size * count[i]);
        }
        if (size > Array.MaxLength) throw new DataFileException($"A block of {size} values of {variable} in '{Path}' is too large; read it in parts.");

        var values = new double[size];
        Span<nuint> from = stackalloc nuint[Math.Max(1, rank)], counts = stackalloc nuint[Math.Max(1, rank)];
        for (int i = 0; i < rank; i++) (from[i], counts[i]) = ((nuint)start[i], (nuint)count[i]);
        using (NetCdfLibrary.Enter())
        {
            ObjectDisposedException.ThrowIf(closed, this);
            fixed (nuint* fromPointer = from, countPointer = counts)
            fixed (double* valuePointer = values)
                Check(NetCdfLibrary.GetValues(file, variable.Number, fromPointer, countPointer, valuePointer), $"Reading the variable {variable} of");
        }
        new NetCdfPacking(variable).Unpack(values);
        return values;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        using (NetCdfLibrary.Enter())
        {
            if (closed) return;
            closed = true;
            NetCdfLibrary.Close(file);
        }
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes a file that was forgotten.</summary>
    ~NetCdfFile() => Dispose();

    private unsafe NetCdfDimension ReadDimension(int number, int unlimited)
    {
        byte* name = stackalloc byte[NetCdfLibrary.MaximumName + 1];
        Check(NetCdfLibrary.InquireDimension(file, number, name, out nuint length), "Reading the dimensions of");
        return new NetCdfDimension(Text(name), (long)length, number == unlimited);
    }

    private unsafe NetCdfVariable ReadVariable(int number)
    {
        Check(NetCdfLibrary.InquireRank(file, number, out int rank), "Reading the variables of");
        byte* name = stackalloc byte[NetCdfLibrary.MaximumName + 1];
        var dimensions = new int[Math.Max(1, rank)];
        int type, attributes;
        fixed (int* pointer = dimensions)
            Check(NetCdfLibrary.InquireVariable(file, number, name, out type, out _, pointer, out attributes), "Reading the variables of");
        return new NetCdfVariable(Text(name), (NetCdfType)Math.Min(type, (int)NetCdfType.UserDefined),
            [.. dimensions.Take(rank).Select(dimension => Dimensions[dimension])], ReadAttributes(number, attributes)) { Number = number };
    }

    private unsafe Dictionary<string, NetCdfAttribute> ReadAttributes(int variable, int count)
    {
        var attributes = new Dictionary<string, NetCdfAttribute>(StringComparer.Ordinal);
        byte* bytes = stackalloc byte[NetCdfLibrary.MaximumName + 1];
        for (int i = 0; i < count; i++)
        {
            Check(NetCdfLibrary.InquireAttributeName(file, variable, i, bytes), "Reading the attributes of");
            string name = Text(bytes);
            Check(NetCdfLibrary.InquireAttribute(file, variable, name, out int type, out nuint length), "Reading the attributes of");
            attributes[name] = ReadAttribute(variable, name, (NetCdfType)Math.Min(type, (int)NetCdfType.UserDefined), (int)length);
        }
        return attributes;
    }

    private unsafe NetCdfAttribute ReadAttribute(int variable, string name, NetCdfType type, int length)
    {
        string doing = $"Reading the attribute '{name}' of";
        switch (type)
        {
            case NetCdfType.Character:
                var text = new byte[length + 1];
                fixed (byte* pointer = text) Check(NetCdfLibrary.GetText(file, variable, name, pointer), doing);
                return new NetCdfAttribute(name, Encoding.UTF8.GetString(text, 0, length).TrimEnd('\0'), []);
            case NetCdfType.Text:
                var texts = new nint[Math.Max(1, length)];
                fixed (nint* pointer = texts)
                {
                    Check(NetCdfLibrary.GetStrings(file, variable, name, pointer), doing);
                    string joined = string.Join('\n', texts.Take(length).Select(text => Marshal.PtrToStringUTF8(text)));
                    NetCdfLibrary.FreeStrings((nuint)length, pointer);
                    return new NetCdfAttribute(name, joined, []);
                }
            case NetCdfType.UserDefined:
                return new NetCdfAttribute(name, null, []);
            default:
                var numbers = new double[Math.Max(1, length)];
                fixed (double* pointer = numbers) Check(NetCdfLibrary.GetNumbers(file, variable, name, pointer), doing);
                return new NetCdfAttribute(name, null, numbers[..length]);
        }
    }

    private void Check(int status, string doing) => NetCdfLibrary.Check(status, doing, Path);

    private static unsafe string Text(byte* name) => Marshal.PtrToStringUTF8((nint)name) ?? "";
}
