using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An array in a file of NumPy (format 1 to 3, <c>.npy</c>), read where its numbers are needed: single or double precision,
/// little-endian, row-major.
/// </summary>
internal sealed partial class NumpyFile : IDisposable
{
    private const int LongestHeader = 1 << 16;

    private static readonly byte[] Magic = [0x93, .. "NUMPY"u8];

    private readonly SafeFileHandle file;
    private readonly long start;

    private NumpyFile(string path, SafeFileHandle file)
    {
        (Path, this.file) = (path, file);
        var beginning = new byte[12];
        int got = RandomAccess.Read(file, beginning, 0);
        if (got < 12 || !beginning.AsSpan(0, 6).SequenceEqual(Magic))
            throw new InvalidDataException($"'{path}' is not a NumPy file (.npy): it does not begin with \\x93NUMPY.");
        int before = beginning[6] == 1 ? 10 : 12;
        long length = beginning[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(beginning.AsSpan(8))
            : BinaryPrimitives.ReadUInt32LittleEndian(beginning.AsSpan(8));
        if (beginning[6] is < 1 or > 3 || length > LongestHeader)
            throw new InvalidDataException($"'{path}' has format {beginning[6]} and a header of {length} bytes; formats 1 to 3 with at " +
                $"most {LongestHeader} bytes are read.");
        var header = new byte[length];
        if (RandomAccess.Read(file, header, before) < length)
            throw new InvalidDataException($"'{path}' is truncated: it ends within its header of {length} bytes.");
        string text = Encoding.UTF8.GetString(header);
        Match type = TypeEntry().Match(text), order = OrderEntry().Match(text), sizes = ShapeEntry().Match(text);
        if (!type.Success || !order.Success || !sizes.Success)
            throw new InvalidDataException($"'{path}' has a damaged header; descr, fortran_order and shape are needed: {text.Trim()}");
        Type = type.Groups[1].Value switch
        {
            "<f8" => ScalarType.Float64,
            "<f4" => ScalarType.Float32,
            var other => throw new InvalidDataException(
                $"'{path}' has elements of type '{other}'; '<f8' and '<f4' are read. In NumPy: x.astype('<f8')."),
        };
        try
        {
            Shape = [.. sizes.Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(size => long.Parse(size, NumberStyles.None, CultureInfo.InvariantCulture))];
            Count = Shape.Aggregate(1L, (product, size) => checked(product * size));
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw new InvalidDataException($"'{path}' has a damaged shape: ({sizes.Groups[1].Value}).", e);
        }
        if (order.Groups[1].Value == "True" && Shape.Count(size => size > 1) > 1)
            throw new InvalidDataException($"'{path}' is in Fortran's order; rows are needed one after the other. " +
                "In NumPy: numpy.save(path, numpy.ascontiguousarray(x)).");
        start = before + length;
        long present = RandomAccess.GetLength(file) - start, needed = checked(Count * Size(Type));
        if (present != needed)
            throw new InvalidDataException($"'{path}' {(present < needed ? "is truncated" : "is too long")}: an array " +
                $"[{string.Join(", ", Shape)}] of {Type} takes {needed} bytes behind the header; the file has {present}.");
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>The type of its elements, single or double precision.</summary>
    public ScalarType Type { get; }

    /// <summary>The sizes of the array.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>The number of elements.</summary>
    public long Count { get; }

    /// <summary>Opens a file and reads its header.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not a NumPy file, is damaged, or holds other numbers; the message says
    /// what.</exception>
    public static NumpyFile Open(string path)
    {
        var file = File.OpenHandle(path);
        try
        {
            return new(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The beginning of a file of this type and shape; the elements follow.</summary>
    public static byte[] Header(ScalarType type, params ReadOnlySpan<long> shape)
    {
        string sizes = string.Join(", ", shape.ToArray()), last = shape.Length == 1 ? "," : "";
        string text = $"{{'descr': '<f{Size(type)}', 'fortran_order': False, 'shape': ({sizes}{last}), }}";
        int length = (Magic.Length + 4 + text.Length + 1 + 63) / 64 * 64; // elements begin at a multiple of 64
        var header = new byte[length];
        Magic.CopyTo(header, 0);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)(length - 10));
        header.AsSpan(10).Fill((byte)' ');
        Encoding.ASCII.GetBytes(text, header.AsSpan(10));
        header[^1] = (byte)'\n';
        return header;
    }

    /// <summary>Bytes of an element.</summary>
    public static int Size(ScalarType type) => type == ScalarType.Float64 ? 8 : 4;

    /// <summary>Reads elements that follow each other.</summary>
    /// <param name="first">The first, of all in row-major order.</param>
    /// <param name="values">Receives them; of the file's type.</param>
    /// <exception cref="InvalidDataException">The file has become shorter since it was opened.</exception>
    public void Read<T>(long first, Span<T> values) where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(values);
        for (long at = start + first * Size(Type); bytes.Length > 0;)
        {
            int got = RandomAccess.Read(file, bytes, at);
            if (got == 0) throw new InvalidDataException($"'{Path}' has become shorter while it was read: it ends at byte {at}.");
            bytes = bytes[got..];
            at += got;
        }
    }

    /// <summary>All elements, from the first.</summary>
    public Stream Elements() => new FileStream(Path, FileMode.Open, FileAccess.Read) { Position = start };

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    [GeneratedRegex(@"'descr'\s*:\s*'([^']*)'")]
    private static partial Regex TypeEntry();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)")]
    private static partial Regex OrderEntry();

    [GeneratedRegex(@"'shape'\s*:\s*\(([^)]*)\)")]
    private static partial Regex ShapeEntry();
}
