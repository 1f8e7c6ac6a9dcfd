using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A model given by its tendency, dx/dt = f(x), integrated by the classical Runge-Kutta method of fourth order. A model
/// of one's own is its tendency and nothing more.
/// </summary>
/// <param name="dimension">The state's dimension n, at least 1.</param>
/// <param name="timeStep">The length h of a time step in the model's unit of time, above zero.</param>
public abstract class Dynamics(long dimension, double timeStep) : DiscreteDynamics(dimension, timeStep)
{
    /// <summary>f(x).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <returns>dx/dt, of x's shape.</returns>
    protected abstract Tensor Tendency(Tensor state);

    /// <summary>f(x, t), for a model whose forcing changes with time; the time is ignored unless overridden.</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="time">t, in the model's unit of time.</param>
    protected virtual Tensor Tendency(Tensor state, double time) => Tendency(state);

    /// <inheritdoc/>
    protected override Tensor Step(Tensor state, double time) => RungeKuttaStep(Tendency, state, time);

    private protected Tensor RungeKuttaStep(Func<Tensor, double, Tensor> tendency, Tensor state, double time)
    {
        double h = TimeStep;
        var k1 = tendency(state, time);
        var k2 = tendency(state.add(k1, h / 2), time + h / 2);
        var k3 = tendency(state.add(k2, h / 2), time + h / 2);
        var k4 = tendency(state.add(k3, h), time + h);
        return state.add(k1.add(k4), h / 6).add(k2.add(k3), h / 3);
    }
}
