using System.Text.Json;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>The command line: what it shows, what it refuses and with which exit code, what it writes.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-cli-");

    public void Dispose() => folder.Delete(recursive: true);

    // A sample whose work is what a test says.
    internal sealed class Fake(string name, Func<SampleRun, SampleResult> work, double? minutes = null, params SampleSize[] sizes) : ISample
    {
        public int Runs { get; private set; }
        public string Name => name;
        public string Summary => $"What {name} shows.";
        public string Details => $"How {name} does it.";
        public IReadOnlyList<SampleSize> Sizes => sizes.Length == 0 ? [SampleSize.Quick] : sizes;
        public double? TrainingMinutes => minutes;
        public double? FullMinutes { get; init; }
        public double? FullTrainingMinutes => FullMinutes ?? minutes;
        public IReadOnlyList<SampleSetting> Settings { get; init; } = [];
        public SampleResult Run(SampleRun run)
        {
            Runs++;
            return work(run);
        }
    }

    internal static SampleResult Nothing(SampleRun run) => new(new Dictionary<string, object>(), new Dictionary<string, double>());

    internal static (int Code, string Output, string Error) Daml(IReadOnlyList<ISample> samples, CancellationToken cancellation,
        params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 120;
        return (CommandLine.Run(arguments, samples, console, error, cancellation), output.ToString(), error.ToString());
    }

    private static (int Code, string Output, string Error) Daml(params string[] arguments) =>
        Daml([new Fake("demo", Nothing, 5), new Fake("two-sizes", Nothing, 3, SampleSize.Quick, SampleSize.Full),
            new Fake("plain", Nothing)], CancellationToken.None, arguments);

    [Fact]
    public void HelpTellsANewcomerWhereToStart()
    {
        foreach (string[] arguments in (string[][])[[], ["--help"], ["-h"]])
        {
            var (code, output, error) = Daml(arguments);
            Assert.Equal(0, code);
            Assert.Empty(error);
            foreach (string text in (string[])["daml demo", "daml list", "daml sample NAME --help", "What demo shows."])
                Assert.Contains(text, output);
        }
    }

    [Fact]
    public void ASamplesHelpHasItsDetailsAndTheOptionsThatMeanSomething()
    {
        var (code, output, _) = Daml("sample", "plain", "--help");
        Assert.Equal(0, code);
        Assert.Contains("How plain does it.", output);
        Assert.Contains("--device", output);
        Assert.DoesNotContain("--minutes", output);
        Assert.DoesNotContain("--resume", output);
        Assert.DoesNotContain("--full", output);
        var demo = Daml("demo", "--help").Output;
        Assert.Contains("--minutes", demo);
        Assert.Contains("default: 5", demo);
        Assert.Contains(Path.Combine("daml-out", "demo"), demo);
        Assert.Contains("--full", Daml("sample", "two-sizes", "--help").Output);
    }

    [Fact]
    public void ListShowsEverySample()
    {
        var (code, output, _) = Daml("list");
        Assert.Equal(0, code);
        foreach (string text in (string[])["demo", "two-sizes", "quick/full", "plain", "What plain shows."]) Assert.Contains(text, output);
        Assert.Equal(["demo", "pressure-analysis"], SampleList.All.Select(sample => sample.Name).Take(2));
        Assert.Equal(SampleList.All.Count, SampleList.All.Select(sample => sample.Name).Distinct().Count());
    }

    [Theory]
    [InlineData("sample nonsense", "There is no sample called 'nonsense'; there are: demo, two-sizes, plain.")]
    [InlineData("sample nonsense --minutes 3", "There is no sample called 'nonsense'")]
    [InlineData("sample", "Say which sample; there are: demo, two-sizes, plain.")]
    [InlineData("nonsense", "'nonsense'")]
    [InlineData("demo --nonsense", "'--nonsense'")]
    [InlineData("demo --minutes abc", "--minutes must be a number above 0 and at most 100000; given: 'abc'")]
    [InlineData("demo --minutes 0", "--minutes must be a number above 0")]
    [InlineData("demo --minutes -1", "--minutes must be a number above 0")]
    [InlineData("demo --minutes NaN", "--minutes must be a number above 0")]
    [InlineData("demo --minutes 1e300", "--minutes must be a number above 0")]
    [InlineData("demo --minutes", "--minutes")]
    [InlineData("demo --seed 1.5", "--seed must be a whole number; given: '1.5'")]
    [InlineData("demo --seed 99999999999999999999", "--seed must be a whole number")]
    [InlineData("demo --device gpu", "--device: A device must be 'cpu', 'cuda' or 'cuda:N'; given: 'gpu'.")]
    [InlineData("demo --device cuda:99", "--device: The device 'cuda:99' is not available: ")]
    [InlineData("demo --out /dev/null/x", "--out: the folder '/dev/null/x' cannot be written to")]
    [InlineData("demo --json /", "--json: '/' is a folder; name a file.")]
    [InlineData("demo --json /dev/null/x/y.json", "--json: the folder '/dev/null/x' cannot be written to")]
    [InlineData("sample two-sizes --quick --full", "--quick and --full exclude each other")]
    [InlineData("sample plain --minutes 3", "'--minutes'")]
    [InlineData("sample plain --full", "'--full'")]
    public void MisuseIsRefusedInOneSentenceBeforeAnyWork(string arguments, string expected)
    {
        Fake[] samples = [new("demo", Nothing, 5), new("two-sizes", Nothing, 3, SampleSize.Quick, SampleSize.Full), new("plain", Nothing)];
        // a folder that can be written to, so that nothing but what is meant is refused
        string[] words = arguments.Split(' ');
        string[] all = words.Contains("--out") || words is ["sample"] or ["nonsense"] or [_, "nonsense", ..] ? words
            : [.. words, "--out", folder.FullName];
        if (words is [.., "--minutes"]) all = words;
        var (code, output, error) = Daml(samples, CancellationToken.None, all);
        Assert.Equal(CommandLine.Misuse, code);
        Assert.Contains(expected, error);
        Assert.StartsWith("daml: ", error);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Empty(output);
        Assert.All(samples, sample => Assert.Equal(0, sample.Runs));
    }

    [Fact]
    public void OptionsReachTheSample()
    {
        SampleOptions? seen = null;
        string json = Path.Combine(folder.FullName, "new", "r.json");
        var sample = new Fake("demo", run =>
        {
            seen = run.Options;
            Assert.Equal(-7, run.CreateContext().Options.Seed);
            return Nothing(run);
        }, 5, SampleSize.Quick, SampleSize.Full);
        Assert.Equal(0,
            Daml([sample], CancellationToken.None, "demo", "--seed", "-7", "--device", "cpu", "--minutes", "0.25", "--full", "--out",
                folder.FullName, "--json", json).Code);
        Assert.Equal(new SampleOptions
            { Seed = -7, Device = "cpu", Minutes = 0.25, Size = SampleSize.Full, OutputFolder = folder.FullName, JsonFile = json }, seen);
        Assert.True(File.Exists(json));
    }

    [Theory]
    [InlineData("", 5.0, null)]
    [InlineData("--full", 60.0, null)]
    [InlineData("--full --minutes 7", 7.0, null)]
    [InlineData("--weights", 5.0, "")]
    [InlineData("--weights reference --full", 60.0, "reference")]
    public void TheFullSizeMayTrainLongerAndAnOptionMayStandAlone(string arguments, double minutes, string? weights)
    {
        SampleOptions? seen = null;
        var sample = new Fake("demo", run =>
        {
            seen = run.Options;
            return Nothing(run);
        }, 5, SampleSize.Quick, SampleSize.Full)
            { FullMinutes = 60,
                Settings = [new("--weights", "NAME", "Which weights.") { ValueOptional = true }, new("--rows", "FILE", "Rows.")] };
        var (code, _,
            error) = Daml([sample], CancellationToken.None,
                ["demo", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--out", folder.FullName]);
        Assert.True(code == 0, error);
        Assert.Equal(minutes, seen!.Minutes);
        Assert.Equal(weights, seen.Settings.GetValueOrDefault("--weights"));
        Assert.Equal(CommandLine.Misuse, Daml([sample], CancellationToken.None, "demo", "--out", folder.FullName, "--rows").Code);
    }

    [Fact]
    public void JsonHasNameSettingsAndMetrics()
    {
        string json = Path.Combine(folder.FullName, "r.json");
        File.WriteAllText(json, "an older file");
        var sample = new Fake("demo", run =>
        {
            File.WriteAllText(run.OutputFile("model.daml"), "model");
            return new SampleResult(new Dictionary<string, object>
                { ["seed"] = 3L, ["device"] = "cpu", ["fast"] = true, ["minutes"] = 2.5 },
                new Dictionary<string, double> { ["rmse.learned"] = 0.1 + 0.2, ["tiny"] = 1e-300 });
        });
        var (code, output, _) = Daml([sample], CancellationToken.None, "demo", "--out", folder.FullName, "--json", json);
        Assert.Equal(0, code);
        var root = JsonDocument.Parse(File.ReadAllText(json)).RootElement;
        Assert.Equal(["name", "settings", "metrics"], root.EnumerateObject().Select(member => member.Name));
        Assert.Equal("demo", root.GetProperty("name").GetString());
        var settings = root.GetProperty("settings");
        Assert.Equal((3L, "cpu", true, 2.5),
            (settings.GetProperty("seed").GetInt64(), settings.GetProperty("device").GetString(), settings.GetProperty("fast").GetBoolean(),
                settings.GetProperty("minutes").GetDouble()));
        Assert.Equal(0.1 + 0.2, root.GetProperty("metrics").GetProperty("rmse.learned").GetDouble());    // to the bit
        Assert.Equal(1e-300, root.GetProperty("metrics").GetProperty("tiny").GetDouble());
        Assert.Contains("model.daml", output);
        Assert.Contains("r.json", output);
        Assert.Equal(["model.daml", "r.json"], folder.GetFiles().Select(file => file.Name).Order());    // nothing beside is left behind
    }

    [Fact]
    public void AMetricThatIsNotANumberIsRefused() => Assert.Contains("'rmse'",
        Assert.Throws<ArgumentException>(() =>
            new SampleResult(new Dictionary<string, object>(), new Dictionary<string, double> { ["rmse"] = double.NaN })).Message);

    [Fact]
    public void AStoppedRunSaysWhatItKeptAndHowToGoOn()
    {
        using var stop = new CancellationTokenSource();
        var sample = new Fake("demo", run =>
        {
            File.WriteAllText(run.OutputFile("learned.daml"), "model");
            File.WriteAllText(run.Checkpoint(), "checkpoint");
            run.OutputFile("never.svg");
            stop.Cancel();
            run.Cancellation.ThrowIfCancellationRequested();
            return Nothing(run);
        }, 5);
        string json = Path.Combine(folder.FullName, "r.json");
        var (code, output, error) = Daml([sample], stop.Token, "demo", "--out", folder.FullName, "--json", json);
        Assert.Equal(CommandLine.Stopped, code);
        Assert.Contains("demo was stopped before its end. The same command with --resume continues the training.", error);
        Assert.Contains("learned.daml", output);
        Assert.DoesNotContain("never.svg", output);
        Assert.False(File.Exists(json));
    }

    [Fact]
    public void ResumeNeedsACheckpointAndAFreshStartRemovesIt()
    {
        var sample = new Fake("demo", run =>
        {
            Assert.Equal(run.Options.Resume, File.Exists(run.Checkpoint()));
            return Nothing(run);
        }, 5);
        var (code, _, error) = Daml([sample], CancellationToken.None, "demo", "--resume", "--out", folder.FullName);
        Assert.Equal(CommandLine.Misuse, code);
        Assert.Contains("--resume: there is no training to continue", error);
        string refused = Path.Combine(folder.FullName, "new");
        Assert.Equal(CommandLine.Misuse, Daml([sample], CancellationToken.None, "demo", "--resume", "--out", refused).Code);
        Assert.False(Directory.Exists(refused));
        string checkpoint = Path.Combine(folder.FullName, "training.checkpoint");
        File.WriteAllText(checkpoint, "");
        Assert.Equal(0, Daml([sample], CancellationToken.None, "demo", "--resume", "--out", folder.FullName).Code);
        Assert.True(File.Exists(checkpoint));
        Assert.Equal(0, Daml([sample], CancellationToken.None, "demo", "--out", folder.FullName).Code);
        Assert.False(File.Exists(checkpoint));
    }

    [Fact]
    public void ARunThatFailsSaysWhyInOneLineWhereTheCauseIsForeseen()
    {
        var diverging = new Fake("demo", _ => throw new DivergenceException("ETKF", 12, 0.6, double.NaN));
        var (code, _, error) = Daml([diverging], CancellationToken.None, "demo", "--out", folder.FullName);
        Assert.Equal(CommandLine.Failure, code);
        Assert.StartsWith("daml: demo failed: ETKF diverged in cycle 12", error);
        Assert.Single(error.TrimEnd().Split('\n'));
        var incomplete = new Fake("demo",
            _ => throw new TypeInitializationException("Native", new DllNotFoundException("libtorch is not there.\nInstall it.")));
        (code, _, error) = Daml([incomplete], CancellationToken.None, "demo", "--out", folder.FullName);
        Assert.Equal((CommandLine.Failure, "daml: demo failed: libtorch is not there. Install it."), (code, error.TrimEnd()));
        var broken = new Fake("demo", _ => throw new InvalidOperationException("a defect"));
        (code, _, error) = Daml([broken], CancellationToken.None, "demo", "--out", folder.FullName);
        Assert.Equal(CommandLine.Failure, code);
        Assert.Contains("a defect", error);
        Assert.Contains(nameof(CommandLineTests), error);    // a defect is told with its place
    }

    [Fact]
    public void ProgressIsToldInPlainLinesWhereTheOutputIsNoTerminal()
    {
        var sample = new Fake("demo", run => run.Track(progress =>
        {
            for (int i = 1; i <= 1000; i++)
                progress.Report(
                    new ProgressReport("training", i, 1000, new Dictionary<string, double> { ["loss"] = 0.5, ["validation rmse"] = 0.26 },
                        TimeSpan.FromSeconds(i), TimeSpan.FromSeconds(3600 + 61)));
            return Nothing(run);
        }));
        var lines = Daml([sample], CancellationToken.None, "demo", "--out", folder.FullName).Output.Split('\n')
            .Where(line => line.StartsWith("training")).ToList();
        Assert.Equal(2, lines.Count);    // the first and the last; in between no ten seconds passed
        Assert.Equal("training: 100 %  loss 0.5, validation rmse 0.26, 1/s, 1:01:01 left", lines[1].TrimEnd());
    }

    [Fact]
    public void ProgressFollowsTimeWhereItsLimitComesFirst()
    {
        var sample = new Fake("demo", run => run.Track(progress =>
        {
            progress.Report(
                new ProgressReport("training", 40, 4000, new Dictionary<string, double>(), TimeSpan.FromSeconds(90),
                    TimeSpan.FromSeconds(30)));
            progress.Report(new ProgressReport("reading", 7, null, new Dictionary<string, double>(), TimeSpan.FromSeconds(1), null));
            return Nothing(run);
        }));
        string output = Daml([sample], CancellationToken.None, "demo", "--out", folder.FullName).Output;
        Assert.Contains("training: 75 %  0:30 left", output);
        Assert.Contains("reading: 7", output);
    }
}
