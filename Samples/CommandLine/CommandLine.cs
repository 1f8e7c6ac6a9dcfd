using System.CommandLine;
using System.CommandLine.Help;
using Spectre.Console;

namespace DaML.Samples;

/// <summary>
/// The command line <c>daml</c>. What cannot be done as asked is refused in one sentence before any long work, exit code
/// <see cref="Misuse"/>; a run that fails gives <see cref="Failure"/>, one that was stopped <see cref="Stopped"/>.
/// </summary>
public static class CommandLine
{
    /// <summary>Exit code of a run that failed.</summary>
    public const int Failure = 1;

    /// <summary>Exit code of a request that cannot be met.</summary>
    public const int Misuse = 2;

    /// <summary>Exit code of a run that was stopped by Ctrl-C.</summary>
    public const int Stopped = 130;

    private const string About = """
        DaML: data assimilation with machine learning, as estimators you compose.

        Start with
          daml demo                  learns an analysis for the Lorenz-96 model and compares it with the classical filters (some minutes)
          daml list                  shows the published experiments that can be run
          daml sample NAME --help    tells what a sample does, what it writes and how long it takes
          daml doctor                tells what this machine has, what works, and what to install for what

        Exit codes: 0 done, 1 failed, 2 the command line is wrong or cannot be met, 130 stopped by Ctrl-C or SIGTERM.
        """;

    /// <summary>Runs the program.</summary>
    /// <param name="arguments">What was typed behind <c>daml</c>.</param>
    /// <param name="samples">The samples there are; one is called <c>demo</c>.</param>
    /// <param name="console">Where results are shown.</param>
    /// <param name="error">Where refusals and failures are told.</param>
    /// <param name="cancellation">Set by Ctrl-C.</param>
    /// <param name="notebooks">What runs notebooks (default: null, which leaves them to the script <c>./daml</c>).</param>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> arguments, IReadOnlyList<ISample> samples, IAnsiConsole console, TextWriter error,
        CancellationToken cancellation, INotebookRunner? notebooks = null)
    {
        var details = new Dictionary<Command, string>();
        var list = new Command("list", "Lists the samples.");
        list.SetAction(_ => List(samples, console));

        var name = new Argument<string?>("NAME") { Description = "The name of a sample; 'daml list' shows them " +
            "all.", Arity = ArgumentArity.ZeroOrOne };
        var sample = new Command("sample", "Runs a published experiment by its name.") { name };
        foreach (var one in samples) sample.Add(CommandOf(one));

        var json = new Option<string?>("--json") { Description = "Also write what was found to this file as JSON.", HelpName = "FILE" };
        var doctor = new Command("doctor", "Tells what this machine has and what to install for what; tries what the demo needs.") { json };
        doctor.SetAction(given => RunDoctor(given.GetValue(json), console));

        var shell = new Argument<string>("SHELL") { Description = "The shell: bash, zsh or fish." }
            .AcceptOnlyFromAmong([.. Completion.Shells]);
        var completion = new Command("completion", "Prints the script with which a shell completes commands and options.") { shell };
        var asked = new Argument<string[]>("COMMAND")
            { Description = "The command, for instance 'sample demo'.", Arity = ArgumentArity.ZeroOrMore };
        var help = new Command("help", "Shows the help of a command.") { asked };

        // (not a RootCommand, which has the name of the file: the program of the notebooks has another)
        var root = new Command("daml", About) { CommandOf(samples.Single(one => one.Name == "demo")), list, sample, doctor,
            completion, help, new HelpOption(), new VersionOption() };
        foreach (var command in ScriptCommands.Create())
        {
            command.SetAction((Func<ParseResult, int>)(_ => throw ScriptCommands.Elsewhere(command.Name)));
            root.Add(command);
        }
        root.Add(NotebookCommand.Create(notebooks, console.Profile.Out.Writer, error, cancellation));
        asked.CompletionSources.Add([.. root.Subcommands.Select(one => one.Name)]);
        root.SetAction(new HelpAction().Invoke);
        completion.SetAction(parsed =>
        {
            console.Profile.Out.Writer.Write(Completion.Script(root, parsed.GetValue(shell)!));
            return 0;
        });

        Command CommandOf(ISample one)
        {
            var options = new SampleCommandOptions(one);
            var command = new Command(one.Name, one.Summary);
            options.AddTo(command);
            details.Add(command, one.Details);
            command.SetAction(given => RunSample(one, options.Read(given), arguments, console, error, cancellation));
            return command;
        }

        try
        {
            // 'help COMMAND' is 'COMMAND --help'
            var parsed = root.Parse(arguments is ["help", ..] && !arguments.Any(word => word.StartsWith('-'))
                ? [.. arguments.Skip(1), "--help"] : arguments);
            var command = parsed.CommandResult.Command;
            if (command == sample && (parsed.Action is not HelpAction || parsed.GetValue(name) is not null))
                throw new SampleException(
                    (parsed.GetValue(name) is { } unknown ? $"There is no sample called '{unknown}'" +
                        (NearestName.Find(unknown, samples.Select(one => one.Name)) is { } near
                            ? $". Did you mean '{near}'? There are" : "; there are")
                        : "Say which sample; there are") + $": {string.Join(", ", samples.Select(one => one.Name))}.");
            if (parsed.UnmatchedTokens is [var wrong, ..]) throw new SampleException(Unknown(wrong, command, samples));
            if (parsed.Errors.Count > 0)
                throw new SampleException(
                    $"{parsed.Errors[0].Message.ReplaceLineEndings(" ").Replace("\t", "")} See 'daml {PathOf(command)}--help'.");
            if (details.TryGetValue(command, out string? more)) command.Description += "\n\n" + more;    // for its own help only
            return parsed.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Output = console.Profile.Out.Writer,
                Error = error,
            });
        }
        catch (SampleException refused)
        {
            error.WriteLine("daml: " + refused.Message);
            return Misuse;
        }
    }

    // What was typed and is not there, with the nearest that is.
    private static string Unknown(string typed, Command command, IReadOnlyList<ISample> samples)
    {
        bool option = typed.StartsWith('-');
        var names = option ? command.Options.Select(one => one.Name) : command.Subcommands.Select(one => one.Name);
        string? found = NearestName.Find(typed, names);
        if (found is null && !command.Parents.Any())    // a sample's name without 'sample'
            found = NearestName.Find(typed, samples.Select(one => one.Name)) is { } sample ? $"sample {sample}" : null;
        string near = found is null ? "" : $" Did you mean '{found}'?";
        return $"'{$"daml {PathOf(command)}".TrimEnd()}' has no {(option ? "option" : "command or argument")} '{typed}'." +
            $"{near} See 'daml {PathOf(command)}--help'.";
    }

    // The words that lead to a command, each with a blank behind it; none for the program itself.
    private static string PathOf(Command command) => !command.Parents.Any() ? ""
        : string.Concat(command.Parents.OfType<Command>().Take(1).Select(PathOf)) + command.Name + " ";

    // Plain lines: to lay out a grid takes Spectre as long as the rest of the command.
    private static int List(IReadOnlyList<ISample> samples, IAnsiConsole console)
    {
        var output = console.Profile.Out.Writer;
        var rows = samples.Select(one => (one.Name, Sizes: string.Join("/", one.Sizes).ToLowerInvariant(), one.Summary)).ToList();
        int names = rows.Max(row => row.Name.Length) + 2, sizes = rows.Max(row => row.Sizes.Length) + 2;
        foreach (var (name, size, summary) in rows)
        {
            string before = name.PadRight(names) + size.PadRight(sizes);
            foreach (string line in Wrapped(summary, console.Profile.Width - before.Length))
            {
                output.WriteLine(before + line);
                before = new string(' ', before.Length);
            }
        }
        output.WriteLine();
        output.WriteLine("Run one with 'daml sample NAME'; 'daml sample NAME --help' tells more about it.");
        return 0;
    }

    // Lines of whole words, none longer than the width unless a word is.
    private static List<string> Wrapped(string text, int width)
    {
        List<string> lines = [];
        foreach (string word in text.Split(' '))
            if (lines.Count > 0 && lines[^1].Length + 1 + word.Length <= width) lines[^1] += " " + word;
            else lines.Add(word);
        return lines;
    }

    private static int RunDoctor(string? json, IAnsiConsole console)
    {
        if (json is not null) OutputCheck.File(json, "--json");
        return Doctor.Run(console, json) ? 0 : Failure;
    }

    private static int RunSample(ISample sample, SampleOptions options, IReadOnlyList<string> arguments, IAnsiConsole console,
        TextWriter error, CancellationToken cancellation)
    {
        bool isNew = !Directory.Exists(options.OutputFolder);
        OutputCheck.Folder(options.OutputFolder, "--out");
        if (options.JsonFile is not null) OutputCheck.File(options.JsonFile, "--json");

        var run = new SampleRun(options, console, cancellation) { CommandLine = "daml " + string.Join(' ', arguments.Select(Typed)) };
        using var profile = options.Profile ? new PhaseProfile() : null;
        try
        {
            CheckDevice(options.Device);
            var result = sample.Run(run);
            if (options.JsonFile is not null) ResultJson.Write(sample.Name, result, options.JsonFile);
            if (profile is not null) run.Show(profile.ToTable());
            if (!options.Quiet) TellWritten(run, options.JsonFile);
            return 0;
        }
        catch (OperationCanceledException)
        {
            bool resumable = sample.TrainingMinutes is not null && run.CanResume;
            error.WriteLine($"daml: {sample.Name} was stopped before its end." +
                (resumable ? " The same command with --resume continues the training." : ""));
            if (!options.Quiet) TellWritten(run, null);
            return Stopped;
        }
        catch (SampleException) when (isNew && !Directory.EnumerateFileSystemEntries(options.OutputFolder).Any())
        {
            Directory.Delete(options.OutputFolder);    // nothing was run, so nothing stays
            throw;
        }
        catch (Exception failed) when (failed is not SampleException)
        {
            // a native library that cannot be loaded
            var cause = failed is TypeInitializationException { InnerException: { } inner } ? inner : failed;
            bool foreseen = cause is DivergenceException or ModelArchiveException or SchemaException or IOException
                or UnauthorizedAccessException or DllNotFoundException;
            error.WriteLine($"daml: {sample.Name} failed: {(foreseen ? cause.Message.ReplaceLineEndings(" ") : failed)}");
            if (!options.Quiet) TellWritten(run, null);
            return Failure;
        }
    }

    // A word as a shell takes it.
    private static string Typed(string word) =>
        word.Length > 0 && word.All(letter => char.IsLetterOrDigit(letter) || "-_./:=,+".Contains(letter)) ? word : Completion.Quoted(word);

    private static void CheckDevice(string device)
    {
        try { _ = Devices.Parse(device); }
        catch (Exception refused) when (refused is DeviceNotAvailableException or ArgumentException)
        {
            // an ArgumentException's message ends with the name of a parameter, which is no concern of the user's
            throw new SampleException("--device: " + refused.Message.Split(" (Parameter")[0]);
        }
    }

    private static void TellWritten(SampleRun run, string? json)
    {
        var written = run.Written.Append(json).OfType<string>().ToList();
        if (written.Count == 0) return;
        run.Say("Written:");
        foreach (string path in written) run.Say("  " + path);
    }
}
