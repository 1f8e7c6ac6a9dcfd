using System.Xml.Linq;
using DaML.Notebooks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace DaML.Tests;

/// <summary>The notebooks of the repository run from a clean state and give the outputs that were committed with them.</summary>
[Collection(nameof(OneNotebookAtATime))]
public sealed class CommittedNotebookTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "notebooks");

    // What a program has without asking; a cell has fewer.
    private static readonly string[] Implied = ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Net.Http",
        "System.Threading", "System.Threading.Tasks"];

    private static string PathOf(string name) => Path.Combine(Folder, name + ".ipynb");

    public static TheoryData<string> Names =>
        [.. Directory.EnumerateFiles(Folder, "*.ipynb").Select(path => Path.GetFileNameWithoutExtension(path)).Order()];

    [Fact]
    public void The_tour_and_the_papers_are_there() => Assert.Equal(
        ["bocquet-2024", "bocquet-2025", "boudier-dan", "first-assimilation", "maulik-pod-lstm", "trappler-vidard", "your-own-model",
            "your-own-network"], Names.Select(row => row.Data));

    // Integers and words are equal. Figures of chaotic runs differ between processors by their standard errors, so these are near.
    [Theory, MemberData(nameof(Names))]
    public void It_gives_the_committed_outputs(string name)
    {
        var (committed, ran) = (Notebook.Read(PathOf(name)), Notebook.Read(PathOf(name)));
        foreach (var cell in ran.Cells.Where(cell => cell.IsCode)) cell.Set([]);
        NotebookExecution.Run(ran, PathOf(name), (_, _) => { }, TestContext.Current.CancellationToken);
        foreach (var (expected, given) in committed.Cells.Zip(ran.Cells).Where(pair => pair.First.IsCode))
        {
            string where = $"{name}, cell {expected.Number}";
            Assert.True(expected.Outputs.Count == given.Outputs.Count, $"{where}: {given.Outputs.Count} outputs");
            foreach (var (was, now) in expected.Outputs.Zip(given.Outputs))
            {
                var (before, after) = (OutputText.Forms(was), OutputText.Forms(now));
                Assert.Equal(before.Keys.Order(), after.Keys.Order());
                foreach (string form in before.Keys)
                    if (form == "image/svg+xml") Assert.Equal(Labels(before[form]), Labels(after[form]));
                    else OutputText.AssertNear(before[form], after[form], where);
            }
        }
    }

    // The words of a figure, without the numbers at its axes.
    private static IEnumerable<string> Labels(string svg) => XDocument.Parse(svg).Descendants()
        .Where(element => element.Name.LocalName == "text").Select(element => element.Value).Where(text => text.Any(char.IsLetter));

    [Theory, MemberData(nameof(Names))]
    public void It_has_the_metadata_that_editors_know_and_asks_for_the_packages_of_this_version(string name)
    {
        var notebook = Notebook.Read(PathOf(name));
        var first = notebook.Cells.First(cell => cell.IsCode);
        Assert.True(Packages.AreAll(first));
        string props = Path.Combine(SdkCommand.Sources, "Directory.Build.props"), central = Path.Combine(SdkCommand.Sources,
            "Directory.Packages.props");
        string version = XDocument.Load(props).Descendants("VersionPrefix").Single().Value;
        string libtorch = XDocument.Load(central).Descendants("PackageVersion")
            .Single(item => item.Attribute("Include")!.Value == "libtorch-cpu-linux-x64").Attribute("Version")!.Value;
        Assert.Equal([$"#r \"nuget: DaML, {version}\"", $"#r \"nuget: libtorch-cpu-linux-x64, {libtorch}\""],
            first.Source.Split('\n').Where(Packages.IsReference));
        Assert.True(notebook.Cells.Count(Packages.AreAll) == 1);
        foreach (var cell in notebook.Cells.Where(cell => cell.IsCode)) Assert.Equal("csharp", cell.KernelName);
        Assert.All(notebook.Cells, cell => Assert.NotEmpty(cell.Source));
    }

    [Theory, MemberData(nameof(Names))]
    public void The_program_of_the_same_name_is_made_of_it_and_compiles(string name)
    {
        string program = NotebookProgram.Of(Notebook.Read(PathOf(name)), PathOf(name));
        Assert.Equal(File.ReadAllText(Path.ChangeExtension(PathOf(name), ".cs")), program);
        var options = new CSharpParseOptions(LanguageVersion.CSharp14).WithFeatures([new("FileBasedProgram", "true")]);
        string implied = string.Concat(Implied.Select(one => $"global using {one};\n"));
        var compilation = CSharpCompilation.Create(name, [CSharpSyntaxTree.ParseText(program, options),
            CSharpSyntaxTree.ParseText(implied, options)], ScriptReferences.All,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable,
                specificDiagnosticOptions: [new("CS1701", ReportDiagnostic.Suppress)]));    // newer references: the SDK leaves it out, too
        Assert.Empty(compilation.GetDiagnostics(TestContext.Current.CancellationToken)
            .Where(one => one.Severity >= DiagnosticSeverity.Warning));
    }
}

/// <summary>Notebooks take the console and the current folder for themselves, so their tests run one after the other.</summary>
[CollectionDefinition(nameof(OneNotebookAtATime))]
public sealed class OneNotebookAtATime;
