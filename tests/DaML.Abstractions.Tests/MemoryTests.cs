using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public class MemoryTests
{
    [Fact]
    public void Every_memory_maps_all_its_tensors_and_keeps_its_form()
    {
        using var scope = NewDisposeScope();
        Check(new StateMemory(ones(2, 3)), 1);
        Check(new EnsembleMemory(ones(2, 5, 3)), 1);
        Check(GaussianMemory.OfRoot(ones(2, 3), ones(2, 3, 3)), 2);
        Check(new VectorMemory(ones(2, 4, 3)), 1);
        Check(new ProductMemory<StateMemory, ProductMemory<VectorMemory, GaussianMemory>>(new(ones(2, 3)),
            new(new(ones(2, 7)), GaussianMemory.OfRoot(ones(2, 3), ones(2, 3, 3)))), 4);
    }

    [Fact]
    public void A_normal_memory_has_the_covariance_that_it_was_made_of_whether_singular_or_not()
    {
        using var scope = NewDisposeScope();
        var covariance = tensor(new double[,,] { { { 4, 2 }, { 2, 1 } }, { { 2, 1 }, { 1, 3 } }, { { 0, 0 }, { 0, 5 } } });
        var memory = new GaussianMemory(zeros(3, 2, dtype: ScalarType.Float64), covariance);
        Assert.InRange((memory.Covariance - covariance).abs().max().ToDouble(), 0, 1e-14);
        Assert.Throws<ArgumentException>(() =>
            new GaussianMemory(zeros(1, 2, dtype: ScalarType.Float64), tensor(new double[,,] { { { 1, 2 }, { 2, 1 } } })));
    }

    [Fact]
    public void Detaching_cuts_the_graph_and_leaves_the_values()
    {
        using var scope = NewDisposeScope();
        var weight = tensor(2.0, requires_grad: true);
        var memory = new ProductMemory<StateMemory, VectorMemory>(new(weight * ones(1, 3)), new(weight * ones(1, 2)));
        var detached = memory.Detach();
        Assert.All(memory.Tensors, tensor => Assert.True(tensor.requires_grad));
        Assert.All(detached.Tensors, tensor => Assert.False(tensor.requires_grad));
        Assert.All(detached.Tensors, tensor => Assert.Equal(2, tensor.max().ToDouble()));
    }

    [Fact]
    public void A_kept_memory_outlives_its_scope_until_it_is_released()
    {
        GaussianMemory kept;
        using (NewDisposeScope()) kept = new GaussianMemory(ones(2, 3), ones(2, 3, 3)).Keep();
        Assert.Equal(6, kept.Mean.sum().ToDouble());
        kept.Release();
        Assert.All(kept.Tensors, tensor => Assert.True(tensor.IsInvalid));
    }

    private static void Check<TMemory>(TMemory memory, int tensors) where TMemory : IMemory<TMemory>
    {
        Assert.Equal(tensors, memory.Tensors.Count());
        var mapped = memory.Map(tensor => 3 * tensor);
        Assert.Equal(memory.Tensors.Select(tensor => tensor.shape), mapped.Tensors.Select(tensor => tensor.shape));
        Assert.All(mapped.Tensors, tensor => Assert.Equal(3, tensor.min().ToDouble()));
        Assert.All(memory.Tensors, tensor => Assert.Equal(1, tensor.max().ToDouble()));
    }
}
