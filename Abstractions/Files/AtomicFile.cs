namespace DaML.Components;

/// <summary>
/// Writes files so that a reader, and a crash, sees the old one or the new one and never a part: write beside, flush to the disk, rename.
/// </summary>
public static class AtomicFile
{
    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="write">Writes the content to the stream it is given.</param>
    public static void Write(string path, Action<Stream> write) => Beside(path, beside =>
    {
        using var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.ReadWrite);
        write(stream);
        stream.Flush(flushToDisk: true);
    });

    /// <summary>Writes a file by a library that opens files itself.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="write">Makes the file at the path it is given, and closes it.</param>
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
