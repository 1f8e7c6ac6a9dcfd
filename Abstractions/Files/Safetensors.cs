using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Reads and writes named tensors as one file, in the safetensors format of the Python ecosystem: the length of a header (8 bytes,
/// little-endian), the header (JSON: of each tensor the element type, the shape and where its data begin and end; under
/// <c>__metadata__</c>, strings by name), and the data, little-endian, in row-major order, without holes.
/// </summary>
/// <remarks>
/// Reading treats the stream as hostile: each size that the header declares is compared with what the stream really has before memory is
/// allocated. The message of a refusal names the fault and its place.
/// </remarks>
public static class Safetensors
{
    /// <summary>The longest header that is read, in bytes.</summary>
    public const long HeaderLimit = 100_000_000;

    private const string MetadataName = "__metadata__";
    private const int MaxDimensions = 64;

    // The bytes that are requested at once from a stream that does not know its length.
    private const int Portion = 1 << 20;

    private static readonly (string Name, ScalarType Type, int Size)[] Types =
    [
        ("F64", ScalarType.Float64, 8), ("I64", ScalarType.Int64, 8),
        ("F32", ScalarType.Float32, 4), ("I32", ScalarType.Int32, 4),
        ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2), ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1), ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    private sealed record Entry(string Name, ScalarType Type, long[] Shape, long Begin, long End);

    // ---- writing ----

    /// <summary>Writes a file atomically: a reader, and a crash, finds the old file or the new one and never a part.</summary>
    /// <param name="path">The file; its folder is created if it is missing.</param>
    /// <param name="tensors">The tensors, of any layout and device; the file does not depend on their order.</param>
    /// <param name="metadata">Strings that are stored with the tensors.</param>
    /// <exception cref="ArgumentException">The format does not have a name or an element type.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null) =>
        AtomicFile.Write(path, stream => Write(stream, tensors, metadata));

    /// <summary>Writes to a stream, which stays open.</summary>
    /// <param name="stream">The stream to write to.</param>
    /// <param name="tensors">The tensors, of any layout and device; the output does not depend on their order.</param>
    /// <param name="metadata">Strings that are stored with the tensors.</param>
    /// <exception cref="ArgumentException">The format does not have a name or an element type.</exception>
    public static void Write(Stream stream, IReadOnlyDictionary<string, Tensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        RequireLittleEndian();
        // Largest elements first, so that every tensor begins at a multiple of its element's size.
        var ordered = tensors
            .Select(t => (t.Key, t.Value, Type: TypeOf(t.Key, t.Value)))
            .OrderByDescending(t => t.Type.Size).ThenBy(t => t.Key, StringComparer.Ordinal)
            .ToList();

        var header = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(MetadataName);
                foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            var at = 0L;
            foreach (var (name, tensor, type) in ordered)
            {
                var length = tensor.numel() * type.Size;
                json.WriteStartObject(name);
                json.WriteString("dtype", type.Name);
                json.WriteStartArray("shape");
                foreach (var n in tensor.Sizes()) json.WriteNumberValue(n);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += length);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Spaces after the header let the data begin at a multiple of 8.
        var padded = (header.WrittenCount + 7) / 8 * 8;
        header.Write("       "u8[..(padded - header.WrittenCount)]);
        if (padded > HeaderLimit)
            throw new ArgumentException($"The header of these tensors takes {padded} bytes; at most {HeaderLimit} are read back.");

        Span<byte> length8 = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length8, padded);
        stream.Write(length8);
        stream.Write(header.WrittenSpan);
        foreach (var (_, tensor, type) in ordered)
        {
            using var scope = NewDisposeScope();
            tensor.detach().cpu().contiguous().WriteBytesToStream(stream, Buffer(tensor.numel() * type.Size));
        }
    }

    // Small tensors need no large buffer: a checkpoint has many of them.
    private static int Buffer(long bytes) => (int)Math.Clamp(bytes, 1, Portion);

    private static (string Name, ScalarType Type, int Size) TypeOf(string name, Tensor tensor)
    {
        if (name == MetadataName) throw new ArgumentException($"No tensor may be called '{MetadataName}'.");
        if (tensor is null) throw new ArgumentException($"Tensor '{name}' is null.");
        foreach (var type in Types)
            if (type.Type == tensor.dtype) return type;
        throw new ArgumentException(
            $"Tensor '{name}' has elements of type {tensor.dtype}; a safetensors file holds " +
                $"{string.Join(", ", Types.Select(t => t.Type))}.");
    }

    // ---- reading ----

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">The device of the tensors (default: null, the processor).</param>
    /// <returns>The tensors, which belong to the caller's dispose scope, and the strings that are stored with them.</returns>
    /// <exception cref="InvalidDataException">The file is truncated, damaged or hostile; the message says what and where.</exception>
    public static (IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata) Read(string path,
        Device? device = null)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            return Read(stream, device);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    /// <summary>Reads a stream from its current position to its end.</summary>
    /// <param name="stream">The stream; it need not be able to seek.</param>
    /// <param name="device">The device of the tensors (default: null, the processor).</param>
    /// <returns>The tensors, which belong to the caller's dispose scope, and the strings that are stored with them.</returns>
    /// <exception cref="InvalidDataException">The stream is truncated, damaged or hostile; the message says what and where.</exception>
    public static (IReadOnlyDictionary<string, Tensor> Tensors, IReadOnlyDictionary<string, string> Metadata) Read(Stream stream,
        Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        RequireLittleEndian();
        var total = stream.CanSeek ? stream.Length - stream.Position : (long?)null;

        var length8 = new byte[8];
        var got = stream.ReadAtLeast(length8, 8, throwOnEndOfStream: false);
        if (got < 8)
            throw new InvalidDataException(
                $"This is not a safetensors file: one begins with a header length of 8 bytes; this file has {got}.");
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(length8);
        if (headerLength > (ulong)HeaderLimit)
            throw new InvalidDataException(
                $"The header length is {headerLength} bytes; at most {HeaderLimit} are read. This is not a safetensors file, or its " +
                    "first 8 bytes are damaged.");
        if (total is { } all && headerLength > (ulong)(all - 8))
            throw new InvalidDataException($"Truncated: the header is declared to have {headerLength} bytes; {all - 8} follow.");
        var header = Portions(stream, (long)headerLength,
            (n, missing) => $"Truncated: the header is declared to have {n} bytes; {missing} of them are missing.").ToArray();

        var (entries, metadata) = Parse(header);
        var data = CheckLayout(entries);
        if (total is { } bytes)
        {
            var present = bytes - 8 - (long)headerLength;
            if (present < data)
                throw new InvalidDataException(
                    $"Truncated: the tensors take {data} bytes; {present} follow the header (the first tensor that is cut off: " +
                        $"'{entries.First(e => e.End > present).Name}').");
            if (present > data)
                throw new InvalidDataException($"{present - data} bytes follow the last tensor, at byte {data} of the data.");
        }

        var tensors = new Dictionary<string, Tensor>(entries.Count, StringComparer.Ordinal);
        try
        {
            foreach (var entry in entries) tensors.Add(entry.Name, ReadTensor(stream, entry, known: total is not null, device));
            if (total is null && stream.ReadByte() >= 0)
                throw new InvalidDataException($"Bytes follow the last tensor, at byte {data} of the data.");
            return (tensors, metadata);
        }
        catch
        {
            foreach (var t in tensors.Values) t.Dispose();
            throw;
        }
    }

    private static (List<Entry> Entries, Dictionary<string, string> Metadata) Parse(byte[] header)
    {
        if (header.Length == 0 || header[0] != (byte)'{')
            throw new InvalidDataException("The header is not a JSON object: it does not begin with '{'.");
        if (!Utf8.IsValid(header)) throw new InvalidDataException("The header is not valid UTF-8.");
        var entries = new List<Entry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataName) ReadMetadata(property.Value, metadata);
                else entries.Add(ReadEntry(property.Name, property.Value));
            }
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The header is not the JSON of a safetensors file: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"The header has an invalid string: {e.Message}", e);
        }
        return (entries, metadata);
    }

    private static void ReadMetadata(JsonElement value, Dictionary<string, string> metadata)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"'{MetadataName}' in the header must be an object of strings; it is {value.ValueKind}.");
        foreach (var property in value.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String)
                throw new InvalidDataException(
                    $"'{MetadataName}.{property.Name}' in the header must be a string; it is {property.Value.ValueKind}.");
            metadata.Add(property.Name, property.Value.GetString()!);
        }
    }

    private static Entry ReadEntry(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw Refused(name, $"must be described by an object; it is {value.ValueKind}");
        foreach (var property in value.EnumerateObject())
            if (property.Name is not ("dtype" or "shape" or "data_offsets")) throw Refused(name, $"has an unknown field '{property.Name}'");

        if (!value.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String) throw Refused(name, "has no dtype");
        var typeName = dtype.GetString()!;
        var type = Array.Find(Types, t => t.Name == typeName);
        if (type.Name is null)
            throw Refused(name, $"has dtype '{typeName}'; supported are {string.Join(", ", Types.Select(t => t.Name))}");

        var shape = Integers(name, value, "shape", MaxDimensions);
        var offsets = Integers(name, value, "data_offsets", 2);
        if (offsets is not [var begin, var end]) throw Refused(name, $"needs two data_offsets; it has {offsets.Length}");
        if (end < begin) throw Refused(name, $"ends at byte {end} of the data, before it begins at {begin}");

        // If one dimension is 0, the product of the others must still be a valid size.
        long count = 1, empty = 1;
        try
        {
            foreach (var n in shape)
            {
                if (n == 0) empty = 0;
                else count = checked(count * n);
            }
            _ = checked(count * type.Size);
        }
        catch (OverflowException)
        {
            throw Refused(name, $"has shape [{string.Join(", ", shape)}], which is more elements than can be counted");
        }
        var needed = count * empty * type.Size;
        if (end - begin != needed)
            throw Refused(name,
                $"takes {needed} bytes ({typeName} [{string.Join(", ", shape)}]); its data_offsets [{begin}, {end}] span {end - begin}");
        return new Entry(name, type.Type, shape, begin, end);
    }

    private static long[] Integers(string name, JsonElement entry, string field, int limit)
    {
        if (!entry.TryGetProperty(field, out var list) || list.ValueKind != JsonValueKind.Array)
            throw Refused(name, $"has no list '{field}'");
        if (list.GetArrayLength() > limit)
            throw Refused(name, $"has {list.GetArrayLength()} entries in '{field}', at most {limit} are read");
        var numbers = new List<long>();
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out var n) || n < 0)
                throw Refused(name,
                    $"has {Shortened(item)} in '{field}'; a whole number from 0 to " +
                        $"{long.MaxValue.ToString(CultureInfo.InvariantCulture)} is needed");
            numbers.Add(n);
        }
        return [.. numbers];
    }

    private static string Shortened(JsonElement item) =>
        item.GetRawText() is { Length: > 40 } text ? text[..40] + "..." : item.GetRawText();

    // The tensors must fill the data one after the other. Returns the number of bytes; sorts the entries by position.
    private static long CheckLayout(List<Entry> entries)
    {
        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        var at = 0L;
        Entry? before = null;
        foreach (var entry in entries)
        {
            if (entry.Begin < at)
                throw Refused(entry.Name, $"begins at byte {entry.Begin} of the data, within '{before!.Name}', which ends at {at}");
            if (entry.Begin > at)
                throw Refused(entry.Name, $"begins at byte {entry.Begin} of the data, and bytes {at} to {entry.Begin} belong to no tensor");
            (at, before) = (entry.End, entry);
        }
        return at;
    }

    private static Tensor ReadTensor(Stream stream, Entry entry, bool known, Device? device)
    {
        using var scope = NewDisposeScope();
        var length = entry.End - entry.Begin;
        Tensor tensor;
        try
        {
            if (known || length <= Portion)
            {
                tensor = empty(entry.Shape, dtype: entry.Type);
                tensor.ReadBytesFromStream(stream, Buffer(length));
            }
            else
            {
                // Only bytes that have really arrived are held before the tensor is made.
                using var arrived = Portions(stream, length,
                    (n, missing) => $"Truncated: tensor '{entry.Name}' takes {n} bytes; {missing} of them are missing.");
                tensor = empty(entry.Shape, dtype: entry.Type);
                tensor.ReadBytesFromStream(arrived, Portion);
            }
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException(
                $"Truncated: tensor '{entry.Name}' (bytes {entry.Begin} to {entry.End} of the data) is cut off.", e);
        }
        if (entry.Type == ScalarType.Bool) CheckBooleans(entry, tensor);
        if (device is not null) tensor = tensor.to(device);
        return tensor.MoveToOuterDisposeScope();
    }

    // Any other byte in a truth value would be undefined behaviour later.
    private static void CheckBooleans(Entry entry, Tensor tensor)
    {
        const long piece = 1 << 30;
        using var flat = tensor.reshape(-1);
        for (var at = 0L; at < flat.numel(); at += piece)
        {
            using var part = flat.narrow(0, at, Math.Min(piece, flat.numel() - at));
            var wrong = part.bytes.IndexOfAnyExceptInRange((byte)0, (byte)1);
            if (wrong >= 0) throw Refused(entry.Name, $"has the byte {part.bytes[wrong]} as its truth value number {at + wrong}");
        }
    }

    // Reads a part of a stream in portions, so that a false length costs no memory.
    private static ReadStream Portions(Stream stream, long length, Func<long, long, string> truncated)
    {
        var result = new ReadStream();
        for (var left = length; left > 0;)
        {
            var portion = new byte[Math.Min(left, Portion)];
            var got = stream.ReadAtLeast(portion, portion.Length, throwOnEndOfStream: false);
            if (got < portion.Length) throw new InvalidDataException(truncated(length, left - got));
            result.Add(portion);
            left -= got;
        }
        return result;
    }

    private static InvalidDataException Refused(string name, string what) => new($"Tensor '{name}' {what}.");

    private static void RequireLittleEndian()
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Safetensors files are little-endian; this machine is not.");
    }

    /// <summary>Portions of a stream that are read again one after the other; together they may be longer than one array can be.</summary>
    private sealed class ReadStream : Stream
    {
        private readonly List<byte[]> _portions = [];
        private int _current, _at;

        internal void Add(byte[] portion) => _portions.Add(portion);

        internal byte[] ToArray()
        {
            if (_portions is [var only]) return only;
            var all = new byte[_portions.Sum(p => p.Length)];
            ReadAtLeast(all, all.Length);
            return all;
        }

        public override int Read(Span<byte> buffer)
        {
            while (_current < _portions.Count && _at == _portions[_current].Length) (_current, _at) = (_current + 1, 0);
            if (_current == _portions.Count) return 0;
            var part = _portions[_current].AsSpan(_at);
            var n = Math.Min(part.Length, buffer.Length);
            part[..n].CopyTo(buffer);
            _at += n;
            return n;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
