using System.Globalization;

namespace DaML.Plotting;

/// <summary>The world's coasts at 1:110 million (Natural Earth, public domain), for <see cref="MapPlot.Outlines"/>.</summary>
public static class Coastlines
{
    private static readonly Lazy<IReadOnlyList<IReadOnlyList<(double Longitude, double Latitude)>>> world = new(Read);

    /// <summary>All coasts: the corners of each line as degrees east (-180 to 180) and north.</summary>
    public static IReadOnlyList<IReadOnlyList<(double Longitude, double Latitude)>> World => world.Value;

    private static IReadOnlyList<IReadOnlyList<(double, double)>> Read()
    {
        using var stream = typeof(Coastlines).Assembly.GetManifestResourceStream("DaML.coastlines.txt")!;
        using var reader = new StreamReader(stream);
        var coasts = new List<IReadOnlyList<(double, double)>>();
        while (reader.ReadLine() is { } line)
            if (!line.StartsWith('#'))
                coasts.Add([.. line.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture)).Chunk(2)
                    .Select(pair => (pair[0], pair[1]))]);
        return coasts;
    }
}
