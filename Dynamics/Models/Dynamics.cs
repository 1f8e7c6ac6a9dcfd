using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A model given by its tendency, dx/dt = f(x), integrated by the classical Runge-Kutta method of fourth order. Your own model only needs
/// its tendency. To speed up variational methods and the extended Kalman filter, add f'(x) dx and f'(x)^T w, which the integrator applies
/// through its stages.
/// </summary>
/// <param name="dimension">The state's dimension n, at least 1.</param>
/// <param name="timeStep">The length h of a time step in the model's unit of time, above zero.</param>
public abstract class Dynamics(long dimension, double timeStep) : DiscreteDynamics(dimension, timeStep)
{
    // Known after the first adjoint, so that later ones do not compute the stages for nothing.
    private bool adjointIsAutomatic;

    /// <summary>f(x).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <returns>dx/dt, of x's shape.</returns>
    protected abstract Tensor Tendency(Tensor state);

    /// <summary>f(x, t), for a model whose forcing changes with time (default: the time is ignored).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="time">t, in the model's unit of time.</param>
    protected virtual Tensor Tendency(Tensor state, double time) => Tendency(state);

    /// <summary>f'(x) dx, made of differentiable operators (default: null, the step is differentiated automatically).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="perturbation">dx, of x's shape.</param>
    /// <param name="time">t, in the model's unit of time.</param>
    protected virtual Tensor? TendencyTangentLinear(Tensor state, Tensor perturbation, double time) => null;

    /// <summary>f'(x)^T w, made of differentiable operators (default: null, the step is differentiated automatically).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="sensitivity">w, of x's shape.</param>
    /// <param name="time">t, in the model's unit of time.</param>
    protected virtual Tensor? TendencyAdjoint(Tensor state, Tensor sensitivity, double time) => null;

    /// <inheritdoc/>
    protected override Tensor Step(Tensor state, double time) => RungeKuttaStep(Tendency, state, time);

    private protected Tensor RungeKuttaStep(Func<Tensor, double, Tensor> tendency, Tensor state, double time)
    {
        double h = TimeStep;
        var k1 = tendency(state, time);
        if (k1.ndim == 0 || k1.size(-1) != state.size(-1))
            throw new ArgumentException(
                $"{Name}: the tendency of a state {state.DescribeSizes()} must have that shape too; given: {k1.DescribeSizes()}.");
        var k2 = tendency(state.add(k1, h / 2), time + h / 2);
        var k3 = tendency(state.add(k2, h / 2), time + h / 2);
        var k4 = tendency(state.add(k3, h), time + h);
        return Sum(state, k1, k2, k3, k4);
    }

    /// <inheritdoc/>
    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time) =>
        RungeKuttaTangentLinear(Tendency, TendencyTangentLinear, state, perturbation, time)
        ?? base.StepTangentLinear(state, perturbation, time);

    // Each stage of the step and, beside it, its derivative along dx; null if the model does not provide the derivative of its tendency.
    private protected (Tensor State, Tensor Perturbation)? RungeKuttaTangentLinear(Func<Tensor, double, Tensor> tendency,
        Func<Tensor, Tensor, double, Tensor?> tangentLinear, Tensor state, Tensor perturbation, double time)
    {
        double h = TimeStep;
        if (tangentLinear(state, perturbation, time) is not { } d1) return null;
        var k1 = tendency(state, time);
        Tensor x = state.add(k1, h / 2), dx = perturbation.add(d1, h / 2);
        Tensor k2 = tendency(x, time + h / 2), d2 = tangentLinear(x, dx, time + h / 2)!;
        (x, dx) = (state.add(k2, h / 2), perturbation.add(d2, h / 2));
        Tensor k3 = tendency(x, time + h / 2), d3 = tangentLinear(x, dx, time + h / 2)!;
        (x, dx) = (state.add(k3, h), perturbation.add(d3, h));
        Tensor k4 = tendency(x, time + h), d4 = tangentLinear(x, dx, time + h)!;
        return (Sum(state, k1, k2, k3, k4), Sum(perturbation, d1, d2, d3, d4));
    }

    /// <inheritdoc/>
    protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        if (adjointIsAutomatic) return base.StepAdjoint(state, sensitivity, time);
        double h = TimeStep;
        var x2 = state.add(Tendency(state, time), h / 2);
        var x3 = state.add(Tendency(x2, time + h / 2), h / 2);
        var x4 = state.add(Tendency(x3, time + h / 2), h);
        // Backwards through the stages: the sensitivity of the result to k_i, and through k_i to the state.
        if (TendencyAdjoint(x4, sensitivity * (h / 6), time + h) is not { } g4)
        {
            adjointIsAutomatic = true;
            return base.StepAdjoint(state, sensitivity, time);
        }
        var g3 = TendencyAdjoint(x3, (sensitivity * (h / 3)).add(g4, h), time + h / 2)!;
        var g2 = TendencyAdjoint(x2, (sensitivity * (h / 3)).add(g3, h / 2), time + h / 2)!;
        var g1 = TendencyAdjoint(state, (sensitivity * (h / 6)).add(g2, h / 2), time)!;
        return sensitivity + g1 + g2 + g3 + g4;
    }

    // A step of the tangent linear or of the adjoint takes some hundred operators, as many for n vectors as for one.
    private protected override long LargestJacobian(Tensor state) => !HasDerivativesOf(typeof(Dynamics)) ? base.LargestJacobian(state)
        : IsOf(typeof(Dynamics), TendencyAdjoint) ? LargestAutomatic : LargestOfOperators;

    /// <summary>
    /// The largest dimension in which a product by a matrix is cheaper than a step's hundred operators and the n vectors that make the
    /// matrix do not cost more than an inner loop's products.
    /// </summary>
    private protected const long LargestOfOperators = 64;

    // x + h/6 (k1 + 2 k2 + 2 k3 + k4)
    private Tensor Sum(Tensor x, Tensor k1, Tensor k2, Tensor k3, Tensor k4) =>
        x.add(k1.add(k4), TimeStep / 6).add(k2.add(k3), TimeStep / 3);
}
