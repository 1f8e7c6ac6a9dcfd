using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015).</summary>
            public static Adam Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            /// <summary>Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015).</summary>
            public static Adam Adam(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters.Select(np => np.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            /// <summary>Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015).</summary>
            public static Adam Adam(IEnumerable<Adam.ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false) =>
                new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }

    namespace Modules
    {
        /// <summary>
        /// Adam: m = β1 m + (1 - β1) g, v = β2 v + (1 - β2) g², p = p - lr m̂ / (sqrt(v̂) + ε), with m̂ and v̂ corrected for
        /// their start at zero. Weight decay enters through the gradient; <see cref="AdamW"/> decays the weights themselves.
        /// </summary>
        public class Adam : OptimizerHelper, optim.IBetas
        {
            public Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
            {
            }

            public Adam(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
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
                Add(param_group, p => new State(p));
            }

            public override Tensor step(Func<Tensor> closure = null!) =>
                _step<Modules.ParamGroup>(g => AdamUpdate.Apply(g.Members, (Options)g.Options, _state, decoupled: false), closure);

            // Declared because the genuine class declares it.
            protected override void Dispose(bool disposing) => base.Dispose(disposing);

            public class Options : OptimizerOptions
            {
                public double? beta1;
                public double? beta2;
                public double? weight_decay;
                public double? eps;
                public bool? amsgrad;
                public bool? maximize;

                internal (double, double) Betas
                {
                    get => (beta1!.Value, beta2!.Value);
                    set => (beta1, beta2) = value;
                }

                internal void FillFrom(Options d)
                {
                    LearningRate ??= d.LearningRate;
                    beta1 ??= d.beta1;
                    beta2 ??= d.beta2;
                    eps ??= d.eps;
                    weight_decay ??= d.weight_decay;
                    amsgrad ??= d.amsgrad;
                    maximize ??= d.maximize;
                    Check();
                }

                internal void Check()
                {
                    Require(LearningRate >= 0, $"Invalid learning rate: {LearningRate}");
                    Require(eps >= 0, $"Invalid ε: {eps}");
                    Require(beta1 is >= 0 and < 1, $"Invalid beta1: {beta1}");
                    Require(beta2 is >= 0 and < 1, $"Invalid beta2: {beta2}");
                    Require(weight_decay >= 0, $"Invalid weight_decay value: {weight_decay}");
                }

                public override void LoadStateDict(BinaryReader reader)
                {
                    base.LoadStateDict(reader);
                    beta1 = reader.ReadDouble();
                    beta2 = reader.ReadDouble();
                    eps = reader.ReadDouble();
                    weight_decay = reader.ReadDouble();
                    amsgrad = reader.ReadBoolean();
                    maximize = reader.ReadBoolean();
                }

                public override void LoadStateDict(OptimizerOptions source)
                {
                    base.LoadStateDict(source);
                    var o = (Options)source;
                    (beta1, beta2, eps, weight_decay, amsgrad, maximize) = (o.beta1, o.beta2, o.eps, o.weight_decay, o.amsgrad, o.maximize);
                }

                public override void SaveStateDict(BinaryWriter writer)
                {
                    base.SaveStateDict(writer);
                    writer.Write(beta1!.Value);
                    writer.Write(beta2!.Value);
                    writer.Write(eps!.Value);
                    writer.Write(weight_decay!.Value);
                    writer.Write(amsgrad!.Value);
                    writer.Write(maximize!.Value);
                }
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

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public Tensor exp_avg = null!;
                public Tensor exp_avg_sq = null!;
                public Tensor max_exp_avg_sq = null!;

                public State(Parameter parameter) : base(parameter)
                {
                }

                public override void Initialize(OptimizerOptions options)
                {
                    step = 0;
                    exp_avg = Zeros();
                    exp_avg_sq = Zeros();
                    if (((Options)options).amsgrad == true) max_exp_avg_sq = Zeros();
                }

                public override void to(Device device)
                {
                    Move(ref exp_avg, device);
                    Move(ref exp_avg_sq, device);
                    Move(ref max_exp_avg_sq, device);
                }

                public override void LoadStateDict(BinaryReader reader)
                {
                    step = reader.ReadInt64();
                    exp_avg.Load(reader);
                    exp_avg_sq.Load(reader);
                    LoadConditionalStateTensor(reader, ref max_exp_avg_sq, _parameter.device);
                }

                public override void LoadStateDict(OptimizerState source)
                {
                    var s = (State)source;
                    step = s.step;
                    Copy(ref exp_avg, s.exp_avg);
                    Copy(ref exp_avg_sq, s.exp_avg_sq);
                    Copy(ref max_exp_avg_sq, s.max_exp_avg_sq);
                }

                public override void SaveStateDict(BinaryWriter writer)
                {
                    writer.Write(step);
                    exp_avg.Save(writer);
                    exp_avg_sq.Save(writer);
                    SaveConditionalStateTensor(writer, max_exp_avg_sq);
                }

                public override bool ApproximatelyEquals(OptimizerState other) =>
                    other is State s && step == s.step && Near(exp_avg, s.exp_avg) && Near(exp_avg_sq, s.exp_avg_sq) && Near(max_exp_avg_sq, s.max_exp_avg_sq);

                public void Dispose()
                {
                    exp_avg?.Dispose();
                    exp_avg_sq?.Dispose();
                    max_exp_avg_sq?.Dispose();
                }
            }
        }
    }
}
