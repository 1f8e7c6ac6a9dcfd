namespace DaML.Tests;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("daml-atomic-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_whole_and_nothing_beside_it()
    {
        string path = Path.Combine(folder, "model.daml");
        AtomicFile.WriteText(path, "the old one");
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("half of the n"u8);
            throw new InvalidOperationException("out of luck");
        }));
        Assert.Equal("the old one", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(folder));
    }

    [Fact]
    public void A_file_of_another_library_is_renamed_whole_or_not_at_all()
    {
        string path = Path.Combine(folder, "new", "view.nc");
        AtomicFile.WriteAt(path, beside => File.WriteAllText(beside, "the old one"));
        Assert.Throws<InvalidOperationException>(() => AtomicFile.WriteAt(path, beside =>
        {
            File.WriteAllText(beside, "half of the n");
            throw new InvalidOperationException("out of luck");
        }));
        Assert.Equal("the old one", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void A_reader_never_sees_a_part_of_a_file()
    {
        string path = Path.Combine(folder, "deep", "er", "model.daml");
        AtomicFile.WriteText(path, new string('a', 100_000));
        AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[50_000]);
            stream.Flush();
            Assert.Equal(new string('a', 100_000), File.ReadAllText(path));
        });
        Assert.Equal(50_000, new FileInfo(path).Length);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void What_the_disk_refuses_is_said_of_the_file()
    {
        string path = Path.Combine(folder, "taken");
        Directory.CreateDirectory(Path.Combine(path, "by a folder"));
        var refused = Assert.ThrowsAny<Exception>(() => AtomicFile.WriteText(path, "text"));
        Assert.True(refused is IOException or UnauthorizedAccessException, refused.ToString());
        Assert.DoesNotContain(".tmp", refused.Message);
        Assert.Contains(path, refused.Message);
        string tooLong = Path.Combine(folder, new string('n', 300));
        Assert.DoesNotContain(".tmp", Assert.ThrowsAny<IOException>(() => AtomicFile.WriteText(tooLong, "text")).Message);
        Assert.Empty(Directory.GetFiles(folder));
        AtomicFile.WriteText(Path.Combine(folder, new string('n', 255)), "as long as names may be");
    }

    [Fact]
    public void Two_writers_at_once_leave_one_of_their_files()
    {
        string path = Path.Combine(folder, "contested");
        Parallel.For(0, 20, i => AtomicFile.WriteText(path, new string((char)('a' + i), 10_000)));
        string text = File.ReadAllText(path);
        Assert.Equal(10_000, text.Length);
        Assert.Single(text.Distinct());
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_an_error_of_the_file_system()
    {
        string file = Path.Combine(folder, "a-file");
        File.WriteAllText(file, "");
        Assert.ThrowsAny<IOException>(() => AtomicFile.WriteText(Path.Combine(file, "below-a-file"), "x"));
    }
}
