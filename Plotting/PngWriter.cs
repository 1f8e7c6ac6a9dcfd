using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DaML.Plotting;

/// <summary>Writes a picture of at most 256 colours as PNG (ISO/IEC 15948): a byte for each cell, deflated.</summary>
internal static class PngWriter
{
    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(n =>
    {
        uint c = (uint)n;
        for (int k = 0; k < 8; k++) c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
        return c;
    })];

    /// <summary>Returns the file's bytes.</summary>
    /// <param name="pixels">The palette's index of each pixel, <c>[row, column]</c>, the top row first.</param>
    /// <param name="palette">At most 256 colours.</param>
    public static byte[] Write(byte[,] pixels, IReadOnlyList<RgbColor> palette)
    {
        int height = pixels.GetLength(0), width = pixels.GetLength(1);
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);

        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;    // bits a pixel
        header[9] = 3;    // pixels are palette indices
        Chunk(file, "IHDR", header);
        Chunk(file, "PLTE", [.. palette.SelectMany(color => (byte[])[color.R, color.G, color.B])]);

        using (var packed = new MemoryStream())
        {
            using (var deflate = new ZLibStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            {
                var row = new byte[width + 1];    // a leading 0: the row is stored unfiltered
                for (int i = 0; i < height; i++)
                {
                    for (int j = 0; j < width; j++) row[j + 1] = pixels[i, j];
                    deflate.Write(row);
                }
            }
            Chunk(file, "IDAT", packed.ToArray());
        }
        Chunk(file, "IEND", []);
        return file.ToArray();
    }

    private static void Chunk(Stream file, string type, byte[] data)
    {
        byte[] body = [.. Encoding.ASCII.GetBytes(type), .. data];
        uint crc = uint.MaxValue;
        foreach (byte b in body) crc = CrcTable[(crc ^ b) & 255] ^ (crc >> 8);
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~crc);
        file.Write(number);
    }
}
