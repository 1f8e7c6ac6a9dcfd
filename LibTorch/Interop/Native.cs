using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace DaML.LibTorch;

/// <summary>The C ABI of native/daml_torch.cpp. A function that returns <c>int</c> returns 0 for success.</summary>
internal static unsafe partial class Native
{
    private const string Library = "daml_torch";

    static Native()
    {
        NativeLibrary.SetDllImportResolver(typeof(Native).Assembly, Resolve);
        LimitSpinning();
        Throw.IfFailed(daml_initialise());
        // Debian's libtorch starts with one thread; elsewhere the processor count is the default anyway.
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OMP_NUM_THREADS")))
            daml_set_num_threads(Environment.ProcessorCount);
    }

    // OpenMP's threads wait for work by spinning for milliseconds, which starves whoever shares the cores with them; put
    // to sleep at once they cost a wake-up in every small operator. A thousand turns, some microseconds, bridge the gap
    // between two operators and no more. Read when the OpenMP library is loaded, so set before that, and in the C
    // environment, which .NET's own copy does not reach.
    private static void LimitSpinning()
    {
        if (!OperatingSystem.IsLinux()) return;
        foreach (var given in (string[])["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"])
            if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(given))) return;
        fixed (byte* name = "GOMP_SPINCOUNT\0"u8, value = "1000\0"u8) _ = setenv(name, value, 0);
    }

    [LibraryImport("libc")] private static partial int setenv(byte* name, byte* value, int overwrite);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library) return 0;
        var named = Environment.GetEnvironmentVariable("DAML_TORCH_NATIVE");
        if (!string.IsNullOrEmpty(named))
            return NativeLibrary.Load(Directory.Exists(named) ? Path.Combine(named, "libdaml_torch.so") : named);
        var beside = Path.Combine(AppContext.BaseDirectory, "libdaml_torch.so");
        if (!File.Exists(beside) && assembly.Location is { Length: > 0 } location)
            beside = Path.Combine(Path.GetDirectoryName(location)!, "libdaml_torch.so");
        if (File.Exists(beside)) return NativeLibrary.Load(beside);
        // where DaML came as a package, the runtime knows the package's folder of native libraries
        if (NativeLibrary.TryLoad(name, assembly, path, out nint found)) return found;
        throw new DllNotFoundException(
            $"libdaml_torch.so was not found beside {AppContext.BaseDirectory}: build with TorchProvider=system, or name the library in DAML_TORCH_NATIVE.");
    }

    [LibraryImport(Library)] internal static partial byte* daml_last_error();
    [LibraryImport(Library)] internal static partial void daml_free(void* p);
    [LibraryImport(Library)] internal static partial byte* daml_version();
    [LibraryImport(Library)] internal static partial int daml_initialise();

    [LibraryImport(Library)] internal static partial int daml_operator(byte* name, byte* overload, nint* result);
    [LibraryImport(Library)] internal static partial int daml_operator_exists(byte* name, byte* overload);
    [LibraryImport(Library)] internal static partial int daml_call(nint op, Value* arguments, int count, Value* results, int capacity, int* resultCount);

    [LibraryImport(Library)] internal static partial void daml_tensor_free(nint tensor);
    [LibraryImport(Library)] internal static partial nint daml_tensor_alias(nint tensor);
    [LibraryImport(Library)] internal static partial long daml_tensor_nbytes(nint tensor);
    [LibraryImport(Library)] internal static partial int daml_tensor_dtype(nint tensor);
    [LibraryImport(Library)] internal static partial void daml_tensor_device(nint tensor, int* type, int* index);
    [LibraryImport(Library)] internal static partial long daml_tensor_dim(nint tensor);
    [LibraryImport(Library)] internal static partial long daml_tensor_numel(nint tensor);
    [LibraryImport(Library)] internal static partial long daml_tensor_itemsize(nint tensor);
    [LibraryImport(Library)] internal static partial int daml_tensor_sizes(nint tensor, long* sizes);
    [LibraryImport(Library)] internal static partial int daml_tensor_strides(nint tensor, long* strides);
    [LibraryImport(Library)] internal static partial int daml_tensor_size(nint tensor, long dim, long* size);
    [LibraryImport(Library)] internal static partial int daml_tensor_stride(nint tensor, long dim, long* stride);
    [LibraryImport(Library)] internal static partial int daml_tensor_storage_offset(nint tensor, long* offset);
    [LibraryImport(Library)] internal static partial int daml_tensor_data(nint tensor, void** data);
    [LibraryImport(Library)] internal static partial int daml_tensor_is(nint tensor, TensorProperty property, int* result);
    [LibraryImport(Library)] internal static partial int daml_tensor_set_requires_grad(nint tensor, int value);
    [LibraryImport(Library)] internal static partial int daml_tensor_grad(nint tensor, nint* grad);
    [LibraryImport(Library)] internal static partial int daml_tensor_set_grad(nint tensor, nint grad);
    [LibraryImport(Library)] internal static partial int daml_tensor_retain_grad(nint tensor);
    [LibraryImport(Library)] internal static partial int daml_tensor_bump_version(nint tensor);
    [LibraryImport(Library)] internal static partial byte* daml_tensor_grad_fn(nint tensor);
    [LibraryImport(Library)] internal static partial int daml_tensor_from_memory(void* data, long* sizes, int dims, int dtype, int deviceType, int deviceIndex, delegate* unmanaged<long, void> deleter, long context, nint* result);
    [LibraryImport(Library)] internal static partial int daml_tensor_item(nint tensor, Value* result);
    [LibraryImport(Library)] internal static partial int daml_tensor_index(nint tensor, Value* indices, int count, Value* result);
    [LibraryImport(Library)] internal static partial int daml_tensor_index_put(nint tensor, Value* indices, int count, nint value);

    [LibraryImport(Library)] internal static partial int daml_backward(nint* tensors, int count, nint* grads, int gradCount, int retainGraph, int createGraph, nint* inputs, int inputCount);
    [LibraryImport(Library)] internal static partial int daml_grad(nint* outputs, int outputCount, nint* inputs, int inputCount, nint* grads, int gradCount, int retainGraph, int createGraph, int allowUnused, nint* results);
    [LibraryImport(Library)] internal static partial int daml_grad_mode();
    [LibraryImport(Library)] internal static partial void daml_set_grad_mode(int enabled);
    [LibraryImport(Library)] internal static partial int daml_inference_mode();
    [LibraryImport(Library)] internal static partial nint daml_inference_mode_enter(int enabled);
    [LibraryImport(Library)] internal static partial void daml_inference_mode_leave(nint guard);
    [LibraryImport(Library)] internal static partial int daml_anomaly_mode();
    [LibraryImport(Library)] internal static partial int daml_anomaly_check_nan();
    [LibraryImport(Library)] internal static partial void daml_set_anomaly_mode(int enabled, int checkNan);
    [LibraryImport(Library)] internal static partial int daml_forward_level_enter(long* level);
    [LibraryImport(Library)] internal static partial int daml_forward_level_leave(long level);

    [LibraryImport(Library)] internal static partial int daml_node_create(byte* name, long context, delegate* unmanaged<long, nint, nint*, int, nint*, int, long> callback, delegate* unmanaged<long, void> release, nint* node);
    [LibraryImport(Library)] internal static partial void daml_node_free(nint node);
    [LibraryImport(Library)] internal static partial int daml_node_inputs(nint node, nint* inputs, int count, int* executable);
    [LibraryImport(Library)] internal static partial int daml_node_outputs(nint node, nint* inputs, int inputCount, nint* outputs, int* flags, int count, int executable, int materialize, nint* saved, int savedCount, nint* results);
    [LibraryImport(Library)] internal static partial int daml_node_saved_count(nint node);
    [LibraryImport(Library)] internal static partial int daml_node_saved(nint node, nint* results);

    [LibraryImport(Library)] internal static partial int daml_generator_create(int deviceType, int deviceIndex, long seed, nint* result);
    [LibraryImport(Library)] internal static partial int daml_generator_default(int deviceType, int deviceIndex, nint* result);
    [LibraryImport(Library)] internal static partial void daml_generator_free(nint generator);
    [LibraryImport(Library)] internal static partial int daml_generator_set_seed(nint generator, long seed);
    [LibraryImport(Library)] internal static partial int daml_generator_seed(nint generator, long* seed);
    [LibraryImport(Library)] internal static partial int daml_generator_initial_seed(nint generator, long* seed);
    [LibraryImport(Library)] internal static partial int daml_generator_get_state(nint generator, nint* state);
    [LibraryImport(Library)] internal static partial int daml_generator_set_state(nint generator, nint state);
    [LibraryImport(Library)] internal static partial int daml_manual_seed(long seed);

    [LibraryImport(Library)] internal static partial int daml_set_default_dtype(int dtype);
    [LibraryImport(Library)] internal static partial void daml_set_num_threads(int n);
    [LibraryImport(Library)] internal static partial int daml_get_num_threads();
    [LibraryImport(Library)] internal static partial int daml_set_num_interop_threads(int n);
    [LibraryImport(Library)] internal static partial int daml_get_num_interop_threads();
    [LibraryImport(Library)] internal static partial int daml_cuda_device_count();
    [LibraryImport(Library)] internal static partial int daml_cuda_has_cudnn();
    [LibraryImport(Library)] internal static partial int daml_cuda_synchronize(int deviceIndex);
    [LibraryImport(Library)] internal static partial int daml_cuda_memory(int deviceIndex, long* bytes);
    [LibraryImport(Library)] internal static partial int daml_cuda_reset_peak_memory(int deviceIndex);
    [LibraryImport(Library)] internal static partial int daml_cuda_empty_cache();
    [LibraryImport(Library)] internal static partial int daml_cuda_capability(int deviceIndex, int* major, int* minor);
    [LibraryImport(Library)] internal static partial int daml_cuda_graphs();
    [LibraryImport(Library)] internal static partial int daml_cuda_graph_create(int deviceIndex, nint* graph);
    [LibraryImport(Library)] internal static partial void daml_cuda_graph_free(nint graph);
    [LibraryImport(Library)] internal static partial int daml_cuda_graph_enter(nint graph);
    [LibraryImport(Library)] internal static partial int daml_cuda_graph_leave(nint graph);
    [LibraryImport(Library)] internal static partial int daml_cuda_graph_begin(nint graph);
    [LibraryImport(Library)] internal static partial int daml_cuda_graph_end(nint graph);
    [LibraryImport(Library)] internal static partial int daml_cuda_graph_replay(nint graph);
    [LibraryImport(Library)] internal static partial int daml_get_flag(NativeFlag flag, int* value);
    [LibraryImport(Library)] internal static partial int daml_set_flag(NativeFlag flag, int value);
}

/// <summary>What <c>daml_tensor_is</c> can be asked.</summary>
internal enum TensorProperty { Contiguous, Sparse, RequiresGrad, Leaf, Inference, Conj, Neg, Pinned }

/// <summary>Switches of libtorch's global context.</summary>
internal enum NativeFlag { MatmulTf32, MatmulFp16Reduction, CudnnTf32, CudnnBenchmark, Deterministic, FlushDenormal }
