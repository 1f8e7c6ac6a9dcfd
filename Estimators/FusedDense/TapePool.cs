using System.Collections.Concurrent;

namespace DaML.Components;

/// <summary>The memory of one pass, which its backward pass reads.</summary>
/// <param name="memory">The memory.</param>
/// <param name="inputShape">The shape of the input.</param>
internal sealed unsafe class Tape(PinnedMemory memory, long[] inputShape)
{
    /// <summary>The shape of the input.</summary>
    public long[] InputShape => inputShape;

    /// <summary>The first number.</summary>
    public float* Start => (float*)memory.Start;

    /// <summary>Whether its memory may already belong to another pass.</summary>
    public bool IsReleased { get; private set; }

    /// <summary>Gives the memory up.</summary>
    public PinnedMemory Release()
    {
        IsReleased = true;
        return memory;
    }
}

/// <summary>Keeps the memory of passes whose backward pass has run, for later ones.</summary>
internal sealed class TapePool
{
    private const int Most = 64;

    private readonly ConcurrentBag<PinnedMemory> idle = [];

    /// <summary>Takes idle memory of the same length, or new one; its values are arbitrary.</summary>
    public Tape Rent(long numbers, long[] inputShape)
    {
        while (idle.TryTake(out var memory))
            if (memory.Length >= numbers * sizeof(float)) return new(memory, inputShape);   // smaller ones are of other batches: dropped
        return new(new PinnedMemory(numbers * sizeof(float), cleared: false), inputShape);
    }

    /// <summary>Takes a tape's memory back.</summary>
    public void Release(Tape tape)
    {
        var memory = tape.Release();
        if (idle.Count < Most) idle.Add(memory);
    }
}
