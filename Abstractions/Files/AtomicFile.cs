namespace DaML.Components;

/// <summary>
/// Writes files atomically: a reader, and a crash, finds the old file or the new one and never a part. Each file is written under another
/// name, flushed to the disk and renamed.
/// </summary>
public static class AtomicFile
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; its folder is created if it is missing.</param>
    /// <param name="write">Writes the content to the given stream.</param>
    public static void Write(string path, Action<Stream> write) => Beside(path, beside =>
    {
        using var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.ReadWrite);
        write(stream);
        stream.Flush(flushToDisk: true);
    });

    /// <summary>Writes a file with a library that opens files itself.</summary>
    /// <param name="path">The file; its folder is created if it is missing.</param>
    /// <param name="write">Creates the file at the given path, and closes it.</param>
    public static void WriteAt(string path, Action<string> write) => Beside(path, beside =>
    {
        write(beside);
        using var stream = FileLocks.Open(beside, FileAccess.ReadWrite);
        stream.Flush(flushToDisk: true);
    });

    private static void Beside(string path, Action<string> write)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string beside = $"{full}.{Environment.ProcessId}-{Guid.NewGuid():n}.tmp";
        try
        {
            write(beside);
            File.Move(beside, full, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>Writes a text file.</summary>
    public static void WriteText(string path, string text) => Write(path, stream =>
    {
        using var writer = new StreamWriter(stream, leaveOpen: true);
        writer.Write(text);
    });
}
