using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The rows (<see cref="Whitening{T}"/>) of those observations that reach a range of components, for ranges one after the other: a large
/// state's rows are never all in memory. Rows that the next range needs, too, are handed on. The memory is that of tensors, which is
/// returned at once.
/// </summary>
/// <param name="domains">The observations that reach each component.</param>
/// <param name="whitening">Makes the rows.</param>
internal sealed unsafe class LocalRows<T>(LocalDomains domains, Whitening<T> whitening) : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Block = 64;

    private readonly ObservationSet set = new(domains.Observations);
    private int[] chosen = [], previous = [], origin = [];
    private int count, fresh;
    private readonly Tensor rowOf = full([domains.Observations], -1, dtype: ScalarType.Int32).DetachFromDisposeScope();
    private Tensor? rows, others;

    /// <summary>Finds the position of an observation's values: from its number, and from its number among the fresh ones.</summary>
    public delegate long Position(int observation, int fresh);

    /// <summary>The rows.</summary>
    public T* Start => KernelMemory.Address<T>(rows!);

    /// <summary>The row of each observation of the range, <c>[p]</c>; -1 for others.</summary>
    public int* RowOf => KernelMemory.Address<int>(rowOf);

    /// <summary>The observations of the range, in ascending order.</summary>
    public ReadOnlySpan<int> Observations => chosen.AsSpan(0, count);

    /// <summary>The observations of the range whose rows the last range did not have, in ascending order.</summary>
    public int[] Fresh()
    {
        var numbers = new int[fresh];
        for (int k = 0; k < count; k++)
            if (origin[k] < 0) numbers[~origin[k]] = chosen[k];
        return numbers;
    }

    /// <summary>Goes on to a range of components.</summary>
    /// <param name="first">The first component.</param>
    /// <param name="end">The component after the last one.</param>
    /// <param name="overwritten">
    /// The component that each observation is the value of, in ascending order, if the analysis of a range is written over these values:
    /// rows that a later range needs are then kept until it comes. Null if the values stay as they are.
    /// </param>
    public void MoveTo(int first, int end, IReadOnlyList<long>? overwritten = null)
    {
        domains.Mark(first, end, set);
        if (overwritten is not null)
        {
            foreach (int observation in Observations)
                if (overwritten[observation] < first && domains.LastOf(observation) >= first) set.Add(observation);
            for (int observation = At(overwritten, first); observation < overwritten.Count && overwritten[observation] < end; observation++)
                if (domains.LastOf(observation) >= end) set.Add(observation);
        }
        (previous, chosen) = (chosen, previous);
        int were = count;
        count = set.MoveTo(ref chosen);
        if (origin.Length < count) origin = new int[chosen.Length];
        fresh = 0;
        int* of = RowOf;
        for (int k = 0; k < count; k++)
        {
            int row = of[chosen[k]];
            origin[k] = row >= 0 ? row : ~fresh++;
        }
        for (int k = 0; k < were; k++) of[previous[k]] = -1;
        for (int k = 0; k < count; k++) of[chosen[k]] = k;
        (rows, others) = (others, rows);
        long numbers = Math.Max(1, (long)count * whitening.Width);
        if (rows is not null && rows.numel() >= numbers) return;
        rows?.Dispose();
        rows = empty(numbers + numbers / 8, dtype: typeof(T) == typeof(float) ? ScalarType.Float32 : ScalarType.Float64)
            .DetachFromDisposeScope();
    }

    /// <summary>Makes the range's rows.</summary>
    /// <param name="observed">The first member's first value of H.</param>
    /// <param name="stride">The distance from one member to the next.</param>
    /// <param name="position">The position of an observation among a member's values.</param>
    public void Fill(T* observed, long stride, Position position)
    {
        nint from = (nint)observed, to = (nint)Start, before = others is null ? 0 : (nint)KernelMemory.Address<T>(others);
        int width = whitening.Width;
        SharedWork.ForEach((count + Block - 1) / Block, 4.0 * Block * width * SharedWork.Operation, (begin, after) =>
        {
            for (int k = (int)begin * Block; k < Math.Min(count, (int)after * Block); k++)
            {
                T* row = (T*)to + (long)k * width;
                if (origin[k] >= 0) new Span<T>((T*)before + (long)origin[k] * width, width).CopyTo(new Span<T>(row, width));
                else whitening.Row(chosen[k], (T*)from + position(chosen[k], ~origin[k]), stride, row);
            }
        });
    }

    /// <summary>Returns the memory.</summary>
    public void Dispose()
    {
        rowOf.Dispose();
        rows?.Dispose();
        others?.Dispose();
    }

    // The first observation of a component, or of one behind it.
    private static int At(IReadOnlyList<long> components, int first)
    {
        int low = 0, high = components.Count;
        while (low < high)
        {
            int middle = low + (high - low) / 2;
            if (components[middle] < first) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
