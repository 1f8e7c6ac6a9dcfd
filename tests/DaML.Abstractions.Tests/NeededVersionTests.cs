using System.Runtime.InteropServices;
using TorchSharp;

namespace DaML.Tests;

/// <summary>Weakening one needed version of a library: which byte, what for, and everything that is refused.</summary>
public sealed class NeededVersionTests : IDisposable
{
    private const string Needed = "libc.so.6", Missing = "GLIBC_99.1", Marker = "_marker";
    private static readonly SmallLibrary library = new(Needed, ("malloc", "GLIBC_2.17"), (Marker, Missing), ("free", "GLIBC_2.17"));

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void OneByteChangesAndNoOther()
    {
        byte[] weak = NeededVersion.Weaken(library.Bytes, Missing, Marker);
        byte[] expected = [.. library.Bytes];
        Assert.Equal(0, expected[library.Flags[Missing]]);
        expected[library.Flags[Missing]] = 2;
        Assert.Equal(expected, weak);
        Assert.Equal(weak, NeededVersion.Weaken(weak, Missing, Marker));
    }

    [Fact]
    public void TheLoaderRefusesTheLibraryAndTakesTheCopy()
    {
        SkipWhereTheLoaderIsAnother();
        var refused = Assert.Throws<DllNotFoundException>(() => Load(library.Bytes));
        Assert.Contains(Missing, refused.Message);
        Assert.NotEqual(0, Load(NeededVersion.Weaken(library.Bytes, Missing, Marker)));
    }

    [Fact]
    public void TheLoaderNamesWhatElseIsMissing()
    {
        SkipWhereTheLoaderIsAnother();
        var two = new SmallLibrary(Needed, (Marker, Missing), ("other", "GLIBC_99.2"));
        var refused = Assert.Throws<DllNotFoundException>(() => Load(NeededVersion.Weaken(two.Bytes, Missing, Marker)));
        Assert.Contains("GLIBC_99.2", refused.Message);
    }

    [Fact]
    public void AVersionThatAnotherSymbolNeedsIsNotWeakened()
    {
        var two = new SmallLibrary(Needed, (Marker, Missing), ("called", Missing));
        Assert.Equal($"the file needs {Missing} for 'called' too, not for '{Marker}' alone.", Refusal(two.Bytes));
    }

    [Fact]
    public void AVersionThatIsNotNeededIsRefused() =>
        Assert.Equal($"the file does not need version {Missing}.", Refusal(new SmallLibrary(Needed, ("malloc", "GLIBC_2.17")).Bytes));

    [Fact]
    public void OtherKindsOfFileAreRefusedByName()
    {
        Assert.Equal("the file (0 bytes) is not an ELF library.", Refusal([]));
        Assert.Equal("the file (100 bytes) is not an ELF library.", Refusal(new byte[100]));
        Assert.Equal("the file is a 32-bit, little-endian ELF library; a 64-bit, little-endian one is needed.", Refusal(With(4, 1)));
        Assert.Equal("the file is a 64-bit, big-endian ELF library; a 64-bit, little-endian one is needed.", Refusal(With(5, 2)));
        Assert.Equal("the file's section headers have 40 bytes; 64 are needed.", Refusal(With(0x3a, 40)));
        Assert.Equal("the file has no section of needed versions.", Refusal(With(0x3c, 0)));    // stripped of its section headers
    }

    [Fact]
    public void AFileThatIsCutOffIsRefusedAtEveryLength()
    {
        for (int length = 0; length < library.Bytes.Length; length++)
            Assert.Matches("not an ELF|cut off or damaged", Refusal(library.Bytes[..length]));
    }

    [Fact]
    public void ADamagedFileIsRefusedOrCopiedAndNothingElse()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 20_000; trial++)
        {
            byte[] damaged = [.. library.Bytes];
            for (int i = 0; i < 3; i++) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try { Assert.Equal(damaged.Length, NeededVersion.Weaken(damaged, Missing, Marker).Length); }
            catch (InvalidDataException) { }
        }
    }

    /// <summary>What the loader of the native libraries counts on in the wrapper that the package ships.</summary>
    [Fact]
    public void TorchSharpsWrapperNeedsTheVersionForItsMarkerAlone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only the wrapper for Linux is an ELF file");
        byte[] shipped = File.ReadAllBytes(new TorchFolders(typeof(torch).Assembly).Find("LibTorchSharp")!);
        byte[] weak = NeededVersion.Weaken(shipped, "GLIBCXX_3.4.32", "_ZSt21ios_base_library_initv");
        Assert.Equal(1, shipped.Zip(weak).Count(pair => pair.First != pair.Second));
    }

    private static byte[] With(int at, byte value)
    {
        byte[] changed = [.. library.Bytes];
        changed[at] = value;
        return changed;
    }

    private static string Refusal(byte[] file) =>
        Assert.Throws<InvalidDataException>(() => NeededVersion.Weaken(file, Missing, Marker)).Message;

    private nint Load(byte[] bytes)
    {
        string path = Path.Combine(folder.FullName, $"{Guid.NewGuid():n}.so");
        File.WriteAllBytes(path, bytes);
        return NativeLibrary.Load(path);
    }

    private static void SkipWhereTheLoaderIsAnother() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && NativeLibrary.TryLoad(Needed, out _), "the loader is not that of the GNU C library");
}
