using DaML.LibTorch;
using TorchSharp.Modules;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? Ops.Call("relu_", x) : Ops.Call("relu", x);

            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) =>
                inplace ? Ops.Call("leaky_relu_", input, negative_slope) : Ops.Call("leaky_relu", input, negative_slope);

            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => inplace ? Ops.Call("elu_", x, alpha) : Ops.Call("elu", x, alpha);
            public static Tensor selu(Tensor x, bool inplace = false) => inplace ? Ops.Call("selu_", x) : Ops.Call("selu", x);
            public static Tensor gelu(Tensor x) => Ops.Call("gelu", x);
            public static Tensor gelu(Tensor x, bool inplace) => inplace ? Ops.Call("gelu_", x) : Ops.Call("gelu", x);

            public static Tensor gelu(Tensor x, GELU.Approximate approximate, bool inplace = false) =>
                inplace ? Ops.Call("gelu_", x, Named(approximate)) : Ops.Call("gelu", x, Named(approximate));

            private static string Named(GELU.Approximate approximate) => approximate == Modules.GELU.Approximate.tanh ? "tanh" : "none";

            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? Ops.Call("silu_", x) : Ops.Call("silu", x);

            /// <summary>x tanh(log(1 + e^x)) (Misra, BMVC 2020).</summary>
            public static Tensor mish(Tensor x, bool inplace = false) => inplace ? Ops.Call("mish_", x) : MishFunction.Apply(x);

            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? Ops.Call("tanh_", x) : Ops.Call("tanh", x);
            public static Tensor sigmoid(Tensor x) => Ops.Call("sigmoid", x);
            public static Tensor sigmoid(Tensor x, bool inplace) => inplace ? Ops.Call("sigmoid_", x) : Ops.Call("sigmoid", x);
            public static Tensor logsigmoid(Tensor x) => Ops.Call("log_sigmoid", x);

            /// <summary>log(1 + e^(βx)) / β, and x itself where βx is above <paramref name="threshold"/>.</summary>
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => Ops.Call("softplus", x, beta, threshold);

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => Ops.Call("softmax.int", input, dim, dtype);
            public static Tensor log_softmax(Tensor x, long dim) => Ops.Call("log_softmax.int", x, dim);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? Ops.Call("dropout_", input, p, training) : Ops.Call("dropout", input, p, training);

            /// <summary>Drops whole channels.</summary>
            public static Tensor dropout2d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? Ops.Call("feature_dropout_", input, p, training) : Ops.Call("feature_dropout", input, p, training);

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Ops.Call("one_hot", x, num_classes);
        }
    }
}
