using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DaML.Notebooks;

namespace DaML.Tests;

/// <summary>Compares what cells put out.</summary>
internal static partial class OutputText
{
    /// <summary>The share, and the difference, that a figure may differ by between processors.</summary>
    private const double Share = 0.15, Difference = 0.02;

    [GeneratedRegex(@"(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?(?![\w])")]
    private static partial Regex Number();

    /// <summary>The texts of an output, by their form; what a cell wrote to the console is plain text.</summary>
    public static Dictionary<string, string> Forms(JsonNode output) => output["data"] is JsonObject data
        ? data.ToDictionary(pair => pair.Key, pair => Notebook.Text(pair.Value))
        : new() { ["text/plain"] = Notebook.Text(output["text"]) };

    /// <summary>Whether two texts have the same words and integers, and figures that are near.</summary>
    public static bool AreNear(string expected, string given) => FirstDifference(expected, given) is null;

    /// <summary>Fails with the first difference.</summary>
    public static void AssertNear(string expected, string given, string where)
    {
        if (FirstDifference(expected, given) is { } difference)
            Assert.Fail($"{where}: {difference}\ncommitted:\n{expected}\nnow:\n{given}");
    }

    private static string? FirstDifference(string expected, string given)
    {
        // how HTML is marked up may change
        (expected, given) = (Regex.Replace(expected, "<[^>]*>", " "), Regex.Replace(given, "<[^>]*>", " "));
        string Words(string text) => Regex.Replace(Number().Replace(text, "#"), @"[\s-]+", " ");
        if (Words(expected) != Words(given)) return "the words differ";
        foreach (var (was, now) in Number().Matches(expected).Zip(Number().Matches(given), (a, b) => (a.Value, b.Value)))
        {
            bool isInteger = !was.Contains('.');
            double a = double.Parse(was, CultureInfo.InvariantCulture), b = double.Parse(now, CultureInfo.InvariantCulture);
            if (isInteger ? was != now : !(Math.Abs(a - b) <= Difference + Share * Math.Abs(a))) return $"{was} became {now}";
        }
        return null;
    }
}
