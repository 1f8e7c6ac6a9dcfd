namespace DaML.Components;

/// <summary>Finds the files that match a path with wildcards in its last part.</summary>
internal static class NetCdfFilePattern
{
    /// <summary>The matching files, in order of their names; a path without wildcards is returned as it is.</summary>
    /// <param name="path">A file, or a pattern such as <c>data/slp_*.nc</c>.</param>
    /// <exception cref="ArgumentException">The path has wildcards in a folder.</exception>
    /// <exception cref="FileNotFoundException">No file matches the pattern.</exception>
    public static IReadOnlyList<string> Files(string path)
    {
        string name = Path.GetFileName(path), folder = path[..^name.Length];
        if (!path.AsSpan().ContainsAny('*', '?') || File.Exists(path)) return [path];
        if (folder.AsSpan().ContainsAny('*', '?'))
            throw new ArgumentException($"The pattern '{path}' has wildcards in its folder; only the name of the file may have " +
                "them. Give a list of files instead.", nameof(path));
        string within = folder.Length == 0 ? "." : folder;
        string[] files = Directory.Exists(within) ? Directory.GetFiles(within, name) : [];
        if (files.Length == 0)
            throw new FileNotFoundException($"No file matches the pattern '{path}': the folder '{within}' " +
                (Directory.Exists(within) ? $"has {Directory.GetFiles(within).Length} other file(s)." : "does not exist."), path);
        return [.. files.Order(StringComparer.Ordinal)];
    }
}
