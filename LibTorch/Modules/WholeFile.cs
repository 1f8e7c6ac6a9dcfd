namespace TorchSharp;

/// <summary>Writes files beside their place and renames them: a reader never sees half of one, and a crash leaves the old one.</summary>
internal static class WholeFile
{
    internal static void Write(string location, Action<Stream> write)
    {
        var beside = $"{location}.{Environment.ProcessId}-{Guid.NewGuid():n}.tmp";
        try
        {
            using (var stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(beside, location, overwrite: true);
        }
        finally
        {
            File.Delete(beside);
        }
    }
}
