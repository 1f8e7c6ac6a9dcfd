using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Stochastic propagation: a model with its error.</summary>
public static class ModelErrorExtensions
{
    /// <summary>
    /// Computes the state at the interval's end and adds, after every time step, an error drawn from the model error covariance. Without
    /// a model error it is <see cref="IDynamics.Advance"/>.
    /// </summary>
    /// <param name="dynamics">The model.</param>
    /// <param name="state"><c>[..., n]</c>; every state gets its own errors.</param>
    /// <param name="interval">A whole number of time steps.</param>
    /// <param name="random">The stream that the errors are drawn from.</param>
    public static Tensor AdvanceWithModelError(this IDynamics dynamics, Tensor state, TimeInterval interval, RandomStream random)
    {
        if (dynamics.ModelError is not { } error) return dynamics.Advance(state, interval);
        Require.LastDimension(state, dynamics.Dimension, $"The state of {dynamics.Name}");
        long steps = interval.Steps(dynamics.TimeStep);
        long[] leading = state.Sizes()[..^1];
        var x = state.alias();
        for (long k = 0; k < steps; k++)
        {
            using var older = x;
            using var scope = NewDisposeScope();
            var step = new TimeInterval(interval.From + k * dynamics.TimeStep, interval.From + (k + 1) * dynamics.TimeStep);
            x = (dynamics.Advance(older, step) + error.Sample(leading, random, state.dtype)).MoveToOuterDisposeScope();
        }
        return x;
    }
}
