using System.Runtime.InteropServices;
using Spectre.Console;

namespace DaML.Samples;

/// <summary>The command line as a program of its own: its console, and the signals that stop it.</summary>
public static class ConsoleProgram
{
    /// <summary>Runs the command line.</summary>
    /// <param name="arguments">What was typed behind <c>daml</c>.</param>
    /// <param name="notebooks">What runs notebooks; null in a program that cannot.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments, INotebookRunner? notebooks = null)
    {
        // Ctrl-C and SIGTERM ask long work to stop and keep its best; a second Ctrl-C ends the program at once.
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        };
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            stop.Cancel();
        });

        var console = AnsiConsole.Console;
        if (Console.IsOutputRedirected)    // files and pipes take plain text in long lines
        {
            console.Profile.Width = 120;
            console.Profile.Capabilities.Ansi = false;
            console.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
        }
        try { return CommandLine.Run(arguments, SampleList.All, console, Console.Error, stop.Token, notebooks); }
        catch (IOException unwritten)    // the console itself, such as a full disk behind it
        {
            Console.Error.WriteLine($"daml: the output cannot be written: {unwritten.Message}");
            return CommandLine.Failure;
        }
    }
}
