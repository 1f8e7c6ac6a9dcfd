using DaML.LibTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public class TensorSmokeTests
{
    [Fact]
    public void Creation_products_and_eigenvalues()
    {
        using var scope = NewDisposeScope();
        var a = randn(4, 4, dtype: float64);
        var s = a.matmul(a.T) + eye(4, dtype: float64);
        var (l, q) = linalg.eigh(s);
        Assert.True((q * l).matmul(q.T).allclose(s));
        Assert.Equal([2, 3], zeros(2, 3).shape);
        Assert.Equal(7.0, full([], 7.0, float64).item<double>());
    }

    [Fact]
    public void Backward_gives_the_gradient()
    {
        using var scope = NewDisposeScope();
        var x = tensor([1.0, 2.0, 3.0], requires_grad: true);
        (x * x).sum().backward();
        Assert.Equal([2.0, 4.0, 6.0], x.grad!.data<double>().ToArray());
    }

    [Fact]
    public void Forward_mode_gives_the_tangent()
    {
        using var scope = NewDisposeScope();
        var x = tensor([0.5, 1.0]);
        var (y, t) = ForwardMode.JacobianVectorProduct(v => v.sin(), x, ones_like(x));
        Assert.True(y.allclose(x.sin()));
        Assert.True(t.allclose(x.cos()));
    }

    [Fact]
    public void The_same_seed_gives_the_same_numbers()
    {
        using var scope = NewDisposeScope();
        var g = new Generator(17);
        var a = randn(5, generator: g);
        var b = randn(5, generator: new Generator(17));
        Assert.True(a.Equals(b));
        Assert.False(a.Equals(randn(5, generator: g)));
    }

    [Fact]
    public void A_scope_disposes_what_was_made_in_it()
    {
        Tensor inside, kept;
        using (var scope = NewDisposeScope())
        {
            inside = ones(3);
            kept = (inside + 1).MoveToOuterDisposeScope();
        }
        Assert.True(inside.IsInvalid);
        Assert.False(kept.IsInvalid);
        kept.Dispose();
    }

    [Fact]
    public void A_wrong_shape_is_named()
    {
        using var scope = NewDisposeScope();
        var e = Assert.Throws<TorchException>(() => ones(2, 3).matmul(ones(2, 3, dtype: float64)));
        Assert.Contains("matmul", e.Message);
        Assert.Contains("Float32[2, 3]", e.Message);
        Assert.Contains("Float64[2, 3]", e.Message);
    }

    [Fact]
    public void Indexing()
    {
        using var scope = NewDisposeScope();
        var a = arange(12).reshape(3, 4);
        Assert.Equal(6, a[1, 2].item<long>());
        Assert.Equal([3, 1], a[.., 1..2].shape);
        Assert.Equal([8L, 9, 10, 11], a[^1].data<long>().ToArray());
        Assert.Equal([10L, 11], a[a > 9].data<long>().ToArray());
        a[TensorIndex.Ellipsis, 0] = tensor(100L);
        Assert.Equal([100L, 100, 100], a[TensorIndex.Colon, TensorIndex.Single(0)].data<long>().ToArray());
    }
}
