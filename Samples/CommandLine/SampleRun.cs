using System.Collections.ObjectModel;
using System.Globalization;
using Spectre.Console;

namespace DaML.Samples;

/// <summary>What the command line asked for, checked.</summary>
public sealed record SampleOptions
{
    /// <summary>Where tensors live: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>The seed every random stream is derived from.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>How many minutes to train at most; null where the sample does not train.</summary>
    public double? Minutes { get; init; }

    /// <summary>Whether to go on with the training that an earlier run was stopped in.</summary>
    public bool Resume { get; init; }

    /// <summary>How large to run.</summary>
    public SampleSize Size { get; init; } = SampleSize.Quick;

    /// <summary>The folder files are written to.</summary>
    public required string OutputFolder { get; init; }

    /// <summary>Whether to show results and errors only.</summary>
    public bool Quiet { get; init; }

    /// <summary>Whether to show where the time went.</summary>
    public bool Profile { get; init; }

    /// <summary>The file the measured figures are written to as JSON, or null.</summary>
    public string? JsonFile { get; init; }

    /// <summary>What was given for the sample's own options, by their names.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = ReadOnlyDictionary<string, string>.Empty;
}

/// <summary>One run of a sample: its options, context and console, and where it writes.</summary>
/// <param name="options">What was asked for.</param>
/// <param name="console">Where tables and messages are shown.</param>
/// <param name="cancellation">Set by Ctrl-C.</param>
public sealed class SampleRun(SampleOptions options, IAnsiConsole console, CancellationToken cancellation)
{
    private readonly DateTime started = DateTime.UtcNow;
    private readonly List<string> written = [];

    /// <summary>What was asked for.</summary>
    public SampleOptions Options => options;

    /// <summary>Where tables and messages are shown.</summary>
    public IAnsiConsole Console => console;

    /// <summary>The command line that started it, for its page (default: that of no command line).</summary>
    public string CommandLine { get; init; } = "none: it was started by a program";

    /// <summary>Set by Ctrl-C: long work stops and keeps its best.</summary>
    public CancellationToken Cancellation => cancellation;

    /// <summary>The files written so far, in order; what an earlier run left is not among them.</summary>
    public IReadOnlyList<string> Written => [.. written.Where(path => File.GetLastWriteTimeUtc(path) >= started.AddSeconds(-2))];

    /// <summary>The file a training is taken down in, so that <c>--resume</c> can go on with it.</summary>
    internal string CheckpointFile => Path.Combine(options.OutputFolder, "training.checkpoint");

    /// <summary>The folder in which a long sample keeps the parts it has finished, and the checkpoints of those it has not.</summary>
    internal string PartsFolder => Path.Combine(options.OutputFolder, "parts");

    /// <summary>Whether <c>--resume</c> would find something to go on with.</summary>
    internal bool CanResume => File.Exists(CheckpointFile) || Directory.Exists(PartsFolder);

    /// <summary>Options of a context: the seed and device asked for.</summary>
    /// <param name="progress">Who is told how far long work has come.</param>
    public DataAssimilationOptions ContextOptions(IProgress<ProgressReport>? progress = null) =>
        new() { Seed = options.Seed, Device = options.Device, Progress = progress };

    /// <summary>A context with the seed and device asked for.</summary>
    /// <param name="progress">Who is told how far long work has come.</param>
    public DataAssimilationContext CreateContext(IProgress<ProgressReport>? progress = null) => new(ContextOptions(progress));

    /// <summary>
    /// The file a training takes itself down in. One that a stopped run left is kept for <c>--resume</c> and removed
    /// without it; the sample removes it when it is done.
    /// </summary>
    /// <exception cref="SampleException">There is nothing to resume.</exception>
    public string Checkpoint()
    {
        if (!options.Resume) File.Delete(CheckpointFile);
        else if (!File.Exists(CheckpointFile))
            throw new SampleException($"--resume: there is no training to continue: '{CheckpointFile}' does not exist.");
        return CheckpointFile;
    }

    /// <summary>
    /// The folder a long sample keeps its parts in. What a stopped run left there is kept for <c>--resume</c> and removed
    /// without it; the sample removes it when it is done.
    /// </summary>
    /// <exception cref="SampleException">There is nothing to resume.</exception>
    internal string Parts()
    {
        if (options.Resume && !Directory.Exists(PartsFolder))
            throw new SampleException($"--resume: there is no run to continue: '{PartsFolder}' does not exist.");
        if (!options.Resume && Directory.Exists(PartsFolder)) Directory.Delete(PartsFolder, recursive: true);
        return PartsFolder;
    }

    /// <summary>The path of a file in the output folder, which is then told to the user as written.</summary>
    public string OutputFile(string name)
    {
        string path = Path.Combine(options.OutputFolder, name);
        if (!written.Contains(path)) written.Add(path);
        return path;
    }

    /// <summary>Writes a figure as <c>NAME.svg</c> and gives it back.</summary>
    public Figure Write(Figure figure, string name)
    {
        figure.Save(OutputFile(name + ".svg"));
        return figure;
    }

    /// <summary>
    /// Writes the page <c>report.html</c> and adds how it was made: command, seed, date, time taken, versions and machine.
    /// </summary>
    public void Write(HtmlReport report) => AtomicFile.WriteText(OutputFile("report.html"), (report with
    {
        Blocks = [.. report.Blocks, new ReportHeading("How this page was made"), new ReportSettings(Provenance())],
    }).ToHtml());

    private Dictionary<string, object> Provenance()
    {
        var taken = DateTime.UtcNow - started;
        var (libtorch, _) = Machine.Libtorch;
        return new()
        {
            ["command"] = CommandLine,
            ["seed"] = options.Seed,
            ["device"] = options.Device,
            ["begun"] = started.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC",
            ["time taken"] = (taken.TotalMinutes < 2 ? string.Create(CultureInfo.InvariantCulture, $"{taken.TotalSeconds:F1} seconds")
                : string.Create(CultureInfo.InvariantCulture, $"{taken.TotalMinutes:F1} minutes"))
                + (options.Resume ? ", after the run that it resumed" : ""),
            ["DaML"] = Machine.DaMLVersion,
            ["processor"] = $"{Machine.Processor}, {Machine.Counted(Machine.Cores, "core")} ({Machine.VectorInstructions})",
            ["memory"] = Machine.Memory,
            ["operating system"] = Machine.OperatingSystem,
            ["runtime"] = Machine.Runtime,
            ["tensors"] = $"TorchSharp {Machine.TorchSharpVersion}, libtorch {libtorch}, {Machine.Counted(Machine.Threads, "thread")}",
        };
    }

    /// <summary>Shows a table on the console, in several parts where it is wider than that.</summary>
    public void Show(ReportTable table)
    {
        foreach (var part in TableColumns.Divide(table, console.Profile.Width))
        {
            var shown = new Table { Border = TableBorder.Simple, Title = new TableTitle(Markup.Escape(table.Title)) };
            foreach (var (i, width) in part.Indices.Zip(part.Widths))
                shown.AddColumn(new TableColumn(Markup.Escape(table.Headers[i]))
                    { Alignment = i == 0 ? Justify.Left : Justify.Right, Width = width });
            foreach (var row in table.Rows) shown.AddRow(part.Indices.Select(i => Markup.Escape(row[i])).ToArray());
            console.Write(shown);
        }
    }

    /// <summary>Shows a line of plain text.</summary>
    public void Say(string text) => console.WriteLine(text);

    /// <summary>
    /// Does long work under a progress bar with its latest figures, its rate and the time left; a plain line every ten seconds where the
    /// output is redirected.
    /// </summary>
    /// <param name="work">The work, which reports how far it has come.</param>
    public T Track<T>(Func<IProgress<ProgressReport>, T> work) => ProgressDisplay.Track(console, options.Quiet, work);

    /// <summary>A number as tables show it, with this many decimals.</summary>
    public static string Number(double value, int decimals = 3) => value.ToString("F" + decimals, CultureInfo.InvariantCulture);
}
