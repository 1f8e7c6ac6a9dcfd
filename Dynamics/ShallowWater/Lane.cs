using System.Numerics;
using System.Runtime.CompilerServices;

namespace DaML;

/// <summary>Reads and writes vectors of points.</summary>
internal static unsafe class Lane
{
    /// <summary>The vector that begins at a point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> At<T, TLanes>(T* row, int point) where T : unmanaged where TLanes : struct, ILanes<T> => Vector.Load(row + point * TLanes.Fields);

    /// <summary>Writes the vector that begins at a point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<T, TLanes>(T* row, int point, Vector<T> value) where T : unmanaged where TLanes : struct, ILanes<T> => value.Store(row + point * TLanes.Fields);

    /// <summary>a b + c</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> MultiplyAdd<T>(Vector<T> a, Vector<T> b, Vector<T> c) where T : unmanaged
    {
        if (typeof(T) == typeof(double)) return Vector.MultiplyAddEstimate(a.As<T, double>(), b.As<T, double>(), c.As<T, double>()).As<double, T>();
        if (typeof(T) == typeof(float)) return Vector.MultiplyAddEstimate(a.As<T, float>(), b.As<T, float>(), c.As<T, float>()).As<float, T>();
        return a * b + c;
    }
}
