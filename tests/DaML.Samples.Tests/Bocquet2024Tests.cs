using System.Text.Json;
using System.Xml.Linq;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>The sample of Bocquet et al. (2024) from end to end in its smallest form.</summary>
public sealed class Bocquet2024Tests(Bocquet2024Tests.Outcome outcome, PageReader reader) : IClassFixture<Bocquet2024Tests.Outcome>
{
    private static readonly ResidualConvolutionOptions Small = new() { Filters = 4, Blocks = 1, SubBlocks = 1 };

    private static readonly Bocquet2024Settings Tiny = new()
    {
        Network = Small, DegradedNetwork = Small, KuramotoSivashinskyNetwork = Small, Batch = 8, KuramotoSivashinskyBatch = 4, Steps = 30,
        ValidationInterval = 15, ValidationCycles = 12,
        Trajectories = 2, BurnIn = 30, Cycles = 30, PointCycles = 10, ClimatologyCycles = 40, CovarianceBurnIn = 30, CovarianceCycles = 10,
        CovarianceInterval = 5,
        LyapunovTransient = 20, LyapunovCycles = 40, Dimensions = [20], LargestEnsemble = 10, NoiseLevels = [0.9, 1.2], Densities = [0.8],
    };

    /// <summary>One run of the sample for all tests.</summary>
    public sealed class Outcome : IDisposable
    {
        public Outcome() =>
            (Code, Output, Error) = Daml(Tiny, CancellationToken.None, "--seed", "4", "--out", Folder.FullName, "--json",
                Path.Combine(Folder.FullName, "result.json"));

        public DirectoryInfo Folder { get; } = Directory.CreateTempSubdirectory("daml-bocquet2024-");
        public int Code { get; }
        public string Output { get; }
        public string Error { get; }

        public void Dispose() => Folder.Delete(recursive: true);
    }

    private static (int Code, string Output, string Error) Daml(Bocquet2024Settings settings, CancellationToken cancellation,
        params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 160;
        int code = CommandLine.Run(["sample", "bocquet2024", .. arguments], [new DemoSample(), new Bocquet2024Sample(settings)], console,
            error, cancellation);
        return (code, output.ToString(), error.ToString());
    }

    private string PathOf(string name) => Path.Combine(outcome.Folder.FullName, name);

    private static Dictionary<string, double> MetricsOf(string file) =>
        JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("metrics").EnumerateObject()
        .ToDictionary(metric => metric.Name, metric => metric.Value.GetDouble());

    [BrowserFact]
    public async Task ItsPageReadsWell() => await reader.Check(PathOf("report.html"));

    [Fact]
    public void ItEndsWellAndLeavesNothingButResults()
    {
        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Equal("", outcome.Error);
        Assert.Equal(0, outcome.Code);
        string[] figures = ["angles.svg", "density.svg", "dimensions.svg", "kuramoto-sivashinsky.svg", "noise.svg", "scores.svg",
            "spectra.svg", "training.svg"];
        Assert.Equal(((string[])[.. figures, "learned.daml", "report.html", "result.json"]).Order(StringComparer.Ordinal),
            outcome.Folder.GetFileSystemInfos().Select(file => file.Name).Order(StringComparer.Ordinal));
        foreach (string name in figures) Assert.Equal("svg", XDocument.Load(PathOf(name)).Root!.Name.LocalName);
        string html = File.ReadAllText(PathOf("report.html"));
        Assert.Equal(figures.Length, XDocument.Parse(html["<!DOCTYPE html>".Length..]).Root!.Descendants("figure").Count());
    }

    [Fact]
    public void ItsJsonHasTheAgreedFigures()
    {
        var metrics = MetricsOf(PathOf("result.json"));
        string[] agreed =
        [
            "rmse.learned", "rmse.learned_memory", "rmse.linear", "rmse.blind", "rmse.3dvar", "rmse.enkf_n.20", "rmse.enkf_n.40",
            "bias.mean", "bias.std", "bw.learned_enkf", "bw.learned_isotropic",
            "rmse.transfer.20", "rmse.noise.0.9", "rmse.noise.1.2", "rmse.noise.random.0.9", "rmse.density.0.8", "rmse.ks.learned",
            "rmse.ks.enkf_n", "lyapunov.first", "lyapunov.positive",
        ];
        Assert.Empty(agreed.Except(metrics.Keys));
        Assert.All(metrics.Values, value => Assert.True(double.IsFinite(value)));
        Assert.InRange(metrics["rmse.3dvar"], 0.3, 0.65);
        Assert.InRange(metrics["rmse.enkf_n.40"], 0.1, 0.35);
        Assert.InRange(metrics["rmse.learned"], 0.1, 2.7);
        Assert.InRange(metrics["lyapunov.first"], 0.8, 2.6);          // the exponent, 1.67, not its inverse, 0.60
        Assert.InRange(metrics["lyapunov.positive"], 9, 17);
        foreach (string name in agreed.Where(name => name.StartsWith("bw") || name.StartsWith("bias")))
            Assert.True(metrics[name] > 0, name);
    }

    [Fact]
    public void ItsTableSetsEveryMetricBesideThePaper()
    {
        foreach (string text in (string[])["0.19-0.20", "quick network", "EnKF-N, 40 members", "0.048", "0.188-0.197",
            "Kuramoto-Sivashinsky, learned"]) Assert.Contains(text, outcome.Output);
        Assert.Contains(SampleRun.Number(MetricsOf(PathOf("result.json"))["rmse.blind"]), outcome.Output);
    }

    // One run shows both, since a run costs seconds.
    [Fact]
    public void WeightsTakeThePlaceOfTrainingAndAStoppedRunKeepsItsFinishedParts()
    {
        string folder = Path.Combine(outcome.Folder.FullName, "stopped"), parts = Path.Combine(folder, "parts"),
            json = Path.Combine(folder, "result.json"), weights = Path.Combine(folder, "other");
        string[] arguments = ["--seed", "4", "--out", folder, "--json", json, "--pretrained", weights];
        try
        {
            // Weights like those that were learned, with half the increment.
            Directory.CreateDirectory(folder);
            var analyzer = AnalyzerOf(PathOf("learned.daml"));
            var last = analyzer.Network.named_parameters().Single(parameter => parameter.name == "trunk.decoder.weight").parameter;
            using (TorchSharp.torch.no_grad()) last.mul_(0.5);
            WeightFiles.Write(weights, analyzer.Network, analyzer.History!);
            Assert.Contains("there is no run to continue", Daml(Tiny, CancellationToken.None, [.. arguments, "--resume"]).Error);

            // Stopped as soon as two parts are finished.
            using var stop = new CancellationTokenSource();
            using (new Timer(_ =>
            {
                if (Directory.Exists(parts) && Directory.GetFiles(parts, "*.json").Length >= 2) stop.Cancel();
            }, null, 0, 20))
            {
                var (stopped, _, why) = Daml(Tiny, stop.Token, arguments);
                Assert.Equal(CommandLine.Stopped, stopped);
                Assert.Contains("--resume", why);
            }
            string[] kept = Directory.GetFiles(parts, "*.json");
            Assert.True(kept.Length >= 2);
            Assert.Contains("was written by a run with other settings",
                Daml(Tiny with { Cycles = 31 }, CancellationToken.None, [.. arguments, "--resume"]).Error);

            // A part that is kept is not done again: nothing is told of it.
            var (code, output, error) = Daml(Tiny, CancellationToken.None, [.. arguments, "--resume"]);
            Assert.True(code == 0, error);
            string told = "\n" + output.Replace(' ', '-');
            Assert.Contains("\nparts:", told);
            foreach (string file in kept) Assert.DoesNotContain($"\n{Path.GetFileNameWithoutExtension(file)}:", told);
            Assert.False(Directory.Exists(parts));

            // To the bit what a run in one piece gives, but for what the main network has a share in.
            Assert.Contains("shipped weights", output);
            var (whole, resumed) = (MetricsOf(PathOf("result.json")), MetricsOf(json));
            Assert.Equal(whole.Keys.Order(), resumed.Keys.Order());
            string[] ofMain = ["rmse.learned", "bias.mean", "bias.std", "bw.learned_enkf", "bw.learned_isotropic", "rmse.transfer.20",
                .. Tiny.NoiseLevels.SelectMany(level => (string[])[$"rmse.noise.{level}", $"rmse.noise.told.{level}"])];
            Assert.All(whole.Keys, metric => Assert.Equal(!ofMain.Contains(metric), whole[metric] == resumed[metric]));
            var used = AnalyzerOf(Path.Combine(folder, "learned.daml")).Network.named_parameters()
                .Single(parameter => parameter.name == "trunk.decoder.weight").parameter;
            Assert.True(used.Equals(last));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    // Every training diverges: what needs no network is there all the same, to the bit.
    [Fact]
    public void NetworksThatDivergeAreReportedAsLostAndLoseNothingElse()
    {
        string folder = Path.Combine(outcome.Folder.FullName, "diverged"), json = Path.Combine(folder, "result.json");
        try
        {
            var (code, output,
                error) = Daml(Tiny with { LearningRate = 1e4, Steps = 4, ValidationInterval = 4 }, CancellationToken.None, "--seed", "4",
                    "--out", folder, "--json", json);
            Assert.True(code == 0, error);
            var (whole, left) = (MetricsOf(PathOf("result.json")), MetricsOf(json));
            string[] ofNetworks = ["rmse.learned", "rmse.learned_memory", "rmse.linear", "rmse.blind", "bias.mean", "bias.std",
                "bw.learned_enkf", "bw.learned_isotropic", "bw.enkf_isotropic", "rmse.transfer.20",
                .. Tiny.NoiseLevels.SelectMany(level =>
                    (string[])[$"rmse.noise.{level}", $"rmse.noise.told.{level}", $"rmse.noise.random.{level}"]), "rmse.density.0.8",
                    "rmse.ks.learned"];
            Assert.Equal(whole.Keys.Except(ofNetworks).Order(), left.Keys.Order());
            Assert.All(left, metric => Assert.Equal(whole[metric.Key], metric.Value));
            Assert.Contains(output.Split('\n'), line => line.Contains("learned, blind to the forecast") && line.Contains("truth lost"));
            string html = File.ReadAllText(Path.Combine(folder, "report.html"));
            string[] drawn = [.. new DirectoryInfo(folder).GetFiles("*.svg").Select(file => file.Name).Order(StringComparer.Ordinal)];
            Assert.Equal(["density.svg", "dimensions.svg", "noise.svg", "scores.svg"], drawn);
            Assert.Equal(drawn.Length, XDocument.Parse(html["<!DOCTYPE html>".Length..]).Root!.Descendants("figure").Count());
            Assert.False(File.Exists(Path.Combine(folder, "learned.daml")) || Directory.Exists(Path.Combine(folder, "parts")));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    private static LearnedAnalyzer<StateMemory> AnalyzerOf(string archive) =>
        (LearnedAnalyzer<StateMemory>)new DataAssimilationContext(4).Model.Load<SequentialAssimilation<StateMemory>>(archive)
            .Triple.Analyzer;

    [Fact]
    public void WeightsThatAreNotThereAreRefused()
    {
        string folder = Path.Combine(outcome.Folder.FullName, "refused");
        var (code, _, error) = Daml(Tiny, CancellationToken.None, "--pretrained", "nonesuch", "--out", folder);
        Assert.Equal(CommandLine.Misuse, code);
        Assert.Contains("the weights 'nonesuch' were not found", error);
        Assert.False(Directory.Exists(folder));    // nothing was run
    }
}
