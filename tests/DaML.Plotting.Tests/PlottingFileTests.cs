using System.Buffers.Binary;
using System.IO.Compression;

namespace DaML.Tests;

/// <summary>Figures as files: SVG, and PNG by the program rsvg-convert.</summary>
public sealed class PlottingFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-figures-");

    public void Dispose() => folder.Delete(recursive: true);

    private string At(string name) => Path.Combine(folder.FullName, name);

    private static readonly HeatMap Field = new("Temperature · °C ± 1", new double[,] { { 0, 1, 2 }, { 3, 4, double.NaN } },
        new CellAxis(new Axis("x"), 0, 1), new CellAxis(new Axis("y"), 0, 1), ColorScale.Sequential(0, 4, new Axis("t")));

    [Fact]
    public void AnSvgFileIsTheDrawing()
    {
        Field.Save(At("new/field.svg"));
        Field.Save(At("new/other.SVG"));
        Assert.Equal(Field.ToSvg(), File.ReadAllText(At("new/field.svg")));
        Assert.Equal(["field.svg", "other.SVG"], Directory.GetFiles(At("new")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void APngHasTheDrawingsPixels()
    {
        bool there = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(at => File.Exists(Path.Combine(at, "rsvg-convert")));
        Assert.SkipUnless(there, "there is no rsvg-convert: install librsvg2-bin");
        Field.Save(At("field.png"));
        var (width, height, pixel) = Decode(File.ReadAllBytes(At("field.png")));
        Assert.Equal((1280, 800), (width, height));    // twice the drawing's
        Assert.Equal(new RgbColor(255, 255, 255), pixel(3, 3));
        var drawing = new PlottingDrawing(Field);
        var picture = drawing.Pictures[0];
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 3; j++)
                Assert.Equal(picture.Cell(i, j, 2, 3), pixel((int)(2 * (picture.X + (j + 0.5) * picture.DrawnWidth / 3)),
                    (int)(2 * (picture.Y + (i + 0.5) * picture.DrawnHeight / 2))));
        // the title is written: somewhere on its line there is ink
        Assert.Contains(Enumerable.Range(0, 1280), x => Enumerable.Range(20, 30).Any(y => pixel(x, y).R < 100));
        Field.Save(At("small.png"), scale: 0.5);
        Assert.Equal((320, 200), (Decode(File.ReadAllBytes(At("small.png"))) is var small ? (small.Width, small.Height) : default));
        Assert.Equal(["field.png", "small.png"], folder.GetFiles().Select(file => file.Name).Order());
    }

    [Fact]
    public void WhatCannotBeWrittenIsSaid()
    {
        Assert.Contains(".svg or .png; given: 'figure.jpg'", Assert.Throws<ArgumentException>(() => Field.Save("figure.jpg")).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Field.Save(At("f.png"), scale: 0));
        string Refusal(string program) =>
            Assert.Throws<PictureException>(() => PngPicture.Write(Field.ToSvg(), At("f.png"), 2, program)).Message;
        string absent = Refusal("rsvg-convert-not-here");
        Assert.Contains("the program rsvg-convert-not-here, which is not on the PATH", absent);
        Assert.Contains("apt-get install librsvg2-bin", absent);
        Assert.Contains($"false could not write '{At("f.png")}' (exit code 1)", Refusal("false"));
        Assert.Empty(folder.GetFiles());
    }

    // A PNG of eight bits a channel, with or without transparency, decoded after the standard.
    private static (int Width, int Height, Func<int, int, RgbColor> Pixel) Decode(byte[] file)
    {
        int width = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(16)), height = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(20));
        Assert.Equal(8, file[24]);
        int channels = file[25] == 6 ? 4 : 3;
        Assert.Equal(channels == 4 ? 6 : 2, file[25]);
        var data = new List<byte>();
        for (int at = 8; at < file.Length; at += 12 + BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at)))
            if (file.AsSpan(at + 4, 4).SequenceEqual("IDAT"u8))
                data.AddRange(file.AsSpan(at + 8, BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at))));
        using var inflate = new ZLibStream(new MemoryStream([.. data]), CompressionMode.Decompress);
        var rows = new byte[height, channels * width];
        for (int i = 0; i < height; i++)
        {
            int filter = inflate.ReadByte();
            for (int k = 0; k < channels * width; k++)
            {
                int left = k >= channels ? rows[i, k - channels] : 0, up = i > 0 ? rows[i - 1, k] : 0,
                    corner = k >= channels && i > 0 ? rows[i - 1, k - channels] : 0;
                int estimate = left + up - corner;
                int paeth = Math.Abs(estimate - left) <= Math.Min(Math.Abs(estimate - up), Math.Abs(estimate - corner)) ? left
                    : Math.Abs(estimate - up) <= Math.Abs(estimate - corner) ? up : corner;
                rows[i, k] = (byte)(inflate.ReadByte() + filter switch { 0 => 0, 1 => left, 2 => up, 3 => (left + up) / 2, _ => paeth });
            }
        }
        return (width, height, (x, y) => new RgbColor(rows[y, channels * x], rows[y, channels * x + 1], rows[y, channels * x + 2]));
    }
}
