#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using System.Numerics;
using DaML.LibTorch;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>A number that remembers its type. Holds no native memory; <see cref="Dispose"/> does nothing.</summary>
public sealed class Scalar : IDisposable
{
    internal readonly Tag Tag;
    internal readonly long Payload;
    internal readonly long Extra;

    private Scalar(ScalarType type, Tag tag, long payload, long extra = 0)
    {
        Type = type;
        Tag = tag;
        Payload = payload;
        Extra = extra;
    }

    private Scalar(ScalarType type, long value) : this(type, Tag.Int, value) { }
    private Scalar(ScalarType type, double value) : this(type, Tag.Double, BitConverter.DoubleToInt64Bits(value)) { }
    private Scalar(ScalarType type, double real, double imaginary)
        : this(type, Tag.Complex, BitConverter.DoubleToInt64Bits(real), BitConverter.DoubleToInt64Bits(imaginary)) { }

    internal static Scalar From(in Value v, ScalarType type) => new(type, v.Tag, v.Payload, v.Extra);

    public ScalarType Type { get; }

    internal double Real => Tag is Tag.Int or Tag.Bool ? Payload : BitConverter.Int64BitsToDouble(Payload);
    internal double Imaginary => Tag == Tag.Complex ? BitConverter.Int64BitsToDouble(Extra) : 0;
    internal long Integer => Tag is Tag.Int or Tag.Bool ? Payload : (long)BitConverter.Int64BitsToDouble(Payload);

    public void Dispose() { }

    public override string ToString() => Tag switch
    {
        Tag.Bool => Payload != 0 ? "true" : "false",
        Tag.Int => Payload.ToString(),
        Tag.Complex => $"{Real}+{Imaginary}i",
        _ => Real.ToString("R"),
    };

    public static implicit operator Scalar(byte value) => new(ScalarType.Byte, (long)value);
    public static implicit operator Scalar(sbyte value) => new(ScalarType.Int8, (long)value);
    public static implicit operator Scalar(short value) => new(ScalarType.Int16, (long)value);
    public static implicit operator Scalar(int value) => new(ScalarType.Int32, (long)value);
    public static implicit operator Scalar(long value) => new(ScalarType.Int64, value);
    public static implicit operator Scalar(Half value) => new(ScalarType.Float16, (double)value);
    public static implicit operator Scalar(BFloat16 value) => new(ScalarType.BFloat16, (double)value.ToSingle());
    public static implicit operator Scalar(float value) => new(ScalarType.Float32, (double)value);
    public static implicit operator Scalar(double value) => new(ScalarType.Float64, value);
    public static implicit operator Scalar(bool value) => new(ScalarType.Bool, Tag.Bool, value ? 1 : 0);
    public static implicit operator Scalar((float, float) value) => new(ScalarType.ComplexFloat32, value.Item1, value.Item2);
    public static implicit operator Scalar(Complex value) => new(ScalarType.ComplexFloat64, value.Real, value.Imaginary);
}

/// <summary>A 16-bit floating-point number with the exponent of a single.</summary>
public readonly struct BFloat16 : IEquatable<BFloat16>, IComparable<BFloat16>
{
    private readonly ushort bits;

    private BFloat16(ushort bits) => this.bits = bits;

    /// <summary>Rounds to nearest, ties to even.</summary>
    public BFloat16(float value)
    {
        var b = BitConverter.SingleToUInt32Bits(value);
        bits = float.IsNaN(value) ? (ushort)0x7FC0 : (ushort)((b + 0x7FFF + ((b >> 16) & 1)) >> 16);
    }

    public static BFloat16 FromRawValue(ushort value) => new(value);
    public float ToSingle() => BitConverter.UInt32BitsToSingle((uint)bits << 16);
    public bool Equals(BFloat16 other) => ToSingle().Equals(other.ToSingle());
    public override bool Equals(object? obj) => obj is BFloat16 b && Equals(b);
    public override int GetHashCode() => bits;
    public int CompareTo(BFloat16 other) => ToSingle().CompareTo(other.ToSingle());
    public override string ToString() => ToSingle().ToString();

    public static explicit operator BFloat16(float value) => new(value);
    public static explicit operator BFloat16(double value) => new((float)value);
    public static implicit operator float(BFloat16 value) => value.ToSingle();
    public static explicit operator double(BFloat16 value) => value.ToSingle();
}

/// <summary>Conversions between numbers and <see cref="Scalar"/>.</summary>
public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this (float, float) value) => value;
    public static Scalar ToScalar(this Complex value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToScalar(this BFloat16 value) => value;
    public static Scalar ToBFloat16Scalar(this float value) => new BFloat16(value);

    public static bool ToBoolean(this Scalar value) => value.Real != 0;
    public static byte ToByte(this Scalar value) => (byte)value.Integer;
    public static sbyte ToSByte(this Scalar value) => (sbyte)value.Integer;
    public static short ToInt16(this Scalar value) => (short)value.Integer;
    public static int ToInt32(this Scalar value) => (int)value.Integer;
    public static long ToInt64(this Scalar value) => value.Integer;
    public static Half ToHalf(this Scalar value) => (Half)value.Real;
    public static BFloat16 ToBFloat16(this Scalar value) => new((float)value.Real);
    public static float ToSingle(this Scalar value) => (float)value.Real;
    public static double ToDouble(this Scalar value) => value.Real;
    public static (float Real, float Imaginary) ToComplexFloat32(this Scalar value) => ((float)value.Real, (float)value.Imaginary);
    public static Complex ToComplexFloat64(this Scalar value) => new(value.Real, value.Imaginary);
}
