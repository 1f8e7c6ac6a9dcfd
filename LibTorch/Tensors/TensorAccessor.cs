#pragma warning disable CS1591 // the names are TorchSharp's, and are documented there

using System.Collections;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace TorchSharp.Utils;

/// <summary>The elements of a tensor in row-major order, whatever its strides.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T>, IEnumerable where T : unmanaged
{
    private readonly Tensor tensor;   // keeps the memory alive
    private readonly long[] shape;
    private readonly long[] strides;
    private readonly bool contiguous;
    private T* data;

    internal TensorAccessor(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
            throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
        strides = tensor.stride();
        if (strides.Any(s => s < 0)) throw new NotImplementedException($"Negative tensor strides are not currently supported. tensor.strides({string.Join(", ", strides)})");
        shape = tensor.shape;
        Count = tensor.numel();
        contiguous = tensor.is_contiguous();
        // resolved where a lazy conjugation or negation hangs on it
        this.tensor = tensor.alias();
        data = Count == 0 ? null : (T*)tensor.DataPointer;
    }

    public long Count { get; }
    public bool IsReadOnly => false;

    private T* Data => data is not null || Count == 0 ? data : throw new ObjectDisposedException(nameof(TensorAccessor<T>));

    private long Offset(long index)
    {
        if (contiguous) return index;
        var offset = 0L;
        for (var d = shape.Length - 1; d >= 0; d--)
        {
            (index, var i) = Math.DivRem(index, shape[d]);
            offset += i * strides[d];
        }
        return offset;
    }

    private long Offset(long[] indices)
    {
        if (indices.Length == 1 && shape.Length != 1)
        {
            if (indices[0] < 0 || indices[0] >= Count) throw new IndexOutOfRangeException();
            return Offset(indices[0]);
        }
        if (indices.Length != shape.Length) throw new ArgumentException($"{indices.Length} indices for a tensor of {shape.Length} dimensions");
        var offset = 0L;
        for (var d = 0; d < shape.Length; d++)
        {
            if (indices[d] < 0 || indices[d] >= shape[d]) throw new IndexOutOfRangeException();
            offset += indices[d] * strides[d];
        }
        return offset;
    }

    public T this[params long[] indices]
    {
        get => Data[Offset(indices)];
        set => Data[Offset(indices)] = value;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var n = (int)Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        if (n <= 0) return;
        var target = array.Slice(arrayIndex, n);
        if (contiguous) new ReadOnlySpan<T>(Data + tensorIndex, n).CopyTo(target);
        else for (var i = 0; i < n; i++) target[i] = Data[Offset(tensorIndex + i)];
        GC.KeepAlive(this);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var n = (int)Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        if (n <= 0) return;
        var source = array.Slice(arrayIndex, n);
        if (contiguous) source.CopyTo(new Span<T>(Data + tensorIndex, n));
        else for (var i = 0; i < n; i++) Data[Offset(tensorIndex + i)] = source[i];
        GC.KeepAlive(this);
    }

    public T[] ToArray()
    {
        var array = new T[Count];
        CopyTo(array.AsSpan());
        return array;
    }

    public Array ToNDArray()
    {
        if (shape.Length == 0) return ToArray();
        var target = Array.CreateInstance(typeof(T), shape);
        if (Count > 0)
            ToArray().CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(target)), (int)Count));
        return target;
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0L; i < Count; i++) yield return At(i);
    }

    private T At(long i) => Data[Offset(i)];

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override bool Equals(object? obj) => obj is TensorAccessor<T> other && Count == other.Count && this.SequenceEqual(other);

    public override int GetHashCode() => Count.GetHashCode();

    public static bool operator ==(TensorAccessor<T> left, TensorAccessor<T> right) => left.Equals(right);
    public static bool operator !=(TensorAccessor<T> left, TensorAccessor<T> right) => !left.Equals(right);

    ~TensorAccessor() => data = null;

    public void Dispose()
    {
        data = null;
        tensor.Dispose();
        GC.SuppressFinalize(this);
    }
}
