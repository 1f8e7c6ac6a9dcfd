using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    namespace Modules
    {
        /// <summary>What a loss has in common with others: what becomes of the losses of the single elements.</summary>
        /// <typeparam name="T1">The estimate.</typeparam>
        /// <typeparam name="T2">The target.</typeparam>
        /// <typeparam name="TResult">The loss.</typeparam>
        public abstract class Loss<T1, T2, TResult> : nn.Module<T1, T2, TResult>
        {
            public Loss(nn.Reduction? reduction = null) : base("Loss") => this.reduction = reduction ?? nn.Reduction.Mean;

            public nn.Reduction reduction { get; }
        }

        /// <summary>A loss with a third argument.</summary>
        /// <typeparam name="T1">The estimate.</typeparam>
        /// <typeparam name="T2">The target.</typeparam>
        /// <typeparam name="T3">What else it takes.</typeparam>
        /// <typeparam name="TResult">The loss.</typeparam>
        public abstract class Loss<T1, T2, T3, TResult> : nn.Module<T1, T2, T3, TResult>
        {
            public Loss(nn.Reduction? reduction = null) : base("Loss") => this.reduction = reduction ?? nn.Reduction.Mean;

            public nn.Reduction reduction { get; }
        }

        /// <summary>A loss that weighs classes or elements.</summary>
        /// <typeparam name="T1">The estimate.</typeparam>
        /// <typeparam name="T2">The target.</typeparam>
        /// <typeparam name="TResult">The loss.</typeparam>
        public abstract class WeightedLoss<T1, T2, TResult> : Loss<T1, T2, TResult>
        {
            public WeightedLoss(Tensor? weight = null, nn.Reduction? reduction = null) : base(reduction) => this.weight = weight;

            public Tensor? weight { get; }
        }

        /// <summary>The squared difference.</summary>
        public sealed class MSELoss : Loss<Tensor, Tensor, Tensor>
        {
            internal MSELoss(nn.Reduction reduction) : base(reduction)
            {
            }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.mse_loss(input, target, reduction);
        }

        /// <summary>The absolute difference.</summary>
        public sealed class L1Loss : Loss<Tensor, Tensor, Tensor>
        {
            internal L1Loss(nn.Reduction reduction) : base(reduction)
            {
            }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.l1_loss(input, target, reduction);
        }

        /// <summary>d²/2 where |d| is below delta, delta (|d| - delta/2) beyond.</summary>
        public sealed class HuberLoss : Loss<Tensor, Tensor, Tensor>
        {
            internal HuberLoss(double delta, nn.Reduction reduction) : base(reduction) => this.delta = delta;

            public double delta { get; }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.huber_loss(input, target, delta, reduction);
        }

        /// <summary>d²/(2 beta) where |d| is below beta, |d| - beta/2 beyond.</summary>
        public sealed class SmoothL1Loss : Loss<Tensor, Tensor, Tensor>
        {
            internal SmoothL1Loss(double beta, nn.Reduction reduction) : base(reduction) => this.beta = beta;

            public double beta { get; }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.smooth_l1_loss(input, target, reduction, beta);
        }

        /// <summary>The Kullback-Leibler divergence from the estimate (log probabilities) to the target.</summary>
        public sealed class KLDivLoss : Loss<Tensor, Tensor, Tensor>
        {
            internal KLDivLoss(bool log_target, nn.Reduction reduction) : base(reduction) => this.log_target = log_target;

            public bool log_target { get; }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.kl_div(input, target, log_target, reduction);
        }

        /// <summary>The negative log likelihood of a normal distribution whose variance is the third argument.</summary>
        public sealed class GaussianNLLLoss : Loss<Tensor, Tensor, Tensor, Tensor>
        {
            internal GaussianNLLLoss(bool full, float eps, nn.Reduction reduction) : base(reduction) => (this.full, this.eps) = (full, eps);

            public bool full { get; set; }
            public float eps { get; set; }

            public override Tensor forward(Tensor input, Tensor target, Tensor variance) => nn.functional.gaussian_nll_loss(input, target, variance, full, eps, reduction);
        }

        /// <summary>The cross entropy of logits [N, classes, ...] and class indices or probabilities.</summary>
        public sealed class CrossEntropyLoss : WeightedLoss<Tensor, Tensor, Tensor>
        {
            internal CrossEntropyLoss(Tensor? weight, long? ignore_index, nn.Reduction reduction) : base(weight, reduction) => this.ignore_index = ignore_index;

            public long? ignore_index { get; }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.cross_entropy(input, target, weight, ignore_index ?? -100, reduction);
        }

        /// <summary>The negative of the log probabilities [N, classes, ...] of the given classes.</summary>
        public sealed class NLLLoss : WeightedLoss<Tensor, Tensor, Tensor>
        {
            internal NLLLoss(Tensor? weight, nn.Reduction reduction) : base(weight, reduction)
            {
            }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.nll_loss(input, target, weight, reduction);
        }

        /// <summary>The binary cross entropy of probabilities.</summary>
        public sealed class BCELoss : WeightedLoss<Tensor, Tensor, Tensor>
        {
            internal BCELoss(Tensor? weight, nn.Reduction reduction) : base(weight, reduction)
            {
            }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.binary_cross_entropy(input, target, weight, reduction);
        }

        /// <summary>The binary cross entropy of logits.</summary>
        public sealed class BCEWithLogitsLoss : WeightedLoss<Tensor, Tensor, Tensor>
        {
            internal BCEWithLogitsLoss(Tensor? weight, nn.Reduction reduction, Tensor? pos_weights) : base(weight, reduction) => this.pos_weights = pos_weights;

            public Tensor? pos_weights { get; }

            public override Tensor forward(Tensor input, Tensor target) => nn.functional.binary_cross_entropy_with_logits(input, target, weight, reduction, pos_weights);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static MSELoss MSELoss(Reduction reduction = Reduction.Mean) => new(reduction);
            public static L1Loss L1Loss(Reduction reduction = Reduction.Mean) => new(reduction);
            public static HuberLoss HuberLoss(double delta = 1, Reduction reduction = Reduction.Mean) => new(delta, reduction);
            public static SmoothL1Loss SmoothL1Loss(Reduction reduction = Reduction.Mean, double beta = 1) => new(beta, reduction);
            public static KLDivLoss KLDivLoss(bool log_target = true, Reduction reduction = Reduction.Mean) => new(log_target, reduction);
            public static GaussianNLLLoss GaussianNLLLoss(bool full = false, float eps = 1e-8f, Reduction reduction = Reduction.Mean) => new(full, eps, reduction);
            public static CrossEntropyLoss CrossEntropyLoss(Tensor? weight = null, long? ignore_index = null, Reduction reduction = Reduction.Mean) => new(weight, ignore_index, reduction);
            public static NLLLoss NLLLoss(Tensor? weight = null, Reduction reduction = Reduction.Mean) => new(weight, reduction);
            public static BCELoss BCELoss(Tensor? weight = null, Reduction reduction = Reduction.Mean) => new(weight, reduction);
            public static BCEWithLogitsLoss BCEWithLogitsLoss(Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) => new(weight, reduction, pos_weights);
        }
    }
}
