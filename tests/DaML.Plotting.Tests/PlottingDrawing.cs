using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Xml.Linq;

namespace DaML.Tests;

/// <summary>
/// Reads a drawing back: texts with their places, lines, and the PNG pictures inside, decoded here without the writer's code.
/// </summary>
internal sealed class PlottingDrawing
{
    public PlottingDrawing(string svg) => Root = XDocument.Parse(svg).Root!;

    public PlottingDrawing(Figure figure) : this(figure.ToSvg()) { }

    public XElement Root { get; }

    public IEnumerable<XElement> Elements(string name) => Root.Descendants().Where(element => element.Name.LocalName == name);

    public static double Number(XElement element, string attribute) =>
        double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);

    public static IReadOnlyList<(double X, double Y)> Points(XElement polyline) =>
        [.. polyline.Attribute("points")!.Value.Split(' ').Select(pair => pair.Split(','))
            .Select(pair => (double.Parse(pair[0], CultureInfo.InvariantCulture), double.Parse(pair[1], CultureInfo.InvariantCulture)))];

    public IReadOnlyList<(string Text, double X, double Y)> Texts =>
        [.. Elements("text").Select(text => (text.Value, Number(text, "x"), Number(text, "y")))];

    /// <summary>The labels below the plot: those whose baseline most labels in the middle share.</summary>
    public IReadOnlyList<(string Text, double X)> HorizontalTicks
    {
        get
        {
            var middle = Elements("text")
                .Where(text => (string?)text.Attribute("text-anchor") == "middle" && (string?)text.Attribute("font-size") == "12").ToList();
            return [.. middle.OrderBy(text => Number(text, "x")).Select(text => (text.Value, Number(text, "x")))];
        }
    }

    /// <summary>The labels left of the plot, from bottom to top; their text is set 4 pixels below the tick.</summary>
    public IReadOnlyList<(string Text, double Y)> VerticalTicks =>
        [.. Elements("text").Where(text => (string?)text.Attribute("text-anchor") == "end").OrderByDescending(text => Number(text, "y"))
            .Select(text => (text.Value, Number(text, "y") - 4))];

    /// <summary>A tick's label as a number.</summary>
    public static double Value(string label)
    {
        label = label.Replace('\u2212', '-');
        int times = label.StartsWith("10", StringComparison.Ordinal) ? 0 : label.IndexOf("×10", StringComparison.Ordinal) + 1;
        const string superscripts = "\u2070\u00B9\u00B2\u00B3\u2074\u2075\u2076\u2077\u2078\u2079\u207B";
        if (times + 2 >= label.Length || !superscripts.Contains(label[times + 2])) return double.Parse(label, CultureInfo.InvariantCulture);
        string exponent =
            string.Concat(label[(times + 2)..]
                .Select(c => superscripts.IndexOf(c) is var i && i == 10 ? "-" : i.ToString(CultureInfo.InvariantCulture)));
        string mantissa = label[..times].TrimEnd('×');
        return double.Parse((mantissa.Length == 0 ? "1" : mantissa) + "e" + exponent, CultureInfo.InvariantCulture);
    }

    /// <summary>The straight line through the outermost ticks, from pixels to values.</summary>
    public static Func<double, double> Calibrate(IReadOnlyList<(string Text, double At)> ticks, bool logarithmic = false)
    {
        double From(string label) => logarithmic ? Math.Log10(Value(label)) : Value(label);
        double a = From(ticks[0].Text), b = From(ticks[^1].Text);
        return pixel =>
        {
            double value = a + (pixel - ticks[0].At) / (ticks[^1].At - ticks[0].At) * (b - a);
            return logarithmic ? Math.Pow(10, value) : value;
        };
    }

    /// <summary>The pictures in the order in which they are drawn.</summary>
    public IReadOnlyList<Picture> Pictures => [.. Elements("image").Select(image =>
    {
        const string prefix = "data:image/png;base64,";
        string address = image.Attribute("href")!.Value;
        Assert.StartsWith(prefix, address);
        return new Picture(Convert.FromBase64String(address[prefix.Length..]), Number(image, "x"), Number(image, "y"),
            Number(image, "width"), Number(image, "height"));
    })];

    /// <summary>A palette PNG, decoded after the standard.</summary>
    internal sealed class Picture
    {
        private readonly byte[] palette = [], pixels;

        public Picture(byte[] file, double x, double y, double width, double height)
        {
            (X, Y, DrawnWidth, DrawnHeight) = (x, y, width, height);
            Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], file[..8]);
            var data = new List<byte>();
            string last = "";
            for (int at = 8; at < file.Length;)
            {
                int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
                last = Encoding.ASCII.GetString(file, at + 4, 4);
                byte[] body = file[(at + 8)..(at + 8 + length)];
                Assert.Equal(Crc(file.AsSpan(at + 4, length + 4)), BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length)));
                if (last == "IHDR")
                {
                    (Width, Height) = (BinaryPrimitives.ReadInt32BigEndian(body), BinaryPrimitives.ReadInt32BigEndian(body.AsSpan(4)));
                    Assert.Equal([8, 3, 0, 0, 0], body[8..]);    // eight bits, palette, deflate, standard filters, not interlaced
                }
                else if (last == "PLTE") palette = body;
                else if (last == "IDAT") data.AddRange(body);
                at += 12 + length;
            }
            Assert.Equal("IEND", last);
            using var inflate = new ZLibStream(new MemoryStream([.. data]), CompressionMode.Decompress);
            using var plain = new MemoryStream();
            inflate.CopyTo(plain);
            pixels = plain.ToArray();
            Assert.Equal((Width + 1) * Height, pixels.Length);
            for (int row = 0; row < Height; row++) Assert.Equal(0, pixels[row * (Width + 1)]);
        }

        public int Width { get; }
        public int Height { get; }
        public double X { get; }
        public double Y { get; }
        public double DrawnWidth { get; }
        public double DrawnHeight { get; }

        /// <summary>The colour of a cell of a picture of so many cells, row 0 on top.</summary>
        public RgbColor Cell(int row, int column, int rows, int columns)
        {
            int i = (int)((row + 0.5) * Height / rows), j = (int)((column + 0.5) * Width / columns);
            int index = pixels[i * (Width + 1) + 1 + j];
            return new RgbColor(palette[3 * index], palette[3 * index + 1], palette[3 * index + 2]);
        }

        private static uint Crc(ReadOnlySpan<byte> bytes)
        {
            uint crc = 0xFFFFFFFF;
            foreach (byte b in bytes)
                for (int bit = 0; bit < 8; bit++)
                    crc = ((crc ^ (uint)(b >> bit)) & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
            return ~crc;
        }
    }
}
