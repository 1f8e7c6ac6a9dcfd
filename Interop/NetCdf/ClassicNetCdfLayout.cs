using System.Buffers.Binary;
using System.Text;

namespace DaML.Components;

/// <summary>
/// Computes from the header the required length of a NetCDF file in a classic format (CDF-1, -2, -5; format specification: NetCDF Users
/// Guide, appendix B). The library reads the missing part of a truncated file as zeros; the length reveals such a file before it is read.
/// </summary>
internal static class ClassicNetCdfLayout
{
    /// <summary>The file's length by its header; null if it has another format or says that it is still being written.</summary>
    /// <exception cref="EndOfStreamException">The header itself is cut off.</exception>
    /// <exception cref="FormatException">The header contradicts itself.</exception>
    public static long? RequiredLength(Stream file)
    {
        using var reader = new Reader(file);
        try { return reader.RequiredLength(); }
        catch (Exception e) when (e is OverflowException or IndexOutOfRangeException or ArgumentOutOfRangeException)
        {
            throw new FormatException("its header is damaged", e);
        }
    }

    private sealed class Reader(Stream file) : IDisposable
    {
        private readonly BinaryReader reader = new(file, Encoding.UTF8, leaveOpen: true);
        private int version;

        public void Dispose() => reader.Dispose();

        public long? RequiredLength()
        {
            byte[] magic = reader.ReadBytes(4);
            if (magic is not [(byte)'C', (byte)'D', (byte)'F', 1 or 2 or 5]) return null;
            version = magic[3];
            long records = Count();
            if (records == (version == 5 ? -1 : uint.MaxValue)) return null; // still being written
            long[] lengths = List(() => { Name(); return Count(); });
            Attributes();
            var variables = List(() => Variable(lengths));

            long end = 0, record = 0;
            foreach (var variable in variables.Where(variable => !variable.IsRecord))
                end = Math.Max(end, checked(variable.Begin + variable.Size));
            var recorded = variables.Where(variable => variable.IsRecord).ToList();
            foreach (var variable in recorded) record = checked(record + (recorded.Count == 1 ? variable.Size : Padded(variable.Size)));
            if (records > 0)
                foreach (var variable in recorded) end = Math.Max(end, checked(variable.Begin + (records - 1) * record + variable.Size));
            return end;
        }

        private (bool IsRecord, long Size, long Begin) Variable(long[] lengths)
        {
            Name();
            long rank = Count();
            bool isRecord = false;
            long size = 1;
            for (long i = 0; i < rank; i++)
            {
                long length = lengths[Count()];
                if (length == 0) isRecord = true;
                else size = checked(size * length);
            }
            Attributes();
            size = checked(size * ElementSize(Int()));
            Count(); // vsize, which is wrong for variables beyond 4 GiB
            return (isRecord, size, version == 1 ? (uint)Int() : Long());
        }

        private void Attributes() => List(() =>
        {
            Name();
            int type = Int();
            Skip(Padded(checked(Count() * ElementSize(type))));
            return 0;
        });

        private T[] List<T>(Func<T> read)
        {
            Int(); // the tag: absent, dimensions, variables or attributes
            long count = Count();
            ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)count, (ulong)file.Length); // every entry takes bytes
            var list = new T[count];
            for (long i = 0; i < count; i++) list[i] = read();
            return list;
        }

        private void Name() => Skip(Padded(Count()));

        private void Skip(long bytes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(bytes);
            if (file.Position + bytes > file.Length) throw new EndOfStreamException();
            file.Seek(bytes, SeekOrigin.Current);
        }

        private long Count() => version == 5 ? Long() : (uint)Int();
        private int Int() => BinaryPrimitives.ReverseEndianness(reader.ReadInt32());
        private long Long() => BinaryPrimitives.ReverseEndianness(reader.ReadInt64());
        private static long Padded(long size) => checked(size + 3) & ~3L;
        private static int ElementSize(int type) => type switch
        {
            1 or 2 or 7 => 1,
            3 or 8 => 2,
            4 or 5 or 9 => 4,
            6 or 10 or 11 => 8,
            _ => throw new ArgumentOutOfRangeException(nameof(type)),
        };
    }
}
