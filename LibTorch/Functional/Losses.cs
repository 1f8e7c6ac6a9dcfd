using DaML.LibTorch;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>What becomes of the losses of the single elements.</summary>
        public enum Reduction : long
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        public static partial class functional
        {
            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Ops.Call("mse_loss", input, target, (long)reduction);
            public static Tensor l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => Ops.Call("l1_loss", input, target, (long)reduction);

            /// <summary>d²/2 where |d| is below <paramref name="delta"/>, delta (|d| - delta/2) beyond.</summary>
            public static Tensor huber_loss(Tensor input, Tensor target, double delta = 1, Reduction reduction = Reduction.Mean) =>
                Ops.Call("huber_loss", input, target, (long)reduction, delta);

            /// <summary>d²/(2 beta) where |d| is below <paramref name="beta"/>, |d| - beta/2 beyond.</summary>
            public static Tensor smooth_l1_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean, double beta = 1) =>
                Ops.Call("smooth_l1_loss", input, target, (long)reduction, beta);

            public static Tensor binary_cross_entropy(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) =>
                Ops.Call("binary_cross_entropy", input, target, weight, (long)reduction);

            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) =>
                Ops.Call("binary_cross_entropy_with_logits", input, target, weight, pos_weights, (long)reduction);

            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0) =>
                Ops.Call("cross_entropy_loss", input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) =>
                Ops.Call("nll_loss_nd", input, target, weight, (long)reduction);

            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) =>
                Ops.Call("kl_div", input, target, (long)reduction, log_target);

            /// <summary>(log v + (x - t)²/v) / 2 of a normal distribution, v not below <paramref name="eps"/>; the constant log(2π)/2 only where <paramref name="full"/>.</summary>
            public static Tensor gaussian_nll_loss(Tensor input, Tensor target, Tensor variance, bool full = false, float eps = 1e-6f, Reduction reduction = Reduction.Mean)
            {
                using var scope = NewDisposeScope();
                using (no_grad())
                {
                    if (variance.lt(0).any().ToBoolean()) throw new ArgumentException("gaussian_nll_loss: the variance has negative entries.");
                }
                // The bound does not enter the gradient.
                var v = variance + (variance.detach().clamp_min(eps) - variance.detach());
                var loss = 0.5 * (v.log() + (input - target).square() / v);
                if (full) loss = loss + 0.5 * Math.Log(2 * Math.PI);
                var reduced = reduction switch
                {
                    Reduction.Mean => loss.mean(),
                    Reduction.Sum => loss.sum(),
                    _ => loss,
                };
                return reduced.MoveToOuterDisposeScope();
            }
        }
    }
}
