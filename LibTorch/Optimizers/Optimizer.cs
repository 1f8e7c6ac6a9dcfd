using TorchSharp.Modules;

namespace TorchSharp;

#pragma warning disable CS1591 // mirrors TorchSharp's names one to one

public static partial class torch
{
    /// <summary>Optimizers and learning-rate schedules.</summary>
    public static partial class optim
    {
        /// <summary>What a schedule needs of the thing it drives: a learning rate, and the one it began with.</summary>
        public interface ILearningRateController
        {
            double LearningRate { get; set; }
            double InitialLearningRate { get; set; }
        }

        /// <summary>An optimizer or group with a momentum, which cyclic schedules move against the learning rate.</summary>
        public interface IMomentum
        {
            double Momentum { get; set; }
        }

        /// <summary>An optimizer or group with the two averaging coefficients of Adam; the first stands in for momentum.</summary>
        public interface IBetas
        {
            (double, double) Betas { get; set; }
        }

        /// <summary>The base of the optimizers: it changes parameters in place, from the gradients that stand in them.</summary>
        public abstract class Optimizer : IDisposable
        {
            protected IList<ParamGroup> _parameter_groups = [];

            protected Optimizer(nint handle)
            {
                if (handle != 0) throw new NotSupportedException("Optimizers are written in C# here; there is no native one to wrap.");
            }

            public virtual IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

            public virtual void add_param_group(ParamGroup param_group) =>
                throw new NotImplementedException($"{GetType().Name} takes one group of parameters only.");

            public virtual IEnumerable<Parameter> parameters() => _parameter_groups.SelectMany(g => g.Parameters);

            public abstract Tensor step(Func<Tensor> closure = null!);

            public virtual void zero_grad()
            {
                foreach (var group in _parameter_groups)
                {
                    foreach (var p in group.Parameters)
                    {
                        using var grad = p.grad;
                        if (grad is null) continue;
                        using var zeroed = grad.requires_grad ? Detached(grad) : grad.zero_();
                    }
                }
            }

            private static Tensor Detached(Tensor grad)
            {
                using var d = grad.detach();
                return d.zero_();
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
            }

            /// <summary>What an optimizer remembers: the options of each group, the state of each parameter, and which belong together.</summary>
            public class StateDictionary
            {
                internal StateDictionary()
                {
                }

                public List<OptimizerOptions> Options { get; } = [];
                public List<OptimizerState> State { get; } = [];
                public List<List<int>> StateIndexRef { get; } = [];
            }
        }
    }
}
