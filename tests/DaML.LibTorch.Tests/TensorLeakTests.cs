using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Memory stays where it is, whether tensors are disposed or forgotten.</summary>
[Collection(nameof(TensorLeakTests))]
[CollectionDefinition(nameof(TensorLeakTests), DisableParallelization = true)]
public class TensorLeakTests
{
    private static long ResidentMegabytes()
    {
        var pages = File.ReadAllText("/proc/self/statm").Split(' ')[1];
        return long.Parse(pages) * Environment.SystemPageSize >> 20;
    }

    [Fact]
    public void A_hundred_thousand_operators_in_scopes_leave_nothing_behind()
    {
        var x = ones(1000);
        Work(20_000);
        var live = Tensor.TotalCount;
        var before = ResidentMegabytes();
        Work(100_000);
        Assert.Equal(live, Tensor.TotalCount);
        var grown = ResidentMegabytes() - before;
        Assert.True(grown < 30, $"grew by {grown} MB");
        x.Dispose();

        void Work(int n)
        {
            for (var i = 0; i < n / 5; i++)
            {
                using var scope = NewDisposeScope();
                _ = (x * 2 + x).sin().sum() / 3.0;
            }
        }
    }

    [Fact]
    public void A_thousand_forgotten_tensors_of_four_megabytes_are_collected()
    {
        var before = ResidentMegabytes();
        var peak = before;
        for (var i = 0; i < 1000; i++)
        {
            Forget();
            if (i % 20 == 0) peak = Math.Max(peak, ResidentMegabytes());
        }
        Assert.True(peak - before < 1500, $"grew by {peak - before} MB of 4000");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget() => _ = ones(1 << 20);
    }

    [Fact]
    public void Large_tensors_that_are_disposed_cost_no_collections()
    {
        var before = GC.CollectionCount(2);
        for (var i = 0; i < 2000; i++) empty(1 << 20).Dispose();
        Assert.True(GC.CollectionCount(2) - before < 5);
    }

    [Fact]
    public void Graphs_and_custom_functions_are_freed()
    {
        using var x = ones(1000, requires_grad: true);
        Work(200);
        var before = ResidentMegabytes();
        var nodes = autograd.ManagedNode.AliveCount;
        Work(5000);
        Assert.Equal(nodes, autograd.ManagedNode.AliveCount);
        var grown = ResidentMegabytes() - before;
        Assert.True(grown < 30, $"grew by {grown} MB");

        void Work(int n)
        {
            for (var i = 0; i < n; i++)
            {
                using var scope = NewDisposeScope();
                var y = AutogradFunctionTests.Cube.apply(x).sum();
                y.backward();
                x.grad = null;
            }
        }
    }
}
