using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace DaML.Components;

/// <summary>A private folder of changed copies of native libraries, each named by the digest of the library it was made from.</summary>
/// <param name="folder">The folder; created if it is missing, for its owner alone.</param>
[SupportedOSPlatform("linux")]
internal sealed class LibraryCache(string folder)
{
    /// <summary>The variable that names another folder for the cache (default: daml in the user's cache folder).</summary>
    public const string Variable = "DAML_CACHE";

    /// <summary>Opens the user's cache.</summary>
    /// <exception cref="IOException">The user has no home folder, and the variable names no other one.</exception>
    public static LibraryCache Default()
    {
        string? Named(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string folder = Named(Variable)
            ?? (Named("XDG_CACHE_HOME") is { } caches ? Path.Combine(caches, "daml")
                : home.Length > 0 ? Path.Combine(home, ".cache", "daml")
                : throw new IOException($"the user has no home folder. Set {Variable} to a folder that can be written."));
        return new(Path.GetFullPath(Path.Combine(folder, "torch")));
    }

    /// <summary>Stores a changed copy of a library, and returns its path. An existing copy is kept.</summary>
    /// <param name="original">The library as it was.</param>
    /// <param name="changed">The copy.</param>
    /// <exception cref="IOException">The folder cannot be created or written, or does not belong to the user.</exception>
    public string Keep(ReadOnlySpan<byte> original, byte[] changed)
    {
        string path = Path.Combine(folder, $"{Convert.ToHexStringLower(SHA256.HashData(original))}.so");
        try
        {
            MakePrivate();
            if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(changed))
                AtomicFile.Write(path, stream => stream.Write(changed));
            return path;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"the cache folder '{folder}' cannot be used ({refused.Message.TrimEnd('.')}). Set {Variable} to a folder that can be " +
                    $"written.", refused);
        }
    }

    private void MakePrivate()
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            others = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        if (!Directory.Exists(folder)) Directory.CreateDirectory(folder, owner);
        var mode = File.GetUnixFileMode(folder);
        try { File.SetUnixFileMode(folder, mode & owner); }    // only the owner may: another's folder is refused here
        catch (IOException) when ((mode & others) == 0) { }    // a file system that is read-only can still be read
    }
}
