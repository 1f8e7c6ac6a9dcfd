using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Measures the memory of the process, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
[Collection(nameof(MemoryTests))]
public sealed class MemoryTests
{
    [Fact]
    public void Memory_and_live_tensors_stay_flat_over_many_cycles()
    {
        var context = new DataAssimilationContext(5);
        var dynamics = context.Dynamics.Lorenz96();
        var network = context.Observations.Random(dynamics);
        var twin = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Cycles = 4000 });
        var filter = context.Analysis.FiniteSizeEnsembleKalmanFilter(dynamics, network,
            new FiniteSizeEnsembleKalmanFilterOptions { Members = 20, Rotation = EnsembleRotation.MeanPreserving }).Transformer;
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
        var (live, native, managed) = Measure(1000);
        var (liveLater, nativeLater, managedLater) = Measure(3999);
        Assert.Equal(live, liveLater);
        // 3000 cycles with one forgotten ensemble each would hold 19 MB more.
        Assert.InRange(nativeLater - native, long.MinValue, 8 << 20);
        Assert.InRange(managedLater - managed, long.MinValue, 1 << 20);
    }
}
