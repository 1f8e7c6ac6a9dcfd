using System.Diagnostics;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>Around the command line: help, completion, the nearest name, tables that fit, the rate of long work, quiet runs.</summary>
public sealed class ConsoleTests : IDisposable
{
    private static readonly CommandLineTests.Fake[] Samples = [new("demo", CommandLineTests.Nothing, 5),
        new("two-sizes", CommandLineTests.Nothing, 3, SampleSize.Quick, SampleSize.Full), new("plain", CommandLineTests.Nothing)];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-console-");

    public void Dispose() => folder.Delete(recursive: true);

    private static (int Code, string Output, string Error) Daml(string arguments) =>
        CommandLineTests.Daml(Samples, CancellationToken.None, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Theory]
    [InlineData("help", "--help")]
    [InlineData("help demo", "demo --help")]
    [InlineData("help sample plain", "sample plain --help")]
    [InlineData("help bench baseline", "bench baseline --help")]
    public void HelpOfACommandIsWhatTheCommandsOptionShows(string help, string option)
    {
        Assert.Equal(0, Daml(help).Code);
        Assert.Equal(Daml(option).Output, Daml(help).Output);
    }

    [Fact]
    public void HelpNamesEveryCommandAndTheExitCodes()
    {
        string output = Daml("help").Output;
        foreach (string text in (string[])["demo", "list", "sample", "doctor", "completion", "help", "test", "bench", "pack", "service",
            "docs", "Exit codes: 0 done, 1 failed, 2", "130 stopped"])
            Assert.Contains(text, output);
        Assert.Contains("baseline <FOLDER>", Daml("help bench").Output);
    }

    [Theory]
    [InlineData("lsit", "'daml' has no command or argument 'lsit'. Did you mean 'list'? See 'daml --help'.")]
    [InlineData("two-size", "'daml' has no command or argument 'two-size'. Did you mean 'sample two-sizes'? See 'daml --help'.")]
    [InlineData("zzzzzz", "'daml' has no command or argument 'zzzzzz'. See 'daml --help'.")]
    [InlineData("demo --sede 3", "'daml demo' has no option '--sede'. Did you mean '--seed'? See 'daml demo --help'.")]
    [InlineData("sample plain --quite", "'daml sample plain' has no option '--quite'. Did you mean '--quiet'?")]
    [InlineData("sample plan", "There is no sample called 'plan'. Did you mean 'plain'? There are: demo, two-sizes, plain.")]
    [InlineData("help nonsense", "'daml' has no command or argument 'nonsense'. See 'daml --help'.")]
    [InlineData("completion tcsh", "'tcsh'")]
    [InlineData("test", "'test' is a command of the script ./daml")]
    public void WhatIsMistypedIsRefusedWithTheNearestName(string arguments, string expected)
    {
        var (code, output, error) = Daml(arguments);
        Assert.Equal((CommandLine.Misuse, ""), (code, output));
        Assert.Contains(expected, error);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    // Bash itself completes: the function is called as the shell calls it.
    private string[] Complete(string line)
    {
        string script = Path.Combine(folder.FullName, "daml.bash");
        File.WriteAllText(script, Daml("completion bash").Output);
        string[] words = line.Split(' ');
        var start = new ProcessStartInfo("bash", ["--norc", "--noprofile", "-c",
            "set -u; . \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); complete -p daml >/dev/null; _daml; " +
            "for reply in \"${COMPREPLY[@]+\"${COMPREPLY[@]}\"}\"; do echo \"$reply\"; done", "bash", script, .. words])
            { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.FullName };
        using var bash = Process.Start(start)!;
        var errors = bash.StandardError.ReadToEndAsync();
        string output = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        Assert.Equal((0, ""), (bash.ExitCode, errors.Result));
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Theory]
    [InlineData("daml li", "list")]
    [InlineData("daml sample ", "demo two-sizes plain")]
    [InlineData("daml sample t", "two-sizes")]
    [InlineData("daml demo --mi", "--minutes")]
    [InlineData("daml sample plain --mi", "")]
    [InlineData("daml demo --device ", "cpu cuda")]
    [InlineData("daml demo --seed 3 --device cu", "cuda")]
    [InlineData("daml demo --out list --res", "--resume")]
    [InlineData("daml demo --seed ", "")]
    [InlineData("daml completion ", "bash zsh fish")]
    [InlineData("daml help be", "bench")]
    [InlineData("daml doct", "doctor")]
    [InlineData("daml bench s", "scaling service shallow-water start")]
    [InlineData("daml demo --json ", "daml.bash my folder")]
    [InlineData("daml demo --out ", "my folder")]
    public void BashCompletesCommandsOptionsAndValues(string line, string expected)
    {
        folder.CreateSubdirectory("my folder");
        Assert.Equal(expected.Replace("my folder", "my\0folder", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.Replace('\0', ' ')).Order(), Complete(line).Order());
    }

    [Theory]
    [InlineData("zsh", "'sample plain')", "'--quiet:")]
    [InlineData("fish", "'sample plain'", "-l 'quiet'")]
    public void TheOtherShellsGetTheSameTable(string shell, string command, string option)
    {
        var (code, output, _) = Daml($"completion {shell}");
        Assert.Equal(0, code);
        foreach (string text in (string[])[command, option, "minutes", "shallow-water", "What plain shows", "cuda"])
            Assert.Contains(text, output);
    }

    [Theory]
    [InlineData(120, 1)]
    [InlineData(80, 1)]
    [InlineData(60, 2)]
    [InlineData(40, 3)]
    public void ATableFitsTheTerminalAndBreaksNoNumber(int width, int parts)
    {
        var table = new ReportTable("A table",
            ["the model", "analysis RMSE", "crashed runs", "dead processes", "largest difference", "seconds"],
            [["awk program that crashes", "0.19123", "134", "12", "3.0e-15", "12.3"], ["in process", "0.19124", "", "", "", ""]]);
        var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = width;
        new SampleRun(new SampleOptions { OutputFolder = folder.FullName }, console, CancellationToken.None).Show(table);
        string text = output.ToString();
        Assert.All(text.Split('\n'), line => Assert.True(line.TrimEnd().Length <= width, line));
        string[] words = text.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
        var cells = table.Rows.SelectMany(row => row).Concat(table.Headers);
        foreach (string cell in cells.SelectMany(cell => cell.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            Assert.Contains(cell, words);
        Assert.DoesNotContain("…", text);
        Assert.Equal(parts, words.Count(word => word == "A"));
    }

    [Fact]
    public void TheRateCountsWhatWasDoneSinceTheFirstReport()
    {
        static ProgressReport At(long completed, double seconds, double? left = null) => new("parts", completed, 20,
            new Dictionary<string, double>(), TimeSpan.FromSeconds(seconds), left is { } known ? TimeSpan.FromSeconds(known) : null);
        var rate = new WorkRate();
        rate.Add(At(10, 60));     // a resumed run found some done: not one in six seconds
        Assert.Null(rate.PerSecond);
        Assert.Null(rate.Remaining);
        rate.Add(At(14, 80));
        Assert.Equal(0.2, rate.PerSecond!.Value, 12);
        Assert.Equal(30, rate.Remaining!.Value.TotalSeconds, 9);
        rate.Add(At(15, 85, left: 7));
        Assert.Equal(7, rate.Remaining!.Value.TotalSeconds);
        rate.Add(At(20, 110));
        Assert.Null(rate.Remaining);
        rate.Add(At(1, 2));       // begun anew
        Assert.Null(rate.PerSecond);
    }

    [Fact]
    public void AQuietRunShowsItsResultsAndNothingElse()
    {
        var sample = new CommandLineTests.Fake("demo", run =>
        {
            File.WriteAllText(run.OutputFile("model.daml"), "model");
            run.Track(progress =>
            {
                progress.Report(new ProgressReport("training", 1, 2, new Dictionary<string, double>(), TimeSpan.FromSeconds(1), null));
                return 0;
            });
            run.Say("The result.");
            return CommandLineTests.Nothing(run);
        });
        var loud = CommandLineTests.Daml([sample], CancellationToken.None, "demo", "--out", folder.FullName);
        Assert.Contains("training", loud.Output);
        Assert.Contains("Written:", loud.Output);
        var quiet = CommandLineTests.Daml([sample], CancellationToken.None, "demo", "--out", folder.FullName, "--quiet");
        Assert.Equal((0, "The result.", ""), (quiet.Code, quiet.Output.TrimEnd(), quiet.Error));
    }
}
