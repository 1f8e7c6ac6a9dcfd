// Tensors from memory, ranges, random integers, windows.
#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    // ------------------------------------------------------------ from memory

    private static unsafe Tensor FromScalar<T>(T value, ScalarType type, ScalarType? dtype, Device? device, bool requires_grad) where T : unmanaged
    {
        var t = Ops.Call("empty.memory_format", ReadOnlySpan<long>.Empty, type);
        void* data;
        Throw.IfFailed(Native.daml_tensor_data(t.Handle, &data));
        *(T*)data = value;
        return Placed(t, dtype, device, requires_grad);
    }

    private static unsafe Tensor FromSpan<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> dimensions, ScalarType type, ScalarType? dtype,
        Device? device, bool requires_grad, string[]? names) where T : unmanaged
    {
        var count = 1L;
        foreach (var d in dimensions) count *= d;
        if (count > values.Length)
            throw new ArgumentException($"mismatched total size creating a tensor from an array: {count} vs. {values.Length}");
        var t = Ops.Call("empty.memory_format", dimensions, type);
        void* data;
        Throw.IfFailed(Native.daml_tensor_data(t.Handle, &data));
        var bytes = count * sizeof(T);
        fixed (T* source = values) Buffer.MemoryCopy(source, data, bytes, bytes);
        return Finished(Placed(t, dtype, device, requires_grad), false, names);
    }

    private static Tensor FromNDArray<T>(Array values, ReadOnlySpan<long> dimensions, ScalarType type, ScalarType? dtype, Device? device,
        bool requires_grad, string[]? names) where T : unmanaged =>
        FromSpan(values.Length == 0 ? [] : MemoryMarshal.CreateReadOnlySpan(
            ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(values)), values.Length), dimensions, type, dtype, device, requires_grad, names);

    // Converted to the type and the device asked for; what stood there before is disposed.
    private static Tensor Placed(Tensor t, ScalarType? dtype, Device? device, bool requires_grad)
    {
        device = InitializeDevice(device);
        if ((dtype is { } type && type != t.dtype) || device.type != DeviceType.CPU)
        {
            var moved = t.to(dtype ?? t.dtype, device);
            t.Dispose();
            t = moved;
        }
        if (requires_grad) t.requires_grad = true;
        return t;
    }

    public static Tensor tensor((double Real, double Imaginary) scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        tensor(new Complex(scalar.Real, scalar.Imaginary), dtype, device, requires_grad);

    public static Tensor tensor(double real, double imaginary, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        tensor(new Complex(real, imaginary), dtype, device, requires_grad);

    public static Tensor tensor(float real, float imaginary, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        tensor((real, imaginary), dtype, device, requires_grad);

    private static ScalarType TypeOf(Type t) =>
        t == typeof(bool) ? ScalarType.Bool : t == typeof(byte) ? ScalarType.Byte : t == typeof(sbyte) ? ScalarType.Int8
        : t == typeof(short) ? ScalarType.Int16 : t == typeof(int) ? ScalarType.Int32 : t == typeof(long) ? ScalarType.Int64
        : t == typeof(Half) ? ScalarType.Float16 : t == typeof(BFloat16) ? ScalarType.BFloat16
        : t == typeof(float) ? ScalarType.Float32 : t == typeof(double) ? ScalarType.Float64
        : t == typeof((float, float)) ? ScalarType.ComplexFloat32 : t == typeof(Complex) ? ScalarType.ComplexFloat64
        : throw new NotSupportedException($"tensors of {t} do not exist");

    /// <summary>The element type that stands for a .NET type.</summary>
    internal static ScalarType TypeOf<T>() => TypeOf(typeof(T));

    /// <summary>A tensor over the array's own memory where type and device allow; otherwise a copy.</summary>
    public static Tensor from_array(Array rawArray, Device? device = null) => from_array(rawArray, null, device ?? CPU);

    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        var type = TypeOf(rawArray.GetType().GetElementType()!);
        var shape = new long[rawArray.Rank];
        for (var i = 0; i < shape.Length; i++) shape[i] = rawArray.GetLongLength(i);
        return Finished(Placed(OverArray(rawArray, 0, shape, type), dtype, device, requires_grad), false, names);
    }

    private static unsafe Tensor OverArray(Array array, long byteOffset, ReadOnlySpan<long> shape, ScalarType type)
    {
        if (array.LongLength == 0) return empty(shape, type, CPU);
        var pin = GCHandle.Alloc(array, GCHandleType.Pinned);
        nint h;
        int status;
        fixed (long* sizes = shape)
            status = Native.daml_tensor_from_memory((byte*)pin.AddrOfPinnedObject() + byteOffset, sizes, shape.Length, (int)type, 0, -1,
                &ReleasePin, GCHandle.ToIntPtr(pin), &h);
        if (status != 0)
        {
            pin.Free();
            Throw.Now("from_array");
        }
        return new Tensor(h, 0);
    }

    [UnmanagedCallersOnly]
    private static void ReleasePin(long pin) => GCHandle.FromIntPtr((nint)pin).Free();

    public static Tensor as_tensor(Array data, ScalarType? dtype = null, Device? device = null) => from_array(data, dtype, device);

    public static Tensor as_tensor(Tensor data, ScalarType? dtype = null, Device? device = null) =>
        data.to(dtype ?? data.dtype, device ?? data.device);

    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        var size = Marshal.SizeOf(rawArray.GetType().GetElementType()!);
        if (size != dtype.ElementSize()) throw new ArgumentException($"frombuffer: the array's elements have {size} bytes, {dtype} has {dtype.ElementSize()}");
        if (count < 0) count = rawArray.LongLength - offset;
        if (offset < 0 || count < 1 || offset + count > rawArray.LongLength)
            throw new ArgumentException($"frombuffer: {count} elements from {offset} on do not fit into an array of {rawArray.LongLength}");
        return Finished(OverArray(rawArray, offset * size, [count], dtype), requires_grad);
    }

    public static Tensor from_file(string filename, bool? shared = null, long? size = 0, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finished(Ops.Call("from_file", filename, shared, size, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad);

    // ------------------------------------------------------------ ranges, special matrices

    public static Tensor eye(long rows, long columns = -1, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Finished(Ops.Call("eye.m", rows, columns < 0 ? rows : columns, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad, names);

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
    {
        dtype ??= is_integral(start.Type) && is_integral(stop.Type) && is_integral(step.Type) ? ScalarType.Int64 : get_default_dtype();
        return Finished(Ops.Call("arange.start_step", start, stop, step, dtype, Arg.None, InitializeDevice(device)), requires_grad);
    }

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finished(Ops.Call("linspace", start, end, steps, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor logspace(double start, double end, long steps, double @base = 10, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finished(Ops.Call("logspace", start, end, steps, @base, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor complex(Tensor real, Tensor imag) => Ops.Call("complex", real, imag);
    public static Tensor polar(Tensor abs, Tensor angle) => Ops.Call("polar", abs, angle);

    public static Tensor empty_strided(long[] size, long[] strides, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Finished(Ops.Call("empty_strided", size, strides, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad, names);

    public static Tensor sparse_coo_tensor(Tensor indices, Tensor values, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        Finished(Ops.Call("sparse_coo_tensor.indices_size", indices, values, size, dtype ?? values.dtype, Arg.None, device ?? values.device), requires_grad, names);

    public static Tensor tril_indices(long row, long col, long offset = 0, ScalarType dtype = ScalarType.Int64, Device? device = null) =>
        Ops.Call("tril_indices", row, col, offset, dtype, Arg.None, InitializeDevice(device));

    public static Tensor triu_indices(long row, long col, long offset = 0, ScalarType dtype = ScalarType.Int64, Device? device = null) =>
        Ops.Call("triu_indices", row, col, offset, dtype, Arg.None, InitializeDevice(device));

    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij") =>
        Ops.CallList("meshgrid.indexing", Arg.Of(tensors), indexing);

    // ------------------------------------------------------------ random

    public static Tensor normal(double mean, double std, ReadOnlySpan<long> size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null)
    {
        using var standard = randn(size, dtype, device, false, generator, names);
        using var scaled = standard.mul_(std);
        return Finished(scaled.add_(mean), requires_grad);
    }

    public static Tensor normal(Tensor mean, Tensor std, Generator? generator = null)
    {
        if (std.device_type != mean.device_type || std.device_index != mean.device_index)
            throw new ArgumentException("The 'means' and 'stddev' tensors must be located on the same device.");
        return randn(mean.shape, null, std.device, false, generator) * std + mean;
    }

    private static Tensor RandomIntegers(long low, long high, ReadOnlySpan<long> size, ScalarType? dtype, Device? device, bool requires_grad, Generator? generator, string[]? names) => Finished(
        generator is null
            ? Ops.Call("randint.low", low, high, size, dtype ?? ScalarType.Int64, Arg.None, InitializeDevice(device))
            : Ops.Call("randint.low_generator", low, high, size, generator, dtype ?? ScalarType.Int64, Arg.None, InitializeDevice(device)),
        requires_grad, names);

    public static Tensor randint(long low, long high, Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        RandomIntegers(low, high, size.Shape, dtype, device, requires_grad, generator, names);

    public static Tensor randint(long high, Size size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        RandomIntegers(0, high, size.Shape, dtype, device, requires_grad, generator, names);

    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        RandomIntegers(0, high, size, dtype, device, requires_grad, generator, names);

    public static Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        RandomIntegers(low, high, size, dtype, device, requires_grad, generator, names);

    public static Tensor randint(int low, int high, int[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        RandomIntegers(low, high, Array.ConvertAll(size, i => (long)i), dtype, device, requires_grad, generator, names);

    public static Tensor randint(int high, int[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null, string[]? names = null) =>
        RandomIntegers(0, high, Array.ConvertAll(size, i => (long)i), dtype, device, requires_grad, generator, names);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) => Finished(
        generator is null
            ? Ops.Call("randperm", n, dtype ?? ScalarType.Int64, Arg.None, InitializeDevice(device))
            : Ops.Call("randperm.generator", n, generator, dtype ?? ScalarType.Int64, Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor randperm(long n, Tensor @out, Generator? generator = null) => generator is null
        ? Ops.Call("randperm.out", n, @out)
        : Ops.Call("randperm.generator_out", n, generator, @out);

    public static Tensor bernoulli(Tensor input, Generator? generator = null) => Ops.Call("bernoulli", input, generator);

    public static Tensor multinomial(Tensor input, long num_samples, bool replacement = false, Generator? generator = null) =>
        Ops.Call("multinomial", input, num_samples, replacement, generator);

    public static Tensor poisson(Tensor input, Generator? generator = null) => Ops.Call("poisson", input, generator);

    public partial class Tensor
    {
        public Tensor bernoulli(Generator? generator = null) => torch.bernoulli(this, generator);
        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) => torch.multinomial(this, num_samples, replacement, generator);
        public Tensor poisson(Generator? generator = null) => torch.poisson(this, generator);
        public Tensor normal_(double mean = 0, double std = 1, Generator? generator = null) => Ops.Call("normal_", this, mean, std, generator);
        public Tensor uniform_(double from, double to, Generator? generator = null) => Ops.Call("uniform_", this, from, to, generator);
        public Tensor random_(double from, double to, Generator? generator = null) => Ops.Call("random_.from", this, (long)from, (long)to, generator);
        public Tensor exponential_(double lambda = 1, Generator? generator = null) => Ops.Call("exponential_", this, lambda, generator);
        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Ops.Call("bernoulli_.float", this, p, generator);
        public Tensor bernoulli_(Tensor p, Generator? generator = null) => Ops.Call("bernoulli_.Tensor", this, p, generator);
        public Tensor log_normal_(double mean = 0, double std = 1, Generator? generator = null) => Ops.Call("log_normal_", this, mean, std, generator);
        public Tensor cauchy_(double median = 0, double sigma = 1, Generator? generator = null) => Ops.Call("cauchy_", this, median, sigma, generator);
    }

    // ------------------------------------------------------------ windows

    public static Tensor hann_window(long len, bool periodic = true, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finished(Ops.Call("hann_window.periodic", len, periodic, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor hamming_window(long len, bool periodic = true, float alpha = 0.54f, float beta = 0.46f, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finished(Ops.Call("hamming_window.periodic_alpha_beta", len, periodic, alpha, beta, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor blackman_window(long len, bool periodic = true, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finished(Ops.Call("blackman_window.periodic", len, periodic, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor bartlett_window(long len, bool periodic = true, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finished(Ops.Call("bartlett_window.periodic", len, periodic, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad);

    public static Tensor kaiser_window(long len, bool periodic = true, float beta = 12f, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Finished(Ops.Call("kaiser_window.beta", len, periodic, beta, dtype ?? get_default_dtype(), Arg.None, InitializeDevice(device)), requires_grad);
}
