using System.Diagnostics;

namespace DaML.Components;

/// <summary>
/// Opens files that another process may lock for a moment. HDF5 locks the files it has open and does not close them in processes that are
/// started meanwhile. Such a process keeps the file and the lock until it ends, although the process that opened the file has long closed
/// it.
/// </summary>
public static class FileLocks
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20), Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Opens a file as soon as no other process holds a lock on it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="access">The access that is needed.</param>
    /// <exception cref="IOException">Another process has held a lock for twenty seconds, or the file cannot be opened.</exception>
    public static FileStream Open(string path, FileAccess access)
    {
        for (long start = Stopwatch.GetTimestamp(); ; Thread.Sleep(Pause))
            try
            {
                return new FileStream(path, FileMode.Open, access, FileShare.Read);
            }
            catch (IOException failed) when (IsLocked(failed) && Stopwatch.GetElapsedTime(start) < Patience)
            {
            }
    }

    /// <summary>Whether a file could not be opened because another process has locked it: EWOULDBLOCK of Linux and macOS, a sharing
    /// violation of
    /// Windows.</summary>
    /// <param name="failed">The exception that opening it threw.</param>
    public static bool IsLocked(IOException failed) => failed.HResult is 11 or 35 or unchecked((int)0x80070020);
}
