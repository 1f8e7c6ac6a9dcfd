using System.CommandLine;

namespace DaML.Samples;

/// <summary>Commands that the script <c>./daml</c> carries out itself, described for help and completion.</summary>
internal static class ScriptCommands
{
    /// <summary>The commands.</summary>
    public static IReadOnlyList<Command> Create()
    {
        var bench = new Command("bench", "Runs the benchmarks; without a name all of BenchmarkDotNet's, whose options it then takes.")
        {
            Bench("compare", "Sets DaML beside NumPy and Python's torch."),
            Bench("scaling", "Runs the LETKF over points and threads."),
            Bench("large-state", "Runs the LETKF on 1e6 points: time over ten times that of 1e5, memory over the ensemble's."),
            Bench("memory", "Runs a filter over a million cycles and reports the memory of its process."),
            Bench("start", "Times new processes to their first answer: 'daml list', and a fitted model's first cycle."),
            Bench("shallow-water", "Sets the shallow-water kernels beside torch operators and NumPy."),
            Bench("baseline", "Sets this build beside that of another worktree.",
                new Argument<string>("FOLDER") { Description = "The other worktree, with its benchmarks and samples built." }),
            Bench("service", "Loads the assimilation service and reports batches a second and latencies."),
            Bench("cuda", "Trains and filters on a CUDA device, beside eager PyTorch."),
        };
        return
        [
            new Command("test", "Builds everything and runs all tests; takes the options of the test runner."),
            bench,
            new Command("service", "Runs the assimilation service; takes settings such as --Service:Inbox=FOLDER behind its own.")
            {
                new Option<string?>("--urls")
                    { Description = "The address it listens on (default: http://127.0.0.1:5080).", HelpName = "URL" },
            },
            new Command("pack", "Packs DaML's own packages; takes the options of 'dotnet pack' behind its own.")
            {
                new Option<string?>("--out")
                    { Description = "The folder for the packages (default: the folder feed packages/).", HelpName = "FOLDER" },
            },
            new Command("docs", "Makes the book, documents and API reference, as HTML.")
            {
                new Option<string?>("--out")
                    { Description = "A new or empty folder for the book (default: artifacts/book).", HelpName = "FOLDER" },
                new Option<bool>("--serve") { Description = "Then show it at http://localhost:8080 until Ctrl-C." },
                new Option<bool>("--quiet") { Description = "Only say where the book is." },
            },
        ];
    }

    /// <summary>Refuses a command that this program does not carry out.</summary>
    public static SampleException Elsewhere(string command) =>
        new($"'{command}' is a command of the script ./daml at the top of the repository; this program has the others.");

    private static Command Bench(string name, string description, params Argument[] arguments)
    {
        var command = new Command(name, description)
            { new Option<string?>("--json") { Description = "Also write the figures to this file as JSON.", HelpName = "FILE" } };
        foreach (var argument in arguments) command.Add(argument);
        return command;
    }
}
