using System.CommandLine;

namespace DaML.Samples;

/// <summary>What carries out <c>daml notebook</c>: the program of <c>Notebooks/</c>, which brings a compiler.</summary>
public interface INotebookRunner
{
    /// <summary>Runs a notebook from a clean state and writes it with its outputs.</summary>
    /// <param name="file">The notebook.</param>
    /// <param name="output">The file that is written.</param>
    /// <param name="started">Told before each cell of code: its number, and how many there are.</param>
    /// <param name="cancellation">Looked at before each cell.</param>
    /// <exception cref="SampleException">The file is no notebook.</exception>
    /// <exception cref="NotebookCellException">A cell failed; nothing is written.</exception>
    void Run(string file, string output, Action<int, int> started, CancellationToken cancellation);

    /// <summary>Writes the program that <c>dotnet run</c> takes, with the same content.</summary>
    /// <param name="file">The notebook.</param>
    /// <param name="output">The file that is written.</param>
    /// <exception cref="SampleException">The file is no notebook.</exception>
    void WriteProgram(string file, string output);
}

/// <summary>A cell of a notebook failed.</summary>
/// <param name="message">Where and why.</param>
/// <param name="cause">The exception of the cell's code; null if it does not compile.</param>
public sealed class NotebookCellException(string message, Exception? cause) : Exception(message, cause);

/// <summary>The command <c>notebook</c>.</summary>
internal static class NotebookCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="runner">What carries it out; null where it is only described.</param>
    /// <param name="output">Where it is told what was written.</param>
    /// <param name="error">Where failures are told.</param>
    /// <param name="cancellation">Set by Ctrl-C.</param>
    public static Command Create(INotebookRunner? runner, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        var command = new Command("notebook", "Runs a notebook, or makes a program of it.");
        Add("run", "Runs all cells of a notebook from a clean state and writes their outputs into it.", "itself", ".ipynb",
            (file, to, progress) => runner!.Run(file, to, (cell, count) => progress.WriteLine($"cell {cell} of {count}"), cancellation));
        Add("app", "Writes the content of a notebook as a program for 'dotnet run NAME.cs'.", "NAME.cs beside it", ".cs",
            (file, to, _) => runner!.WriteProgram(file, to));
        return command;

        void Add(string name, string description, string usual, string extension, Action<string, string, TextWriter> work)
        {
            var file = new Argument<string>("FILE") { Description = "The notebook (.ipynb)." };
            var to = new Option<string?>("--out") { Description = $"The file to write (default: {usual}).", HelpName = "FILE" };
            var quiet = new Option<bool>("--quiet") { Description = "Show errors only." };
            var one = new Command(name, description) { file, to, quiet };
            one.SetAction(parsed =>
            {
                if (runner is null) throw ScriptCommands.Elsewhere($"notebook {name}");
                string path = parsed.GetValue(file)!, written = parsed.GetValue(to) ?? Path.ChangeExtension(path, extension);
                return Carry(path, written, parsed.GetValue(quiet), work);
            });
            command.Add(one);
        }

        int Carry(string path, string written, bool quiet, Action<string, string, TextWriter> work)
        {
            if (!File.Exists(path)) throw new SampleException($"There is no notebook '{path}'.");
            OutputCheck.File(written, "--out");
            try { work(path, written, quiet ? TextWriter.Null : error); }
            catch (OperationCanceledException)
            {
                error.WriteLine($"daml: {path} was stopped before its end; nothing was written.");
                return CommandLine.Stopped;
            }
            catch (NotebookCellException failed)
            {
                error.WriteLine("daml: " + failed.Message);
                return CommandLine.Failure;
            }
            if (!quiet) output.WriteLine($"Written: {written}");
            return 0;
        }
    }
}
