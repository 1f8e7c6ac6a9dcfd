using DaML.LibTorch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace DaML.Tests;

/// <summary>Mish computed here against libtorch's own, in every way a function is differentiated.</summary>
public sealed class ModulesMishTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private static Tensor Own(Tensor x) => Ops.Call("mish", x);

    // From far left to far right, with every length of a vector's rest; below and above the size from which a node is worth it.
    public static TheoryData<ScalarType, int> Sizes => new()
    {
        { ScalarType.Float32, 255 }, { ScalarType.Float32, 1001 }, { ScalarType.Float32, 5003 }, { ScalarType.Float32, 100_007 },
        { ScalarType.Float64, 255 }, { ScalarType.Float64, 1001 }, { ScalarType.Float64, 5003 }, { ScalarType.Float64, 100_007 },
    };

    // The value keeps its relative precision in the tail, where it is tiny; a derivative is small where it crosses zero, too.
    private static void AssertNear(Tensor expected, Tensor actual, ScalarType type, bool relative = false)
    {
        var tolerance = type == ScalarType.Float32 ? 3e-6 : 6e-15;
        var error = ((actual - expected).abs() / (expected.abs() + (relative ? 1e-30 : 0.3))).max().ToDouble();
        Assert.True(error < tolerance, $"{error}");
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Value_and_gradient_are_libtorchs(ScalarType type, int n)
    {
        var x = linspace(-30, 60, n, dtype: type);
        AssertNear(Own(x), F.mish(x), type, relative: true);
        var (a, b) = (x.clone().requires_grad_(), x.clone().requires_grad_());
        var w = randn(n, dtype: type);
        (F.mish(a) * w).sum().backward();
        (Own(b) * w).sum().backward();
        AssertNear(b.grad!, a.grad!, type);
        var m = randn(3, 2000, dtype: type).t();
        AssertNear(Own(m), F.mish(m), type, relative: true);
    }

    [Theory]
    [InlineData(3000)]
    [InlineData(6000)]
    public void It_is_differentiated_twice_and_forward(int n)
    {
        var x = randn(n, dtype: float64, requires_grad: true);
        Tensor Second(Func<Tensor, Tensor> f)
        {
            var first = autograd.grad([f(x).sum()], [x], create_graph: true)[0];
            return autograd.grad([first.square().sum()], [x])[0];
        }
        AssertNear(Second(Own), Second(v => F.mish(v)), ScalarType.Float64);

        var t = randn(n, dtype: float64);
        var (_, own) = ForwardMode.JacobianVectorProduct(Own, x.detach(), t);
        var (_, ours) = ForwardMode.JacobianVectorProduct(v => F.mish(v), x.detach(), t);
        AssertNear(own, ours, ScalarType.Float64);
    }

    [Fact]
    public void What_is_not_a_number_or_not_finite_stays_so()
    {
        var x = cat([tensor([float.NaN, float.PositiveInfinity, float.NegativeInfinity]), ones(400)]);
        var (own, ours) = (Own(x), F.mish(x));
        Assert.True(ours[0].isnan().ToBoolean());
        Assert.Equal(float.PositiveInfinity, ours[1].ToSingle());
        Assert.Equal(own[2].isnan().ToBoolean(), ours[2].isnan().ToBoolean());
    }

    [Fact]
    public void It_leaves_nothing_behind()
    {
        var x = randn(6000, requires_grad: true);
        using (var inner = NewDisposeScope())
        {
            using (var y = F.mish(x)) Assert.Equal(1, inner.DisposablesCount);
            Assert.Equal(0, inner.DisposablesCount);
        }
    }

    [Theory]
    [InlineData(PaddingModes.Circular, new long[] { 2, 1 }, new long[] { 2, 3, 5 })]
    [InlineData(PaddingModes.Circular, new long[] { 0, 5 }, new long[] { 1, 3, 5 })]
    [InlineData(PaddingModes.Circular, new long[] { 2, 1, 0, 3 }, new long[] { 2, 3, 4, 5 })]
    [InlineData(PaddingModes.Circular, new long[] { 0, 0 }, new long[] { 2, 3, 5 })]
    [InlineData(PaddingModes.Circular, new long[] { -1, 2 }, new long[] { 2, 3, 5 })]
    [InlineData(PaddingModes.Circular, new long[] { 1, 1, 1, 1, 1, 1 }, new long[] { 1, 2, 3, 4, 5 })]
    public void Circular_padding_is_libtorchs(PaddingModes mode, long[] pad, long[] shape)
    {
        var x = randn(shape, dtype: float64, requires_grad: true);
        var own = Ops.Call("pad", x, pad, "circular");
        var ours = F.pad(x, pad, mode);
        Assert.True(own.equal(ours).all().ToBoolean());
        var w = randn_like(own);
        var g = autograd.grad([(own * w).sum()], [x])[0];
        Assert.True(g.allclose(autograd.grad([(ours * w).sum()], [x])[0]));
        Assert.NotEqual(x.Handle, ours.Handle);
    }

    [Fact]
    public void Circular_padding_beyond_the_size_is_refused()
    {
        Assert.ThrowsAny<Exception>(() => F.pad(randn(1, 1, 3), (4L, 0L), PaddingModes.Circular));
    }

    [Fact]
    public void Circular_padding_without_a_batch_is_libtorchs_from_version_2_on()
    {
        var x = randn(3, 5);
        if (torch.__version__.StartsWith("1.", StringComparison.Ordinal)) Assert.ThrowsAny<Exception>(() => F.pad(x, (1L, 1L), PaddingModes.Circular));
        else Assert.True(F.pad(x, (1L, 1L), PaddingModes.Circular).equal(F.pad(x.unsqueeze(0), (1L, 1L), PaddingModes.Circular).squeeze(0)).all().ToBoolean());
    }
}
