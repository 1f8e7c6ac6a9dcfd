using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// The common operations of kernels that are written with .NET's portable vectors. A kernel states its number of lanes, because the
/// rounding of a sum depends on it: <see cref="Vector256{T}"/> for passes over memory, <see cref="Vector512{T}"/> for small matrices in
/// the cache. A processor with shorter vectors computes the same lanes in several instructions.
/// </summary>
internal static unsafe class Vectors
{
    /// <summary>Rounds a length up to whole vectors of 512 bits.</summary>
    public static int Padded<T>(int length) where T : unmanaged
    {
        int lanes = Vector512<T>.Count;
        return (length + lanes - 1) / lanes * lanes;
    }

    /// <summary>a b + c</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MultiplyAdd<T>(Vector512<T> a, Vector512<T> b, Vector512<T> c) where T : unmanaged
    {
        if (typeof(T) == typeof(double)) return Vector512.MultiplyAddEstimate(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();
        if (typeof(T) == typeof(float)) return Vector512.MultiplyAddEstimate(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>();
        return a * b + c;
    }

    /// <summary>a b + c</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> MultiplyAdd<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) where T : unmanaged
    {
        if (typeof(T) == typeof(double)) return Vector256.MultiplyAddEstimate(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();
        if (typeof(T) == typeof(float)) return Vector256.MultiplyAddEstimate(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>();
        return a * b + c;
    }

    /// <summary>The inner product of two rows of whole vectors that begin at vector boundaries.</summary>
    public static T Dot<T>(T* x, T* y, int width) where T : unmanaged, INumber<T>
    {
        var sum = Vector512<T>.Zero;
        for (int k = 0; k < width; k += Vector512<T>.Count)
            sum = MultiplyAdd(Vector512.LoadAligned(x + k), Vector512.LoadAligned(y + k), sum);
        return Vector512.Sum(sum);
    }
}
