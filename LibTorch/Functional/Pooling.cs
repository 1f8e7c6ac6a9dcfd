using DaML.LibTorch;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor max_pool1d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                Ops.Call("max_pool1d", input, kernel_size, stride ?? kernel_size, padding ?? 0, dilation ?? 1, ceil_mode);

            public static Tensor max_pool2d(Tensor input, long[] kernel_size, long[] strides = null!, long[] padding = null!, long[] dilation = null!, bool ceil_mode = false) =>
                Ops.Call("max_pool2d", input, kernel_size, strides ?? kernel_size, padding ?? Zeros(2), dilation ?? Ones(2), ceil_mode);

            public static Tensor max_pool2d(Tensor input, long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                max_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), Pair(dilation), ceil_mode);

            public static Tensor max_pool2d(Tensor input, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, bool ceil_mode = false) =>
                max_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), Pair(dilation), ceil_mode);

            public static Tensor avg_pool1d(Tensor input, long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false, bool count_include_pad = true) =>
                Ops.Call("avg_pool1d", input, kernel_size, stride ?? kernel_size, padding ?? 0, ceil_mode, count_include_pad);

            public static Tensor avg_pool2d(Tensor input, long[] kernel_size, long[] stride = null!, long[] padding = null!, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                Ops.Call("avg_pool2d", input, kernel_size, stride ?? kernel_size, padding ?? Zeros(2), ceil_mode, count_include_pad, divisor_override);

            public static Tensor avg_pool2d(Tensor input, long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                avg_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), ceil_mode, count_include_pad, divisor_override);

            public static Tensor avg_pool2d(Tensor input, (long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                avg_pool2d(input, Pair(kernel_size), Pair(stride), Pair(padding), ceil_mode, count_include_pad, divisor_override);

            public static Tensor adaptive_avg_pool1d(Tensor input, long output_size) => Ops.Call("adaptive_avg_pool1d", input, output_size);
            public static Tensor adaptive_avg_pool2d(Tensor input, long[] output_size) => Ops.Call("adaptive_avg_pool2d", input, output_size);
            public static Tensor adaptive_avg_pool2d(Tensor input, (long, long) output_size) => adaptive_avg_pool2d(input, Pair(output_size));
            public static Tensor adaptive_avg_pool2d(Tensor input, long output_size) => adaptive_avg_pool2d(input, Pair(output_size));
            public static Tensor adaptive_max_pool1d(Tensor input, long output_size) => First(Ops.Call2("adaptive_max_pool1d", input, output_size));
            public static Tensor adaptive_max_pool2d(Tensor input, long[] output_size) => First(Ops.Call2("adaptive_max_pool2d", input, output_size));

            private static Tensor First((Tensor Values, Tensor Indices) pooled)
            {
                pooled.Indices.Dispose();
                return pooled.Values;
            }

            internal static long[] Pair(long n) => [n, n];
            internal static long[] Pair((long, long) n) => [n.Item1, n.Item2];
            internal static long[] Pair(long? n) => n is { } given ? Pair(given) : null!;
            internal static long[] Pair((long, long)? n) => n is { } given ? Pair(given) : null!;
        }
    }
}
