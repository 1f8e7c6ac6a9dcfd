using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Measures the memory of a process that does nothing else: what other tests leave behind would be counted too.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    [Fact]
    public void Memory_and_live_tensors_stay_flat_over_many_cycles() =>
        OwnProcess.Run(typeof(MemoryTests), nameof(Many_cycles_measured));

    [Fact(Explicit = true)]
    public void Many_cycles_measured()
    {
        var context = new DataAssimilationContext(5);
        var dynamics = new Lorenz96();
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Random(dynamics.Dimension));
        var twin = context.Data.Twin(system, new() { Cycles = 4000 });
        var filter = context.Analysis.FiniteSizeEnsembleKalmanFilter(system,
            new() { Members = 20, Rotation = EnsembleRotation.MeanPreserving });
        using var cursor = filter.Transform(twin).OpenCursor();

        // Native memory is what the process holds beside the garbage collector's heap.
        (long Live, long Native, long Managed) Measure(long cycle)
        {
            while (cursor.Cycle < cycle) Assert.True(cursor.MoveNext());
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return (DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount,
                Environment.WorkingSet - GC.GetGCMemoryInfo().TotalCommittedBytes, GC.GetTotalMemory(forceFullCollection: true));
        }
        var measured = new long[] { 1000, 2000, 3000, 3999 }.Select(Measure).ToList();
        Assert.All(measured, at => Assert.Equal(measured[0].Live, at.Live));
        // A leak grows in every stretch; what the runtime and the allocator take for themselves, when they like, does not.
        // A thousand cycles with one forgotten ensemble each would hold 6.4 MB more.
        var stretches = measured.Zip(measured.Skip(1)).ToList();
        Assert.InRange(stretches.Min(pair => pair.Second.Native - pair.First.Native), long.MinValue, 2 << 20);
        Assert.InRange(stretches.Min(pair => pair.Second.Managed - pair.First.Managed), long.MinValue, 1 << 19);
    }
}
