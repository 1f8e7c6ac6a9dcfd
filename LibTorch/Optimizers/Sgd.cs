using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

    public static partial class torch
    {
        public static partial class optim
        {
            /// <summary>Stochastic gradient descent, optionally with momentum.</summary>
            public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            /// <summary>Stochastic gradient descent, optionally with momentum.</summary>
            public static SGD SGD(IEnumerable<(string name, Parameter parameter)> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters.Select(np => np.parameter), learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            /// <summary>Stochastic gradient descent, optionally with momentum.</summary>
            public static SGD SGD(IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false) =>
                new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);
        }
    }

    namespace Modules
    {
        /// <summary>Stochastic gradient descent: b = momentum b + (1 - dampening) g, p = p - lr b.</summary>
        public class SGD : OptimizerHelper, optim.IMomentum
        {
            public SGD(IEnumerable<Parameter> parameters, double lr, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, momentum, dampening, weight_decay, nesterov, maximize)
            {
            }

            public SGD(IEnumerable<ParamGroup> parameters, double lr, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
            {
                Require(lr >= 0, $"Invalid learning rate: {lr}");
                Require(momentum >= 0, $"Invalid momentum value: {momentum}");
                Require(weight_decay >= 0, $"Invalid weight_decay value: {weight_decay}");
                Require(!nesterov || (momentum > 0 && dampening == 0), "Nesterov momentum requires a momentum and zero dampening");
                _defaults = new Options
                {
                    LearningRate = lr,
                    InitialLearningRate = lr,
                    momentum = momentum,
                    dampening = dampening,
                    weight_decay = weight_decay,
                    nesterov = nesterov,
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
                o.momentum ??= d.momentum;
                o.dampening ??= d.dampening;
                o.weight_decay ??= d.weight_decay;
                o.nesterov ??= d.nesterov;
                o.maximize ??= d.maximize;
                Add(param_group, p => new State(p));
            }

            public override Tensor step(Func<Tensor> closure = null!) => _step<Modules.ParamGroup>(Update, closure);

            private void Update(Modules.ParamGroup group)
            {
                var o = (Options)group.Options;
                double lr = o.LearningRate!.Value, momentum = o.momentum!.Value, weightDecay = o.weight_decay!.Value;
                foreach (var p in group.Members)
                {
                    var g = p.grad;
                    if (g is null) continue;
                    if (weightDecay != 0) g = g.add(p, o.maximize!.Value ? -weightDecay : weightDecay);
                    if (momentum != 0)
                    {
                        var state = (State)_state[p.Handle];
                        if (state.momentum_buffer is null) state.momentum_buffer = g.detach().clone().DetachFromDisposeScope();
                        else state.momentum_buffer.mul_(momentum).add_(g, 1 - o.dampening!.Value);
                        g = o.nesterov!.Value ? g.add(state.momentum_buffer, momentum) : state.momentum_buffer;
                    }
                    p.add_(g, o.maximize!.Value ? lr : -lr);
                }
            }

            public class Options : OptimizerOptions
            {
                public double? momentum;
                public double? dampening;
                public double? weight_decay;
                public bool? nesterov;
                public bool? maximize;

                public override void LoadStateDict(BinaryReader reader)
                {
                    base.LoadStateDict(reader);
                    momentum = reader.ReadDouble();
                    dampening = reader.ReadDouble();
                    weight_decay = reader.ReadDouble();
                    nesterov = reader.ReadBoolean();
                    maximize = reader.ReadBoolean();
                }

                public override void LoadStateDict(OptimizerOptions source)
                {
                    base.LoadStateDict(source);
                    var o = (Options)source;
                    (momentum, dampening, weight_decay, nesterov, maximize) = (o.momentum, o.dampening, o.weight_decay, o.nesterov, o.maximize);
                }

                public override void SaveStateDict(BinaryWriter writer)
                {
                    base.SaveStateDict(writer);
                    writer.Write(momentum!.Value);
                    writer.Write(dampening!.Value);
                    writer.Write(weight_decay!.Value);
                    writer.Write(nesterov!.Value);
                    writer.Write(maximize!.Value);
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

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double momentum = 0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov, maximize = maximize })
                {
                }

                public double Momentum
                {
                    get => Options.momentum!.Value;
                    set => Options.momentum = value;
                }
            }

            public class State : OptimizerState, IDisposable
            {
                public Tensor momentum_buffer = null!;

                public State(Parameter parameter) : base(parameter)
                {
                }

                public override void Initialize(OptimizerOptions options) => momentum_buffer = null!;
                public override void to(Device device) => Move(ref momentum_buffer, device);
                public override void LoadStateDict(BinaryReader reader) => LoadConditionalStateTensor(reader, ref momentum_buffer, _parameter.device);
                public override void LoadStateDict(OptimizerState source) => Copy(ref momentum_buffer, ((State)source).momentum_buffer);
                public override void SaveStateDict(BinaryWriter writer) => SaveConditionalStateTensor(writer, momentum_buffer);
                public override bool ApproximatelyEquals(OptimizerState other) => other is State s && Near(momentum_buffer, s.momentum_buffer);
                public void Dispose() => momentum_buffer?.Dispose();
            }
        }
    }
}
