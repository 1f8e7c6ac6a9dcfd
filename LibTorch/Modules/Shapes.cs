using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>Returns its argument.</summary>
        public sealed class Identity : ParameterLessModule<Tensor, Tensor>
        {
            internal Identity() : base(nameof(Identity))
            {
            }

            public override Tensor forward(Tensor tensor) => tensor.alias();
        }

        /// <summary>Makes one dimension of several.</summary>
        public sealed class Flatten : ParameterLessModule<Tensor, Tensor>
        {
            internal Flatten(long start_dim, long end_dim) : base(nameof(Flatten)) => (this.start_dim, this.end_dim) = (start_dim, end_dim);

            public long start_dim { get; set; }
            public long end_dim { get; set; }

            public override Tensor forward(Tensor input) => input.flatten(start_dim, end_dim);
        }

        /// <summary>Makes several dimensions of one.</summary>
        public sealed class Unflatten : ParameterLessModule<Tensor, Tensor>
        {
            internal Unflatten(long dim, long[] unflattened_size) : base(nameof(Unflatten)) => (this.dim, this.unflattened_size) = (dim, unflattened_size);

            public long dim { get; set; }
            public long[] unflattened_size { get; set; }

            public override Tensor forward(Tensor tensor) => tensor.unflatten(dim, unflattened_size);
        }

        /// <summary>Resamples the spatial dimensions.</summary>
        public sealed class Upsample : ParameterLessModule<Tensor, Tensor>
        {
            private readonly long[]? _size;
            private readonly double[]? _scaleFactor;

            internal Upsample(long[]? size, double[]? scale_factor, UpsampleMode mode, bool? align_corners, bool? recompute_scale_factor) : base(nameof(Upsample))
            {
                (_size, _scaleFactor, this.mode) = (size, scale_factor, mode);
                (this.align_corners, this.recompute_scale_factor) = (align_corners, recompute_scale_factor);
            }

            public ReadOnlySpan<long> size => _size;
            public ReadOnlySpan<double> scale_factor => _scaleFactor;
            public UpsampleMode mode { get; private set; }
            public bool? align_corners { get; private set; }
            public bool? recompute_scale_factor { get; set; }

            public override Tensor forward(Tensor input) =>
                nn.functional.interpolate(input, _size, _scaleFactor, (InterpolationMode)mode, align_corners, recompute_scale_factor ?? false);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Identity Identity() => new();
            public static Flatten Flatten(long start_dim = 1, long end_dim = -1) => new(start_dim, end_dim);
            public static Unflatten Unflatten(long dim, long[] unflattened_size) => new(dim, unflattened_size);

            public static Upsample Upsample(long[]? size = null, double[]? scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool? align_corners = null, bool? recompute_scale_factor = null) =>
                new(size, scale_factor, mode, align_corners, recompute_scale_factor);
        }
    }
}
