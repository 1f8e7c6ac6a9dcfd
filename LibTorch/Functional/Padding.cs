using DaML.LibTorch;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            /// <summary>Widens the last dimensions; <paramref name="pad"/> is (before, after) of the last dimension, then of the one before it, and so on.</summary>
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => Padded(input, pad, mode, value);

            public static Tensor pad(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => Padded(input, pad, mode, value);

            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => Padded(input, [pad.Item1, pad.Item2], mode, value);

            public static Tensor pad(Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => Padded(input, [pad.Item1, pad.Item2, pad.Item3, pad.Item4], mode, value);

            public static Tensor pad(Tensor input, long pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => Padded(input, [pad, pad], mode, value);

            private static Tensor Padded(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode, double value) => mode switch
            {
                PaddingModes.Zeros => Ops.Call("constant_pad_nd", input, pad, 0.0),
                PaddingModes.Constant => Ops.Call("constant_pad_nd", input, pad, value),
                PaddingModes.Reflect => Ops.Call("pad", input, pad, "reflect"),
                PaddingModes.Replicate => Ops.Call("pad", input, pad, "replicate"),
                PaddingModes.Circular => Wrapped(input, pad),
                _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "unknown padding mode"),
            };

            // The operator's backward pass goes through copies into slices; that of a concatenation takes a third of the time.
            private static Tensor Wrapped(Tensor input, ReadOnlySpan<long> pad)
            {
                var shape = input.shape;
                var spatial = pad.Length / 2;
                if (pad.Length % 2 != 0 || shape.Length - spatial != 2) return Ops.Call("pad", input, pad, "circular");
                for (var i = 0; i < spatial; i++)
                {
                    var n = shape[^(i + 1)];
                    if (pad[2 * i] < 0 || pad[2 * i + 1] < 0 || pad[2 * i] > n || pad[2 * i + 1] > n) return Ops.Call("pad", input, pad, "circular");
                }
                using var scope = NewDisposeScope();
                var x = input;
                for (var i = 0; i < spatial; i++)
                {
                    var (dim, n, before, after) = (shape.Length - 1 - i, shape[^(i + 1)], pad[2 * i], pad[2 * i + 1]);
                    var parts = new List<Tensor>(3);
                    if (before > 0) parts.Add(x.narrow(dim, n - before, before));
                    parts.Add(x);
                    if (after > 0) parts.Add(x.narrow(dim, 0, after));
                    if (parts.Count > 1) x = cat(parts.ToArray(), dim);
                }
                return (ReferenceEquals(x, input) ? input.clone() : x).MoveToOuterDisposeScope();
            }
        }
    }
}
