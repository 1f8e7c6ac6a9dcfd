#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A source of random numbers on one device.</summary>
    public class Generator : IDisposable
    {
        private nint handle;
        private static readonly Lazy<Generator> defaultGenerator = new(() => DefaultOf(CPU));
        private bool IsShared => defaultGenerator.IsValueCreated && ReferenceEquals(this, defaultGenerator.Value);

        public unsafe Generator(ulong seed = 0, Device? device = null)
        {
            this.device = InitializeDevice(device);
            Prepare(this.device);
            nint h;
            Throw.IfFailed(Native.daml_generator_create((int)this.device.type, this.device.index, (long)seed, &h));
            handle = h;
        }

        private Generator(nint handle, Device device)
        {
            this.handle = handle;
            this.device = device;
        }

        /// <summary>The generator a device uses when an operator is given none.</summary>
        internal static unsafe Generator DefaultOf(Device device)
        {
            Prepare(device);
            nint h;
            Throw.IfFailed(Native.daml_generator_default((int)device.type, device.index, &h));
            return new Generator(h, device);
        }

        // CUDA's generators exist once CUDA is initialised, which the first tensor does.
        private static void Prepare(Device device)
        {
            if (device.type == DeviceType.CUDA) empty([1], float32, device).Dispose();
        }

        public IntPtr Handle
        {
            get
            {
                ObjectDisposedException.ThrowIf(handle == 0, this);
                return handle;
            }
        }

        public Device device { get; private set; }

        public static Generator Default => defaultGenerator.Value;

        public Generator manual_seed(long seed)
        {
            Throw.IfFailed(Native.daml_generator_set_seed(Handle, seed));
            return this;
        }

        public unsafe long seed()
        {
            long s;
            Throw.IfFailed(Native.daml_generator_seed(Handle, &s));
            return s;
        }

        public unsafe long initial_seed()
        {
            long s;
            Throw.IfFailed(Native.daml_generator_initial_seed(Handle, &s));
            return s;
        }

        public unsafe Tensor get_state()
        {
            nint h;
            Throw.IfFailed(Native.daml_generator_get_state(Handle, &h));
            return new Tensor(h);
        }

        public void set_state(Tensor value)
        {
            Throw.IfFailed(Native.daml_generator_set_state(Handle, value.Handle));
            GC.KeepAlive(value);
        }

        ~Generator() => Dispose(false);

        /// <summary>The processor's default generator is everybody's and stays.</summary>
        public void Dispose()
        {
            if (IsShared) return;
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var h = Interlocked.Exchange(ref handle, 0);
            if (h != 0) Native.daml_generator_free(h);
        }
    }

    public static partial class random
    {
        public static Tensor get_rng_state() => Generator.Default.get_state();
        public static void set_rng_state(Tensor new_state) => Generator.Default.set_state(new_state);
        public static long initial_seed() => Generator.Default.initial_seed();
        public static long seed() => Generator.Default.seed();

        /// <summary>Seeds the processor's generator and every CUDA device's.</summary>
        public static Generator manual_seed(long seed)
        {
            Throw.IfFailed(Native.daml_manual_seed(seed));
            return Generator.Default;
        }
    }

    public static Generator manual_seed(long seed) => random.manual_seed(seed);
    public static long seed() => random.seed();
    public static long initial_seed() => random.initial_seed();
    public static Tensor get_rng_state() => random.get_rng_state();
    public static void set_rng_state(Tensor new_state) => random.set_rng_state(new_state);
}
