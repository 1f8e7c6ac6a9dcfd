namespace DaML.Notebooks;

/// <summary>The lines of a notebook that ask for packages.</summary>
internal static class Packages
{
    /// <summary>Whether a line asks for a package, as <c>#r "nuget: DaML, 0.1.0"</c> does.</summary>
    public static bool IsReference(string line) => line.TrimStart().StartsWith("#r \"nuget:", StringComparison.Ordinal);

    /// <summary>The package that such a line asks for.</summary>
    public static string NameOf(string line) => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(',', '"')[0].Trim();

    /// <summary>Whether a cell asks for packages and does nothing else.</summary>
    public static bool AreAll(NotebookCell cell)
    {
        string[] lines = cell.IsCode ? cell.Source.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
        return lines.Any(IsReference) && lines.All(line => IsReference(line) || line.StartsWith("//", StringComparison.Ordinal));
    }
}
