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
    /// <param name="cancellation">Looked at before each cell.</param>
    /// <exception cref="NotebookCellException">A cell does not compile, or its code threw an exception.</exception>
    public static void Run(Notebook notebook, string path, Action<int, int> started, CancellationToken cancellation)
    {
        var options = ScriptOptions.Default.WithReferences(ScriptReferences.All).WithImports(ScriptReferences.ImplicitNamespaces)
            .WithLanguageVersion(LanguageVersion.CSharp14).WithFileEncoding(Encoding.UTF8).WithEmitDebugInformation(true);
        string folder = Environment.CurrentDirectory, name = Path.GetFileName(path);
        var console = Console.Out;
        ScriptState<object>? state = null;
        var code = notebook.Cells.Where(cell => cell.IsCode).ToList();
        try
        {
            Environment.CurrentDirectory = Path.GetDirectoryName(Path.GetFullPath(path))!;
            foreach (var cell in code)
            {
                cancellation.ThrowIfCancellationRequested();
                started(cell.Number, code.Count);
                var written = new StringWriter { NewLine = "\n" };
                Console.SetOut(written);
                state = Continue(state, cell, options.WithFilePath(FileOf(cell)), name);
                List<JsonNode> outputs = [];
                if (written.ToString() is { Length: > 0 } text)
                    outputs.Add(new JsonObject
                        { ["name"] = "stdout", ["output_type"] = "stream", ["text"] = Notebook.Lines(text) });
                if (state.ReturnValue is { } value) outputs.Add(CellValue.Output(value, cell.Number));
                cell.Set(outputs);
            }
        }
        finally
        {
            Console.SetOut(console);
            Environment.CurrentDirectory = folder;
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
