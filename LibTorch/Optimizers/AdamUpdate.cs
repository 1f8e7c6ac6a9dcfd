using System.Numerics;
using System.Runtime.InteropServices;
using DaML.LibTorch;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>
/// The update of Adam and AdamW. On the processor parameter, gradient and both moments are read and written once, in one
/// vectorised pass; elsewhere the few operators that act on all parameters of a group at a time are used.
/// </summary>
internal static class AdamUpdate
{
    private readonly record struct Coefficients(double Beta1, double Beta2, double StepSize, double RootCorrection2, double Eps, double Keep, double Decay, bool Maximize);

    internal static void Apply(Parameter[] parameters, Adam.Options o, OrderedDict<nint, OptimizerState> states, bool decoupled)
    {
        List<(Parameter P, Tensor G, Adam.State S)>? others = null;
        foreach (var p in parameters)
        {
            var g = p.grad;
            if (g is null) continue;
            var s = (Adam.State)states[p.Handle];
            s.step++;
            if (o.amsgrad == true && s.max_exp_avg_sq is null) s.max_exp_avg_sq = zeros_like(p).DetachFromDisposeScope();
            if (Plain(p, g, s, o.amsgrad!.Value)) InOnePass(p, g, s, o, decoupled);
            else (others ??= []).Add((p, g, s));
        }
        if (others is null) return;
        // The operators take one step count and one device.
        foreach (var group in others.GroupBy(e => (e.S.step, e.P.device_type, e.P.device_index, e.P.dtype, e.G.dtype))) WithOperators([.. group], o, decoupled, group.Key.step);
    }

    private static Coefficients Of(Adam.Options o, bool decoupled, long step)
    {
        double beta1 = o.beta1!.Value, beta2 = o.beta2!.Value, lr = o.LearningRate!.Value, decay = o.weight_decay!.Value;
        return new(
            beta1,
            beta2,
            StepSize: lr / (1 - Math.Pow(beta1, step)),
            RootCorrection2: Math.Sqrt(1 - Math.Pow(beta2, step)),
            o.eps!.Value,
            Keep: decoupled ? 1 - lr * decay : 1,
            Decay: decoupled ? 0 : decay,
            o.maximize!.Value);
    }

    // ---- processor ----

    private static bool Plain(Parameter p, Tensor g, Adam.State s, bool amsgrad)
    {
        var type = p.dtype;
        if (type != ScalarType.Float32 && type != ScalarType.Float64) return false;
        return Usable(p) && Usable(g) && Usable(s.exp_avg) && Usable(s.exp_avg_sq) && (!amsgrad || Usable(s.max_exp_avg_sq));

        bool Usable(Tensor t) => t.device_type == DeviceType.CPU && t.dtype == type && !t.is_sparse && t.is_contiguous();
    }

    private static unsafe void InOnePass(Parameter p, Tensor g, Adam.State s, Adam.Options o, bool decoupled)
    {
        var c = Of(o, decoupled, s.step);
        var peak = o.amsgrad!.Value ? s.max_exp_avg_sq : null;
        if (p.dtype == ScalarType.Float32) Pass<float>(p, g, s.exp_avg, s.exp_avg_sq, peak, c);
        else Pass<double>(p, g, s.exp_avg, s.exp_avg_sq, peak, c);
        // Written behind autograd's back: a graph that saved this parameter must learn that it changed.
        Throw.IfFailed(Native.daml_tensor_bump_version(p.Handle));
    }

    private static unsafe void Pass<T>(Tensor p, Tensor g, Tensor m, Tensor v, Tensor? peak, Coefficients c) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var n = p.numel();
        T* pp = (T*)p.DataPointer, pg = (T*)g.DataPointer, pm = (T*)m.DataPointer, pv = (T*)v.DataPointer;
        T* pk = peak is null ? null : (T*)peak.DataPointer;
        Shares.Run(n, (from, to) =>
        {
            // A span holds at most 2^31 entries.
            for (var at = from; at < to; at += 1 << 30)
            {
                var length = (int)Math.Min(to - at, 1 << 30);
                Chunk(new Span<T>(pp + at, length), new ReadOnlySpan<T>(pg + at, length), new Span<T>(pm + at, length), new Span<T>(pv + at, length), pk is null ? default : new Span<T>(pk + at, length), c);
            }
        });
        GC.KeepAlive((p, g, m, v, peak));
    }

    private static void Chunk<T>(Span<T> p, ReadOnlySpan<T> g, Span<T> m, Span<T> v, Span<T> peak, in Coefficients c) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T b1 = T.CreateChecked(c.Beta1), a1 = T.CreateChecked(1 - c.Beta1), b2 = T.CreateChecked(c.Beta2), a2 = T.CreateChecked(1 - c.Beta2);
        T size = T.CreateChecked(c.StepSize), root = T.CreateChecked(c.RootCorrection2), eps = T.CreateChecked(c.Eps);
        T keep = T.CreateChecked(c.Keep), decay = T.CreateChecked(c.Decay), sign = c.Maximize ? -T.One : T.One;
        var width = Vector<T>.Count;
        var i = 0;
        var ps = MemoryMarshal.Cast<T, Vector<T>>(p);
        var gs = MemoryMarshal.Cast<T, Vector<T>>(g);
        var ms = MemoryMarshal.Cast<T, Vector<T>>(m);
        var vs = MemoryMarshal.Cast<T, Vector<T>>(v);
        var peaks = MemoryMarshal.Cast<T, Vector<T>>(peak);
        var (vsize, vroot, veps) = (new Vector<T>(size), new Vector<T>(root), new Vector<T>(eps));
        for (var k = 0; k < ps.Length; k++, i += width)
        {
            var gradient = gs[k] * sign + ps[k] * decay;
            var moment = ms[k] * b1 + gradient * a1;
            var square = vs[k] * b2 + gradient * gradient * a2;
            ms[k] = moment;
            vs[k] = square;
            if (!peaks.IsEmpty) square = peaks[k] = Vector.Max(peaks[k], square);
            ps[k] = ps[k] * keep - vsize * moment / (Vector.SquareRoot(square) / vroot + veps);
        }
        for (; i < p.Length; i++)
        {
            var gradient = g[i] * sign + p[i] * decay;
            var moment = m[i] * b1 + gradient * a1;
            var square = v[i] * b2 + gradient * gradient * a2;
            m[i] = moment;
            v[i] = square;
            if (!peak.IsEmpty) square = peak[i] = T.Max(peak[i], square);
            p[i] = p[i] * keep - size * moment / (T.Sqrt(square) / root + eps);
        }
    }

    // ---- anywhere else ----

    private static void WithOperators(List<(Parameter P, Tensor G, Adam.State S)> entries, Adam.Options o, bool decoupled, long step)
    {
        var c = Of(o, decoupled, step);
        Tensor[] p = [.. entries.Select(e => e.P)], g = [.. entries.Select(e => e.G)];
        Tensor[] m = [.. entries.Select(e => e.S.exp_avg)], v = [.. entries.Select(e => e.S.exp_avg_sq)];
        if (c.Maximize) g = Ops.CallList("_foreach_neg", g);
        if (c.Decay != 0) g = Ops.CallList("_foreach_add.List", g, p, c.Decay);
        if (c.Keep != 1) Ops.CallVoid("_foreach_mul_.Scalar", p, c.Keep);
        Ops.CallVoid("_foreach_mul_.Scalar", m, c.Beta1);
        Ops.CallVoid("_foreach_add_.List", m, g, 1 - c.Beta1);
        Ops.CallVoid("_foreach_mul_.Scalar", v, c.Beta2);
        Ops.CallVoid("_foreach_addcmul_.Scalar", v, g, g, 1 - c.Beta2);
        if (o.amsgrad!.Value)
        {
            Tensor[] peak = [.. entries.Select(e => e.S.max_exp_avg_sq)];
            for (var i = 0; i < peak.Length; i++) peak[i].copy_(torch.maximum(peak[i], v[i]));
            v = peak;
        }
        var scale = Ops.CallList("_foreach_sqrt", v);
        Ops.CallVoid("_foreach_div_.Scalar", scale, c.RootCorrection2);
        Ops.CallVoid("_foreach_add_.Scalar", scale, c.Eps);
        Ops.CallVoid("_foreach_addcdiv_.Scalar", p, m, scale, -c.StepSize);
    }
}
