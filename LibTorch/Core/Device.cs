#pragma warning disable CS1591 // the names are TorchSharp's and PyTorch's, and are documented there

using DaML.LibTorch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Where a tensor lives.</summary>
    public class Device
    {
        public DeviceType type { get; private set; }
        public int index { get; private set; } = -1;

        public Device(string description)
        {
            var parts = description.Split(':');
            if (parts.Length > 2) throw new ArgumentException($"'{description}' is no device: write 'cpu', 'cuda' or 'cuda:1'");
            type = Parse(parts[0]);
            if (parts.Length == 2)
            {
                if (!int.TryParse(parts[1], out var i) || i < 0)
                    throw new ArgumentException($"'{description}' is no device: write 'cpu', 'cuda' or 'cuda:1'");
                index = i;
            }
        }

        public Device(string deviceType, int index = -1) : this(Parse(deviceType), index) { }

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index;
        }

        public Device(int index) : this(DeviceType.CUDA, index) { }

        private static DeviceType Parse(string name) => name.ToLowerInvariant() switch
        {
            "cpu" => DeviceType.CPU,
            "cuda" => DeviceType.CUDA,
            "mps" => DeviceType.MPS,
            "meta" => DeviceType.META,
            _ => throw new ArgumentException($"unknown device '{name}'"),
        };

        public override string ToString()
        {
            var name = type.ToString().ToLowerInvariant();
            return type == DeviceType.CPU || index < 0 ? name : $"{name}:{index}";
        }

        public static implicit operator Device(string description) => new(description);
    }

    public static readonly Device CPU = new(DeviceType.CPU);
    public static readonly Device META = new(DeviceType.META);
    public static Device CUDA => InitializeDevice(new Device(DeviceType.CUDA));
    public static Device MPS => InitializeDevice(new Device(DeviceType.MPS));

    private static Device? defaultDevice;

    public static Device device(string description) => InitializeDevice(new Device(description));
    public static Device device(string deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));
    public static Device device(DeviceType deviceType, int index = -1) => InitializeDevice(new Device(deviceType, index));
    public static Device device(int index) => new(index);

    public static Device get_default_device() => defaultDevice ?? CPU;
    public static void set_default_device(Device device) => defaultDevice = device;
    public static void set_default_device(string device) => defaultDevice = new Device(device);

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType)) throw new InvalidOperationException($"Torch device type {deviceType} did not initialise on the current machine.");
    }

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType switch
    {
        DeviceType.CPU or DeviceType.META => true,
        DeviceType.CUDA => cuda.is_available(),
        _ => false,
    };

    /// <summary>The device, or the default one for null; throws where the machine has none of its kind.</summary>
    public static Device InitializeDevice(Device? device)
    {
        device ??= get_default_device();
        if (device.type != DeviceType.CPU) InitializeDeviceType(device.type);
        return device;
    }

    public static bool cuda_is_available() => cuda.is_available();

    public static void set_num_threads(int num) => Native.daml_set_num_threads(num);
    public static int get_num_threads() => Native.daml_get_num_threads();
    public static void set_num_interop_threads(int num) => Throw.IfFailed(Native.daml_set_num_interop_threads(num));
    public static int get_num_interop_threads() => Native.daml_get_num_interop_threads();

    public static partial class cuda
    {
        private static readonly Lazy<int> count = new(Native.daml_cuda_device_count);

        public static int device_count() => count.Value;
        public static bool is_available() => count.Value > 0;
        public static bool is_cudnn_available() => is_available() && Native.daml_cuda_has_cudnn() != 0;

        public static void manual_seed(long seed)
        {
            if (!is_available()) return;
            using var g = Generator.DefaultOf(CUDA);
            g.manual_seed(seed);
        }

        public static void manual_seed_all(long seed)
        {
            for (var i = 0; i < device_count(); i++)
            {
                using var g = Generator.DefaultOf(new Device(DeviceType.CUDA, i));
                g.manual_seed(seed);
            }
        }

        public static void synchronize(Device? device = null)
        {
            if (!is_available()) throw new TorchException("cuda.synchronize: this libtorch finds no CUDA device");
            Throw.IfFailed(Native.daml_cuda_synchronize(device is null ? -1 : device.index));
        }
    }

    public static partial class backends
    {
        public static partial class cuda
        {
            public static partial class matmul
            {
                public static bool allow_tf32 { get => GetFlag(NativeFlag.MatmulTf32); set => SetFlag(NativeFlag.MatmulTf32, value); }
                public static bool allow_fp16_reduced_precision_reduction { get => GetFlag(NativeFlag.MatmulFp16Reduction); set => SetFlag(NativeFlag.MatmulFp16Reduction, value); }
            }
        }

        public static partial class cudnn
        {
            public static bool allow_tf32 { get => GetFlag(NativeFlag.CudnnTf32); set => SetFlag(NativeFlag.CudnnTf32, value); }
        }

        private static unsafe bool GetFlag(NativeFlag flag)
        {
            int value;
            Throw.IfFailed(Native.daml_get_flag(flag, &value));
            return value != 0;
        }

        private static void SetFlag(NativeFlag flag, bool value) => Throw.IfFailed(Native.daml_set_flag(flag, value ? 1 : 0));
    }
}
