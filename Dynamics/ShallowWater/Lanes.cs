using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// The layout of a field's points in the kernel's vectors: neighbours of one field beside each other, or one point of several fields.
/// </summary>
internal unsafe interface ILanes<T> where T : unmanaged
{
    /// <summary>The count of numbers in memory for one grid point: the fields that share a vector.</summary>
    static abstract int Fields { get; }

    /// <summary>The number of grid points in a vector.</summary>
    static abstract int Points { get; }

    /// <summary>A vector of numbers that all fields share, from a row with one number for each point.</summary>
    static abstract Vector256<T> Shared(T* row, int point);
}

/// <summary>One field, whose neighbouring points share a vector.</summary>
internal readonly unsafe struct AlongRow<T> : ILanes<T> where T : unmanaged
{
    public static int Fields => 1;

    public static int Points => Vector256<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Shared(T* row, int point) => Vector256.Load(row + point);
}

/// <summary>As many fields as a vector has lanes, a point of all of them in each vector: no neighbour is ever unaligned.</summary>
internal readonly unsafe struct AcrossFields<T> : ILanes<T> where T : unmanaged
{
    public static int Fields => Vector256<T>.Count;

    public static int Points => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Shared(T* row, int point) => Vector256.Create(row[point]);
}
