using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;

namespace DaML.Notebooks;

/// <summary>
/// Runs the cells of a notebook one after the other, from a clean state, in the notebook's folder. The packages that a cell asks for are
/// not restored: DaML's assemblies of this build take their place.
/// </summary>
internal static class NotebookExecution
{
    /// <summary>Runs all cells of code and puts their outputs into the notebook.</summary>
    /// <param name="notebook">The notebook.</param>
    /// <param name="path">The notebook's file, whose folder is the current one meanwhile, and which messages name.</param>
    /// <param name="started">Told before each cell of code: its number, and how many there are.</param>
    /// <param name="cancellation">
    /// Ends the wait for the cells at once. Code of a cell cannot be stopped; it goes on until the program ends.
    /// </param>
    /// <exception cref="NotebookCellException">A cell is not C#, asks for a package that is not here, does not compile, or its code threw
    /// an exception.</exception>
    public static void Run(Notebook notebook, string path, Action<int, int> started, CancellationToken cancellation)
    {
        string folder = Environment.CurrentDirectory;
        var console = Console.Out;
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // One thread for all cells, since dispose scopes and gradient modes belong to a thread.
        var thread = new Thread(() =>
        {
            try
            {
                RunCells(notebook, path, started, cancellation);
                ended.SetResult();
            }
            catch (Exception wrong) { ended.SetException(wrong); }
        }) { IsBackground = true, Name = "notebook" };
        try
        {
            Environment.CurrentDirectory = Path.GetDirectoryName(Path.GetFullPath(path))!;
            thread.Start();
            Task.WaitAny([ended.Task], cancellation);
            ended.Task.GetAwaiter().GetResult();
        }
        finally
        {
            Console.SetOut(console);
            Environment.CurrentDirectory = folder;
        }
    }

    private static void RunCells(Notebook notebook, string path, Action<int, int> started, CancellationToken cancellation)
    {
        var options = ScriptOptions.Default.WithReferences(ScriptReferences.All).WithImports(ScriptReferences.ImplicitNamespaces)
            .WithLanguageVersion(LanguageVersion.CSharp14).WithFileEncoding(Encoding.UTF8).WithEmitDebugInformation(true);
        string name = Path.GetFileName(path);
        ScriptState<object>? state = null;
        var code = notebook.Cells.Where(cell => cell.IsCode).ToList();
        foreach (var cell in code) RequireKnown(cell, name);
        foreach (var cell in code)
        {
            cancellation.ThrowIfCancellationRequested();
            started(cell.Number, code.Count);
            var written = new StringWriter { NewLine = "\n" };
            Console.SetOut(written);
            state = Continue(state, cell, options.WithFilePath(FileOf(cell)), name);
            List<JsonNode> outputs = [];
            if (written.ToString() is { Length: > 0 } text)
                outputs.Add(new JsonObject { ["name"] = "stdout", ["output_type"] = "stream", ["text"] = Notebook.Lines(text) });
            if (state.ReturnValue is { } value) outputs.Add(CellValue.Output(value, cell.Number));
            cell.Set(outputs);
        }
    }

    // What would otherwise be passed over in silence.
    private static void RequireKnown(NotebookCell cell, string name)
    {
        if (cell.KernelName is { } kernel and not "csharp")
            throw new NotebookCellException($"{name}, cell {cell.Number}: its language is '{kernel}'; only cells of C# can be run.", null);
        string[] lines = cell.Source.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.StartsWith("#!", StringComparison.Ordinal))
                throw new NotebookCellException(
                    $"{name}, cell {cell.Number}, line {i + 1}: '{line}' is a command of .NET Interactive; only C# can be run here.", null);
            if (Packages.IsReference(line) && Packages.NameOf(line) is var package && !ScriptReferences.Have(package))
                throw new NotebookCellException(
                    $"{name}, cell {cell.Number}, line {i + 1}: the package '{package}' is not part of this build; packages are not " +
                        "fetched here. Run the notebook in an editor, or add the package to Notebooks/DaML.Notebooks.csproj.", null);
        }
    }

    private static ScriptState<object> Continue(ScriptState<object>? state, NotebookCell cell, ScriptOptions options, string name)
    {
        // Packages are in place already; the line stays, so that lines are counted as the notebook shows them.
        string source = string.Join('\n', cell.Source.Split('\n').Select(line => Packages.IsReference(line) ? "//" + line : line));
        try
        {
            return (state is null ? CSharpScript.RunAsync(source, options) : state.ContinueWithAsync(source, options))
                .GetAwaiter().GetResult();
        }
        catch (CompilationErrorException wrong)
        {
            var first = wrong.Diagnostics.First(one => one.Severity == DiagnosticSeverity.Error);
            throw Failed(first.Location.GetLineSpan().StartLinePosition.Line + 1, $"{first.Id}: {first.GetMessage()}", null);
        }
        catch (Exception thrown) when (thrown is not OperationCanceledException)
        {
            var frame = new StackTrace(thrown, fNeedFileInfo: true).GetFrames().FirstOrDefault(one => one.GetFileName() == FileOf(cell));
            throw Failed(frame?.GetFileLineNumber(), $"{thrown.GetType().Name}: {thrown.Message.ReplaceLineEndings(" ")}", thrown);
        }

        NotebookCellException Failed(int? line, string why, Exception? cause) =>
            new($"{name}, cell {cell.Number}{(line is null ? "" : $", line {line}")}: {why}", cause);
    }

    private static string FileOf(NotebookCell cell) => $"cell {cell.Number}";
}
