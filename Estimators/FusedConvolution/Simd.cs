using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using V16 = System.Runtime.Intrinsics.Vector512<float>;
using V4 = System.Runtime.Intrinsics.Vector128<float>;
using V8 = System.Runtime.Intrinsics.Vector256<float>;

namespace DaML.Components;

/// <summary>
/// The portable vectors of one width, for the blocked kernels. A kernel is compiled for each width, since the tile of sums that fits into
/// the registers depends on it. The lanes are trajectories, so another width changes at most the order of sums over lanes.
/// </summary>
/// <typeparam name="V">The vector of single-precision numbers.</typeparam>
internal unsafe interface ISimd<V> where V : struct
{
    /// <summary>The number of elements in a vector; it divides <see cref="BlockedLayout.Lanes"/>.</summary>
    static abstract int Width { get; }

    /// <summary>Whether there are enough registers for a tile of 20 sums.</summary>
    static abstract bool HasManyRegisters { get; }

    static abstract V Load(float* source);
    static abstract void Store(float* target, V value);
    static abstract V Of(float value);
    static abstract V Add(V a, V b);
    static abstract V Subtract(V a, V b);
    static abstract V Multiply(V a, V b);
    static abstract V Divide(V a, V b);
    static abstract V Min(V a, V b);
    static abstract V Max(V a, V b);

    /// <summary>a b + c</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>
    /// a 2^k, where <paramref name="shifted"/> is k + 1.5 * 2^23: its last bits are k, which is added to the exponent of a. a, k and the
    /// result are in the range of normal numbers.
    /// </summary>
    static abstract V Scale(V a, V shifted);

    /// <summary>The sum of the vector's elements.</summary>
    static abstract float Sum(V a);
}

/// <summary>Sixteen numbers at once: AVX-512.</summary>
internal readonly unsafe struct Avx512Simd : ISimd<V16>
{
    public static bool IsSupported => Avx512F.IsSupported;
    public static int Width => 16;
    public static bool HasManyRegisters => true;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V16 Load(float* source) => Vector512.Load(source);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static void Store(float* target, V16 value) => value.Store(target);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V16 Of(float value) => Vector512.Create(value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V16 Add(V16 a, V16 b) => a + b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V16 Subtract(V16 a, V16 b) => a - b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V16 Multiply(V16 a, V16 b) => a * b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V16 Divide(V16 a, V16 b) => a / b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V16 Min(V16 a, V16 b) => Vector512.MinNative(a, b);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V16 Max(V16 a, V16 b) => Vector512.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V16 MultiplyAdd(V16 a, V16 b, V16 c) => Vector512.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V16 Scale(V16 a, V16 shifted) => (a.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Sum(V16 a) => Avx2Simd.Sum(a.GetLower() + a.GetUpper());
}

/// <summary>Eight numbers at once: AVX2 with fused multiply-add.</summary>
internal readonly unsafe struct Avx2Simd : ISimd<V8>
{
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;
    public static int Width => 8;
    public static bool HasManyRegisters => false;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V8 Load(float* source) => Vector256.Load(source);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static void Store(float* target, V8 value) => value.Store(target);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V8 Of(float value) => Vector256.Create(value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V8 Add(V8 a, V8 b) => a + b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V8 Subtract(V8 a, V8 b) => a - b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V8 Multiply(V8 a, V8 b) => a * b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V8 Divide(V8 a, V8 b) => a / b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V8 Min(V8 a, V8 b) => Vector256.MinNative(a, b);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V8 Max(V8 a, V8 b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V8 MultiplyAdd(V8 a, V8 b, V8 c) => Vector256.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V8 Scale(V8 a, V8 shifted) => (a.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Sum(V8 a) => PortableSimd.Sum(a.GetLower() + a.GetUpper());
}

/// <summary>Four numbers at once, on every CPU.</summary>
internal readonly unsafe struct PortableSimd : ISimd<V4>
{
    public static int Width => 4;
    public static bool HasManyRegisters => AdvSimd.IsSupported;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V4 Load(float* source) => Vector128.Load(source);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static void Store(float* target, V4 value) => value.Store(target);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V4 Of(float value) => Vector128.Create(value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V4 Add(V4 a, V4 b) => a + b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V4 Subtract(V4 a, V4 b) => a - b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V4 Multiply(V4 a, V4 b) => a * b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V4 Divide(V4 a, V4 b) => a / b;
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V4 Min(V4 a, V4 b) => Vector128.MinNative(a, b);
    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static V4 Max(V4 a, V4 b) => Vector128.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V4 MultiplyAdd(V4 a, V4 b, V4 c) => Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V4 Scale(V4 a, V4 shifted) => (a.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)] public static float Sum(V4 a) => Vector128.Sum(a);
}
