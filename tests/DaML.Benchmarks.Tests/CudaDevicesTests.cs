using System.Text.Json;
using DaML.Benchmarks;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The bench of CUDA devices where there is none, and the workload it measures where one is.</summary>
public sealed class CudaDevicesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("daml-bench-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Without_a_device_it_says_so_and_writes_that_there_is_none()
    {
        Assert.SkipWhen(cuda.is_available(), "this machine has a CUDA device");
        string file = Path.Combine(folder, "cuda.json");
        var output = new StringWriter();
        CudaDevices.Run(file, output);
        Assert.StartsWith("No CUDA device is available", output.ToString());
        Assert.Single(output.ToString().TrimEnd().Split('\n'));
        using var json = JsonDocument.Parse(File.ReadAllText(file));
        var metrics = json.RootElement.GetProperty("metrics");
        Assert.Equal(0, metrics.GetProperty("cuda.available").GetDouble());
        Assert.Single(metrics.EnumerateObject());
    }
}
