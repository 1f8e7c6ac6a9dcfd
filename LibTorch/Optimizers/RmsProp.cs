using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>RMSprop (Hinton, lecture 6e of "Neural networks for machine learning", 2012).</summary>
            public static RMSProp RMSProp(IEnumerable<Parameter> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false) =>
                new(parameters, lr, alpha, eps, weight_decay, momentum, centered, maximize);

            /// <summary>RMSprop (Hinton, lecture 6e of "Neural networks for machine learning", 2012).</summary>
            public static RMSProp RMSProp(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false) =>
                new(parameters.Select(np => np.parameter), lr, alpha, eps, weight_decay, momentum, centered, maximize);

            /// <summary>RMSprop (Hinton, lecture 6e of "Neural networks for machine learning", 2012).</summary>
            public static RMSProp RMSProp(IEnumerable<RMSProp.ParamGroup> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false) =>
                new(parameters, lr, alpha, eps, weight_decay, momentum, centered, maximize);
        }
    }

    namespace Modules
    {
        /// <summary>RMSprop: v = alpha v + (1 - alpha) g², p = p - lr g / (sqrt(v) + eps).</summary>
        public class RMSProp : OptimizerHelper, optim.IMomentum
        {
            public RMSProp(IEnumerable<Parameter> parameters, double lr = 1e-3, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, alpha, eps, weight_decay, momentum, centered, maximize)
            {
            }

            public RMSProp(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
            {
                Require(lr >= 0, $"Invalid learning rate: {lr}");
                Require(eps >= 0, $"Invalid ε: {eps}");
                Require(alpha >= 0, $"Invalid alpha: {alpha}");
                Require(momentum >= 0, $"Invalid momentum value: {momentum}");
                Require(weight_decay >= 0, $"Invalid weight_decay value: {weight_decay}");
                _defaults = new Options
                {
                    LearningRate = lr,
                    InitialLearningRate = lr,
                    alpha = alpha,
                    eps = eps,
                    weight_decay = weight_decay,
                    momentum = momentum,
                    centered = centered,
                    maximize = maximize,
                };
                foreach (var group in parameters) add_param_group(group);
            }

            public double Momentum
            {
                get => ((Options)_defaults).momentum!.Value;
                set
                {
                    foreach (var group in _parameter_groups) ((Options)group.Options).momentum = value;
                }
            }

            public override void add_param_group(Modules.ParamGroup param_group)
            {
                var d = (Options)_defaults;
                var o = (Options)(param_group.Options ??= new Options());
                o.LearningRate ??= d.LearningRate;
                o.alpha ??= d.alpha;
                o.eps ??= d.eps;
                o.weight_decay ??= d.weight_decay;
                o.momentum ??= d.momentum;
                o.centered ??= d.centered;
                o.maximize ??= d.maximize;
                Add(param_group, p => new State(p));
            }

            public override Tensor step(Func<Tensor> closure = null!) => _step<Modules.ParamGroup>(Update, closure);

            private void Update(Modules.ParamGroup group)
            {
                var o = (Options)group.Options;
                double lr = o.LearningRate!.Value, alpha = o.alpha!.Value, eps = o.eps!.Value, momentum = o.momentum!.Value;
                foreach (var p in group.Members)
                {
                    var g = p.grad;
                    if (g is null) continue;
                    var state = (State)_state[p.Handle];
                    state.step++;
                    if (o.maximize!.Value) g = g.neg();
                    if (o.weight_decay!.Value != 0) g = g.add(p, o.weight_decay.Value);
                    state.square_avg.mul_(alpha).addcmul_(g, g, 1 - alpha);
                    Tensor scale;
                    if (o.centered!.Value)
                    {
                        state.grad_avg.mul_(alpha).add_(g, 1 - alpha);
                        scale = state.square_avg.addcmul(state.grad_avg, state.grad_avg, -1).sqrt_().add_(eps);
                    }
                    else
                    {
                        scale = state.square_avg.sqrt().add_(eps);
                    }
                    if (momentum > 0)
                    {
                        // A group whose momentum was set later has no buffer yet.
                        state.momentum_buffer ??= zeros_like(p).DetachFromDisposeScope();
                        state.momentum_buffer.mul_(momentum).addcdiv_(g, scale, 1);
                        p.add_(state.momentum_buffer, -lr);
                    }
                    else
                    {
                        p.addcdiv_(g, scale, -lr);
                    }
                }
            }

            public class Options : OptimizerOptions
            {
                public double? alpha;
                public double? eps;
                public double? weight_decay;
                public double? momentum;
                public bool? centered;
                public bool? maximize;

                public override void LoadStateDict(BinaryReader reader)
                {
                    base.LoadStateDict(reader);
                    maximize = reader.ReadBoolean();
                    momentum = reader.ReadDouble();
                    alpha = reader.ReadDouble();
                    eps = reader.ReadDouble();
                    weight_decay = reader.ReadDouble();
                    centered = reader.ReadBoolean();
                }

                public override void LoadStateDict(OptimizerOptions source)
                {
                    base.LoadStateDict(source);
                    var o = (Options)source;
                    (alpha, eps, weight_decay, momentum, centered, maximize) = (o.alpha, o.eps, o.weight_decay, o.momentum, o.centered, o.maximize);
                }

                public override void SaveStateDict(BinaryWriter writer)
                {
                    base.SaveStateDict(writer);
                    writer.Write(maximize!.Value);
                    writer.Write(momentum!.Value);
                    writer.Write(alpha!.Value);
                    writer.Write(eps!.Value);
                    writer.Write(weight_decay!.Value);
                    writer.Write(centered!.Value);
                }
            }

            public class ParamGroup : ParamGroup<Options>, optim.IMomentum
            {
                public ParamGroup()
                {
                }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
                {
                }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double eps = 1e-8, double alpha = 0.99, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, eps = eps, alpha = alpha, weight_decay = weight_decay, momentum = momentum, centered = centered, maximize = maximize })
                {
                }

                public double Momentum
                {
                    get => Options.momentum!.Value;
                    set => Options.momentum = value;
                }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public Tensor square_avg = null!;
                public Tensor momentum_buffer = null!;
                public Tensor grad_avg = null!;

                public State(Parameter parameter) : base(parameter)
                {
                }

                public override void Initialize(OptimizerOptions options)
                {
                    var o = (Options)options;
                    step = 0;
                    square_avg = Zeros();
                    if (o.momentum > 0) momentum_buffer = Zeros();
                    if (o.centered == true) grad_avg = Zeros();
                }

                public override void to(Device device)
                {
                    Move(ref square_avg, device);
                    Move(ref momentum_buffer, device);
                    Move(ref grad_avg, device);
                }

                public override void LoadStateDict(BinaryReader reader)
                {
                    step = reader.ReadInt64();
                    square_avg.Load(reader);
                    LoadConditionalStateTensor(reader, ref momentum_buffer, _parameter.device);
                    LoadConditionalStateTensor(reader, ref grad_avg, _parameter.device);
                }

                public override void LoadStateDict(OptimizerState source)
                {
                    var s = (State)source;
                    step = s.step;
                    Copy(ref square_avg, s.square_avg);
                    Copy(ref momentum_buffer, s.momentum_buffer);
                    Copy(ref grad_avg, s.grad_avg);
                }

                public override void SaveStateDict(BinaryWriter writer)
                {
                    writer.Write(step);
                    square_avg.Save(writer);
                    SaveConditionalStateTensor(writer, momentum_buffer);
                    SaveConditionalStateTensor(writer, grad_avg);
                }

                public override bool ApproximatelyEquals(OptimizerState other) =>
                    other is State s && step == s.step && Near(square_avg, s.square_avg) &&
                    Near(momentum_buffer, s.momentum_buffer) && Near(grad_avg, s.grad_avg);

                public void Dispose()
                {
                    square_avg?.Dispose();
                    momentum_buffer?.Dispose();
                    grad_avg?.Dispose();
                }
            }
        }
    }
}
