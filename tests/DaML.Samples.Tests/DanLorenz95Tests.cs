using System.Text.Json;
using DaML.Samples;

namespace DaML.Tests;

public sealed class DanLorenz95Tests(PageReader reader) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("daml-dan-sample-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static readonly DanLorenz95Plan Tiny = Shrunk(new());

    private static DanLorenz95Plan Shrunk(DanLorenz95Plan plan)
    {
        NetworkEffort Small(NetworkEffort effort, long truncation = 2) => effort with
        {
            Network = new() { MemorySize = 8, Layers = 2 }, Batch = 8,
            Training = effort.Training with
                { Steps = 6, Truncation = truncation, ValidationInterval = 3, ValidationCycles = 4, ValidationBurnIn = 2 },
        };
        return plan with
        {
            LinearDimensions = [2], Linear = Small(plan.Linear), Lorenz63 = Small(plan.Lorenz63), Lorenz95 = Small(plan.Lorenz95),
            Direct = Small(plan.Direct, 4), Sweep = Small(plan.Sweep),
            Stages = 2, Memories = [4], Members = [6], Particles = 50, TestTrajectories = 2, TestCycles = 12, SmallTestCycles = 12,
            BurnIn = 3, Depths = [1, 4], DepthBatch = 8,
        };
    }

    private string PathOf(string name) => Path.Combine(folder, name);

    [Fact]
    public async Task It_measures_all_that_it_promises_and_keeps_nothing_of_the_parts()
    {
        var (code, output,
            error) = CommandLineTests.Daml([new CommandLineTests.Fake("demo", CommandLineTests.Nothing, 5), new DanLorenz95Sample(Tiny)],
                CancellationToken.None,
            ["sample", "dan-lorenz95", "--minutes", "1", "--out", folder, "--json", PathOf("result.json")]);
        Assert.Equal("", error);
        Assert.Equal(0, code);
        Assert.Contains("within 0.0300", output);
        var metrics = JsonDocument.Parse(File.ReadAllText(PathOf("result.json"))).RootElement.GetProperty("metrics").EnumerateObject()
            .ToDictionary(metric => metric.Name, metric => metric.Value.GetDouble());
        foreach (string metric in (string[])["cross_entropy.dan.2", "cross_entropy.kalman.2", "rmse.l63.dan", "rmse.l63.particle",
            "rmse.l95.posterior", "rmse.l95.prior", "rmse.l95.ienkf_q", "rmse.l95.enkf_n", "rmse.l63.memory.4", "rmse.l63.members.6",
            "memory.megabytes.4"])
            Assert.True(metrics.ContainsKey(metric), metric);
        // Nothing does better than the Kalman filter here, and this network has hardly learned.
        Assert.True(metrics["cross_entropy.dan.2"] > metrics["cross_entropy.kalman.2"]);
        Assert.InRange(metrics["rmse.l95.ienkf_q"], 0.1, 1.2);
        Assert.True(metrics["cross_entropy.l95.posterior"] < metrics["cross_entropy.l95.prior"] + 40);
        string report = File.ReadAllText(PathOf("report.html"));
        Assert.Contains("IEnKF-Q", report);
        foreach (string figure in (string[])["truncated.svg", "direct.svg", "memory.svg", "depth.svg"])
            Assert.True(File.Exists(PathOf(figure)), figure);
        Assert.Empty(Directory.GetDirectories(folder));
        await reader.Check(PathOf("report.html"));
    }

    [Fact]
    public void The_quick_and_the_full_size_say_what_the_paper_has()
    {
        Assert.Equal((800, 20, 1024),
            (DanLorenz95Plan.Full.Lorenz95.Network.MemorySize, DanLorenz95Plan.Full.Lorenz95.Network.Layers,
                DanLorenz95Plan.Full.Lorenz95.Batch));
        Assert.Equal((1, 1e-4), (DanLorenz95Plan.Full.Lorenz95.Training.Truncation, DanLorenz95Plan.Full.Lorenz95.Training.LearningRate));
        Assert.Equal(25, DanLorenz95Plan.Full.Direct.Training.Truncation);
        Assert.Equal(600_000, DanLorenz95Plan.Full.Stages * DanLorenz95Plan.Full.Lorenz95.Training.Steps);
    }
}
