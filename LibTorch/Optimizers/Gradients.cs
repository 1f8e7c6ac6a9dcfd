using DaML.LibTorch;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Reductions over the gradients of many parameters at once.</summary>
internal static class Gradients
{
    /// <summary>The p-norm of all entries of all tensors. Tensors may lie on several devices.</summary>
    internal static double Norm(List<Tensor> tensors, double p)
    {
        using var scope = NewDisposeScope();
        var norms = new List<double>();
        foreach (var place in tensors.GroupBy(t => (t.device_type, t.device_index, t.dtype)))
        {
            var each = double.IsInfinity(p)
                ? place.Select(t => t.abs().max()).ToArray()
                : Ops.CallList("_foreach_norm.Scalar", place.ToArray(), p);
            // In double precision: the sum of squares of a large single-precision network loses digits.
            var together = stack(each).to(ScalarType.Float64);
            norms.Add(double.IsInfinity(p) ? together.max().ToDouble() : Ops.Call("norm.Scalar", together, p).ToDouble());
        }
        if (norms.Count == 1) return norms[0];
        if (double.IsInfinity(p)) return norms.Max();
        return Math.Pow(norms.Sum(n => Math.Pow(n, p)), 1 / p);
    }
}
