using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

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
        if (!KernelMemory.Serves(members) || !members.is_contiguous()) return members.mean([1]);
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
        SharedWork.ForEach(batch, size * SharedWork.Operation, (first, end) =>
        {
            for (long b = first; b < end; b++) Mean((T*)from + b * size, (T*)to + b * n, count, n);
        });
        GC.KeepAlive(members);
        GC.KeepAlive(mean);
    }

    private static unsafe void Mean<T>(T* members, T* mean, int count, int n) where T : unmanaged, INumber<T>
    {
        T share = T.One / T.CreateChecked(count);
        int j = 0;
        for (; j + Vector256<T>.Count <= n; j += Vector256<T>.Count)
        {
            var sum = Vector256<T>.Zero;
            for (int i = 0; i < count; i++) sum += Vector256.Load(members + (long)i * n + j);
            (sum * share).Store(mean + j);
        }
        for (; j < n; j++)
        {
            T sum = T.Zero;
            for (int i = 0; i < count; i++) sum += members[(long)i * n + j];
            mean[j] = sum * share;
        }
    }

    /// <summary>The ensemble's standard deviation (divisor N - 1), <c>[batch, n]</c>.</summary>
    public static Tensor StandardDeviation(Tensor members)
    {
        if (!KernelMemory.Serves(members) || !members.is_contiguous())
        {
            using var scope = NewDisposeScope();
            var (_, anomalies) = Split(members);
            return (anomalies.square().sum(1) / (members.size(1) - 1)).sqrt().MoveToOuterDisposeScope();
        }
        var deviation = empty([members.size(0), members.size(2)], dtype: members.dtype);
        if (members.dtype == ScalarType.Float64) StandardDeviation<double>(members, deviation);
        else StandardDeviation<float>(members, deviation);
        return deviation;
    }

    private static unsafe void StandardDeviation<T>(Tensor members, Tensor deviation)
        where T : unmanaged, INumber<T>, IRootFunctions<T>
    {
        var (batch, count, n) = (members.size(0), (int)members.size(1), (int)members.size(2));
        T* from = KernelMemory.Address<T>(members), to = KernelMemory.Address<T>(deviation);
        T divisor = T.One / T.CreateChecked(count - 1);
        for (long b = 0; b < batch; b++, from += (long)count * n, to += n)
        {
            int j = 0;
            for (; j + Vector256<T>.Count <= n; j += Vector256<T>.Count)
                Vector256.Sqrt(VectorSquares(from + j, count, n) * divisor).Store(to + j);
            for (; j < n; j++) to[j] = T.Sqrt(Squares(from + j, count, n) * divisor);
        }
        GC.KeepAlive(members);
        GC.KeepAlive(deviation);
    }

    /// <summary>
    /// The ensemble's variance (divisor N - 1) divided by another ensemble's, component by component; one where the other variance is
    /// zero.
    /// </summary>
    /// <param name="members"><c>[batch, N, n]</c></param>
    /// <param name="other">The other ensemble, of the same shape.</param>
    /// <param name="lift">
    /// The lift, <c>[batch, n]</c>; multiplied by the ratio in place and kept at one or above, in one pass over memory.
    /// </param>
    /// <param name="most">The largest lift allowed.</param>
    /// <returns>Whether a lift exceeds it; null, with nothing done, if there is no kernel for these tensors.</returns>
    internal static bool? Lift(Tensor members, Tensor other, Tensor lift, double most)
    {
        if (!KernelMemory.Serves(members, other, lift) || !other.HasSizesOf(members)) return null;
        if (!members.is_contiguous() || !other.is_contiguous() || !lift.is_contiguous()) return null;
        return members.dtype == ScalarType.Float64 ? Lift<double>(members, other, lift, most)
            : Lift<float>(members, other, lift, (float)most);
    }

    private static unsafe bool Lift<T>(Tensor members, Tensor other, Tensor lift, T most) where T : unmanaged, INumber<T>
    {
        var (batch, count, n) = (members.size(0), (int)members.size(1), (int)members.size(2));
        nint above = (nint)KernelMemory.Address<T>(members), below = (nint)KernelMemory.Address<T>(other),
            to = (nint)KernelMemory.Address<T>(lift);
        long size = (long)count * n;
        int beyond = 0;
        SharedWork.ForEach(batch, 8.0 * size * SharedWork.Operation, (first, end) =>
        {
            for (long b = first; b < end; b++)
                if (Lift((T*)above + b * size, (T*)below + b * size, (T*)to + b * n, count, n, most)) Volatile.Write(ref beyond, 1);
        });
        GC.KeepAlive(members);
        GC.KeepAlive(other);
        GC.KeepAlive(lift);
        return beyond == 1;
    }

    private static unsafe bool Lift<T>(T* members, T* other, T* lift, int count, int n, T most) where T : unmanaged, INumber<T>
    {
        bool beyond = false;
        int j = 0;
        for (; j + Vector256<T>.Count <= n; j += Vector256<T>.Count)
        {
            var below = VectorSquares(other + j, count, n);
            var ratio = Vector256.ConditionalSelect(Vector256.GreaterThan(below, Vector256<T>.Zero),
                VectorSquares(members + j, count, n) / below, Vector256<T>.One);
            var lifted = Vector256.Load(lift + j) * ratio;
            lifted = Vector256.ConditionalSelect(Vector256.GreaterThan(lifted, Vector256<T>.One), lifted, Vector256<T>.One);
            beyond |= Vector256.GreaterThanAny(lifted, Vector256.Create(most));
            lifted.Store(lift + j);
        }
        for (; j < n; j++)
        {
            T below = Squares(other + j, count, n), lifted = below > T.Zero ? lift[j] * (Squares(members + j, count, n) / below) : lift[j];
            lift[j] = lifted > T.One ? lifted : T.One;
            beyond |= lift[j] > most;
        }
        return beyond;
    }

    // The sum of the squared differences from the mean, for one component and for a vector of them.
    private static unsafe T Squares<T>(T* members, int count, int n) where T : unmanaged, INumber<T>
    {
        T sum = T.Zero, squares = T.Zero;
        for (int i = 0; i < count; i++) sum += members[(long)i * n];
        T mean = sum * (T.One / T.CreateChecked(count));
        for (int i = 0; i < count; i++) squares += (members[(long)i * n] - mean) * (members[(long)i * n] - mean);
        return squares;
    }

    private static unsafe Vector256<T> VectorSquares<T>(T* members, int count, int n) where T : unmanaged, INumber<T>
    {
        Vector256<T> sum = Vector256<T>.Zero, squares = Vector256<T>.Zero;
        for (int i = 0; i < count; i++) sum += Vector256.Load(members + (long)i * n);
        var mean = sum * (T.One / T.CreateChecked(count));
        for (int i = 0; i < count; i++)
        {
            var difference = Vector256.Load(members + (long)i * n) - mean;
            squares += difference * difference;
        }
        return squares;
    }

    /// <summary>Checks that the tensor is an ensemble, and returns it.</summary>
    /// <exception cref="ArgumentException">Its shape is not <c>[batch, members, n]</c>, or there are fewer than two members.</exception>
    internal static Tensor Check(Tensor members)
    {
        Require.Shape(members, "An ensemble", ColumnDefinition.AnySize, ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        if (members.size(1) < 2)
            throw new ArgumentException($"An ensemble needs at least two members to have a spread; given: {members.size(1)}.");
        return members;
    }
}
