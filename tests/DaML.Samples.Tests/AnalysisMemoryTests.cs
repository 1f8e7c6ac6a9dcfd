using System.Text.Json;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>The sample of learned analyses with a memory in its smallest form.</summary>
public sealed class AnalysisMemoryTests(PageReader reader) : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-analysis-memory-");
    private readonly StringWriter output = new(), error = new();

    public void Dispose() => folder.Delete(recursive: true);

    private int Run(params string[] arguments) => Run(burnIn: 20, arguments);

    private int Run(long burnIn, params string[] arguments)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 200;
        return CommandLine.Run(["sample", "analysis-memory", "--out", folder.FullName, .. arguments],
            [new DemoSample(), new AnalysisMemorySample(seeds: 2, burnIn, cycles: 10, costRounds: 1)], console, error,
            CancellationToken.None);
    }

    private void Succeeds(long burnIn, params string[] arguments) => Assert.True(Run(burnIn, arguments) == 0, error.ToString());

    [Fact]
    public async Task ItsFiguresAreThoseOfItsSeedsAndItsCostsRelativeToThePlainNetwork()
    {
        string file = Path.Combine(folder.FullName, "result.json");
        Succeeds(burnIn: 20, "--minutes", "0.01", "--seed", "3", "--interval", "0.1", "--json", file);
        var root = JsonDocument.Parse(File.ReadAllText(file)).RootElement;
        var metrics = root.GetProperty("metrics").EnumerateObject().ToDictionary(metric => metric.Name, metric => metric.Value.GetDouble());
        foreach (string kind in (string[])["learned", "learned.same_steps", "learned.same_parameters", "learned_memory"])
            Assert.Equal((metrics[$"rmse.{kind}.seed3"] + metrics[$"rmse.{kind}.seed4"]) / 2, metrics[$"rmse.{kind}"], 1e-12);
        Assert.Equal(1, metrics["cost.learned"]);
        foreach (string method in (string[])["learned_memory", "enkf_n.20", "enkf_n.40", "etkf.20"])
        {
            Assert.True(metrics["cost." + method] > 0 && metrics["cost.batch." + method] > 0);
            Assert.Contains("rmse." + method, metrics.Keys);
        }
        var settings = root.GetProperty("settings");
        Assert.Equal(0.1, settings.GetProperty("interval").GetDouble());
        // The same steps are the same; the same time is not.
        Assert.Equal(settings.GetProperty("steps.learned_memory").GetInt64(), settings.GetProperty("steps.learned.same_steps").GetInt64());
        Assert.True(new FileInfo(Path.Combine(folder.FullName, "curves.svg")).Length > 1000);
        Assert.Contains("6 hidden channels", output.ToString());
        await reader.Check(Path.Combine(folder.FullName, "report.html"));
    }

    // In each round the machine is otherwise busy; it may also change while a round is under way.
    [Fact]
    public void CostsAreComparedUnderTheSameLoad()
    {
        double[] first = [5, 2, 3, 1, 4], second = [5, 2, 3, 3, 4];
        int a = 0, b = 0;
        double[] seconds = CostMeasurement.SideBySide(5, [() => first[a++], () => 1.4 * second[b++]]);
        Assert.Equal(3, seconds[0]);
        Assert.Equal(1.4, seconds[1] / seconds[0], 1e-12);
    }

    [Theory]
    [InlineData("0.07")]
    [InlineData("-0.05")]
    [InlineData("often")]
    public void AnIntervalThatIsNoWholeNumberOfStepsIsRefused(string interval)
    {
        Assert.Equal(2, Run("--interval", interval));
        Assert.Contains($"'{interval}'", error.ToString());
    }

    // Steps over a network of 40 filters take a while each, so there are few.
    [Fact]
    public void TheReferenceNetworkBeginsAsTheOneThatComesWithTheProjectAndIsScoredFromItsWeights()
    {
        string file = Path.Combine(folder.FullName, "result.json"), weights = Path.Combine(folder.FullName, "weights");
        Dictionary<string, double> Metrics() =>
            JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("metrics").EnumerateObject()
                .ToDictionary(metric => metric.Name, metric => metric.Value.GetDouble());
        Succeeds(burnIn: 400, "--full", "--minutes", "0.05", "--json", file);
        var trained = Metrics();
        Assert.InRange(trained["rmse.learned_memory"], 0.1, 0.3);   // after so few cycles; a new network is far above 1
        Assert.Contains("12 hidden channels", output.ToString());

        var analyzer =
            (LearnedAnalyzer<ProductMemory<StateMemory, VectorMemory>>)new DataAssimilationContext(
                1).Model.Load<SequentialAssimilation<ProductMemory<StateMemory, VectorMemory>>>(
                Path.Combine(folder.FullName, "learned-memory.daml")).Triple.Analyzer;
        WeightFiles.Write(weights, analyzer.Network, analyzer.History!);
        Succeeds(burnIn: 400, "--pretrained", weights, "--json", file);
        // Runs start from the climatology of the weights' constants, which are the first network's and not those of this training's data;
        // both forget their start, the sooner the longer the network could train, which depends on the machine.
        Assert.Equal(trained["rmse.learned_memory"], Metrics()["rmse.learned_memory"], 1e-3);
        Assert.Equal(trained["training.steps"], Metrics()["training.steps"]);

        // Those that come with the project.
        Succeeds(burnIn: 150, "--pretrained", "--json", file);
        Assert.InRange(Metrics()["rmse.learned_memory"], 0.16, 0.23);

        Assert.Equal(2, Run("--pretrained", Path.Combine(AppContext.BaseDirectory, "weights", "residual-convolution-40x5x5")));
        Assert.Contains("are not of a residual-convolution-memory-network; their description is", error.ToString());
        Assert.Equal(2, Run("--pretrained", weights, "--resume"));
    }

    [Fact]
    public void ManyShortTrainingsAreNotResumed()
    {
        Assert.Equal(2, Run("--resume"));
        Assert.Contains("--full", error.ToString());
    }
}
