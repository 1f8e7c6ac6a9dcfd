using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace DaML.Tests;

/// <summary>The packages hold what docs/packages.md says, and a project that has only them runs the README's example.</summary>
[Collection(nameof(PackedFeed))]
public sealed class PackageTests(PackedFeed feed)
{
    // Every project that says it is a package, by the package's name.
    private static Dictionary<string, XDocument> Projects() =>
        Directory.EnumerateFiles(SdkCommand.Sources, "*.csproj", SearchOption.AllDirectories)
            .Select(path => (Path: path, Project: XDocument.Load(path)))
            .Where(pair => pair.Project.Descendants("IsPackable").Any(element => element.Value == "true"))
            .ToDictionary(pair => Path.GetFileNameWithoutExtension(pair.Path), pair => pair.Project);

    private static bool IsRoom(string name) => name is not ("DaML" or "DaML.Templates");

    private static Dictionary<string, string> PinnedVersions() =>
        XDocument.Load(Path.Combine(SdkCommand.Sources, "Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(item => item.Attribute("Include")!.Value, item => item.Attribute("Version")!.Value);

    private XElement Metadata(string name)
    {
        using var package = feed.Open(name);
        using var text = package.GetEntry($"{name}.nuspec")!.Open();
        var metadata = XDocument.Load(text).Root!.Elements().Single();
        foreach (var element in metadata.DescendantsAndSelf()) element.Name = element.Name.LocalName;
        return metadata;
    }

    private Dictionary<string, string> Dependencies(string name) => Metadata(name).Descendants("dependency")
        .ToDictionary(item => item.Attribute("id")!.Value, item => item.Attribute("version")!.Value);

    [Fact]
    public void Every_packable_project_is_packed() => Assert.Equal(Projects().Keys.Order(), feed.Names);

    [Fact]
    public void Each_package_says_what_it_is()
    {
        string readme = File.ReadAllText(Path.Combine(SdkCommand.Sources, "Packaging", "README.md"));
        byte[] icon = File.ReadAllBytes(Path.Combine(SdkCommand.Sources, "Packaging", "icon.png"));
        Assert.Equal("PNG"u8, icon.AsSpan(1, 3));
        foreach (string name in feed.Names)
        {
            var metadata = Metadata(name);
            Assert.Equal(name, metadata.Element("id")!.Value);
            Assert.Equal(feed.Version, metadata.Element("version")!.Value);
            Assert.Equal("MIT", metadata.Element("license")!.Value);
            Assert.Equal("expression", metadata.Element("license")!.Attribute("type")!.Value);
            Assert.Equal(("README.md", "icon.png"), (metadata.Element("readme")!.Value, metadata.Element("icon")!.Value));
            Assert.Matches(@"^[A-Z].{30,}\.$", metadata.Element("description")!.Value);
            using var package = feed.Open(name);
            Assert.Equal(readme, System.Text.Encoding.UTF8.GetString(Bytes(package.GetEntry("README.md")!)));
            Assert.Equal(icon, Bytes(package.GetEntry("icon.png")!));
            Assert.Contains($"| `{name}` |", readme);
        }
    }

    [Fact]
    public void A_room_brings_its_assembly_its_documentation_and_its_symbols()
    {
        foreach (string name in feed.Names.Where(IsRoom))
        {
            using var package = feed.Open(name);
            string[] library = [.. package.Entries.Select(entry => entry.FullName).Where(path => path.StartsWith("lib/")).Order()];
            Assert.Equal([$"lib/net10.0/{name}.dll", $"lib/net10.0/{name}.xml"], library);
            Assert.Equal(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, $"{name}.dll")), Bytes(package.GetEntry(library[0])!));
            using var symbols = feed.Open(name, "snupkg");
            Assert.NotNull(symbols.GetEntry($"lib/net10.0/{name}.pdb"));
        }
        using var abstractions = feed.Open("DaML.Abstractions");
        Assert.NotNull(abstractions.GetEntry("buildTransitive/DaML.Abstractions.targets"));
    }

    // What its project references, no more: projects as packages of the same version, packages in the pinned version.
    [Fact]
    public void Each_package_depends_on_what_its_project_references()
    {
        var pinned = PinnedVersions();
        foreach (var (name, project) in Projects())
        {
            Dictionary<string, string> needed = [];
            foreach (var item in project.Descendants("ProjectReference"))
                needed[Path.GetFileNameWithoutExtension(item.Attribute("Include")!.Value)] = feed.Version;
            foreach (var item in project.Descendants("PackageReference"))
                needed[item.Attribute("Include")!.Value] = pinned[item.Attribute("Include")!.Value];
            if (project.Descendants("UsesTorch").Any()) needed["TorchSharp"] = pinned["TorchSharp"];
            if (project.Descendants("UsesMathNet").Any()) needed["MathNet.Numerics"] = pinned["MathNet.Numerics"];
            Assert.Equal(needed.OrderBy(pair => pair.Key), Dependencies(name).OrderBy(pair => pair.Key));
        }
    }

    [Fact]
    public void The_package_DaML_brings_every_other_but_tests_and_templates()
    {
        HashSet<string> brought = [];
        void Add(string name)
        {
            if (feed.Names.Contains(name) && brought.Add(name))
                foreach (string dependency in Dependencies(name).Keys) Add(dependency);
        }
        Add("DaML");
        Assert.Equal(feed.Names.Except(["DaML.Conformance", "DaML.Templates"]), brought.Order());
    }

    [Fact]
    public void A_second_packing_gives_the_same_bytes()
    {
        string again = feed.Pack("again");
        string[] files = [.. Directory.EnumerateFiles(feed.Folder).Select(path => Path.GetFileName(path)!).Order()];
        Assert.Equal(files, Directory.EnumerateFiles(again).Select(path => Path.GetFileName(path)).Order());
        foreach (string file in files)
            Assert.True(File.ReadAllBytes(Path.Combine(feed.Folder, file)).AsSpan().SequenceEqual(
                File.ReadAllBytes(Path.Combine(again, file))), $"{file} differs");
    }

    [Fact]
    public void The_documented_project_has_only_the_packages_and_runs_the_example_of_the_readme()
    {
        string project = Block("docs/packages.md", "xml"), example = Block("README.md", "csharp");
        Assert.Contains($"Include=\"DaML\" Version=\"{PackedFeed.Prefix}\"", project);
        Assert.Contains($"Include=\"libtorch-cpu-linux-x64\" Version=\"{PinnedVersions()["libtorch-cpu-linux-x64"]}\"", project);
        Assert.Equal(example, Block("Packaging/README.md", "csharp"));

        var (sdk, folder) = feed.Consumer("first");
        File.WriteAllText(Path.Combine(folder, "first.csproj"), project.Replace($"\"{PackedFeed.Prefix}\"", $"\"{feed.Version}\"")
            .Replace("libtorch-cpu-linux-x64", LibtorchOfThisSystem()));
        File.WriteAllText(Path.Combine(folder, "Program.cs"), $$"""
            using DaML;
            {{example}}
            Console.WriteLine($"{scores.AnalysisRmse.Mean:R} {typeof(DataAssimilationContext).Assembly.Location}");
            """);
        sdk.Succeed("build", "-c", "Release", "-nologo", "-warnaserror");
        string[] printed = sdk.Succeed(Path.Combine("bin", "Release", "net10.0", "first.dll")).Trim().Split(' ', 2);
        Assert.Equal(FirstSteps.Run().AnalysisRmse.Mean.ToString("R"), printed[0]);
        Assert.StartsWith(folder, printed[1]);
    }

    // The block of the conformance page names the versions that the packages have.
    [Fact]
    public void The_page_on_conformance_names_the_version()
    {
        string project = Block("docs/conformance.md", "xml");
        Assert.Contains($"Include=\"DaML.Conformance\" Version=\"{PackedFeed.Prefix}\"", project);
        Assert.Contains($"Include=\"xunit.v3\" Version=\"{PinnedVersions()["xunit.v3.extensibility.core"]}\"", project);
    }

    private static string LibtorchOfThisSystem()
    {
        string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        return $"libtorch-cpu-{system}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
    }

    // The first block of a language.
    private static string Block(string document, string language) => Regex.Match(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "all-documents", document)).ReplaceLineEndings("\n"),
        $"```{language}\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
