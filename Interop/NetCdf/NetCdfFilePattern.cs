namespace DaML.Components;

/// <summary>The files that a path with wildcards in its last part stands for.</summary>
internal static class NetCdfFilePattern
{
    /// <summary>The files, by name; a path without wildcards is itself.</summary>
    /// <param name="path">A file, or a pattern such as <c>data/slp_*.nc</c>.</param>
    /// <exception cref="ArgumentException">A folder has wildcards.</exception>
    /// <exception cref="FileNotFoundException">No file fits the pattern.</exception>
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
            throw new FileNotFoundException($"No file fits the pattern '{path}': the folder '{within}' " +
                (Directory.Exists(within) ? $"has {Directory.GetFiles(within).Length} other file(s)." : "does not exist."), path);
        return [.. files.Order(StringComparer.Ordinal)];
    }
}
