namespace DaML.Tests;

/// <summary>Files that are locked for a moment are waited for.</summary>
public sealed class FileLocksTests : IDisposable
{
    private readonly string path = Path.Combine(Path.GetTempPath(), $"daml-locked-{Guid.NewGuid():n}");

    public void Dispose() => File.Delete(path);

    [Theory, InlineData(FileAccess.Read), InlineData(FileAccess.ReadWrite)]
    public async Task A_locked_file_is_opened_as_soon_as_it_is_free(FileAccess access)
    {
        var holder = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        holder.WriteByte(7);
        holder.Flush();
        Assert.True(FileLocks.IsLocked(Assert.Throws<IOException>(() => File.OpenRead(path))));
        bool released = false;
        var opening = Task.Run(() =>
        {
            using var stream = FileLocks.Open(path, access);
            Assert.True(Volatile.Read(ref released));
            return stream.ReadByte();
        }, TestContext.Current.CancellationToken);
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Volatile.Write(ref released, true);
        holder.Dispose();
        Assert.Equal(7, await opening);
    }

    [Fact]
    public void A_file_that_is_not_there_is_not_waited_for() =>
    Assert.Throws<FileNotFoundException>(() => FileLocks.Open(path, FileAccess.Read));
}
