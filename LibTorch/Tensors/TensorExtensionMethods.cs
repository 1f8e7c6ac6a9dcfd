#pragma warning disable CS1591 // the names are TorchSharp's, and are documented there

using System.Numerics;
using DaML.LibTorch;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Conversions between numbers, arrays and tensors.</summary>
public static partial class TensorExtensionMethods
{
    public static int ElementSize(this ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool or ScalarType.QInt8 or ScalarType.QUInt8 => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 or ScalarType.QInt32 => 4,
        ScalarType.Int64 or ScalarType.Float64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.ComplexFloat64 => 16,
        _ => throw new NotImplementedException($"{type}"),
    };

    public static ReadOnlySpan<int> IntShape(this Tensor tensor) => Array.ConvertAll(tensor.shape, s => (int)s);

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (a, b) => a * b);

    private static Scalar Number(this Tensor t) => t.ToScalar();

    public static bool ToBoolean(this Tensor value) => value.Number().ToBoolean();
    public static byte ToByte(this Tensor value) => value.Number().ToByte();
    public static sbyte ToSByte(this Tensor value) => value.Number().ToSByte();
    public static short ToInt16(this Tensor value) => value.Number().ToInt16();
    public static int ToInt32(this Tensor value) => value.Number().ToInt32();
    public static long ToInt64(this Tensor value) => value.Number().ToInt64();
    public static Half ToHalf(this Tensor value) => value.Number().ToHalf();
    public static BFloat16 ToBFloat16(this Tensor value) => value.Number().ToBFloat16();
    public static float ToSingle(this Tensor value) => value.Number().ToSingle();
    public static double ToDouble(this Tensor value) => value.Number().ToDouble();
    public static (float Real, float Imaginary) ToComplex32(this Tensor value) => value.Number().ToComplexFloat32();
    public static Complex ToComplex64(this Tensor value) => value.Number().ToComplexFloat64();
    public static (float Real, float Imaginary) ToComplexFloat32(this Tensor value) => value.Number().ToComplexFloat32();
    public static Complex ToComplexFloat64(this Tensor value) => value.Number().ToComplexFloat64();

    public static Tensor ToTensor<T>(this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false)
    {
        using var flat = from_array(rawArray, null, CPU);
        var shaped = doCopy ? flat.reshape(dimensions).clone() : flat.reshape(dimensions);
        if (requires_grad) shaped.requires_grad = true;
        return shaped;
    }

    public static Tensor ToTensor<T>(this T scalar, Device? device = null, bool requires_grad = false) where T : struct => scalar switch
    {
        byte v => tensor(v, device, requires_grad),
        sbyte v => tensor(v, device, requires_grad),
        short v => tensor(v, device, requires_grad),
        int v => tensor(v, device, requires_grad),
        long v => tensor(v, device: device, requires_grad: requires_grad),
        float v => tensor(v, device, requires_grad),
        double v => tensor(v, device: device, requires_grad: requires_grad),
        bool v => tensor(v, device: device, requires_grad: requires_grad),
        Complex v => tensor(v, device: device, requires_grad: requires_grad),
        _ => throw new NotImplementedException($"Creating tensor of type {typeof(T)} is not supported."),
    };
}
