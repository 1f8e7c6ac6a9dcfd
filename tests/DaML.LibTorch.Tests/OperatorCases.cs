using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The inputs the cases share, in one precision. Values are generic: no ties, no integers, no zeros.</summary>
internal sealed class Inputs(ScalarType type)
{
    private static readonly double[] matrix = [2.3, -0.4, 0.7, 0.2, 1.9, -0.6, -0.3, 0.5, 2.7];

    internal ScalarType Type => type;
    internal Tensor Of(params double[] values) => tensor(values, type);
    internal Tensor Of(double[] values, params long[] shape) => tensor(values, type).reshape(shape);
    internal Tensor V => Of(0.3, -1.2, 2.6, -0.7);
    internal Tensor W => Of(1.1, 0.4, -0.9, 2.2);
    internal Tensor Positive => Of(0.3, 1.2, 2.6, 0.7);
    internal Tensor M => Of([0.3, -1.2, 2.6, -0.7, 1.4, 0.9], 2, 3);
    internal Tensor N => Of([1.1, 0.4, -0.9, 2.2, -1.6, 0.8], 2, 3);
    internal Tensor A => Of(matrix, 3, 3);
    internal Tensor Spd { get { var a = A; return a.matmul(a.mT) + eye(3, dtype: type); } }
    internal Tensor B => Of([0.5, -1.0, 1.5, 2.0, -0.25, 0.75], 3, 2);
    internal Tensor Batch => stack([A, A * 0.5 + eye(3, dtype: type)]);
    internal Tensor I(params long[] values) => tensor(values);
    internal Tensor Mask => tensor(new[] { true, false, true, false });
    internal Tensor C => complex(V, W);
}

/// <summary>One operator, what it gives on the shared inputs, and what it must give.</summary>
internal sealed record OperatorCase(string Name, Func<Inputs, object> Run, double[] Expected, double Loosen = 1);

/// <summary>One differentiable function and where to differentiate it.</summary>
internal sealed record SmoothCase(string Name, Func<Tensor, Tensor> F, Func<Inputs, Tensor> At, bool Forward = true, bool Second = true);

internal static partial class OperatorCases
{
    /// <summary>The numbers of a result, complex ones as real and imaginary part, tuples and lists one after another.</summary>
    internal static double[] Numbers(object? result) => result switch
    {
        null => [],
        bool b => [b ? 1 : 0],
        long l => [l],
        double d => [d],
        Tensor t when is_complex(t.dtype) => Numbers(view_as_real(t.resolve_conj())),
        Tensor t => t.to(ScalarType.Float64).reshape(-1).data<double>().ToArray(),
        System.Runtime.CompilerServices.ITuple tuple => [.. Enumerable.Range(0, tuple.Length).SelectMany(i => Numbers(tuple[i]))],
        System.Collections.IEnumerable list => [.. list.Cast<object>().SelectMany(Numbers)],
        _ => throw new NotSupportedException(result.GetType().Name),
    };

    // ------------------------------------------------------------ elementwise functions of one argument

    private static double Integral(Func<double, double> f, double to, int n = 2000)
    {
        var h = to / n;
        var sum = f(0) + f(to);
        for (var i = 1; i < n; i++) sum += (i % 2 == 1 ? 4 : 2) * f(i * h);
        return sum * h / 3;
    }

    internal static double Erf(double x) => 2 / Math.Sqrt(Math.PI) * Integral(t => Math.Exp(-t * t), x);

    internal static double LogGamma(double x)
    {
        if (x < 0.5) return Math.Log(Math.PI / Math.Abs(Math.Sin(Math.PI * x))) - LogGamma(1 - x);
        double shift = 0;
        while (x < 12) shift -= Math.Log(x++);
        var z = 1 / (x * x);
        return shift + (x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI)
            + (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / x;
    }

    private static double Digamma(double x) => (LogGamma(x + 1e-4) - LogGamma(x - 1e-4)) / 2e-4;

    private static double Bessel0(double x)
    {
        double sum = 1, term = 1;
        for (var k = 1; k < 40; k++) sum += term *= x * x / (4.0 * k * k);
        return sum;
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static readonly double[] any = [0.3, -1.2, 2.6, -0.7];
    private static readonly double[] positive = [0.3, 1.2, 2.6, 0.7];
    private static readonly double[] unit = [0.3, -0.9, 0.55, -0.7];
    private static readonly double[] aboveOne = [1.3, 2.2, 1.6, 4.7];

    internal static readonly Dictionary<string, (double[] At, Func<double, double> F)> Elementwise = new()
    {
        ["abs"] = (any, Math.Abs), ["absolute"] = (any, Math.Abs), ["acos"] = (unit, Math.Acos), ["arccos"] = (unit, Math.Acos),
        ["acosh"] = (aboveOne, Math.Acosh), ["arccosh"] = (aboveOne, Math.Acosh), ["asin"] = (unit, Math.Asin), ["arcsin"] = (unit, Math.Asin),
        ["asinh"] = (any, Math.Asinh), ["arcsinh"] = (any, Math.Asinh), ["atan"] = (any, Math.Atan), ["arctan"] = (any, Math.Atan),
        ["atanh"] = (unit, Math.Atanh), ["arctanh"] = (unit, Math.Atanh), ["ceil"] = (any, Math.Ceiling), ["floor"] = (any, Math.Floor),
        ["trunc"] = (any, Math.Truncate), ["fix"] = (any, Math.Truncate), ["frac"] = (any, x => x - Math.Truncate(x)), ["round"] = (any, x => Math.Round(x)),
        ["cos"] = (any, Math.Cos), ["cosh"] = (any, Math.Cosh), ["sin"] = (any, Math.Sin), ["sinh"] = (any, Math.Sinh), ["tan"] = (any, Math.Tan), ["tanh"] = (any, Math.Tanh),
        ["sinc"] = (any, x => Math.Sin(Math.PI * x) / (Math.PI * x)), ["deg2rad"] = (any, x => x * Math.PI / 180), ["rad2deg"] = (any, x => x * 180 / Math.PI),
        ["exp"] = (any, Math.Exp), ["exp2"] = (any, x => Math.Pow(2, x)), ["expm1"] = (any, x => Math.Exp(x) - 1), ["log"] = (positive, Math.Log), ["log10"] = (positive, Math.Log10),
        ["log1p"] = (positive, x => Math.Log(1 + x)), ["log2"] = (positive, Math.Log2), ["sqrt"] = (positive, Math.Sqrt), ["rsqrt"] = (positive, x => 1 / Math.Sqrt(x)),
        ["square"] = (any, x => x * x), ["reciprocal"] = (any, x => 1 / x), ["neg"] = (any, x => -x), ["negative"] = (any, x => -x), ["positive"] = (any, x => x),
        ["sign"] = (any, x => Math.Sign(x)), ["sgn"] = (any, x => Math.Sign(x)), ["sigmoid"] = (any, Sigmoid), ["erf"] = (any, Erf), ["erfc"] = (any, x => 1 - Erf(x)),
        ["lgamma"] = (positive, LogGamma), ["digamma"] = (positive, Digamma), ["i0"] = (any, Bessel0),
        ["relu"] = (any, x => Math.Max(x, 0)), ["relu6"] = (any, x => Math.Clamp(x, 0, 6)), ["silu"] = (any, x => x * Sigmoid(x)), ["gelu"] = (any, x => x * (1 + Erf(x / Math.Sqrt(2))) / 2),
        ["celu"] = (any, x => x > 0 ? x : Math.Exp(x) - 1), ["selu"] = (any, x => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (Math.Exp(x) - 1))),
        ["hardsigmoid"] = (any, x => Math.Clamp(x / 6 + 0.5, 0, 1)), ["hardswish"] = (any, x => x * Math.Clamp(x + 3, 0, 6) / 6), ["log_sigmoid"] = (any, x => Math.Log(Sigmoid(x))),
        ["conj"] = (any, x => x), ["conj_physical"] = (any, x => x), ["resolve_conj"] = (any, x => x), ["resolve_neg"] = (any, x => x),
    };

    internal static Func<Tensor, Tensor> Unary(string name)
    {
        var method = typeof(Tensor).GetMethods().Single(m => m.Name == name && !m.IsStatic && m.GetParameters().All(p => p.HasDefaultValue) && m.GetParameters().Length < 2);
        var defaults = method.GetParameters().Select(p => p.DefaultValue).ToArray();
        return x => (Tensor)method.Invoke(x, BindingFlags.DoNotWrapExceptions, null, defaults, null)!;
    }

    internal static Func<Tensor, Tensor>? StaticUnary(string name)
    {
        var method = typeof(torch).GetMethod(name, [typeof(Tensor)]);
        return method is null ? null : x => (Tensor)method.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [x], null)!;
    }

    /// <summary>Members that other tests look after: scopes, autograd, generators, devices, access, text.</summary>
    internal static readonly HashSet<string> Elsewhere =
    [
        // TensorAccessTests, TensorCreationTests
        "ReadBytesFromStream", "WriteBytesToStream", "ReadCpuBFloat16", "ReadCpuBool", "ReadCpuByte", "ReadCpuDouble", "ReadCpuFloat16", "ReadCpuInt16", "ReadCpuInt32", "ReadCpuInt64",
        "ReadCpuSByte", "ReadCpuSingle", "ReadCpuValue", "ToScalar", "ToString", "UnsafeCreateTensor", "alias", "Equals", "GetHashCode", "bfloat16", "bool", "byte", "cdouble", "cfloat", "char", "double",
        "float", "half", "int", "long", "short", "clone", "contiguous", "copy_", "cpu", "data", "dim", "element_size", "item", "is_complex", "is_contiguous", "is_cpu", "is_floating_point", "is_integral",
        "is_pinned", "numel", "size", "stride", "storage_offset", "to", "to_type", "tolist", "type", "type_as", "fill_", "zero_", "set_", "empty_like", "zeros_like", "ones_like", "full_like", "rand_like",
        "randn_like", "randint_like", "new_empty", "new_full", "new_ones", "new_zeros", "eye", "arange", "as_tensor", "complex", "polar", "empty", "empty_strided", "from_array", "from_file", "frombuffer", "full",
        "linspace", "logspace", "meshgrid", "ones", "zeros", "tensor", "tril_indices", "triu_indices", "hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window", "finfo",
        "promote_types", "result_type", "BoolTensor", "ByteTensor", "DoubleTensor", "FloatTensor", "IntTensor", "LongTensor", "ShortTensor", "sparse_coo_tensor", "to_dense", "to_sparse", "index", "index_put_",
        // TensorRandomTests
        "bernoulli", "bernoulli_", "multinomial", "poisson", "normal_", "uniform_", "random_", "exponential_", "log_normal_", "cauchy_", "normal", "rand", "randint", "randn", "randperm", "manual_seed", "seed",
        "initial_seed", "get_rng_state", "set_rng_state",
        // TensorScopeTests
        "DecoupleFromNativeHandle", "DetachFromDisposeScope", "Dispose", "MoveToOtherDisposeScope", "MoveToOuterDisposeScope", "NewDisposeScope", "WrappedTensorDisposeScope",
        // AutogradTests
        "backward", "detach", "detach_", "requires_grad_", "with_requires_grad", "retain_grad", "no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled",
        // CudaTests, TensorThreadTests
        "cuda", "pin_memory", "device", "InitializeDevice", "InitializeDeviceType", "TryInitializeDeviceType", "cuda_is_available", "get_default_device", "set_default_device", "get_default_dtype",
        "set_default_dtype", "get_num_threads", "set_num_threads", "get_num_interop_threads", "set_num_interop_threads",
        // quantised tensors: named for completeness, not used by the project
        "dequantize", "int_repr", "q_per_channel_scales", "q_per_channel_zero_points",
        // refused with a reason
        "lstsq",
        // ModulesTrainingTests
        "Load",
    ];
}
