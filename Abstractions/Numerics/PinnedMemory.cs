using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>Managed memory at a fixed address that begins at a cache line, and so at a vector boundary.</summary>
internal sealed unsafe class PinnedMemory
{
    /// <summary>Bytes of a cache line.</summary>
    public const int CacheLine = 64;

    private readonly Vector512<byte>[] lines;

    /// <summary>Allocates memory.</summary>
    /// <param name="length">The number of bytes.</param>
    /// <param name="cleared">Whether the bytes are zero at first; otherwise their values are arbitrary.</param>
    /// <exception cref="OverflowException">The length is more than an array can hold.</exception>
    public PinnedMemory(long length, bool cleared)
    {
        int count = checked((int)((length + CacheLine - 1) / CacheLine + 1));
        lines = cleared ? GC.AllocateArray<Vector512<byte>>(count, pinned: true)
            : GC.AllocateUninitializedArray<Vector512<byte>>(count, pinned: true);
        nint address = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(lines));
        Start = (byte*)((address + CacheLine - 1) / CacheLine * CacheLine);
    }

    /// <summary>The first byte, which lives as long as this object.</summary>
    public byte* Start { get; }

    /// <summary>The number of bytes available.</summary>
    public long Length => (lines.Length - 1L) * CacheLine;

    /// <summary>Rounds a count of numbers up to whole cache lines.</summary>
    public static int WholeLines<T>(int numbers) where T : unmanaged
    {
        int line = CacheLine / sizeof(T);
        return (numbers + line - 1) / line * line;
    }
}
