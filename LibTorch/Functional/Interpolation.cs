using DaML.LibTorch;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            /// <summary>Resamples the spatial dimensions (all after batch and channel) to a size, or by a factor.</summary>
            public static Tensor interpolate(Tensor x, long[]? size = null, double[]? scale_factor = null, InterpolationMode mode = InterpolationMode.Nearest, bool? align_corners = null, bool recompute_scale_factor = false, bool antialias = false)
            {
                var spatial = (int)x.dim() - 2;
                if (spatial < 1) throw new ArgumentException($"interpolate needs [batch, channel, space...], got {x.dim()} dimensions.", nameof(x));
                if (size is null == (scale_factor is null)) throw new ArgumentException("interpolate needs either a size or a scale_factor, and not both.");
                size = Repeated(size, spatial, nameof(size));
                scale_factor = Repeated(scale_factor, spatial, nameof(scale_factor));
                var interpolating = mode is InterpolationMode.Linear or InterpolationMode.Bilinear or InterpolationMode.Bicubic or InterpolationMode.Trilinear;
                if (align_corners is not null && !interpolating) throw new ArgumentException($"align_corners has no meaning in mode {mode}.");
                var shape = x.shape;
                if (scale_factor is not null && (recompute_scale_factor || mode == InterpolationMode.Area))
                {
                    size = [.. scale_factor.Select((s, i) => (long)Math.Floor(shape[2 + i] * s))];
                    scale_factor = null;
                }
                var corners = align_corners ?? false;
                var to = size ?? [.. scale_factor!.Select((s, i) => (long)Math.Floor(shape[2 + i] * s))];
                double? Factor(int i) => scale_factor?[i];
                return (mode, spatial, antialias) switch
                {
                    (InterpolationMode.Nearest, 1, false) => Ops.Call("upsample_nearest1d", x, to, Factor(0)),
                    (InterpolationMode.Nearest, 2, false) => Ops.Call("upsample_nearest2d", x, to, Factor(0), Factor(1)),
                    (InterpolationMode.Nearest, 3, false) => Ops.Call("upsample_nearest3d", x, to, Factor(0), Factor(1), Factor(2)),
                    (InterpolationMode.NearestExact, 1, false) => Ops.Call("_upsample_nearest_exact1d", x, to, Factor(0)),
                    (InterpolationMode.NearestExact, 2, false) => Ops.Call("_upsample_nearest_exact2d", x, to, Factor(0), Factor(1)),
                    (InterpolationMode.NearestExact, 3, false) => Ops.Call("_upsample_nearest_exact3d", x, to, Factor(0), Factor(1), Factor(2)),
                    (InterpolationMode.Linear, 1, false) => Ops.Call("upsample_linear1d", x, to, corners, Factor(0)),
                    (InterpolationMode.Bilinear, 2, false) => Ops.Call("upsample_bilinear2d", x, to, corners, Factor(0), Factor(1)),
                    (InterpolationMode.Bilinear, 2, true) => Ops.Call("_upsample_bilinear2d_aa", x, to, corners, Factor(0), Factor(1)),
                    (InterpolationMode.Bicubic, 2, false) => Ops.Call("upsample_bicubic2d", x, to, corners, Factor(0), Factor(1)),
                    (InterpolationMode.Bicubic, 2, true) => Ops.Call("_upsample_bicubic2d_aa", x, to, corners, Factor(0), Factor(1)),
                    (InterpolationMode.Trilinear, 3, false) => Ops.Call("upsample_trilinear3d", x, to, corners, Factor(0), Factor(1), Factor(2)),
                    (InterpolationMode.Area, 1, false) => Ops.Call("adaptive_avg_pool1d", x, to),
                    (InterpolationMode.Area, 2, false) => Ops.Call("adaptive_avg_pool2d", x, to),
                    (InterpolationMode.Area, 3, false) => Ops.Call("adaptive_avg_pool3d", x, to),
                    _ => throw new ArgumentException($"interpolate cannot do mode {mode}{(antialias ? ", antialiased," : "")} over {spatial} spatial dimensions."),
                };
            }

            public static Tensor upsample(Tensor input, long[]? size = null, double[]? scale_factor = null, UpsampleMode mode = UpsampleMode.Nearest, bool align_corners = false) =>
                interpolate(input, size, scale_factor, (InterpolationMode)mode, mode == UpsampleMode.Nearest ? null : align_corners);

            private static T[]? Repeated<T>(T[]? given, int count, string name)
            {
                if (given is null || given.Length == count) return given;
                return given.Length == 1
                    ? [.. Enumerable.Repeat(given[0], count)]
                    : throw new ArgumentException($"{name} has {given.Length} entries; the input has {count} spatial dimensions.");
            }
        }
    }
}
