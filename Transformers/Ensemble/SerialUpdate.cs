using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The serial square-root update in the space of members (Whitaker and Hamill 2002): for each observation j in turn, with y its anomalies
/// and e its innovation, both updated by the earlier observations,
/// <code>
/// v = y y^T / (N - 1),  alpha = 1 / (1 + sqrt(1 / (v + 1)))
/// w  += T^T y e / ((N - 1) (v + 1))                          the mean's weights
/// T  -= alpha y (y^T T) / ((N - 1) (v + 1))                  the anomalies' transform
/// </code>
/// and the remaining observations are updated like the state. T starts as the identity. The rows of T^T and the anomalies of the
/// observations all change by one formula, so one matrix holds them.
/// </summary>
public static class SerialUpdate
{
    /// <summary>Computes T and w, so that the analysis is mean + (T + 1 w^T) X.</summary>
    /// <param name="observed">Y, whitened, <c>[batch, N, p]</c>.</param>
    /// <param name="innovation">d, whitened, <c>[batch, p]</c>.</param>
    /// <returns>T <c>[batch, N, N]</c> and w <c>[batch, N]</c>.</returns>
    public static (Tensor Transform, Tensor Weights) Solve(Tensor observed, Tensor innovation) =>
        KernelMemory.Serves(observed, innovation) ? Run(observed, innovation, ByKernel) : Run(observed, innovation, ByTensors);

    private static (Tensor, Tensor) Run(Tensor observed, Tensor innovation, Func<Tensor, Tensor, long, (Tensor Rows, Tensor Ends)> update)
    {
        using var scope = NewDisposeScope();
        long batch = observed.size(0), members = observed.size(1), p = observed.size(2);
        var identity = eye(members, dtype: observed.dtype, device: observed.device).expand(batch, members, members);
        // The last column of the first p rows holds the innovations; in the other rows it holds -w.
        var (rows, ends) = update(cat([observed.transpose(-2, -1), identity], 1),
            cat([innovation, innovation.new_zeros(batch, members)], 1), p);
        return scope.MoveToOuter(rows.narrow(1, p, members).transpose(-2, -1), ends.narrow(1, p, members).neg());
    }

    // On every device, and with gradients.
    private static (Tensor, Tensor) ByTensors(Tensor rows, Tensor ends, long p)
    {
        long members = rows.size(2), count = rows.size(1);
        double degrees = members - 1;
        // One matrix of rows and ends, [batch, p + N, N + 1]. With z = (all rows) y and s = y^T y + N - 1, each observation subtracts
        // z y^T / (s + sqrt(N - 1) sqrt(s)) from the rows and z e / s from the ends.
        var all = cat([rows, ends.unsqueeze(-1)], 2);
        var isRow = cat([rows.new_ones(members), rows.new_zeros(1)]);
        var factors = Math.Sqrt(degrees) * isRow;
        // N - 1 in place j, zero elsewhere: windows of one vector. It spoils row j alone, which is not read again.
        var line = rows.new_zeros(count + p - 1);
        line[p - 1] = degrees;
        var places = line.unfold(0, count, 1).unsqueeze(-1).unbind(0);
        for (long j = 0; j < p; j++)
        {
            var here = all.narrow(1, j, 1);                                                     // (y^T, e)
            // TorchSharp's order is A.baddbmm(B, C) = C + A B.
            var along = all.baddbmm((here * isRow).mT, places[p - 1 - j]);                      // z, with s in place j
            var s = along.narrow(1, j, 1);
            all = along.baddbmm(here / s.addcmul(factors, s.sqrt(), 1), all, alpha: -1);
        }
        return (all.narrow(2, 0, members), all.select(2, members));
    }

    private static (Tensor, Tensor) ByKernel(Tensor rows, Tensor ends, long p)
    {
        rows = rows.contiguous();
        ends = ends.contiguous();
        if (rows.dtype == ScalarType.Float64) Kernel<double>(rows, ends, (int)p);
        else Kernel<float>(rows, ends, (int)p);
        return (rows, ends);
    }

    // In place: this update made both tensors.
    private static void Kernel<T>(Tensor rows, Tensor ends, int p) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int count = (int)rows.size(1), members = (int)rows.size(2);
        T degrees = T.CreateChecked(members - 1);
        for (int b = 0; b < rows.size(0); b++)
        {
            var matrix = KernelMemory.Elements<T>(rows).Slice(b * count * members, count * members);
            var end = KernelMemory.Elements<T>(ends).Slice(b * count, count);
            for (int j = 0; j < p; j++)
            {
                var y = matrix.Slice(j * members, members);
                T shifted = Dot(y, y) / degrees + T.One, alpha = T.One / (T.One + T.One / T.Sqrt(shifted)), e = end[j];
                for (int l = j + 1; l < count; l++)
                {
                    var row = matrix.Slice(l * members, members);
                    T along = Dot(row, y) / (degrees * shifted);
                    end[l] -= along * e;
                    Subtract(row, along * alpha, y);
                }
            }
        }
    }

    private static T Dot<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ReadOnlySpan<Vector256<T>> va = MemoryMarshal.Cast<T, Vector256<T>>(a), vb = MemoryMarshal.Cast<T, Vector256<T>>(b);
        var sum = Vector256<T>.Zero;
        for (int i = 0; i < va.Length; i++) sum += va[i] * vb[i];
        T total = Vector256.Sum(sum);
        for (int i = va.Length * Vector256<T>.Count; i < a.Length; i++) total += a[i] * b[i];
        return total;
    }

    // a -= factor b
    private static void Subtract<T>(Span<T> a, T factor, ReadOnlySpan<T> b) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var va = MemoryMarshal.Cast<T, Vector256<T>>(a);
        var vb = MemoryMarshal.Cast<T, Vector256<T>>(b);
        var factors = Vector256.Create(factor);
        for (int i = 0; i < va.Length; i++) va[i] -= factors * vb[i];
        for (int i = va.Length * Vector256<T>.Count; i < a.Length; i++) a[i] -= factor * b[i];
    }
}
