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
                PaddingModes.Circular => Ops.Call("pad", input, pad, "circular"),
                _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "unknown padding mode"),
            };
        }
    }
}
