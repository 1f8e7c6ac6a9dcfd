namespace DaML.Tests;

/// <summary>
/// Colours that survive colour blindness and print: the maps' lightness, and the lines' colours as dichromats see them (Machado, Oliveira
/// and Fernandes 2009, IEEE Trans. Vis. Comput. Graph. 15, 1291-1298, severity 1).
/// </summary>
public sealed class PlottingColourTests
{
    // How linear sRGB looks without the cones for long, medium or short waves.
    private static readonly Dictionary<string, double[][]> Sight = new()
    {
        ["normal"] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        ["protanopia"] = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        ["deuteranopia"] = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        ["tritanopia"] = [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    };

    private static double[] Product(double[][] matrix, double[] vector) =>
        [.. matrix.Select(row => row.Zip(vector, (a, b) => a * b).Sum())];

    // CIELAB under D65 of a colour as somebody sees it.
    private static double[] Lab(RgbColor color, string sight = "normal")
    {
        static double Linear(byte channel) => channel / 255.0 is var c && c <= 0.04045 ? c / 12.92 : Math.Pow((c + 0.055) / 1.055, 2.4);
        double[] seen = [.. Product(Sight[sight], [Linear(color.R), Linear(color.G), Linear(color.B)]).Select(c => Math.Clamp(c, 0, 1))];
        double[] xyz = Product(
            [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]], seen);
        static double Root(double t) => t > Math.Pow(6.0 / 29, 3) ? Math.Cbrt(t) : t / (3 * Math.Pow(6.0 / 29, 2)) + 4.0 / 29;
        double x = Root(xyz[0] / 0.95047), y = Root(xyz[1]), z = Root(xyz[2] / 1.08883);
        return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
    }

    private static double Difference(double[] one, double[] other) => Math.Sqrt(one.Zip(other, (a, b) => (a - b) * (a - b)).Sum());

    [Fact]
    public void TheColourSpaceIsRight()
    {
        // the primaries, from the definition of CIELAB and sRGB (Lindbloom's tables)
        Assert.Equal([53.24, 80.09, 67.20], Lab(new(255, 0, 0)).Select(value => Math.Round(value, 2)));
        Assert.Equal([32.30, 79.19, -107.86], Lab(new(0, 0, 255)).Select(value => Math.Round(value, 2)));
        Assert.All(Sight.Keys, sight => Assert.Equal(100, Lab(new(255, 255, 255), sight)[0], 0.1));    // white looks white to all
        // red and green are told apart, and are not without the cones for long waves or for medium ones
        double normal = Difference(Lab(new(200, 100, 60)), Lab(new(120, 140, 60)));
        Assert.All((string[])["protanopia", "deuteranopia"],
            sight => Assert.True(Difference(Lab(new(200, 100, 60), sight), Lab(new(120, 140, 60), sight)) < 0.6 * normal));
    }

    public static TheoryData<string> Sights => [.. Sight.Keys];

    [Theory, MemberData(nameof(Sights))]
    public void TheLinesOfAChartCanBeToldApart(string sight)
    {
        var palette = LineChart.Palette;
        Assert.Equal(7, palette.Count);
        var nearest = (from i in Enumerable.Range(0, palette.Count) from j in Enumerable.Range(0, i)
            select (Difference: Difference(Lab(palette[i], sight), Lab(palette[j], sight)), Pair: $"{palette[i]} and {palette[j]}"))
            .MinBy(pair => pair.Difference);
        // 2.3 is just noticeable side by side
        Assert.True(nearest.Difference > 15, $"{nearest.Pair} differ by {nearest.Difference:F1} only");
        var white = Lab(new(255, 255, 255), sight);
        Assert.All(palette, color => Assert.True(Difference(Lab(color, sight), white) > 35, $"{color} is faint on white"));
    }

    [Theory, MemberData(nameof(Sights))]
    public void TheSequentialMapBecomesLighterToAllReadersAndInGrey(string sight)
    {
        double[] lightness = [.. Enumerable.Range(0, 255).Select(i => Lab(ColorMap.Viridis.At(i / 254.0), sight)[0])];
        for (int i = 16; i < lightness.Length; i += 16) Assert.True(lightness[i] > lightness[i - 16] + 1, $"at {i}: {lightness[i]}");
        Assert.True(lightness[^1] - lightness[0] > 70);
    }

    [Theory, MemberData(nameof(Sights))]
    public void TheDivergingMapDarkensToBothEndsWhichDifferInHue(string sight)
    {
        double Lightness(double share) => Lab(ColorMap.BlueWhiteRed.At(share), sight)[0];
        for (double from = 0.5; from < 0.99; from += 0.05)
        {
            Assert.True(Lightness(from + 0.05) < Lightness(from) - 1, $"at {from}");
            Assert.True(Lightness(1 - from - 0.05) < Lightness(1 - from) - 1, $"at {1 - from}");
        }
        for (double distance = 0.1; distance <= 0.5; distance += 0.1)
        {
            if (sight == "normal") Assert.Equal(Lightness(0.5 + distance), Lightness(0.5 - distance), 2.0);    // equally dark
            var (low, high) = (Lab(ColorMap.BlueWhiteRed.At(0.5 - distance), sight), Lab(ColorMap.BlueWhiteRed.At(0.5 + distance), sight));
            Assert.True(Difference(low, high) > 80 * distance, $"{sight} sees {low[0]:F0} and {high[0]:F0} at {distance}");
        }
    }
}
