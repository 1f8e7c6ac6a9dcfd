using System.Numerics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Expressions that compile against TorchSharp and must compile here, and mean the same.</summary>
public class CompileProbes
{
    [Fact]
    public void What_compiles_with_TorchSharp_compiles_here()
    {
        using var scope = NewDisposeScope();
        var g = new Generator(3);
        var a = rand([2, 3], generator: g);
        var b = ones([2, 3]);
        Assert.Equal([2L, 3], zeros([2, 3]).shape);
        Assert.Equal([1L, 6], a.view([1, 6]).shape);
        Assert.Equal(0, a.sum([0, 1]).ndim);
        Assert.Equal([3L], a.mean([0]).shape);
        Assert.Equal([2L, 1], a[.., 1..2].shape);
        Assert.True(a[^1].Equals(a[1]));
        Assert.Equal([6L], b[b > 0].shape);
        Assert.Equal([4L, 3], cat([a, b]).shape);
        Assert.Equal(2.5, tensor([1.0, 2.0, 3.0, 4.0]).quantile(0.5).item<double>());
        Assert.Equal([2L, 3], torch.where(a > 0, 1.0, b).shape);
        Assert.Equal([2L, 3], torch.maximum(a, 0.0).shape);
        Assert.Equal([2L, 3], a.clamp(min: 0).shape);
        Assert.Equal([2L, 2], einsum("ij,jk->ik", [a, b.T]).shape);
        var x = tensor([1.0, 2.0], requires_grad: true);
        Assert.Equal([2.0, 4.0], autograd.grad([(x * x).sum()], [x])[0].data<double>().ToArray());
        Assert.Equal([2L, 3], tensor(new float[6], 2, 3).shape);
        Assert.Equal(a.dtype, ones(a.shape, dtype: a.dtype, device: a.device).dtype);
        Assert.Equal(ScalarType.ComplexFloat32, (a * new Complex(0, 1)).dtype);
        Assert.Equal(7.0, tensor([3.0, 4.0]).norm(1f).item<double>());   // norm(1) would be norm(int dim)
        Assert.Equal([3.0, 4.0], tensor(new[,] { { 3.0 }, { 4.0 } }).norm(1).data<double>().ToArray());
        Assert.Equal(5.0, linalg.norm(tensor([3.0, 4.0]), 2).item<double>(), 12);
        using var sgd = optim.SGD([new Parameter(ones(2))], learningRate: 0.1);
        if (cuda.is_available()) Assert.True(a.to("cuda:0").is_cuda);
    }

    [Fact]
    public void A_literal_zero_is_an_element_type_before_it_is_a_dimension()
    {
        // sum(ScalarType?) needs no default argument and sum(long, ...) does, so C# prefers it for the literal 0,
        // here as in TorchSharp: name the dimension, or write 0L or [0].
        using var scope = NewDisposeScope();
        var a = ones(2, 3);
        Assert.Equal(ScalarType.Byte, a.sum(0).dtype);
        Assert.Equal([3L], a.sum(0L).shape);
        Assert.Equal([3L], a.sum(dim: 0).shape);
        Assert.Equal([3L], a.sum([0]).shape);
    }

    [Fact]
    public void Numbers_become_tensors_of_their_own_type()
    {
        using var scope = NewDisposeScope();
        Tensor d = 1.0, f = 1f, i = 1, l = 1L, t = true, s = (Scalar)2.5, list = new[] { 1.0, 2.0 };
        Assert.Equal([ScalarType.Float64, ScalarType.Float32, ScalarType.Int32, ScalarType.Int64, ScalarType.Bool, ScalarType.Float64, ScalarType.Float64],
            new[] { d, f, i, l, t, s, list }.Select(x => x.dtype));
        var single = ones(3);
        Assert.Equal(ScalarType.Float32, (2.0 * single).dtype);
        Assert.Equal(ScalarType.Float32, (1 - single / 3.0).dtype);
        Assert.Equal(2.5, (double)s);
        Assert.Equal(1, (int)i);
        Assert.True((bool)t);
    }

    [Fact]
    public void Equality_is_elementwise()
    {
        using var scope = NewDisposeScope();
        var a = tensor([1.0, 2.0]);
        Assert.Equal([true, false], (a == 1.0).data<bool>().ToArray());
        Assert.Equal([false, true], (a != 1.0).data<bool>().ToArray());
        Assert.Equal([false, true], (1.5 < a).data<bool>().ToArray());
        Assert.True(a.Equals(a.clone()));
        Assert.False(a is null);
    }
}
