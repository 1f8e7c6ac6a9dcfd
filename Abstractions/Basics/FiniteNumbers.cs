using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Checks whether tensors are finite. Every state is checked in every cycle; tensors in the processor's memory are therefore checked
/// without a tensor operator.
/// </summary>
public static class FiniteNumbers
{
    // Nanoseconds to check a number that is read from memory.
    private const double TimeOfOne = 1.5;

    /// <summary>Whether a tensor has neither infinities nor NaNs.</summary>
    public static bool All(Tensor tensor)
    {
        if (KernelMemory.Holds(tensor) && tensor.is_contiguous())
            return tensor.dtype == ScalarType.Float64 ? All<double>(tensor) : All<float>(tensor);
        using var scope = NewDisposeScope();
        // A sum is finite only if all of its terms are; the sum of large finite numbers may still be infinite.
        return double.IsFinite(tensor.sum().ToDouble()) || tensor.isfinite().all().ToBoolean();
    }

    /// <summary>Whether several tensors on one device have neither infinities nor NaNs; the device is waited for only once.</summary>
    public static bool All(Tensor first, IEnumerable<Tensor> others)
    {
        if (first.device_type == DeviceType.CPU)
        {
            bool finite = All(first);
            foreach (var other in others) finite = finite && All(other);
            return finite;
        }
        using var scope = NewDisposeScope();
        var sum = first.sum().to(ScalarType.Float64);
        foreach (var other in others) sum = sum + other.sum().to(ScalarType.Float64);
        return double.IsFinite(sum.ToDouble()) || (All(first) && others.All(All));
    }

    /// <summary>Counts the states that have non-finite values, in words for a message: "3 of 12 members (trajectory 0)".</summary>
    /// <param name="states"><c>[batch, members, ...]</c>, or <c>[batch, ...]</c> of single states.</param>
    /// <param name="members">Whether the second dimension holds the members.</param>
    /// <param name="counted">Marks the values of the last dimension that count, <c>[batch, p]</c>; null = all.</param>
    /// <returns>Null if all are finite.</returns>
    public static string? Lost(Tensor states, bool members, Tensor? counted = null)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var lost = states.detach().isfinite().logical_not();
        if (counted is not null) lost = lost.logical_and(members ? counted.unsqueeze(1) : counted);
        lost = lost.reshape([.. states.Sizes()[..(members ? 2 : 1)], -1]).any(-1);       // [batch, members] or [batch]
        bool[] trajectories = [.. (members ? lost.any(-1) : lost).ToArray<bool>()];
        int first = Array.IndexOf(trajectories, true), count = trajectories.Count(bad => bad);
        if (first < 0) return null;
        if (!members) return $"{count} of {trajectories.Length} trajectories (the first is {first})";
        string more = count == 1 ? "" : $", and in {count - 1} more of {trajectories.Length} trajectories";
        return $"{lost[first].sum().ToInt64()} of {lost.size(1)} members (trajectory {first}{more})";
    }

    // Small tensors, checked in every cycle, avoid the closure of a shared loop.
    private static bool All<T>(Tensor tensor) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var values = KernelMemory.Elements<T>(tensor);
        return SharedWork.Threads(values.Length, TimeOfOne) == 1 ? All<T>(values) : AllInShares<T>(tensor);
    }

    private static unsafe bool AllInShares<T>(Tensor tensor) where T : unmanaged, IFloatingPointIeee754<T>
    {
        nint address = (nint)KernelMemory.Address<T>(tensor);
        bool finite = true;
        SharedWork.ForEach(tensor.numel(), TimeOfOne, (first, end) =>
        {
            if (!All(new ReadOnlySpan<T>((T*)address + first, (int)(end - first)))) Volatile.Write(ref finite, false);
        });
        GC.KeepAlive(tensor);
        return finite;
    }

    /// <summary>Whether numbers in memory have neither infinities nor NaNs.</summary>
    // x - x is zero, or NaN where x is infinite or NaN.
    internal static bool All<T>(ReadOnlySpan<T> values) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var vectors = MemoryMarshal.Cast<T, Vector256<T>>(values);
        var bad = Vector256<T>.Zero;
        foreach (var vector in vectors) bad += vector - vector;
        var rest = T.Zero;
        foreach (var value in values[(vectors.Length * Vector256<T>.Count)..]) rest += value - value;
        return T.IsFinite(rest) && Vector256.EqualsAll(bad, Vector256<T>.Zero);
    }
}
