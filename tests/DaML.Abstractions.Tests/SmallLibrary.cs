using System.Runtime.InteropServices;
using System.Text;

namespace DaML.Tests;

/// <summary>
/// A shared library of some 1,000 bytes that the loader of Linux takes: no code, only names of symbols that it needs, each with the
/// version it needs of another library (System V ABI; Linux Standard Base, "Symbol Versioning").
/// </summary>
internal sealed class SmallLibrary
{
    private readonly MemoryStream file = new();
    private readonly Dictionary<string, int> offsets = [];

    /// <summary>The file.</summary>
    public byte[] Bytes { get; }

    /// <summary>Where the flags of each needed version are in the file.</summary>
    public Dictionary<string, int> Flags { get; } = [];

    /// <summary>Builds a library that needs versions of another one, by (symbol, version).</summary>
    public SmallLibrary(string needed, params (string Symbol, string Version)[] symbols)
    {
        string[] versions = [.. symbols.Select(symbol => symbol.Version).Distinct()];
        byte[] names = Names([needed, .. versions, .. symbols.Select(symbol => symbol.Symbol)]);
        const int headers = 64 + 3 * 56;
        file.SetLength(headers);
        file.Position = headers;

        long nameAt = Put(names);
        long symbolAt = Place(24 * (symbols.Length + 1));
        for (int i = 0; i < symbols.Length; i++)
        {
            Write(symbolAt + 24 * (i + 1), (uint)offsets[symbols[i].Symbol]);
            Write(symbolAt + 24 * (i + 1) + 4, (byte)0x12);    // global, a function; not defined here
        }
        long versionAt = Place(2 * (symbols.Length + 1));
        for (int i = 0; i < symbols.Length; i++) Write(versionAt + 2 * (i + 1), (ushort)(2 + Array.IndexOf(versions, symbols[i].Version)));
        long needAt = Place(16 + 16 * versions.Length);
        Write(needAt, (ushort)1);
        Write(needAt + 2, (ushort)versions.Length);
        Write(needAt + 4, (uint)offsets[needed]);
        Write(needAt + 8, 16u);
        for (int i = 0; i < versions.Length; i++)
        {
            long at = needAt + 16 + 16 * i;
            Write(at, Hash(versions[i]));
            Write(at + 6, (ushort)(2 + i));
            Write(at + 8, (uint)offsets[versions[i]]);
            Write(at + 12, i + 1 < versions.Length ? 16u : 0u);
            Flags[versions[i]] = (int)at + 4;
        }
        long hashAt = Place(4 * (2 + 1 + symbols.Length + 1));    // one bucket, empty: nothing is defined here
        Write(hashAt, 1u);
        Write(hashAt + 4, (uint)symbols.Length + 1);
        (long Tag, long Value)[] dynamic =
        [
            (1, offsets[needed]), (4, hashAt), (5, nameAt), (6, symbolAt), (10, names.Length), (11, 24),
            (0x6ffffff0, versionAt), (0x6ffffffe, needAt), (0x6fffffff, 1), (0, 0),
        ];
        long dynamicAt = Place(16 * dynamic.Length);
        for (int i = 0; i < dynamic.Length; i++)
        {
            Write(dynamicAt + 16 * i, (ulong)dynamic[i].Tag);
            Write(dynamicAt + 16 * i + 8, (ulong)dynamic[i].Value);
        }

        // Sections: none, names, symbols, versions of symbols, needed versions.
        long sectionAt = Place(5 * 64);
        Section(1, 3, nameAt, names.Length, 0, 0);
        Section(2, 11, symbolAt, 24 * (symbols.Length + 1), 1, 1);
        Section(3, 0x6fffffff, versionAt, 2 * (symbols.Length + 1), 2, 0);
        Section(4, 0x6ffffffe, needAt, 16 + 16 * versions.Length, 1, 1);

        // The file as a whole is loaded, may be written and not run; its stack neither.
        Segment(0, 1, 0, file.Length, 0x1000);
        Segment(1, 2, dynamicAt, 16 * dynamic.Length, 8);
        Segment(2, 0x6474e551, 0, 0, 16);
        file.Position = 0;
        file.Write("\u007fELF"u8);
        file.Write([2, 1, 1]);
        Write(0x10, (ushort)3);
        Write(0x12, (ushort)(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 183 : 62));
        Write(0x14, 1u);
        Write(0x20, 64ul);
        Write(0x28, (ulong)sectionAt);
        Write(0x34, (ushort)64);
        Write(0x36, (ushort)56);
        Write(0x38, (ushort)3);
        Write(0x3a, (ushort)64);
        Write(0x3c, (ushort)5);
        Bytes = file.ToArray();

        void Section(int index, uint type, long at, long size, uint link, uint info)
        {
            long header = sectionAt + 64 * index;
            Write(header + 4, type);
            Write(header + 16, (ulong)at);
            Write(header + 24, (ulong)at);
            Write(header + 32, (ulong)size);
            Write(header + 40, link);
            Write(header + 44, info);
        }

        void Segment(int index, uint type, long at, long size, ulong alignment)
        {
            long header = 64 + 56 * index;
            Write(header, type);
            Write(header + 4, 6u);
            for (int i = 0; i < 3; i++) Write(header + 8 + 8 * i, (ulong)at);
            Write(header + 32, (ulong)size);
            Write(header + 40, (ulong)size);
            Write(header + 48, alignment);
        }
    }

    private byte[] Names(string[] names)
    {
        var bytes = new MemoryStream();
        bytes.WriteByte(0);
        foreach (string name in names)
        {
            offsets[name] = (int)bytes.Position;
            bytes.Write(Encoding.UTF8.GetBytes(name + '\0'));
        }
        return bytes.ToArray();
    }

    // The hash of a name (System V ABI, chapter 5).
    private static uint Hash(string name)
    {
        uint hash = 0;
        foreach (char letter in name)
        {
            hash = (hash << 4) + letter;
            uint high = hash & 0xf0000000;
            hash = (hash ^ (high >> 24)) & ~high;
        }
        return hash;
    }

    private long Place(int size) => Put(new byte[size]);

    private long Put(byte[] bytes)
    {
        file.Position = (file.Length + 7) / 8 * 8;
        long at = file.Position;
        file.Write(bytes);
        return at;
    }

    private void Write<T>(long at, T value) where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        Span<byte> bytes = stackalloc byte[8];
        int length = value.WriteLittleEndian(bytes);
        file.Position = at;
        file.Write(bytes[..length]);
    }
}
