using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.LibTorch;

/// <summary>One argument or result of an operator as the native side sees it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Value
{
    internal Tag Tag;
    internal int Count;
    internal long Payload;
    internal long Extra;

    internal readonly double AsDouble => BitConverter.Int64BitsToDouble(Payload);
}

/// <summary>What a <see cref="Value"/> holds.</summary>
internal enum Tag
{
    None = 0, Bool = 1, Int = 2, Double = 3, Complex = 4, Tensor = 5, IntList = 6, DoubleList = 7, BoolList = 8,
    TensorList = 9, String = 10, Device = 11, Generator = 12, Slice = 20, Ellipsis = 21,
}

/// <summary>An argument of an operator, made from any C# value the operators take. Null is the absent argument.</summary>
internal readonly ref struct Arg
{
    internal readonly Tag Tag;
    internal readonly long Payload;
    internal readonly long Extra;
    internal readonly object? Reference;
    internal readonly ReadOnlySpan<long> Numbers;

    private Arg(Tag tag, long payload, long extra = 0, object? reference = null)
    {
        Tag = tag;
        Payload = payload;
        Extra = extra;
        Reference = reference;
    }

    private Arg(Tag tag, ReadOnlySpan<long> numbers)
    {
        Tag = tag;
        Numbers = numbers;
    }

    internal static Arg None => default;

    public static implicit operator Arg(Tensor? t) => t is null ? default : new(Tag.Tensor, t.Handle, 0, t);
    public static implicit operator Arg(Tensor?[]? list) => list is null ? default : new(Tag.TensorList, 0, 0, list);
    public static implicit operator Arg(List<Tensor> list) => new(Tag.TensorList, 0, 0, list.ToArray());
    public static implicit operator Arg(bool b) => new(Tag.Bool, b ? 1 : 0);
    public static implicit operator Arg(bool? b) => b is null ? default : new(Tag.Bool, b.Value ? 1 : 0);
    public static implicit operator Arg(int i) => new(Tag.Int, i);
    public static implicit operator Arg(long i) => new(Tag.Int, i);
    public static implicit operator Arg(int? i) => i is null ? default : new(Tag.Int, i.Value);
    public static implicit operator Arg(long? i) => i is null ? default : new(Tag.Int, i.Value);
    public static implicit operator Arg(float d) => new(Tag.Double, BitConverter.DoubleToInt64Bits(d));
    public static implicit operator Arg(double d) => new(Tag.Double, BitConverter.DoubleToInt64Bits(d));
    public static implicit operator Arg(double? d) => d is null ? default : new(Tag.Double, BitConverter.DoubleToInt64Bits(d.Value));
    public static implicit operator Arg(Scalar? s) => s is null ? default : new(s.Tag, s.Payload, s.Extra);
    public static implicit operator Arg(ScalarType t) => new(Tag.Int, (long)t);
    public static implicit operator Arg(ScalarType? t) => t is null ? default : new(Tag.Int, (long)t.Value);
    public static implicit operator Arg(Device? d) => d is null ? default : new(Tag.Device, (int)d.type, d.index);
    public static implicit operator Arg(Generator? g) => g is null ? default : new(Tag.Generator, g.Handle, 0, g);
    public static implicit operator Arg(string? s) => s is null ? default : new(Tag.String, 0, 0, s);
    public static implicit operator Arg(ReadOnlySpan<long> list) => new(Tag.IntList, list);
    public static implicit operator Arg(long[]? list) => list is null ? default : new(Tag.IntList, list.AsSpan());
    public static implicit operator Arg(Size size) => new(Tag.IntList, size.Shape.AsSpan());
    public static implicit operator Arg(double[]? list) => list is null ? default : new(Tag.DoubleList, MemoryMarshal.Cast<double, long>(list.AsSpan()));

    internal static Arg Of(IEnumerable<Tensor> list) => list as Tensor[] ?? list.ToArray();
    internal static Arg Of(ReadOnlySpan<Tensor> list) => list.ToArray();
}
