using System.Buffers.Binary;
using System.Text;

namespace DaML.Components;

/// <summary>
/// A version that a shared library needs of another one, as an ELF file records it (Linux Standard Base, "Symbol Versioning"; System V
/// ABI, "Object Files"). The loader refuses a library if a needed version is missing and not marked weak.
/// </summary>
internal static class NeededVersion
{
    private const int Weak = 0x2;                                                // VER_FLG_WEAK
    private const uint DynamicSymbols = 11, Versions = 0x6fffffff, Needs = 0x6ffffffe;    // SHT_DYNSYM, SHT_GNU_versym, SHT_GNU_verneed

    /// <summary>Copies a library and marks as weak a version that it needs for one symbol only.</summary>
    /// <param name="library">The library, a 64-bit little-endian ELF file with its section headers.</param>
    /// <param name="version">The version, for instance GLIBCXX_3.4.32.</param>
    /// <param name="symbol">The one symbol that may have this version; it must be one that nothing calls.</param>
    /// <returns>A copy that differs from the library in one byte.</returns>
    /// <exception cref="InvalidDataException">The file is not such a library, does not need the version, or needs it for another
    /// symbol.</exception>
    public static byte[] Weaken(ReadOnlySpan<byte> library, string version, string symbol)
    {
        var file = new Elf(library);
        var needs = file.Section(Needs, "needed versions");
        var strings = file.SectionAt(needs.Link, "names of versions");

        // Each needed library has an entry (Elf64_Verneed, 16 bytes) and a chain of versions (Elf64_Vernaux, 16 bytes).
        int flags = -1, index = -1;
        ulong entry = needs.Offset;
        for (uint left = needs.Info; left > 0; left--)
        {
            ulong wanted = entry + file.UInt32(entry + 8);
            for (int i = file.UInt16(entry + 2); i > 0; i--)
            {
                if (file.Text(strings, file.UInt32(wanted + 8)) == version)
                {
                    if (index >= 0) throw new InvalidDataException($"the file needs {version} from two libraries; one is expected.");
                    (flags, index) = ((int)wanted + 4, file.UInt16(wanted + 6) & 0x7fff);
                }
                if (file.UInt32(wanted + 12) is var step and > 0) wanted += step;
                else break;
            }
            if (file.UInt32(entry + 12) is var next and > 0) entry += next;
            else break;
        }
        if (index < 0) throw new InvalidDataException($"the file does not need version {version}.");

        // Symbol i (Elf64_Sym, 24 bytes) has the version whose index is entry i of the table of versions.
        var (symbols, versions) = (file.Section(DynamicSymbols, "dynamic symbols"), file.Section(Versions, "versions of symbols"));
        var names = file.SectionAt(symbols.Link, "names of symbols");
        for (ulong i = 0; i < symbols.Size / 24; i++)
        {
            if ((file.UInt16(versions.Offset + 2 * i) & 0x7fff) != index) continue;
            string name = file.Text(names, file.UInt32(symbols.Offset + 24 * i));
            if (name != symbol) throw new InvalidDataException($"the file needs {version} for '{name}' too, not for '{symbol}' alone.");
        }

        byte[] copy = library.ToArray();
        copy[flags] |= Weak;
        return copy;
    }

    /// <summary>A part of the file: its position, the section with its names, and its declared number of entries.</summary>
    private readonly record struct Part(ulong Offset, ulong Size, uint Link, uint Info);

    /// <summary>Reads a 64-bit little-endian ELF file and refuses whatever lies outside it.</summary>
    private readonly ref struct Elf
    {
        private readonly ReadOnlySpan<byte> bytes;

        public Elf(ReadOnlySpan<byte> bytes)
        {
            this.bytes = bytes;
            if (bytes.Length < 64 || !bytes.StartsWith("\u007fELF"u8))
                throw new InvalidDataException($"the file ({bytes.Length} bytes) is not an ELF library.");
            if (bytes[4] != 2 || bytes[5] != 1)
                throw new InvalidDataException(
                    $"the file is a {(bytes[4] == 2 ? 64 : 32)}-bit, {(bytes[5] == 1 ? "little" : "big")}-endian ELF library; a 64-bit, " +
                        $"little-endian one is needed.");
            if (UInt16(0x3a) != 64) throw new InvalidDataException($"the file's section headers have {UInt16(0x3a)} bytes; 64 are needed.");
            At(UInt64(0x28), 64ul * UInt16(0x3c));
        }

        public ushort UInt16(ulong offset) => BinaryPrimitives.ReadUInt16LittleEndian(At(offset, 2));

        public uint UInt32(ulong offset) => BinaryPrimitives.ReadUInt32LittleEndian(At(offset, 4));

        public string Text(Part strings, uint offset)
        {
            if (offset >= strings.Size)
                throw new InvalidDataException($"the file is damaged: a name at {offset} lies outside its {strings.Size} bytes of names.");
            var text = At(strings.Offset, strings.Size)[(int)offset..];
            int end = text.IndexOf((byte)0);
            return end >= 0 ? Encoding.UTF8.GetString(text[..end])
                : throw new InvalidDataException("the file is damaged: its last name has no end.");
        }

        public Part Section(uint type, string what)
        {
            for (uint i = 0; i < UInt16(0x3c); i++)
                if (UInt32(Header(i) + 4) == type) return SectionAt(i, what);
            throw new InvalidDataException($"the file has no section of {what}.");
        }

        public Part SectionAt(uint index, string what)
        {
            if (index >= UInt16(0x3c))
                throw new InvalidDataException($"the file is damaged: its section of {what} is number {index} of {UInt16(0x3c)}.");
            ulong header = Header(index);
            var part = new Part(UInt64(header + 24), UInt64(header + 32), UInt32(header + 40), UInt32(header + 44));
            At(part.Offset, part.Size);
            return part;
        }

        private ulong Header(uint index) => UInt64(0x28) + 64ul * index;

        private ulong UInt64(ulong offset) => BinaryPrimitives.ReadUInt64LittleEndian(At(offset, 8));

        private ReadOnlySpan<byte> At(ulong offset, ulong size)
        {
            ulong length = (ulong)bytes.Length;
            if (offset > length || size > length - offset)
                throw new InvalidDataException($"the file is cut off or damaged: it has {length} bytes and refers to {size} at {offset}.");
            return bytes.Slice((int)offset, (int)size);
        }
    }
}
