using System.Text.Json.Nodes;
using DaML.Notebooks;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>Running notebooks: what is put out, how failures are told, what is written and what is not.</summary>
[Collection(nameof(OneNotebookAtATime))]
public sealed class NotebookRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static JsonObject Cell(string source, string type = "code") => new()
    {
        ["cell_type"] = type, ["id"] = $"{source.Length}", ["metadata"] = new JsonObject { ["tags"] = new JsonArray("kept") },
        ["source"] = Notebook.Lines(source),
    };

    private string Write(params JsonObject[] cells) => folder.Write("one.ipynb", new JsonObject
    {
        ["cells"] = new JsonArray([.. cells]),
        ["metadata"] = new JsonObject { ["kernelspec"] = new JsonObject { ["name"] = ".net-csharp" }, ["mine"] = "kept" },
        ["nbformat"] = 4, ["nbformat_minor"] = 5,
    }.ToJsonString());

    private static (int Code, string Output, string Error) Daml(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        return (CommandLine.Run(arguments, SampleList.All, console, error, CancellationToken.None, new NotebookRunner()), output.ToString(),
            error.ToString());
    }

    [Fact]
    public void Cells_share_their_names_and_their_values_and_texts_are_kept()
    {
        string path = Write(Cell("# Text", "markdown"), Cell("// packages\n#r \"nuget: DaML, 9.9.9\""),
            Cell("using DaML;\nint half = 21;\nConsole.WriteLine(\"first\\nsecond\");"), Cell("record Pair(int One, int Two);"),
            Cell("var model = new Lorenz63();\nnew Pair(2 * half, (int)model.Dimension)"), Cell("half = 1;"));
        var (code, output, error) = Daml("notebook", "run", path);
        Assert.True(code == 0, error);
        Assert.Equal($"Written: {path}\n", output);
        Assert.Equal("cell 1 of 5\ncell 2 of 5\ncell 3 of 5\ncell 4 of 5\ncell 5 of 5\n", error);
        var root = JsonNode.Parse(File.ReadAllText(path))!;
        Assert.Equal("kept", root["metadata"]!["mine"]!.ToString());
        var cells = root["cells"]!.AsArray();
        Assert.Null(cells[0]!["outputs"]);
        Assert.Equal("kept", cells[2]!["metadata"]!["tags"]![0]!.ToString());
        Assert.Equal([1, 2, 3, 4, 5], cells.Skip(1).Select(cell => (int)cell!["execution_count"]!));
        Assert.Equal("""{"name":"stdout","output_type":"stream","text":["first\n","second\n"]}""",
            Assert.Single(cells[2]!["outputs"]!.AsArray())!.ToJsonString());
        Assert.Equal("Pair { One = 42, Two = 3 }", cells[4]!["outputs"]![0]!["data"]!["text/plain"]![0]!.ToString());
        foreach (int silent in (int[])[1, 3, 5]) Assert.Empty(cells[silent]!["outputs"]!.AsArray());
        Assert.Equal(["one.ipynb"], Directory.GetFiles(folder.FullName).Select(file => Path.GetFileName(file)));
    }

    [Fact]
    public void Figures_and_tables_are_shown_as_pictures_and_tables()
    {
        var notebook = Notebook.Read(Write(Cell("using DaML.Plotting;\nnew LineChart(\"T\", new Axis(\"x\"), new Axis(\"y\"), " +
            "[new LineSeries(\"s\", [0.0, 1.0], [1.0, 2.0])])"),
            Cell("new ReportTable(\"T\", [\"method\", \"a & b\"], [[\"one\", \"1.5\"], [\"another\", \"22.5\"]])")));
        NotebookExecution.Run(notebook, folder.File("one.ipynb"), (_, _) => { }, CancellationToken.None);
        string Form(int cell, string form) => OutputText.Forms(notebook.Cells[cell].Outputs[0])[form];
        Assert.StartsWith("<svg", Form(0, "image/svg+xml"));
        Assert.Contains(">22.5</td>", Form(1, "text/html"));
        Assert.Equal("T\nmethod   a & b\n--------------\none        1.5\nanother   22.5", Form(1, "text/plain"));
    }

    [Fact]
    public void A_second_run_from_a_clean_state_writes_the_same_bytes()
    {
        string path = Write(Cell("using DaML;\nusing DaML.Plotting;\nvar context = new DataAssimilationContext(seed: 1);"),
            Cell("""
                var system = new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3, errorVariance: 2)) { Interval = 0.25 };
                var etkf = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 10 });
                var scores = context.Scores.Evaluate(etkf.Transform(context.Data.Twin(system, new() { Batch = 2, Cycles = 40 })));
                Console.WriteLine($"{scores.AnalysisRmse.Mean:R}");
                new LineChart("", new Axis("cycle"), new Axis("RMSE"), [LineSeries.Evenly("ETKF", 1, 1, scores.AnalysisRmse.PerCycle)])
                """));
        Assert.Equal(0, Daml("notebook", "run", path, "--quiet", "--out", folder.File("first.ipynb")).Code);
        Assert.Equal(0, Daml("notebook", "run", folder.File("first.ipynb"), "--quiet", "--out", folder.File("second.ipynb")).Code);
        string first = File.ReadAllText(folder.File("first.ipynb"));
        Assert.Contains("<svg", first);
        Assert.Equal(first, File.ReadAllText(folder.File("second.ipynb")));
    }

    [Theory]
    [InlineData("int x = 1;\n\nint y = \"one\";", "cell 2, line 3: CS0029: ")]
    [InlineData("int x = 1;\nFail();", "cell 2, line 2: InvalidOperationException: on purpose, twice")]
    [InlineData("int x = 1;\nint[] none = [];\nnone[x] = 2;", "cell 2, line 3: IndexOutOfRangeException: ")]
    [InlineData("new DaML.Lorenz96(dimension: 2)", "cell 2, line 1: ")]
    public void A_failing_cell_is_named_with_its_line_and_nothing_is_written(string source, string expected)
    {
        string path = Write(Cell("void Fail() => throw new InvalidOperationException(\"on purpose,\\ntwice\");\n1 + 1"),
            Cell("# text", "markdown"), Cell(source), Cell("Console.WriteLine(\"never\");"));
        string before = File.ReadAllText(path);
        var (code, output, error) = Daml("notebook", "run", path, "--quiet", "--out", folder.File("other.ipynb"));
        Assert.Equal((CommandLine.Failure, ""), (code, output));
        Assert.StartsWith($"daml: one.ipynb, {expected}", error);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Equal(before, File.ReadAllText(path));
        Assert.False(File.Exists(folder.File("other.ipynb")));
    }

    [Fact]
    public async Task A_cell_without_an_end_ends_with_the_cancellation()
    {
        var notebook = Notebook.Read(Write(Cell("while (true) System.Threading.Thread.Sleep(10);")));
        string folderBefore = Environment.CurrentDirectory;
        using var stop = new CancellationTokenSource();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = Task.Run(() => NotebookExecution.Run(notebook, folder.File("one.ipynb"), (_, _) => begun.SetResult(), stop.Token));
        await begun.Task;
        await stop.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => run);
        Assert.Equal(folderBefore, Environment.CurrentDirectory);
    }

    [Theory]
    [InlineData("#!fsharp\nlet x = 1", "cell 1, line 1: '#!fsharp' is a command of .NET Interactive; only C# can be run here.")]
    [InlineData("int x;\n #r \"nuget: Nonsense, 1.0\"", "cell 1, line 2: the package 'Nonsense' is not part of this build")]
    public void What_is_not_run_here_is_said_before_anything_runs(string source, string expected)
    {
        var (code, _, error) = Daml("notebook", "run", Write(Cell(source)), "--quiet");
        Assert.Equal(CommandLine.Failure, code);
        Assert.StartsWith($"daml: one.ipynb, {expected}", error);
    }

    [Fact]
    public void A_cell_of_another_language_is_refused()
    {
        var cell = Cell("let x = 1");
        cell["metadata"]!["polyglot_notebook"] = new JsonObject { ["kernelName"] = "fsharp" };
        var (code, _, error) = Daml("notebook", "run", Write(Cell("1"), cell), "--quiet");
        Assert.Equal((CommandLine.Failure, "daml: one.ipynb, cell 2: its language is 'fsharp'; only cells of C# can be run.\n"),
            (code, error));
    }

    [Theory]
    [InlineData("notebook run missing.ipynb", "There is no notebook 'missing.ipynb'.")]
    [InlineData("notebook run FOLDER/text.ipynb", "text.ipynb' is no notebook: ")]
    [InlineData("notebook run FOLDER/list.ipynb", "list.ipynb' is no notebook: it needs 'nbformat' 4 and 'cells'.")]
    [InlineData("notebook app FOLDER/python.ipynb", "is a notebook for 'python3'; only '.net-csharp' can be run.")]
    [InlineData("notebook run FOLDER/python.ipynb --out /dev/null/x/y.ipynb", "--out: the folder '/dev/null/x' cannot be written to")]
    [InlineData("notebook run", "FILE")]
    [InlineData("notebook run FOLDER/python.ipynb --quite", "'daml notebook run' has no option '--quite'. Did you mean '--quiet'?")]
    [InlineData("notebook ru", "'daml notebook' has no command or argument 'ru'. Did you mean 'run'?")]
    public void What_cannot_be_done_is_refused(string arguments, string expected)
    {
        folder.Write("text.ipynb", "# no JSON");
        folder.Write("list.ipynb", "[1, 2]");
        folder.Write("python.ipynb", """{"cells": [], "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4}""");
        var (code, output, error) = Daml(arguments.Replace("FOLDER", folder.FullName).Split(' '));
        Assert.Equal((CommandLine.Misuse, ""), (code, output));
        Assert.Contains(expected, error);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void A_stopped_run_writes_nothing()
    {
        string path = Write(Cell("1 + 1"), Cell("2 + 2")), before = File.ReadAllText(path);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            new NotebookRunner().Run(path, path, (cell, _) => stop.Cancel(), stop.Token));
        Assert.Equal(before, File.ReadAllText(path));
    }

    [Fact]
    public void A_cell_finds_the_files_beside_its_notebook()
    {
        folder.Write("numbers.txt", "42");
        string path = Write(Cell("using System.IO;\nFile.ReadAllText(\"numbers.txt\")")), here = Environment.CurrentDirectory;
        Assert.Equal(0, Daml("notebook", "run", path).Code);
        Assert.Contains("\"42\"", File.ReadAllText(path));
        Assert.Equal(here, Environment.CurrentDirectory);
    }

    [Fact]
    public void A_notebook_is_only_described_where_no_compiler_is()
    {
        var error = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(new StringWriter()) });
        string[] arguments = ["notebook", "run", Write(Cell("1"))];
        Assert.Equal(CommandLine.Misuse, CommandLine.Run(arguments, SampleList.All, console, error, CancellationToken.None));
        Assert.Contains("'notebook run' is a command of the script ./daml", error.ToString());
        Assert.Contains("--out <FILE>", Daml("help", "notebook", "run").Output);
    }

    // The comparison with committed outputs can fail.
    [Theory]
    [InlineData("ETKF  0.192\n-----", "ETKF 0.198\n---", true)]
    [InlineData("ETKF  0.192", "ETKF  0.292", false)]
    [InlineData("ETKF  0.192", "EnKF  0.192", false)]
    [InlineData("20 members", "21 members", false)]
    [InlineData("-1.5 nats", "1.5 nats", false)]
    [InlineData("0.192", "NaN", false)]
    public void Figures_are_near_or_not(string expected, string given, bool near) =>
        Assert.Equal(near, OutputText.AreNear(expected, given));
}
