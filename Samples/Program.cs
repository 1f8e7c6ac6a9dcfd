using System.Runtime.InteropServices;
using DaML.Samples;
using Spectre.Console;

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
return CommandLine.Run(args, SampleList.All, console, Console.Error, stop.Token);
