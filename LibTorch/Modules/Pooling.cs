using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>The largest value of each window of a line.</summary>
        public sealed class MaxPool1d : ParameterLessModule<Tensor, Tensor>
        {
            private readonly long _kernel;
            private readonly long? _stride, _padding, _dilation;
            private readonly bool _ceil;

            internal MaxPool1d(long kernel, long? stride, long? padding, long? dilation, bool ceil) : base(nameof(MaxPool1d)) =>
                (_kernel, _stride, _padding, _dilation, _ceil) = (kernel, stride, padding, dilation, ceil);

            public override Tensor forward(Tensor tensor) => F.max_pool1d(tensor, _kernel, _stride, _padding, _dilation, _ceil);
        }

        /// <summary>The largest value of each window of a plane.</summary>
        public sealed class MaxPool2d : ParameterLessModule<Tensor, Tensor>
        {
            private readonly long[] _kernel;
            private readonly long[]? _stride, _padding, _dilation;
            private readonly bool _ceil;

            internal MaxPool2d(long[] kernel, long[]? stride, long[]? padding, long[]? dilation, bool ceil) : base(nameof(MaxPool2d)) =>
                (_kernel, _stride, _padding, _dilation, _ceil) = (kernel, stride, padding, dilation, ceil);

            public override Tensor forward(Tensor tensor) => F.max_pool2d(tensor, _kernel, _stride!, _padding!, _dilation!, _ceil);
        }

        /// <summary>The mean of each window of a line.</summary>
        public sealed class AvgPool1d : ParameterLessModule<Tensor, Tensor>
        {
            private readonly long _kernel, _padding;
            private readonly long? _stride;
            private readonly bool _ceil, _countPad;

            internal AvgPool1d(long kernel, long? stride, long padding, bool ceil, bool countPad) : base(nameof(AvgPool1d)) =>
                (_kernel, _stride, _padding, _ceil, _countPad) = (kernel, stride, padding, ceil, countPad);

            public override Tensor forward(Tensor tensor) => F.avg_pool1d(tensor, _kernel, _stride, _padding, _ceil, _countPad);
        }

        /// <summary>The mean of each window of a plane.</summary>
        public sealed class AvgPool2d : ParameterLessModule<Tensor, Tensor>
        {
            private readonly long[] _kernel;
            private readonly long[]? _stride, _padding;
            private readonly bool _ceil, _countPad;
            private readonly long? _divisor;

            internal AvgPool2d(long[] kernel, long[]? stride, long[]? padding, bool ceil, bool countPad, long? divisor) : base(nameof(AvgPool2d)) =>
                (_kernel, _stride, _padding, _ceil, _countPad, _divisor) = (kernel, stride, padding, ceil, countPad, divisor);

            public override Tensor forward(Tensor tensor) => F.avg_pool2d(tensor, _kernel, _stride!, _padding!, _ceil, _countPad, _divisor);
        }

        /// <summary>Means over as many windows as the output has places, on a line.</summary>
        public sealed class AdaptiveAvgPool1d : ParameterLessModule<Tensor, Tensor>
        {
            internal AdaptiveAvgPool1d(long output_size) : base(nameof(AdaptiveAvgPool1d)) => this.output_size = output_size;

            public long output_size { get; set; }

            public override Tensor forward(Tensor tensor) => F.adaptive_avg_pool1d(tensor, output_size);
        }

        /// <summary>Means over as many windows as the output has places, on a plane.</summary>
        public sealed class AdaptiveAvgPool2d : ParameterLessModule<Tensor, Tensor>
        {
            internal AdaptiveAvgPool2d(long[] output_size) : base(nameof(AdaptiveAvgPool2d)) => this.output_size = output_size;

            public long[] output_size { get; set; }

            public override Tensor forward(Tensor tensor) => F.adaptive_avg_pool2d(tensor, output_size);
        }

        /// <summary>Largest values over as many windows as the output has places, on a line.</summary>
        public sealed class AdaptiveMaxPool1d : ParameterLessModule<Tensor, Tensor>
        {
            internal AdaptiveMaxPool1d(long output_size) : base(nameof(AdaptiveMaxPool1d)) => this.output_size = output_size;

            public long output_size { get; set; }

            public override Tensor forward(Tensor tensor) => F.adaptive_max_pool1d(tensor, output_size);
        }

        /// <summary>Largest values over as many windows as the output has places, on a plane.</summary>
        public sealed class AdaptiveMaxPool2d : ParameterLessModule<Tensor, Tensor>
        {
            internal AdaptiveMaxPool2d(long[] output_size) : base(nameof(AdaptiveMaxPool2d)) => this.output_size = output_size;

            public long[] output_size { get; set; }

            public override Tensor forward(Tensor tensor) => F.adaptive_max_pool2d(tensor, output_size);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static MaxPool1d MaxPool1d(long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                new(kernel_size, stride, padding, dilation, ceil_mode);

            public static MaxPool2d MaxPool2d(long kernel_size, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                new(functional.Pair(kernel_size), functional.Pair(stride), functional.Pair(padding), functional.Pair(dilation), ceil_mode);

            public static MaxPool2d MaxPool2d((long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, (long, long)? dilation = null, bool ceil_mode = false) =>
                new(functional.Pair(kernel_size), functional.Pair(stride), functional.Pair(padding), functional.Pair(dilation), ceil_mode);

            public static MaxPool2d MaxPool2d(long[] kernel_size, long[] stride = null!, long[] padding = null!, long[] dilation = null!, bool ceil_mode = false) =>
                new(kernel_size, stride, padding, dilation, ceil_mode);

            public static AvgPool1d AvgPool1d(long kernel_size, long? stride = null, long padding = 0, bool ceil_mode = false, bool count_include_pad = true) =>
                new(kernel_size, stride, padding, ceil_mode, count_include_pad);

            public static AvgPool2d AvgPool2d(long[] kernel_size, long[] stride = null!, long[] padding = null!, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                new(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override);

            public static AvgPool2d AvgPool2d((long, long) kernel_size, (long, long)? stride = null, (long, long)? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                new(functional.Pair(kernel_size), functional.Pair(stride), functional.Pair(padding), ceil_mode, count_include_pad, divisor_override);

            public static AvgPool2d AvgPool2d(long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false, bool count_include_pad = true, long? divisor_override = null) =>
                new(functional.Pair(kernel_size), functional.Pair(stride), functional.Pair(padding), ceil_mode, count_include_pad, divisor_override);

            public static AdaptiveAvgPool1d AdaptiveAvgPool1d(long output_size) => new(output_size);
            public static AdaptiveAvgPool2d AdaptiveAvgPool2d(long[] output_size) => new(output_size);
            public static AdaptiveAvgPool2d AdaptiveAvgPool2d((long, long) output_size) => new(functional.Pair(output_size));
            public static AdaptiveAvgPool2d AdaptiveAvgPool2d(long output_size) => new(functional.Pair(output_size));
            public static AdaptiveMaxPool1d AdaptiveMaxPool1d(long output_size) => new(output_size);
            public static AdaptiveMaxPool2d AdaptiveMaxPool2d(long[] output_size) => new(output_size);
        }
    }
}
