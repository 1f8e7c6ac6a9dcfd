using System.Runtime.InteropServices;
using System.Text;

namespace DaML.Components;

/// <summary>
/// A NetCDF file, read through the installed netcdf library: classic formats, NetCDF-4 with its groups, and HDF5 files without named
/// dimensions. It is safe to use from several threads at once; only one at a time calls the library.
/// </summary>
public sealed class NetCdfFile : IDisposable
{
    private readonly int file;
    private readonly List<NetCdfDimension> dimensions = [];
    private bool closed;

    private NetCdfFile(string path, int file)
    {
        Path = path;
        this.file = file;
        try
        {
            Check(NetCdfLibrary.Inquire(file, out _, out _, out int attributes, out _), "Reading the header of");
            Attributes = ReadAttributes(file, NetCdfLibrary.Global, attributes);
            var variables = new List<NetCdfVariable>();
            ReadGroup(file, "", new Dictionary<int, NetCdfDimension>(), variables);
            Variables = variables;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether the netcdf library is installed on this machine.</summary>
    public static bool IsAvailable => NetCdfLibrary.IsInstalled;

    /// <summary>The version of the netcdf library, for instance <c>4.9.0</c>; null if it is not installed.</summary>
    public static string? LibraryVersion => IsAvailable ? NetCdfLibrary.Version : null;

    /// <summary>Opens a file for reading.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="DataFileException">
    /// The file is not NetCDF, is damaged or truncated, another process keeps it locked, or the netcdf library is not installed (the
    /// message names its package).
    /// </exception>
    public static NetCdfFile Open(string path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"The file '{path}' does not exist.", path);
        string full = System.IO.Path.GetFullPath(path);
        try
        {
            using var stream = FileLocks.Open(full, FileAccess.Read);
            FileDiagnosis.Refuse(stream, path);
        }
        catch (IOException locked) when (FileLocks.IsLocked(locked))
        {
            throw new DataFileException($"'{path}' is locked by another process, which writes it, or which was started while it was " +
                "being written and still runs.", locked);
        }
        using (NetCdfLibrary.Enter())
        {
            int status = NetCdfLibrary.Open(full, 0, out int file);
            if (status == NetCdfLibrary.NotNetCdf) throw new DataFileException($"'{path}' is not a NetCDF file, or its beginning is " +
                $"damaged.");
            NetCdfLibrary.Check(status, "Opening the NetCDF file", path);
            return new NetCdfFile(path, file);
        }
    }

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>Its dimensions, those of the root group first.</summary>
    public IReadOnlyList<NetCdfDimension> Dimensions => dimensions;

    /// <summary>Its variables, those of the root group first; the names of others begin with the path of their group.</summary>
    public IReadOnlyList<NetCdfVariable> Variables { get; }

    /// <summary>Its global attributes by name.</summary>
    public IReadOnlyDictionary<string, NetCdfAttribute> Attributes { get; }

    /// <summary>Finds a variable by name; in a group by its path, for instance <c>ObsValue/airTemperature</c>.</summary>
    /// <exception cref="DataFileException">There is no such variable; the message lists the existing ones.</exception>
    public NetCdfVariable Variable(string name) => Variables.FirstOrDefault(variable => variable.Name == name.TrimStart('/'))
        ?? throw new DataFileException($"'{Path}' has no variable '{name}'; it has: {string.Join(", ", Variables)}.");

    /// <summary>Reads all values of a variable, unpacked (scale_factor, add_offset), row-major; missing values are NaN.</summary>
    /// <exception cref="DataFileException">The variable does not exist, it is not numeric, or the file is damaged.</exception>
    public double[] Read(string variable)
    {
        var found = Variable(variable);
        return Read(found, new long[found.Dimensions.Count], found.Shape);
    }

    /// <summary>Reads a block of a variable, unpacked, row-major; missing values are NaN.</summary>
    /// <param name="variable">One of <see cref="Variables"/>.</param>
    /// <param name="start">The beginning of the block, one index per dimension.</param>
    /// <param name="count">The sizes of the block, one per dimension.</param>
    /// <exception cref="DataFileException">The block exceeds the variable, the variable is not numeric, or the file is damaged.</exception>
    public unsafe double[] Read(NetCdfVariable variable, ReadOnlySpan<long> start, ReadOnlySpan<long> count)
    {
        int rank = variable.Dimensions.Count;
        if (start.Length != rank || count.Length != rank)
            throw new DataFileException($"A block of {variable} in '{Path}' needs {rank} starts and counts; given: {start.Length} and " +
                $"{count.Length}.");
        RequireNumeric(variable);
        long size = 1;
        for (int i = 0; i < rank; i++)
        {
            var dimension = variable.Dimensions[i];
            if (start[i] < 0 || count[i] < 0 || start[i] > dimension.Length - count[i])
                throw new DataFileException($"A block of {variable} in '{Path}' must lie within '{dimension.Name}' of length " +
                    $"{dimension.Length}; given: {count[i]} from {start[i]}.");
            size = checked(size * count[i]);
        }
        if (size > Array.MaxLength)
            throw new DataFileException($"A block of {size} values of {variable} in '{Path}' is too large; read it in parts.");

        var values = new double[size];
        Span<nuint> from = stackalloc nuint[Math.Max(1, rank)], counts = stackalloc nuint[Math.Max(1, rank)];
        for (int i = 0; i < rank; i++) (from[i], counts[i]) = ((nuint)start[i], (nuint)count[i]);
        bool isWide = variable.Type is NetCdfType.Int64 or NetCdfType.UInt64;
        long[] whole = isWide ? new long[size] : [];   // double precision does not hold them
        using (NetCdfLibrary.Enter())
        {
            ObjectDisposedException.ThrowIf(closed, this);
            var (group, number) = variable.Place;
            fixed (nuint* fromPointer = from, countPointer = counts)
            fixed (double* valuePointer = values)
            fixed (long* wholePointer = whole)
                Check(isWide ? NetCdfLibrary.GetStoredValues(group, number, fromPointer, countPointer, wholePointer)
                    : NetCdfLibrary.GetValues(group, number, fromPointer, countPointer, valuePointer),
                    $"Reading the variable {variable} of");
        }
        var packing = new NetCdfPacking(variable, Path);
        if (isWide) packing.Unpack(whole, values);
        else packing.Unpack(values);
        return values;
    }

    /// <summary>Refuses a variable whose values are not numbers.</summary>
    /// <exception cref="DataFileException">The values are not numbers.</exception>
    internal void RequireNumeric(NetCdfVariable variable)
    {
        if (variable.Type is NetCdfType.Character or NetCdfType.Text or NetCdfType.UserDefined)
            throw new DataFileException($"The variable {variable} in '{Path}' is of type {variable.Type}, not numeric.");
    }

    /// <summary>
    /// The variable with a given name that is nearest to another one: in its group, or in the enclosing groups up to the root.
    /// </summary>
    internal NetCdfVariable? Nearest(NetCdfVariable variable, string name)
    {
        if (name.StartsWith('/')) return Variables.FirstOrDefault(other => other.Name == name[1..]);
        for (string group = variable.GroupPath; ; group = group[..(group.TrimEnd('/').LastIndexOf('/') + 1)])
        {
            if (Variables.FirstOrDefault(other => other.Name == group + name) is { } found) return found;
            if (group.Length == 0) return null;
        }
    }

    /// <summary>The variables in a variable's group and in the enclosing groups, the nearest first.</summary>
    internal IEnumerable<NetCdfVariable> Around(NetCdfVariable variable) =>
        Variables.Where(other => variable.GroupPath.StartsWith(other.GroupPath, StringComparison.Ordinal))
            .OrderByDescending(other => other.GroupPath.Length);

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

    /// <summary>Closes a file that was not disposed.</summary>
    ~NetCdfFile() => Dispose();

    // Reads a group's dimensions, its variables, and the groups in it. Dimensions are known by numbers that are not consecutive within a
    // group.
    private unsafe void ReadGroup(int group, string groupPath, IReadOnlyDictionary<int, NetCdfDimension> around,
        List<NetCdfVariable> variables)
    {
        Check(NetCdfLibrary.InquireDimensions(group, out int count, null, 0), "Reading the dimensions of");
        int[] numbers = Numbers(count, pointer => NetCdfLibrary.InquireDimensions(group, out _, pointer, 0));
        Check(NetCdfLibrary.InquireUnlimited(group, out int growing, null), "Reading the dimensions of");
        int[] unlimited = Numbers(growing, pointer => NetCdfLibrary.InquireUnlimited(group, out _, pointer));
        var known = new Dictionary<int, NetCdfDimension>(around);
        foreach (int number in numbers) known[number] = ReadDimension(group, number, unlimited.Contains(number));

        Check(NetCdfLibrary.Inquire(group, out _, out int variableCount, out _, out _), "Reading the header of");
        for (int number = 0; number < variableCount; number++) variables.Add(ReadVariable(group, number, groupPath, known));
        Check(NetCdfLibrary.InquireGroups(group, out int groupCount, null), "Reading the groups of");
        byte* name = stackalloc byte[NetCdfLibrary.MaximumName + 1];
        foreach (int inner in Numbers(groupCount, pointer => NetCdfLibrary.InquireGroups(group, out _, pointer)))
        {
            Check(NetCdfLibrary.InquireGroupName(inner, name), "Reading the groups of");
            ReadGroup(inner, $"{groupPath}{Text(name)}/", known, variables);
        }
    }

    private unsafe delegate int NumberReader(int* numbers);

    private unsafe int[] Numbers(int count, NumberReader read)
    {
        var numbers = new int[count];
        if (count == 0) return numbers;
        fixed (int* pointer = numbers) Check(read(pointer), "Reading the header of");
        return numbers;
    }

    private unsafe NetCdfDimension ReadDimension(int group, int number, bool isUnlimited)
    {
        byte* name = stackalloc byte[NetCdfLibrary.MaximumName + 1];
        Check(NetCdfLibrary.InquireDimension(group, number, name, out nuint length), "Reading the dimensions of");
        var dimension = new NetCdfDimension(Text(name), (long)length, isUnlimited) { Number = number };
        dimensions.Add(dimension);
        return dimension;
    }

    private unsafe NetCdfVariable ReadVariable(int group, int number, string groupPath, Dictionary<int, NetCdfDimension> known)
    {
        Check(NetCdfLibrary.InquireRank(group, number, out int rank), "Reading the variables of");
        byte* name = stackalloc byte[NetCdfLibrary.MaximumName + 1];
        var numbers = new int[Math.Max(1, rank)];
        int type, attributes;
        fixed (int* pointer = numbers)
            Check(NetCdfLibrary.InquireVariable(group, number, name, out type, out _, pointer, out attributes), "Reading the variables of");
        // For an HDF5 file without dimensions the library makes some, variable by variable.
        foreach (int dimension in numbers.Take(rank))
            if (!known.ContainsKey(dimension)) known[dimension] = ReadDimension(group, dimension, isUnlimited: false);
        return new NetCdfVariable(groupPath + Text(name), (NetCdfType)Math.Min(type, (int)NetCdfType.UserDefined),
            [.. numbers.Take(rank).Select(dimension => known[dimension])], ReadAttributes(group, number, attributes))
        {
            Place = (group, number),
        };
    }

    private unsafe Dictionary<string, NetCdfAttribute> ReadAttributes(int group, int variable, int count)
    {
        var attributes = new Dictionary<string, NetCdfAttribute>(StringComparer.Ordinal);
        byte* bytes = stackalloc byte[NetCdfLibrary.MaximumName + 1];
        for (int i = 0; i < count; i++)
        {
            Check(NetCdfLibrary.InquireAttributeName(group, variable, i, bytes), "Reading the attributes of");
            string name = Text(bytes);
            Check(NetCdfLibrary.InquireAttribute(group, variable, name, out int type, out nuint length), "Reading the attributes of");
            attributes[name] = ReadAttribute(group, variable, name, (NetCdfType)Math.Min(type, (int)NetCdfType.UserDefined), (int)length);
        }
        return attributes;
    }

    private unsafe NetCdfAttribute ReadAttribute(int group, int variable, string name, NetCdfType type, int length)
    {
        string doing = $"Reading the attribute '{name}' of";
        switch (type)
        {
            case NetCdfType.Character:
                var text = new byte[length + 1];
                fixed (byte* pointer = text) Check(NetCdfLibrary.GetStored(group, variable, name, pointer), doing);
                return new NetCdfAttribute(name, Encoding.UTF8.GetString(text, 0, length).TrimEnd('\0'), []) { Type = type };
            case NetCdfType.Text:
                var texts = new nint[Math.Max(1, length)];
                fixed (nint* pointer = texts)
                {
                    Check(NetCdfLibrary.GetStored(group, variable, name, pointer), doing);
                    string joined = string.Join('\n', texts.Take(length).Select(text => Marshal.PtrToStringUTF8(text)));
                    NetCdfLibrary.FreeStrings((nuint)length, pointer);
                    return new NetCdfAttribute(name, joined, []) { Type = type };
                }
            case NetCdfType.UserDefined:
                return new NetCdfAttribute(name, null, []) { Type = type };
            default:
                var numbers = new double[Math.Max(1, length)];
                fixed (double* pointer = numbers) Check(NetCdfLibrary.GetNumbers(group, variable, name, pointer), doing);
                return new NetCdfAttribute(name, null, numbers[..length]) { Type = type, WholeNumbers = WholeNumbers() };
        }

        Int128[] WholeNumbers()
        {
            if (type is not (NetCdfType.Int64 or NetCdfType.UInt64)) return [];
            var whole = new long[Math.Max(1, length)];
            fixed (long* pointer = whole) Check(NetCdfLibrary.GetStored(group, variable, name, pointer), doing);
            return [.. whole.Take(length).Select(number => type == NetCdfType.Int64 ? number : (Int128)(ulong)number)];
        }
    }

    private void Check(int status, string doing) => NetCdfLibrary.Check(status, doing, Path);

    private static unsafe string Text(byte* name) => Marshal.PtrToStringUTF8((nint)name) ?? "";
}
