#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using System.Text;
using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// A tensor: one reference to a tensor of libtorch. Belongs to the innermost dispose scope of the thread that made
    /// it; the finalizer frees what nobody disposed.
    /// </summary>
    public partial class Tensor : IDisposable
    {
        private nint handle;
        private long counted;   // the bytes ForgottenMemory was told of
        private static long totalCount;
        private static long peakCount;

        internal DisposeScope? OwningDisposeScope { get; set; }
        internal int PlaceInScope { get; set; }

        internal Tensor(IntPtr handle) : this(handle, handle == 0 ? 0 : Native.daml_tensor_nbytes(handle)) { }

        /// <summary>Takes the handle over. <paramref name="bytes"/>: the size of what it refers to.</summary>
        internal Tensor(nint handle, long bytes)
        {
            this.handle = handle;
            if (handle != 0)
            {
                var n = Interlocked.Increment(ref totalCount);
                if (n > peakCount) peakCount = n;
            }
            if (bytes > ForgottenMemory.Smallest) ForgottenMemory.Taken(counted = bytes);
            DisposeScopeManager.ThreadSingleton.Register(this);
        }

        public static Tensor UnsafeCreateTensor(IntPtr handle) => new(handle);

        ~Tensor() => Dispose(false);

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var h = Release(disposing);
            if (h != 0) Native.daml_tensor_free(h);
        }

        private nint Release(bool disposing)
        {
            var h = Interlocked.Exchange(ref handle, 0);
            if (disposing)
            {
                if (h != 0) DisposeScopeManager.ThreadSingleton.Disposing(this);
                OwningDisposeScope?.Remove(this);
            }
            if (h == 0) return 0;
            Interlocked.Decrement(ref totalCount);
            if (counted > 0) ForgottenMemory.GivenBack(counted, forgotten: !disposing);
            counted = 0;
            return h;
        }

        /// <summary>Gives the native reference away; this wrapper is invalid afterwards.</summary>
        public IntPtr DecoupleFromNativeHandle()
        {
            var h = Release(true);
            GC.SuppressFinalize(this);
            return h;
        }

        /// <summary>The native reference; throws where the tensor was disposed.</summary>
        public IntPtr Handle
        {
            get
            {
                if (handle == 0) ThrowDisposed();
                return handle;
            }
        }

        private static void ThrowDisposed() => throw new InvalidOperationException("Tensor invalid -- it was disposed, or its scope was.");

        public bool IsInvalid => handle == 0;

        public static long TotalCount => Interlocked.Read(ref totalCount);
        public static long PeakCount => Interlocked.Read(ref peakCount);

        /// <summary>A name for debugging.</summary>
        public string? name { get; set; }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (OwningDisposeScope is null && other is not null) other.Attach(this);
            else OwningDisposeScope?.MoveToOther(other, this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        /// <summary>A second wrapper of the same tensor.</summary>
        public Tensor alias()
        {
            var h = Native.daml_tensor_alias(Handle);
            GC.KeepAlive(this);
            return new Tensor(h);
        }

        public override bool Equals(object? obj) => obj is Tensor t && Equals(t);

        /// <summary>Whether both have the same shape and the same elements.</summary>
        public bool Equals(Tensor target) => ReferenceEquals(this, target) || Ops.CallBool("equal", this, target);

        public override int GetHashCode() => base.GetHashCode();

        // ------------------------------------------------------------ what it is

        public ScalarType dtype => (ScalarType)KeepAlive(Native.daml_tensor_dtype(Handle));
        public long dim() => KeepAlive(Native.daml_tensor_dim(Handle));
        public long ndim => dim();
        public long Dimensions => dim();
        public long numel() => KeepAlive(Native.daml_tensor_numel(Handle));
        public long NumberOfElements => numel();
        public long element_size() => KeepAlive(Native.daml_tensor_itemsize(Handle));
        public long ElementSize => element_size();

        private T KeepAlive<T>(T value)
        {
            GC.KeepAlive(this);
            return value;
        }

        private unsafe (DeviceType type, int index) DevicePair
        {
            get
            {
                int type, index;
                Native.daml_tensor_device(Handle, &type, &index);
                GC.KeepAlive(this);
                return ((DeviceType)type, index);
            }
        }

        public Device device
        {
            get
            {
                var (type, index) = DevicePair;
                return type == DeviceType.CPU ? CPU : new Device(type, index);
            }
        }

        public DeviceType device_type => DevicePair.type;
        public int device_index => DevicePair.index;
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_cpu() => device_type == DeviceType.CPU;

        public unsafe long[] shape
        {
            get
            {
                var sizes = new long[dim()];
                fixed (long* p = sizes) Throw.IfFailed(Native.daml_tensor_sizes(Handle, p));
                GC.KeepAlive(this);
                return sizes;
            }
        }

        public long[] size() => shape;

        public unsafe long size(int dim)
        {
            long s;
            Throw.IfFailed(Native.daml_tensor_size(Handle, dim, &s));
            GC.KeepAlive(this);
            return s;
        }

        public unsafe long[] stride()
        {
            var strides = new long[dim()];
            fixed (long* p = strides) Throw.IfFailed(Native.daml_tensor_strides(Handle, p));
            GC.KeepAlive(this);
            return strides;
        }

        public unsafe long stride(int dim)
        {
            long s;
            Throw.IfFailed(Native.daml_tensor_stride(Handle, dim, &s));
            GC.KeepAlive(this);
            return s;
        }

        public unsafe long storage_offset()
        {
            long s;
            Throw.IfFailed(Native.daml_tensor_storage_offset(Handle, &s));
            GC.KeepAlive(this);
            return s;
        }

        internal unsafe bool Is(TensorProperty property)
        {
            int result;
            Throw.IfFailed(Native.daml_tensor_is(Handle, property, &result));
            GC.KeepAlive(this);
            return result != 0;
        }

        public bool is_contiguous() => Is(TensorProperty.Contiguous);
        public bool is_sparse => Is(TensorProperty.Sparse);
        public bool is_leaf => Is(TensorProperty.Leaf);
        public bool is_pinned() => Is(TensorProperty.Pinned);
        public bool is_complex() => torch.is_complex(dtype);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_integral() => torch.is_integral(dtype);

        // ------------------------------------------------------------ gradient

        public bool requires_grad
        {
            get => Is(TensorProperty.RequiresGrad);
            set
            {
                if (Native.daml_tensor_set_requires_grad(Handle, value ? 1 : 0) != 0) Throw.Now($"requires_grad = {value}({Describe()})");
                GC.KeepAlive(this);
            }
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return alias();
        }

        public Tensor with_requires_grad(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public unsafe Tensor? grad
        {
            get
            {
                nint h;
                Throw.IfFailed(Native.daml_tensor_grad(Handle, &h));
                GC.KeepAlive(this);
                return h == 0 ? null : new Tensor(h);
            }
            set
            {
                if (Native.daml_tensor_set_grad(Handle, value is null ? 0 : value.Handle) != 0) Throw.Now($"grad = ...({Describe()})");
                GC.KeepAlive(this);
                GC.KeepAlive(value);
            }
        }

        public void retain_grad()
        {
            if (Native.daml_tensor_retain_grad(Handle) != 0) Throw.Now($"retain_grad({Describe()})");
            GC.KeepAlive(this);
        }

        /// <summary>Type and shape, for messages: "Float32[2, 3]".</summary>
        internal string Describe()
        {
            var text = new StringBuilder();
            Ops.DescribeTensor(text, handle);
            GC.KeepAlive(this);
            return text.ToString();
        }
    }
}
