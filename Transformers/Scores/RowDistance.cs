using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Root-mean-square sizes and distances of rows. They are scored in every cycle, so they are computed over plain memory if possible.
/// </summary>
internal static class RowDistance
{
    /// <summary>sqrt(mean over components of the squared value), <c>[batch]</c>.</summary>
    /// <param name="values"><c>[batch, n]</c></param>
    /// <param name="from">The values that are subtracted first, of the same shape; null for nothing.</param>
    public static Tensor RootMeanSquare(Tensor values, Tensor? from = null)
    {
        if (!Serves(values) || from is not null && !(Serves(from) && from.HasSizesOf(values)))
            return (from is null ? values : values - from).square().mean([1]).sqrt();
        int batch = (int)values.size(0), n = (int)values.size(1);
        var result = empty(batch, dtype: ScalarType.Float64);
        ReadOnlySpan<double> x = KernelMemory.Elements<double>(values), y = from is null ? [] : KernelMemory.Elements<double>(from);
        var to = KernelMemory.Elements<double>(result);
        for (int b = 0; b < batch; b++) to[b] = Math.Sqrt(SquaredSum(x.Slice(b * n, n), from is null ? [] : y.Slice(b * n, n)) / n);
        return result;
    }

    private static double SquaredSum(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        var sums = Vector256<double>.Zero;
        int i = 0;
        for (; i + Vector256<double>.Count <= x.Length; i += Vector256<double>.Count)
        {
            var difference = Vector256.Create(x[i..]);
            if (!y.IsEmpty) difference -= Vector256.Create(y[i..]);
            sums += difference * difference;
        }
        double sum = Vector256.Sum(sums);
        for (; i < x.Length; i++)
        {
            double difference = x[i] - (y.IsEmpty ? 0 : y[i]);
            sum += difference * difference;
        }
        return sum;
    }

    private static bool Serves(Tensor tensor) => tensor.dtype == ScalarType.Float64 && tensor.ndim == 2 && KernelMemory.Serves(tensor)
        && tensor.is_contiguous();
}
