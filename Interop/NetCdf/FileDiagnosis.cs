using System.Buffers.Binary;
using System.Text;

namespace DaML.Components;

/// <summary>
/// Explains what is wrong with a file that the netcdf library would misread, or refuse with a short message: it is truncated, or has
/// another format.
/// </summary>
internal static class FileDiagnosis
{
    private static ReadOnlySpan<byte> Hdf5 => [0x89, (byte)'H', (byte)'D', (byte)'F', 0x0d, 0x0a, 0x1a, 0x0a];

    /// <summary>Refuses a file that is truncated, or that has a known format other than NetCDF.</summary>
    /// <param name="file">The file, which can seek.</param>
    /// <param name="path">The name of the file in messages.</param>
    /// <exception cref="DataFileException">The file is truncated or has another format.</exception>
    public static void Refuse(Stream file, string path)
    {
        if (file.Length == 0) throw new DataFileException($"'{path}' is empty, not a NetCDF file.");
        long? needed;
        try { needed = ClassicNetCdfLayout.RequiredLength(file) ?? Hdf5Length(file); }
        catch (EndOfStreamException e) { throw new DataFileException($"'{path}' is truncated: its {file.Length} bytes end within its " +
            $"header.", e); }
        catch (FormatException e) { throw new DataFileException($"'{path}' cannot be read: {e.Message}.", e); }
        if (needed > file.Length) throw new DataFileException(
            $"'{path}' is truncated: it has {file.Length} bytes; by its header it needs {needed}.");
        if (needed is null && Foreign(file) is { } what) throw new DataFileException($"'{path}' is not a NetCDF file; {what}.");
    }

    // HDF5 File Format Specification 3.0, section II.A: the superblock is at byte 0, 512, 1024 and so on, and says where the file ends.
    private static long? Hdf5Length(Stream file)
    {
        Span<byte> block = stackalloc byte[64];
        for (long at = 0; at + 8 <= file.Length; at = at == 0 ? 512 : 2 * at)
        {
            file.Position = at;
            int read = file.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
            if (read < 8 || !block[..8].SequenceEqual(Hdf5)) continue;
            if (read < 52) throw new EndOfStreamException();
            int version = block[8], size = version < 2 ? block[13] : block[9];
            // base address, then (free space or extension), then end of file
            int addresses = version switch { 0 => 24, 1 => 28, _ => 12 };
            if (size != 8) return file.Length;
            ulong end = BinaryPrimitives.ReadUInt64LittleEndian(block[(addresses + 16)..]);
            return end < long.MaxValue ? (long)end : file.Length;
        }
        return null;
    }

    private static string? Foreign(Stream file)
    {
        Span<byte> start = stackalloc byte[512];
        file.Position = 0;
        start = start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        if (start.StartsWith("CDF"u8) || start.StartsWith(Hdf5)) return null;
        if (start.IndexOf("GRIB"u8) >= 0)
            return "it is a GRIB file. Convert it first, for instance with ecCodes: grib_to_netcdf -o out.nc in.grib, or with CDO: " +
                "cdo -f nc copy in.grib out.nc";
        if (start.IndexOf("BUFR"u8) >= 0) return "it is a BUFR file, which has to be converted first";
        if (start.StartsWith<byte>([0x1f, 0x8b])) return "it is compressed with gzip: unpack it first (gunzip)";
        if (start.StartsWith("BZh"u8)) return "it is compressed with bzip2: unpack it first (bunzip2)";
        if (start.StartsWith<byte>([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'])) return "it is compressed with xz: unpack it " +
            "first (unxz)";
        if (start.StartsWith("PK"u8)) return "it is a ZIP archive: unpack it first";
        if (start.StartsWith<byte>([0x0e, 0x03, 0x13, 0x01])) return "it is an HDF4 file, which has to be converted first (h4tonccf)";
        string text = Encoding.Latin1.GetString(start).TrimStart();
        if (text.StartsWith('<')) return "it is an HTML or XML page, which a server may send instead of a file: download it again";
        return null;
    }
}
