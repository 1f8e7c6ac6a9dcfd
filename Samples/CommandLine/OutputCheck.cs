namespace DaML.Samples;

/// <summary>Tries, before any long work, whether what it will give can be written.</summary>
internal static class OutputCheck
{
    /// <summary>A folder, made where it is missing, in which a file can be made.</summary>
    /// <exception cref="SampleException">It cannot be written to.</exception>
    public static void Folder(string path, string option)
    {
        try
        {
            Directory.CreateDirectory(path);
            string probe = Path.Combine(path, $".daml-{Guid.NewGuid():n}.tmp");
            System.IO.File.WriteAllBytes(probe, []);
            System.IO.File.Delete(probe);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new SampleException($"{option}: the folder '{path}' cannot be written to: {refused.Message}");
        }
    }

    /// <summary>A file that can be made or replaced.</summary>
    /// <exception cref="SampleException">It is a folder, or its folder cannot be written to.</exception>
    public static void File(string path, string option)
    {
        if (Directory.Exists(path)) throw new SampleException($"{option}: '{path}' is a folder; name a file.");
        string full;
        try { full = Path.GetFullPath(path); }
        catch (ArgumentException refused) { throw new SampleException($"{option}: '{path}' is not a valid path: {refused.Message}"); }
        Folder(Path.GetDirectoryName(full) ?? full, option);
    }
}
