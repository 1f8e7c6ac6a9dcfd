using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>Reads and writes vectors of points.</summary>
internal static unsafe class Lane
{
    /// <summary>Reads the vector that begins at a point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> At<T, TLanes>(T* row, int point) where T : unmanaged where TLanes : struct, ILanes<T> =>
        Vector256.Load(row + point * TLanes.Fields);

    /// <summary>Writes the vector that begins at a point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<T, TLanes>(T* row, int point, Vector256<T> value) where T : unmanaged where TLanes : struct, ILanes<T> =>
        value.Store(row + point * TLanes.Fields);
}
