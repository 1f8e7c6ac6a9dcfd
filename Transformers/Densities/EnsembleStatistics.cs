using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Mean and anomalies of ensembles <c>[batch, members, n]</c>.</summary>
public static class EnsembleStatistics
{
    /// <summary>The ensemble's mean <c>[batch, n]</c> and the members' deviations from it <c>[batch, members, n]</c>.</summary>
    public static (Tensor Mean, Tensor Anomalies) Split(Tensor members)
    {
        using var scope = NewDisposeScope();
        var mean = members.mean([1], keepdim: true);
        return scope.MoveToOuter(mean.squeeze(1), members - mean);
    }

    /// <summary>The ensemble's mean, <c>[batch, n]</c>.</summary>
    public static Tensor Mean(Tensor members)
    {
        if (!KernelMemory.Serves(members) || !members.is_contiguous() || members.numel() >= int.MaxValue / sizeof(double)) return members.mean([1]);
        var (batch, count, n) = (members.size(0), members.size(1), members.size(2));
        var mean = empty(batch, n, dtype: members.dtype);
        if (members.dtype == ScalarType.Float64) Mean<double>(members, mean, batch, (int)count, (int)n);
        else Mean<float>(members, mean, batch, (int)count, (int)n);
        return mean;
    }

    private static unsafe void Mean<T>(Tensor members, Tensor mean, long batch, int count, int n) where T : unmanaged, INumber<T>
    {
        nint from = (nint)KernelMemory.Address<T>(members), to = (nint)KernelMemory.Address<T>(mean);
        long size = (long)count * n;
        KernelMemory.ForEach(batch, KernelMemory.Threads(batch, size), (first, end) =>
            Mean(new ReadOnlySpan<T>((T*)from + first * size, (int)((end - first) * size)), new Span<T>((T*)to + first * n, (int)((end - first) * n)), count, n));
        GC.KeepAlive(members);
    }

    private static void Mean<T>(ReadOnlySpan<T> members, Span<T> mean, int count, int n) where T : unmanaged, INumber<T>
    {
        T share = T.One / T.CreateChecked(count);
        for (int b = 0; b < mean.Length / n; b++)
        {
            var to = mean.Slice(b * n, n);
            var from = members.Slice(b * count * n, count * n);
            int j = 0;
            for (; j + Vector<T>.Count <= n; j += Vector<T>.Count)
            {
                var sum = Vector<T>.Zero;
                for (int i = 0; i < count; i++) sum += new Vector<T>(from[(i * n + j)..]);
                (sum * share).CopyTo(to[j..]);
            }
            for (; j < n; j++)
            {
                T sum = T.Zero;
                for (int i = 0; i < count; i++) sum += from[i * n + j];
                to[j] = sum * share;
            }
        }
    }

    /// <summary>The ensemble's standard deviation (divisor N - 1), <c>[batch, n]</c>.</summary>
    public static Tensor StandardDeviation(Tensor members)
    {
        if (!KernelMemory.Serves(members) || !members.is_contiguous() || members.numel() >= int.MaxValue / sizeof(double))
        {
            using var scope = NewDisposeScope();
            var (_, anomalies) = Split(members);
            return (anomalies.square().sum(1) / (members.size(1) - 1)).sqrt().MoveToOuterDisposeScope();
        }
        long[] shape = members.Sizes();
        var deviation = empty([shape[0], shape[2]], dtype: members.dtype);
        if (members.dtype == ScalarType.Float64) StandardDeviation(MemoryMarshal.Cast<byte, double>(members.bytes), MemoryMarshal.Cast<byte, double>(deviation.bytes), shape);
        else StandardDeviation(MemoryMarshal.Cast<byte, float>(members.bytes), MemoryMarshal.Cast<byte, float>(deviation.bytes), shape);
        return deviation;
    }

    // The mean first, then the squared differences from it, a vector of components at a time.
    private static void StandardDeviation<T>(ReadOnlySpan<T> members, Span<T> deviation, long[] shape) where T : unmanaged, IRootFunctions<T>
    {
        int count = (int)shape[1], n = (int)shape[2];
        T share = T.One / T.CreateChecked(count), divisor = T.One / T.CreateChecked(count - 1);
        for (int b = 0; b < shape[0]; b++)
        {
            var to = deviation.Slice(b * n, n);
            var from = members.Slice(b * count * n, count * n);
            int j = 0;
            for (; j + Vector<T>.Count <= n; j += Vector<T>.Count)
            {
                var sum = Vector<T>.Zero;
                for (int i = 0; i < count; i++) sum += new Vector<T>(from[(i * n + j)..]);
                var (mean, squares) = (sum * share, Vector<T>.Zero);
                for (int i = 0; i < count; i++)
                {
                    var difference = new Vector<T>(from[(i * n + j)..]) - mean;
                    squares += difference * difference;
                }
                Vector.SquareRoot(squares * divisor).CopyTo(to[j..]);
            }
            for (; j < n; j++)
            {
                T sum = T.Zero, squares = T.Zero;
                for (int i = 0; i < count; i++) sum += from[i * n + j];
                T mean = sum * share;
                for (int i = 0; i < count; i++) squares += (from[i * n + j] - mean) * (from[i * n + j] - mean);
                to[j] = T.Sqrt(squares * divisor);
            }
        }
    }

    /// <summary>The tensor, if it is an ensemble.</summary>
    /// <exception cref="ArgumentException">Its shape is not <c>[batch, members, n]</c>, or there are fewer than two members.</exception>
    internal static Tensor Check(Tensor members)
    {
        Require.Shape(members, "An ensemble", ColumnDefinition.AnySize, ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        if (members.size(1) < 2)
            throw new ArgumentException($"An ensemble needs at least two members to have a spread; given: {members.size(1)}.");
        return members;
    }
}
