using BenchmarkDotNet.Attributes;

namespace DaML.Benchmarks;

/// <summary>Model step, filter cycle and training step, with what they allocate on the managed heap.</summary>
[MemoryDiagnoser]
public class Benchmarks
{
    private IWorkload? workload;

    /// <summary>What is measured.</summary>
    [ParamsSource(nameof(Names))]
    public string Workload { get; set; } = "";

    /// <summary>All workloads.</summary>
    public static IEnumerable<string> Names => Workloads.Names;

    /// <summary>Makes the workload ready.</summary>
    [GlobalSetup]
    public void Setup() => workload = Workloads.Make(Workload);

    /// <summary>Once.</summary>
    [Benchmark]
    public void Once() => workload!.Run();

    /// <summary>Gives back what it holds.</summary>
    [GlobalCleanup]
    public void Cleanup() => workload?.Dispose();
}
