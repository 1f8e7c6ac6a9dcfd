namespace DaML.Components;

/// <summary>
/// Writes files atomically: a reader, and a crash, finds the old file or the new one and never a part. Each file is written under another
/// name, flushed to the disk and renamed. What the disk refuses is said of the file, not of the other name.
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
        string full = Path.GetFullPath(path), folder = Path.GetDirectoryName(full)!, name = Path.GetFileName(full);
        Directory.CreateDirectory(folder);
        // (a name may be as long as the disk allows)
        string beside = Path.Combine(folder, $"{name[..Math.Min(name.Length, 50)]}.{Environment.ProcessId}-{Guid.NewGuid():n}.tmp");
        try
        {
            write(beside);
            File.Move(beside, full, overwrite: true);
        }
        catch (IOException refused) when (refused.Message.Contains(beside, StringComparison.Ordinal))
        {
            throw new IOException(refused.Message.Replace(beside, full), refused) { HResult = refused.HResult };
        }
        catch (UnauthorizedAccessException refused) when (refused.Message.Contains(beside, StringComparison.Ordinal))
        {
            throw new UnauthorizedAccessException(refused.Message.Replace(beside, full), refused);
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
