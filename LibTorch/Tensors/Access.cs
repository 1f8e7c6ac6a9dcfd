// Conversion of tensors, access to their elements, indexing by expressions.
#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DaML.LibTorch;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        // ------------------------------------------------------------ conversion

        private Tensor DisposedAfter(Tensor result, bool disposeAfter)
        {
            if (disposeAfter) Dispose();
            return result;
        }

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            InitializeDeviceType(deviceType);
            return DisposedAfter(Ops.Call("to.dtype_layout", this, dtype, Arg.None, new Device(deviceType, deviceIndex), Arg.None, non_blocking, copy), disposeAfter);
        }

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false)
        {
            InitializeDeviceType(device.type);
            return DisposedAfter(Ops.Call("to.dtype_layout", this, type, Arg.None, device, Arg.None, non_blocking, copy), disposeAfter);
        }

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            DisposedAfter(Ops.Call("to.dtype", this, type, non_blocking, copy), disposeAfter);

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to_type(type, copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(device.type, device.index, copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool non_blocking = false) => to(other.dtype, other.device, non_blocking: non_blocking);

        public Tensor type(Func<Tensor, Tensor> typeFunc) => typeFunc(this);
        public Tensor type(ScalarType dtype) => to(dtype);
        public Tensor type_as(Tensor tensor) => to_type(tensor.dtype);
        public Tensor cpu() => to(DeviceType.CPU);

        public Tensor cuda(Device? device = null, bool non_blocking = false)
        {
            if (device is not null && device.type != DeviceType.CUDA) throw new ArgumentException("Not a CUDA device.", nameof(device));
            return to(DeviceType.CUDA, device is null ? -1 : device.index, non_blocking: non_blocking);
        }

        public Tensor pin_memory() => Ops.Call("pin_memory", this);
        public Tensor @bool() => to_type(ScalarType.Bool);
        public Tensor @byte() => to_type(ScalarType.Byte);
        public Tensor @char() => to_type(ScalarType.Int8);
        public Tensor @short() => to_type(ScalarType.Int16);
        public Tensor @int() => to_type(ScalarType.Int32);
        public Tensor @long() => to_type(ScalarType.Int64);
        public Tensor half() => to_type(ScalarType.Float16);
        public Tensor bfloat16() => to_type(ScalarType.BFloat16);
        public Tensor @float() => to_type(ScalarType.Float32);
        public Tensor @double() => to_type(ScalarType.Float64);
        public Tensor cfloat() => to_type(ScalarType.ComplexFloat32);
        public Tensor cdouble() => to_type(ScalarType.ComplexFloat64);

        public Tensor contiguous() => Ops.Call("contiguous", this);
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Ops.Call("copy_", this, source, nonBlocking);
        public Tensor set_(Tensor source) => Ops.Call("set_.source_Tensor", this, source);
        public Tensor fill_(Scalar value) => Ops.Call("fill_.Scalar", this, value);
        public Tensor zero_() => Ops.Call("zero_", this);

        public Tensor real => Ops.Call("real", this);
        public Tensor imag => Ops.Call("imag", this);
        public Tensor T => Ops.Call("numpy_T", this);
        public Tensor H => Ops.Call("matrix_H", this);
        public Tensor mT => Ops.Call("mT", this);
        public Tensor mH => Ops.Call("mH", this);
        public string[] names => new string[dim()];

        // ------------------------------------------------------------ elements

        /// <summary>The address of the first element. The tensor must live as long as it is used.</summary>
        internal unsafe void* DataPointer
        {
            get
            {
                void* data;
                if (Native.daml_tensor_data(Handle, &data) != 0) Throw.Now($"data({Describe()})");
                return data;
            }
        }

        private void CheckType<T>(string member)
        {
            var wanted = TypeOf<T>();
            if (wanted != dtype) throw new ArgumentException($"{member}<{typeof(T).Name}>: the tensor's elements are {dtype}, not {wanted}");
        }

        public TensorAccessor<T> data<T>() where T : unmanaged
        {
            CheckType<T>("data");
            HostReads.Note();
            if (device_type != DeviceType.CPU) return new TensorAccessor<T>(cpu());
            return new TensorAccessor<T>(this);
        }

        public unsafe T item<T>() where T : unmanaged
        {
            if (numel() != 1) throw new ArgumentException($"item: a tensor of {numel()} elements ({Describe()}) is no single number");
            CheckType<T>("item");
            HostReads.Note();
            if (device_type == DeviceType.CPU && !Is(TensorProperty.Conj) && !Is(TensorProperty.Neg))
            {
                var value = *(T*)DataPointer;
                GC.KeepAlive(this);
                return value;
            }
            using var here = Ops.Call("resolve_neg", Ops.Call("resolve_conj", cpu()));
            return *(T*)here.DataPointer;
        }

        public unsafe Scalar ToScalar()
        {
            Value v;
            HostReads.Note();
            if (Native.daml_tensor_item(Handle, &v) != 0) Throw.Now($"item({Describe()})");
            GC.KeepAlive(this);
            return Scalar.From(v, dtype);
        }

        public object tolist()
        {
            if (dim() == 0) return ToScalar();
            var list = new List<object>();
            for (var i = 0L; i < size(0); i++)
            {
                using var row = this[i];
                list.Add(row.tolist());
            }
            return list;
        }

        /// <summary>The elements as bytes. The tensor must be contiguous and on the processor, and live as long as the span.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                if (device_type != DeviceType.CPU) throw new InvalidOperationException($"bytes: the tensor ({Describe()}) is not on the processor");
                if (!is_contiguous()) throw new NotImplementedException("bytes: the tensor is not contiguous");
                var count = checked((int)(numel() * element_size()));
                return count == 0 ? [] : new Span<byte>(DataPointer, count);
            }
            set
            {
                var target = bytes;
                if (value.Length != target.Length) throw new ArgumentException($"bytes: {value.Length} bytes given, the tensor has {target.Length}");
                value.CopyTo(target);
            }
        }

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            using var here = cpu();
            using var dense = here.contiguous();
            foreach (var part in dense.Parts()) stream.Write(part.Span);
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            if (device_type == DeviceType.CPU && is_contiguous())
            {
                foreach (var part in Parts()) stream.ReadExactly(part.Span);
                return;
            }
            using var here = Ops.Call("empty.memory_format", shape, dtype);
            here.ReadBytesFromStream(stream);
            copy_(here).Dispose();
        }

        // The bytes of a contiguous tensor in pieces a span can hold.
        private unsafe IEnumerable<NativePart> Parts()
        {
            var total = numel() * element_size();
            var list = new List<NativePart>();
            var start = total == 0 ? null : (byte*)DataPointer;
            for (var at = 0L; at < total; at += 1 << 30) list.Add(new((nint)(start + at), (int)Math.Min(1 << 30, total - at)));
            return list;
        }

        private readonly record struct NativePart(nint Address, int Length)
        {
            internal unsafe Span<byte> Span => new((void*)Address, Length);
        }

        public unsafe T ReadCpuValue<T>(long i) where T : unmanaged
        {
            CheckType<T>("ReadCpuValue");
            if (device_type != DeviceType.CPU) throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
            if (i < 0 || i >= numel()) throw new IndexOutOfRangeException("The index is greater than the number of elements in the tensor");
            var value = ((T*)DataPointer)[i];
            GC.KeepAlive(this);
            return value;
        }

        public double ReadCpuDouble(long i) => ReadCpuValue<double>(i);
        public float ReadCpuSingle(long i) => ReadCpuValue<float>(i);
        public long ReadCpuInt64(long i) => ReadCpuValue<long>(i);
        public int ReadCpuInt32(long i) => ReadCpuValue<int>(i);
        public short ReadCpuInt16(long i) => ReadCpuValue<short>(i);
        public byte ReadCpuByte(long i) => ReadCpuValue<byte>(i);
        public sbyte ReadCpuSByte(long i) => ReadCpuValue<sbyte>(i);
        public bool ReadCpuBool(long i) => ReadCpuValue<bool>(i);
        public Half ReadCpuFloat16(long i) => ReadCpuValue<Half>(i);
        public BFloat16 ReadCpuBFloat16(long i) => ReadCpuValue<BFloat16>(i);

        // ------------------------------------------------------------ indexing

        [SkipLocalsInit]
        private unsafe Tensor GetIndex(ReadOnlySpan<TensorIndex> indices)
        {
            Value* v = stackalloc Value[indices.Length];
            long* slices = stackalloc long[3 * indices.Length];
            Fill(indices, v, slices);
            Value r;
            if (Native.daml_tensor_index(Handle, v, indices.Length, &r) != 0) Throw.Now($"index({Describe()}, {Describe(indices)})", "index");
            GC.KeepAlive(this);
            foreach (var i in indices) GC.KeepAlive(i.Indices);
            return new Tensor((nint)r.Payload, r.Extra);
        }

        [SkipLocalsInit]
        private unsafe void SetIndex(ReadOnlySpan<TensorIndex> indices, Tensor value)
        {
            Value* v = stackalloc Value[indices.Length];
            long* slices = stackalloc long[3 * indices.Length];
            Fill(indices, v, slices);
            if (Native.daml_tensor_index_put(Handle, v, indices.Length, value.Handle) != 0)
                Throw.Now($"index_put_({Describe()}, {Describe(indices)}, {value.Describe()})", "index_put_");
            GC.KeepAlive(this);
            GC.KeepAlive(value);
            foreach (var i in indices) GC.KeepAlive(i.Indices);
        }

        private static unsafe void Fill(ReadOnlySpan<TensorIndex> indices, Value* v, long* slices)
        {
            for (var i = 0; i < indices.Length; i++)
            {
                ref readonly var index = ref indices[i];
                v[i] = new Value { Tag = index.Kind, Payload = index.Number };
                if (index.Kind == Tag.Tensor) v[i].Payload = index.Indices!.Handle;
                if (index.Kind != Tag.Slice) continue;
                var p = slices + 3 * i;
                p[0] = index.Start ?? 0;
                p[1] = index.Stop ?? 0;
                p[2] = index.Step ?? 1;
                v[i].Count = (index.Start is null ? 0 : 1) | (index.Stop is null ? 0 : 2) | (index.Step is null ? 0 : 4);
                v[i].Payload = (long)p;
            }
        }

        private static string Describe(ReadOnlySpan<TensorIndex> indices)
        {
            var parts = new string[indices.Length];
            for (var i = 0; i < parts.Length; i++)
                parts[i] = indices[i].Kind switch
                {
                    Tag.Tensor => indices[i].Indices!.Describe(),
                    Tag.Slice => $"{indices[i].Start}:{indices[i].Stop}{(indices[i].Step is { } s ? $":{s}" : "")}",
                    Tag.Ellipsis => "...",
                    Tag.None => "None",
                    Tag.Bool => indices[i].Number != 0 ? "true" : "false",
                    _ => indices[i].Number.ToString(),
                };
            return $"[{string.Join(", ", parts)}]";
        }

        private Tensor PutIndex(Tensor value, ReadOnlySpan<TensorIndex> indices, bool accumulate = false)
        {
            if (accumulate)
            {
                // a view of what is addressed by numbers and ranges does not exist beside tensors: add to what is there
                var tensors = new Tensor?[indices.Length];
                var plain = true;
                for (var i = 0; i < tensors.Length; i++)
                {
                    if (indices[i].Kind == Tag.Tensor) tensors[i] = indices[i].Indices;
                    else if (indices[i].Kind != Tag.Slice || indices[i].Start is not null || indices[i].Stop is not null || indices[i].Step is not null) plain = false;
                }
                if (!plain) throw new NotSupportedException("index_put_ with accumulate takes index tensors and whole dimensions only");
                return Ops.Call("index_put_", this, tensors, value, true);
            }
            SetIndex(indices, value);
            return alias();
        }

        // A number as a 0-d tensor of this tensor's type, for operators that take tensors only.
        private Tensor ScalarLikeThis(Scalar value) => Ops.Call("scalar_tensor", value, dtype, Arg.None, device);

        public Tensor this[params TensorIndex[] indices]
        {
            get => GetIndex(indices);
            set => SetIndex(indices, value);
        }

        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices).Dispose();
        }

        public Tensor this[long i1]
        {
            get => Ops.Call("select.int", this, 0, i1);
            set => SetIndex([i1], value);
        }

        public Tensor this[long i1, long i2]
        {
            get => GetIndex([i1, i2]);
            set => SetIndex([i1, i2], value);
        }

        public Tensor this[long i1, long i2, long i3]
        {
            get => GetIndex([i1, i2, i3]);
            set => SetIndex([i1, i2, i3], value);
        }

        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => GetIndex([i1, i2, i3, i4]);
            set => SetIndex([i1, i2, i3, i4], value);
        }

        public Tensor this[long i1, long i2, long i3, long i4, long i5]
        {
            get => GetIndex([i1, i2, i3, i4, i5]);
            set => SetIndex([i1, i2, i3, i4, i5], value);
        }

        public Tensor this[long i1, long i2, long i3, long i4, long i5, long i6]
        {
            get => GetIndex([i1, i2, i3, i4, i5, i6]);
            set => SetIndex([i1, i2, i3, i4, i5, i6], value);
        }

        public Tensor this[params long[] indices]
        {
            get => GetIndex(Array.ConvertAll(indices, i => (TensorIndex)i));
            set => SetIndex(Array.ConvertAll(indices, i => (TensorIndex)i), value);
        }

        // ------------------------------------------------------------ small helpers of the operator families

        private static Tensor Converted(Tensor t, ScalarType? type)
        {
            if (type is null || type == t.dtype) return t;
            var converted = t.to_type(type.Value);
            t.Dispose();
            return converted;
        }

        private static (Tensor, Tensor) Converted((Tensor, Tensor) pair, ScalarType? type) =>
            (Converted(pair.Item1, type), Converted(pair.Item2, type));

        internal static (Tensor, Tensor?, Tensor?) Chosen((Tensor, Tensor, Tensor) all, bool second, bool third)
        {
            if (!second) all.Item2.Dispose();
            if (!third) all.Item3.Dispose();
            return (all.Item1, second ? all.Item2 : null, third ? all.Item3 : null);
        }

        private static Tensor Vander(Tensor x, long n, bool increasing)
        {
            using var scope = NewDisposeScope();
            if (n < 0) n = x.size(-1);
            var powers = Ops.Call("linalg_vander", x, n);
            return (increasing ? powers.alias() : powers.flip(-1)).MoveToOuterDisposeScope();
        }

        private Tensor Stft(long n_fft, long hop_length, long win_length, Tensor? window, bool center, PaddingModes pad_mode, bool normalized, bool? onesided, bool? return_complex)
        {
            using var scope = NewDisposeScope();
            var x = this;
            if (center)
            {
                var mode = pad_mode switch { PaddingModes.Zeros => "constant", _ => pad_mode.ToString().ToLowerInvariant() };
                var extra = 3 - x.dim();
                var lifted = extra > 0 ? x.view([.. Enumerable.Repeat(1L, (int)extra), .. x.shape]) : x;
                var padded = mode switch
                {
                    "constant" => Ops.Call("constant_pad_nd", lifted, new long[] { n_fft / 2, n_fft / 2 }),
                    "reflect" => Ops.Call("reflection_pad1d", lifted, new long[] { n_fft / 2, n_fft / 2 }),
                    "replicate" => Ops.Call("replication_pad1d", lifted, new long[] { n_fft / 2, n_fft / 2 }),
                    _ => cat([lifted.narrow(-1, lifted.size(-1) - n_fft / 2, n_fft / 2), lifted, lifted.narrow(-1, 0, n_fft / 2)], -1),
                };
                x = padded.view([.. shape[..^1], padded.size(-1)]);
            }
            return Ops.Call("stft", x, n_fft, hop_length < 0 ? null : (long?)hop_length, win_length < 0 ? null : (long?)win_length,
                window, normalized, onesided, return_complex).MoveToOuterDisposeScope();
        }
    }

    private static long[] BroadcastShapes(long[][] shapes)
    {
        var rank = shapes.Length == 0 ? 0 : shapes.Max(s => s.Length);
        var result = new long[rank];
        Array.Fill(result, 1);
        foreach (var s in shapes)
            for (var i = 0; i < s.Length; i++)
            {
                ref var r = ref result[rank - s.Length + i];
                if (s[i] == r || s[i] == 1) continue;
                if (r != 1) throw new ArgumentException($"shapes {string.Join(", ", shapes.Select(x => $"[{string.Join(", ", x)}]"))} do not broadcast");
                r = s[i];
            }
        return result;
    }
}
