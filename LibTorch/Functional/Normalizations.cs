using DaML.LibTorch;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            /// <summary>Each channel to mean 0 and variance 1, of the batch when training, of the running statistics otherwise; then scaled and shifted.</summary>
            public static Tensor batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight = null, Tensor? bias = null, bool training = false, double momentum = 0.1, double eps = 1e-5) =>
                Ops.Call("batch_norm", input, weight, bias, running_mean, running_var, training, momentum, eps, true);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) =>
                Ops.Call("layer_norm", input, normalized_shape, weight, bias, eps, true);

            public static Tensor group_norm(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1e-5) =>
                Ops.Call("group_norm", input, num_groups, weight, bias, eps, true);

            public static Tensor instance_norm(Tensor input, Tensor? running_mean = null, Tensor? running_var = null, Tensor? weight = null, Tensor? bias = null, bool use_input_stats = true, double momentum = 0.1, double eps = 1e-5) =>
                Ops.Call("instance_norm", input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, true);

            /// <summary>x / max(|x|_p, eps) along <paramref name="dim"/>.</summary>
            public static Tensor normalize(Tensor input, double p = 2, long dim = 1, double eps = 1e-12)
            {
                using var norm = Ops.Call("norm.ScalarOpt_dim", input, p, dim, true);
                using var bounded = norm.clamp_min(eps);
                return input / bounded;
            }

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1e-8) => Ops.Call("cosine_similarity", x1, x2, dim, eps);
        }
    }
}
