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
                var smooth = antialias ? "_aa" : "";
                return (mode, spatial) switch
                {
                    (InterpolationMode.Nearest, 1) => Ops.Call("upsample_nearest1d.vec", x, size, scale_factor),
                    (InterpolationMode.Nearest, 2) => Ops.Call("upsample_nearest2d.vec", x, size, scale_factor),
                    (InterpolationMode.Nearest, 3) => Ops.Call("upsample_nearest3d.vec", x, size, scale_factor),
                    (InterpolationMode.NearestExact, 1) => Ops.Call("_upsample_nearest_exact1d.vec", x, size, scale_factor),
                    (InterpolationMode.NearestExact, 2) => Ops.Call("_upsample_nearest_exact2d.vec", x, size, scale_factor),
                    (InterpolationMode.NearestExact, 3) => Ops.Call("_upsample_nearest_exact3d.vec", x, size, scale_factor),
                    (InterpolationMode.Linear, 1) => Ops.Call("upsample_linear1d.vec", x, size, corners, scale_factor),
                    (InterpolationMode.Bilinear, 2) => antialias
                        ? Ops.Call("_upsample_bilinear2d_aa.vec", x, size, corners, scale_factor)
                        : Ops.Call("upsample_bilinear2d.vec", x, size, corners, scale_factor),
                    (InterpolationMode.Bicubic, 2) => antialias
                        ? Ops.Call("_upsample_bicubic2d_aa.vec", x, size, corners, scale_factor)
                        : Ops.Call("upsample_bicubic2d.vec", x, size, corners, scale_factor),
                    (InterpolationMode.Trilinear, 3) => Ops.Call("upsample_trilinear3d.vec", x, size, corners, scale_factor),
                    (InterpolationMode.Area, 1) => Ops.Call("adaptive_avg_pool1d", x, size),
                    (InterpolationMode.Area, 2) => Ops.Call("adaptive_avg_pool2d", x, size),
                    (InterpolationMode.Area, 3) => Ops.Call("adaptive_avg_pool3d", x, size),
                    _ => throw new ArgumentException($"interpolate cannot do mode {mode}{smooth} over {spatial} spatial dimensions."),
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
