using System.Text.Json.Nodes;
using DaML.Notebooks;
using DaML.Samples;

namespace DaML.Tests;

/// <summary>The programs that are made of notebooks.</summary>
[Collection(nameof(OneNotebookAtATime))]
public sealed class NotebookProgramTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Program(params string[] cells)
    {
        string path = folder.Write("name.ipynb", new JsonObject
        {
            ["cells"] = new JsonArray([.. cells.Select(source => new JsonObject
                { ["cell_type"] = source[0] == '#' && source[1] == ' ' ? "markdown" : "code", ["source"] = source })]),
            ["metadata"] = new JsonObject { ["kernelspec"] = new JsonObject { ["name"] = ".net-csharp" } }, ["nbformat"] = 4,
        }.ToJsonString());
        return NotebookProgram.Of(Notebook.Read(path), path);
    }

    [Fact]
    public void Text_becomes_comments_types_go_to_the_end_and_values_are_shown()
    {
        string program = Program("# Title\n\nx < y", "#r \"nuget: DaML, 0.1.0\"", "using DaML;",
            "/// <summary>A pair.</summary>\nrecord A(int X);",
            "int x = 1;    // one\n\nint Twice(int of) => 2 * of;\n// its double\nTwice(x)", "var a = new A(x);");
        Assert.Equal("""
            int figures = 0;
            // %% [markdown]
            // # Title
            //
            // x < y

            // %%
            int x = 1;    // one

            int Twice(int of) => 2 * of;
            // its double
            Show(Twice(x));

            // %%
            var a = new A(x);

            // Figures
            """.ReplaceLineEndings("\n"), program[program.IndexOf("int figures")..(program.IndexOf("// Figures") + 10)]);
        Assert.Contains("using DaML;\n\nint figures", program);
        Assert.EndsWith("}\n\n/// <summary>A pair.</summary>\nrecord A(int X);\n", program);
        Assert.DoesNotContain("nuget", program);
    }

    [Fact]
    public void Code_that_is_no_csharp_is_refused_with_cell_and_line() => Assert.Contains("name.ipynb, cell 2, line 2: ",
        Assert.Throws<SampleException>(() => Program("int x = 1;", "x = 2;\nint = 3;")).Message);

    // As a reader runs it. What it prints is what the notebook shows.
    [Fact]
    public void A_program_runs_with_the_sdk_alone_and_prints_what_the_notebook_shows()
    {
        string notebooks = Path.Combine(SdkCommand.Sources, "Samples", "notebooks");
        const string Name = "first-assimilation";
        var shown = Notebook.Read(Path.Combine(notebooks, Name + ".ipynb")).Cells.SelectMany(cell => cell.Outputs)
            .Select(OutputText.Forms).ToList();
        var sdk = new SdkCommand(folder.FullName);
        string printed = sdk.Succeed("run", "-c", "Release", Path.Combine(notebooks, Name + ".cs"));
        int figures = 0;
        OutputText.AssertNear(string.Concat(shown.Select(forms =>
            forms.TryGetValue("text/plain", out string? text) ? text.TrimEnd('\n') + "\n" : $"Written: {Name}-{++figures}.svg\n")),
            printed, Name);
        Assert.Equal(figures, Directory.GetFiles(folder.FullName, "*.svg").Length);
    }
}
