using DaML.LibTorch;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Layers as functions.</summary>
        public static partial class functional
        {
            /// <summary>x A' + b over the last dimension.</summary>
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Ops.Call("linear", input, weights, bias);

            /// <summary>x1' A x2 + b over the last dimensions.</summary>
            public static Tensor bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias = null) => Ops.Call("bilinear", input1, input2, weight, bias);

            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1) =>
                Ops.Call("conv1d", input, weight, bias, stride ?? 1, padding ?? 0, dilation ?? 1, groups);

            public static Tensor conv1d_padding(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, Padding padding = Padding.Valid, long? dilation = null, long groups = 1) =>
                Ops.Call("conv1d.padding", input, weight, bias, stride ?? 1, Named(padding), dilation ?? 1, groups);

            public static Tensor conv2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) =>
                Ops.Call("conv2d", input, weight, bias, strides ?? Ones(2), padding ?? Zeros(2), dilation ?? Ones(2), groups);

            public static Tensor conv2d_padding(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, Padding padding = Padding.Valid, long[]? dilation = null, long groups = 1) =>
                Ops.Call("conv2d.padding", input, weight, bias, strides ?? Ones(2), Named(padding), dilation ?? Ones(2), groups);

            public static Tensor conv3d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? dilation = null, long groups = 1) =>
                Ops.Call("conv3d", input, weight, bias, strides ?? Ones(3), padding ?? Zeros(3), dilation ?? Ones(3), groups);

            public static Tensor conv3d_padding(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, Padding padding = Padding.Valid, long[]? dilation = null, long groups = 1) =>
                Ops.Call("conv3d.padding", input, weight, bias, strides ?? Ones(3), Named(padding), dilation ?? Ones(3), groups);

            public static Tensor conv_transpose1d(Tensor input, Tensor weight, Tensor? bias = null, long? stride = null, long? padding = null, long? output_padding = null, long? dilation = null, long groups = 1) =>
                Ops.Call("conv_transpose1d", input, weight, bias, stride ?? 1, padding ?? 0, output_padding ?? 0, groups, dilation ?? 1);

            public static Tensor conv_transpose2d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? output_padding = null, long[]? dilation = null, long groups = 1) =>
                Ops.Call("conv_transpose2d.input", input, weight, bias, strides ?? Ones(2), padding ?? Zeros(2), output_padding ?? Zeros(2), groups, dilation ?? Ones(2));

            public static Tensor conv_transpose3d(Tensor input, Tensor weight, Tensor? bias = null, long[]? strides = null, long[]? padding = null, long[]? output_padding = null, long[]? dilation = null, long groups = 1) =>
                Ops.Call("conv_transpose3d.input", input, weight, bias, strides ?? Ones(3), padding ?? Zeros(3), output_padding ?? Zeros(3), groups, dilation ?? Ones(3));

            private static string Named(Padding padding) => padding == Padding.Same ? "same" : "valid";
            private static long[] Ones(int n) => [.. Enumerable.Repeat(1L, n)];
            private static long[] Zeros(int n) => new long[n];
        }
    }
}
