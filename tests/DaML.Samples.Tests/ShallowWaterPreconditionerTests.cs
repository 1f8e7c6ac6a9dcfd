using System.Text.Json;
using DaML.Samples;
using Spectre.Console;

namespace DaML.Tests;

/// <summary>The sample of learned preconditioners in its smallest form.</summary>
public sealed class ShallowWaterPreconditionerTests(PageReader reader) : IDisposable
{
    private static readonly PreconditionerPlan Smallest = new()
    {
        Cells = 6, Ranks = [12, 30], Chains = 2, Cycles = 2, TrainingBatch = 4, Probes = 4, TrainingSteps = 6, AverageBatches = 2,
        AverageBatch = 4, Oversampling = 6, SpectrumStates = 1, SpinUp = 0.02,
        MaximumIterations = 300, Network = new() { Features = 4, Levels = 1 },
    };

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-preconditioner-");
    private readonly StringWriter output = new(), error = new();

    public void Dispose() => folder.Delete(recursive: true);

    private int Run(params string[] arguments)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output), Ansi = AnsiSupport.No });
        console.Profile.Width = 220;
        return CommandLine.Run(["sample", "shallow-water-preconditioner", "--out", folder.FullName, .. arguments],
            [new DemoSample(), new ShallowWaterPreconditionerSample(Smallest)], console, error, CancellationToken.None);
    }

    [Fact]
    public async Task ItComparesEveryPreconditionerOnTheSameSystems()
    {
        string file = Path.Combine(folder.FullName, "result.json");
        Assert.True(Run("--seed", "3", "--json", file) == 0, error.ToString());
        var metrics = JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("metrics").EnumerateObject()
            .ToDictionary(metric => metric.Name, metric => metric.Value.GetDouble());
        foreach (string prefix in (string[])["", "turbulent."])
        {
            foreach (string name in (string[])["none", "control_variable", "exact_spectral", "randomized", "ritz", "fixed", "learned",
                "learned_limited_memory", "learned_residual"])
                Assert.True(metrics[$"{prefix}iterations.{name}"] > 0 && metrics[$"{prefix}cost.{name}"] > 0, prefix + name);
            Assert.Equal(metrics[$"{prefix}iterations.none"], metrics[$"{prefix}iterations.control_variable"]);                  // B = I
            Assert.True(metrics[$"{prefix}iterations.exact_spectral"] < 0.7 * metrics[$"{prefix}iterations.none"]);
            Assert.True(metrics[$"{prefix}condition.none"] > 100 && metrics[$"{prefix}condition.learned"] >= 1);
            Assert.InRange(metrics[$"{prefix}solution.max_difference"], 0, 1e-3);
            Assert.InRange(metrics[$"{prefix}loss.relative"], 0, 10);
            Assert.Equal(6, metrics[$"{prefix}training.steps.residual"]);
        }
        foreach (string figure in (string[])["residuals", "spectra", "eigenvectors-calm", "eigenvectors-turbulent", "training"])
            Assert.True(new FileInfo(Path.Combine(folder.FullName, figure + ".svg")).Length > 1000);
        Assert.Equal(30,
            new DataAssimilationContext(1).Model.Load<LearnedEigenpairs>(Path.Combine(folder.FullName, "turbulent-learned.daml")).Pairs);
        Assert.Contains("learned correction of the fixed one", output.ToString());
        Assert.False(Directory.Exists(Path.Combine(folder.FullName, "parts")));
        Assert.Equal(2, Run("--resume"));
        Assert.Contains("there is no run to continue", error.ToString());
        await reader.Check(Path.Combine(folder.FullName, "report.html"));
    }
}
