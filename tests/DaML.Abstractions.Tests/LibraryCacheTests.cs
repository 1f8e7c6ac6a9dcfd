using System.Runtime.Versioning;

namespace DaML.Tests;

/// <summary>The private folder of changed native libraries: hits, damage, folders that cannot be used, many writers at once.</summary>
[SupportedOSPlatform("linux")]
public sealed class LibraryCacheTests : IDisposable
{
    private static readonly byte[] original = [.. Enumerable.Range(0, 5000).Select(i => (byte)(7 * i))];
    private static readonly byte[] changed = [.. original.Select(value => (byte)(value ^ 2))];
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly TemporaryFolder parent = new();
    private readonly string folder;

    public LibraryCacheTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux needs changed libraries");
        folder = Path.Combine(parent.FullName, "cache");
    }

    public void Dispose() => parent.Dispose();

    [Fact]
    public void ACopyIsKeptForTheUserAloneUnderTheDigestOfItsOriginal()
    {
        string path = new LibraryCache(folder).Keep(original, changed);
        Assert.Equal(changed, File.ReadAllBytes(path));
        Assert.Equal(Path.Combine(folder, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(original)) + ".so"), path);
        Assert.Equal(Owner, File.GetUnixFileMode(folder));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void ACopyThatIsThereStaysAndADamagedOneIsReplaced()
    {
        var cache = new LibraryCache(folder);
        string path = cache.Keep(original, changed);
        var then = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(path, then);
        Assert.Equal(path, cache.Keep(original, changed));
        Assert.Equal(then, File.GetLastWriteTimeUtc(path));

        File.WriteAllBytes(path, changed[..^1]);
        Assert.Equal(path, cache.Keep(original, changed));
        Assert.Equal(changed, File.ReadAllBytes(path));
    }

    [Fact]
    public void AReadOnlyFolderServesWhatItHoldsAndSaysWhatItCannotTake()
    {
        var cache = new LibraryCache(folder);
        string path = cache.Keep(original, changed);
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Equal(path, cache.Keep(original, changed));
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "an administrator may write everywhere");
        AssertSays(() => cache.Keep(changed, original));
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsNamedWithWhatToDo()
    {
        File.WriteAllText(folder, "a file where the folder should be");
        AssertSays(() => new LibraryCache(folder).Keep(original, changed));
        AssertSays(() => new LibraryCache(Path.Combine(folder, "below")).Keep(original, changed), Path.Combine(folder, "below"));
    }

    [Fact]
    public void AFolderThatOthersCanWriteIsClosedToThem()
    {
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, Owner | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        new LibraryCache(folder).Keep(original, changed);
        Assert.Equal(Owner, File.GetUnixFileMode(folder));
    }

    [Fact]
    public async Task ManyWritersAtOnceLeaveOneWholeCopy()
    {
        string[] paths = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Factory.StartNew(() =>
        {
            string path = new LibraryCache(folder).Keep(original, changed);
            Assert.Equal(changed, File.ReadAllBytes(path));
            return path;
        }, TaskCreationOptions.LongRunning)));
        Assert.Single(paths.Distinct());
        Assert.Equal([paths[0]], Directory.GetFileSystemEntries(folder));
    }

    private void AssertSays(Action keep, string? named = null)
    {
        var refused = Assert.Throws<IOException>(keep);
        Assert.StartsWith($"the cache folder '{named ?? folder}' cannot be used (", refused.Message);
        Assert.EndsWith("Set DAML_CACHE to a folder that can be written.", refused.Message);
    }
}
