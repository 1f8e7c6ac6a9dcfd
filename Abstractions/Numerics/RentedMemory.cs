using System.Diagnostics;

namespace DaML.Components;

/// <summary>
/// Memory that a thread lends to a kernel and keeps for the next one; its values are arbitrary at first. Rentals nest: each has its own
/// memory until it is disposed, and the last one is returned first.
/// </summary>
/// <typeparam name="T">The type of the numbers.</typeparam>
internal readonly unsafe struct RentedMemory<T> : IDisposable where T : unmanaged
{
    private readonly MemoryOfThread owner;
    private readonly int depth;

    /// <summary>Rents memory of the calling thread, which begins at a cache line.</summary>
    /// <param name="numbers">The count of numbers.</param>
    /// <exception cref="OverflowException">The count is more than an array can hold.</exception>
    public RentedMemory(long numbers)
    {
        owner = MemoryOfThread.Mine;
        depth = owner.Rent(checked(numbers * sizeof(T)), out byte* start);
        Start = (T*)start;
    }

    /// <summary>The first number.</summary>
    public T* Start { get; }

    /// <summary>Returns the memory.</summary>
    /// <exception cref="UnreachableException">
    /// A later rental is still in use, this one was returned before, or another thread returns it.
    /// </exception>
    public void Dispose() => owner.Return(depth);
}

/// <summary>The blocks that a thread lends, one for each depth of nesting.</summary>
internal sealed unsafe class MemoryOfThread
{
    [ThreadStatic] private static MemoryOfThread? mine;

    private readonly List<PinnedMemory> blocks = [];
    private int rented;

    /// <summary>The memory of the calling thread.</summary>
    public static MemoryOfThread Mine => mine ??= new();

    /// <summary>Lends a block, and returns its depth.</summary>
    public int Rent(long bytes, out byte* start)
    {
        if (rented == blocks.Count) blocks.Add(new(bytes, cleared: false));
        else if (blocks[rented].Length < bytes) blocks[rented] = new(bytes, cleared: false);
        start = blocks[rented].Start;
        return rented++;
    }

    /// <summary>Takes the block of a depth back.</summary>
    public void Return(int depth)
    {
        if (this != mine)
            throw new UnreachableException(
                "Rented memory must be returned by the thread that rented it; a different thread returned this.");
        if (depth != rented - 1)
        {
            throw new UnreachableException("Rented memory must be returned in the opposite order of renting, each rental once; "
                + $"this was rental {depth + 1}, and {rented} are in use.");
        }
        rented--;
    }
}
