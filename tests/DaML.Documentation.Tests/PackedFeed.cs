using System.IO.Compression;
using System.Xml.Linq;

namespace DaML.Tests;

/// <summary>DaML's packages in a folder feed, under a version of their own, and a package folder that nobody else uses.</summary>
public sealed class PackedFeed : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Lazy<string> packed;

    public PackedFeed() => packed = new(() => Pack("feed"));

    /// <summary>The folder with the packages.</summary>
    public string Folder => packed.Value;

    /// <summary>The version of every package. It is new in each run, so no package of an earlier one is taken for it.</summary>
    public string Version { get; } = $"{Prefix}-tests-{Guid.NewGuid():N}";

    /// <summary>The version that the sources carry.</summary>
    public static string Prefix => XDocument.Load(Path.Combine(SdkCommand.Sources, "Directory.Build.props")).Descendants("VersionPrefix")
        .Single().Value;

    /// <summary>The names of the packages.</summary>
    public IReadOnlyList<string> Names =>
        [.. Directory.EnumerateFiles(Folder, "*.nupkg").Select(path => Path.GetFileName(path).Split($".{Version}.nupkg")[0]).Order()];

    /// <summary>Packs what the tests' own build left into another folder.</summary>
    public string Pack(string name)
    {
        string configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        new SdkCommand(SdkCommand.Sources) { ["SOURCE_DATE_EPOCH"] = "1735689600" }.Succeed("pack", "DaML.sln", "-c", configuration,
            "--no-build", "-nologo", "--version-suffix", Version[(Prefix.Length + 1)..], "-o", folder.File(name));
        return folder.File(name);
    }

    /// <summary>Opens a package, or the package of its symbols.</summary>
    public ZipArchive Open(string name, string extension = "nupkg") =>
        ZipFile.OpenRead(Path.Combine(Folder, $"{name}.{Version}.{extension}"));

    /// <summary>
    /// A command in a new folder outside the sources, whose NuGet.config names the folder feed beside the user's own feeds. What it
    /// restores is taken from the user's package folder where it is there, and written into one that is gone after the tests.
    /// </summary>
    public (SdkCommand Sdk, string Folder) Consumer(string name)
    {
        string own = Directory.CreateDirectory(folder.File(name)).FullName;
        File.WriteAllText(Path.Combine(own, "NuGet.config"), $"""
            <configuration>
              <packageSources>
                <add key="DaML" value="{Folder}" />
              </packageSources>
            </configuration>
            """);
        string userPackages = new SdkCommand(own).Succeed("nuget", "locals", "global-packages", "--list")
            .Split("global-packages:")[1].Trim();
        return (new SdkCommand(own)
        {
            ["NUGET_PACKAGES"] = folder.File("packages"), ["NUGET_FALLBACK_PACKAGES"] = userPackages,
            ["CreateHardLinksForCopyLocalIfPossible"] = "true",    // libtorch is half a gigabyte
        }, own);
    }

    public void Dispose() => folder.Dispose();
}

/// <summary>Tests that share the packed feed, one after the other.</summary>
[CollectionDefinition(nameof(PackedFeed))]
public sealed class PackedFeedTests : ICollectionFixture<PackedFeed>;
