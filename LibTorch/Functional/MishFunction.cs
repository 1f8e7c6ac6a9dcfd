using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DaML.LibTorch;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>
/// Mish (Misra, BMVC 2020) on the processor with one exponential an element, forward and backward; libtorch's own takes three
/// transcendental functions and some ten times as long, which made it half of a residual block's training step.
/// </summary>
/// <remarks>
/// With e = exp(x) and n = e (e + 2): tanh(log(1 + e)) = n / (n + 2), so mish(x) = x n / (n + 2) and
/// mish'(x) = n / (n + 2) + 4 x e (e + 1) / (n + 2)².
/// </remarks>
internal sealed class MishFunction : autograd.SingleTensorFunction<MishFunction>
{
    // What a node of the graph written in C# costs is earned back from here on.
    private const int WorthANode = 4096;
    private const int WorthACall = 256;

    // Beyond this n / (n + 2) is 1 in double precision.
    private const double Saturation = 20;

    public override string Name => "Mish";

    internal static Tensor Apply(Tensor x)
    {
        if (!Suits(x, WorthACall) || ForwardMode.IsActive) return Ops.Call("mish", x);
        if (!(is_grad_enabled() && x.requires_grad)) return Computed(x, null);
        if (x.numel() < WorthANode) return Ops.Call("mish", x);
        using var scope = NewDisposeScope();
        return apply(x).MoveToOuterDisposeScope();
    }

    private static bool Suits(Tensor x, int least) =>
        x.device_type == DeviceType.CPU && x.dtype is ScalarType.Float32 or ScalarType.Float64 && x.numel() >= least && !x.is_sparse && x.is_contiguous();

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var x = (Tensor)vars[0];
        ctx.save_for_backward([x]);
        return Computed(x, null);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var x = ctx.get_saved_variables()[0];
        // A gradient that is itself to be differentiated is written in operators.
        if (is_grad_enabled()) return [grad_output * Slope(x)];
        var g = grad_output.dtype == x.dtype ? grad_output.contiguous() : grad_output.to(x.dtype).contiguous();
        return [Computed(x, g)];
    }

    // With t = tanh(softplus(x)): t + x sigmoid(x) (1 - t²).
    private static Tensor Slope(Tensor x)
    {
        var t = nn.functional.softplus(x).tanh();
        return t + x * x.sigmoid() * (1 - t * t);
    }

    /// <summary>The value, or with a gradient given, the gradient times the slope.</summary>
    private static unsafe Tensor Computed(Tensor x, Tensor? gradient)
    {
        using var unrecorded = no_grad();
        var y = empty_like(x);
        if (x.dtype == ScalarType.Float32) Run<float>(x, gradient, y);
        else Run<double>(x, gradient, y);
        GC.KeepAlive((x, gradient, y));
        return y;
    }

    private static unsafe void Run<T>(Tensor x, Tensor? gradient, Tensor y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* px = (T*)x.DataPointer, pg = gradient is null ? null : (T*)gradient.DataPointer, py = (T*)y.DataPointer;
        Shares.Run(x.numel(), (from, to) =>
        {
            for (var at = from; at < to; at += 1 << 30)
            {
                var n = (int)Math.Min(to - at, 1 << 30);
                if (pg is null) Values(new ReadOnlySpan<T>(px + at, n), new Span<T>(py + at, n));
                else Products(new ReadOnlySpan<T>(px + at, n), new ReadOnlySpan<T>(pg + at, n), new Span<T>(py + at, n));
            }
        });
    }

    private static void Values<T>(ReadOnlySpan<T> x, Span<T> y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = MemoryMarshal.Cast<T, Vector<T>>(x);
        var ys = MemoryMarshal.Cast<T, Vector<T>>(y);
        for (var k = 0; k < ys.Length; k++) ys[k] = Value(xs[k]);
        var i = ys.Length * Vector<T>.Count;
        if (i == x.Length) return;
        Span<T> last = stackalloc T[Vector<T>.Count];
        x[i..].CopyTo(last);
        Value(new Vector<T>(last)).CopyTo(last);
        last[..(x.Length - i)].CopyTo(y[i..]);
    }

    private static void Products<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> g, Span<T> y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var xs = MemoryMarshal.Cast<T, Vector<T>>(x);
        var gs = MemoryMarshal.Cast<T, Vector<T>>(g);
        var ys = MemoryMarshal.Cast<T, Vector<T>>(y);
        for (var k = 0; k < ys.Length; k++) ys[k] = gs[k] * Slope(xs[k]);
        var i = ys.Length * Vector<T>.Count;
        if (i == x.Length) return;
        Span<T> last = stackalloc T[Vector<T>.Count];
        x[i..].CopyTo(last);
        Slope(new Vector<T>(last)).CopyTo(last);
        for (var k = i; k < x.Length; k++) y[k] = g[k] * last[k - i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Value<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var two = new Vector<T>(T.CreateChecked(2));
        var e = Exp(Vector.Min(x, new Vector<T>(T.CreateChecked(Saturation))));
        var n = e * (e + two);
        return x * (n / (n + two));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Slope<T>(Vector<T> x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var (one, two, four) = (Vector<T>.One, new Vector<T>(T.CreateChecked(2)), new Vector<T>(T.CreateChecked(4)));
        var e = Exp(Vector.Min(x, new Vector<T>(T.CreateChecked(Saturation))));
        var n = e * (e + two);
        var r = one / (n + two);
        return n * r + x * (four * e * (e + one) * r * r);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Exp<T>(Vector<T> x) where T : unmanaged => typeof(T) == typeof(float)
        ? Vector.As<float, T>(Vector.Exp(Vector.As<T, float>(x)))
        : Vector.As<double, T>(Vector.Exp(Vector.As<T, double>(x)));
}
