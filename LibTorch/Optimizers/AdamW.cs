using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).</summary>
            public static AdamW AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            /// <summary>AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).</summary>
            public static AdamW AdamW(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters.Select(np => np.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            /// <summary>AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).</summary>
            public static AdamW AdamW(IEnumerable<AdamW.ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }

    namespace Modules
    {
        /// <summary>Adam with the decay taken from the weights themselves: p = p (1 - lr λ), then the step of <see cref="Adam"/>.</summary>
        public class AdamW : OptimizerHelper, optim.IBetas
        {
            public AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
            {
            }

            public AdamW(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            {
                var defaults = new Options { LearningRate = lr, InitialLearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize };
                defaults.Check();
                _defaults = defaults;
                foreach (var group in parameters) add_param_group(group);
            }

            public (double, double) Betas
            {
                get => ((Options)_defaults).Betas;
                set
                {
                    foreach (var group in _parameter_groups) ((Options)group.Options).Betas = value;
                }
            }

            public override void add_param_group(Modules.ParamGroup param_group)
            {
                ((Options)(param_group.Options ??= new Options())).FillFrom((Options)_defaults);
                Add(param_group, p => new Adam.State(p));
            }

            public override Tensor step(Func<Tensor> closure = null!) =>
                _step<Modules.ParamGroup>(g => AdamUpdate.Apply(g.Members, (Options)g.Options, _state, decoupled: true), closure);

            // Declared because the genuine class declares it.
            protected override void Dispose(bool disposing) => base.Dispose(disposing);

            /// <summary>The settings of <see cref="Adam"/>; what differs is what the decay acts on.</summary>
            public class Options : Adam.Options
            {
            }

            public class ParamGroup : ParamGroup<Options>, optim.IBetas
            {
                public ParamGroup()
                {
                }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
                {
                }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize })
                {
                }

                public (double, double) Betas
                {
                    get => Options.Betas;
                    set => Options.Betas = value;
                }
            }
        }
    }
}
