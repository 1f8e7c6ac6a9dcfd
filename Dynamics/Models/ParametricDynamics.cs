using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A model whose tendency depends on parameters that may be estimated with the state, dx/dt = f(x; theta). Your own model only needs that
/// tendency. Run with its own values it is a model like any other.
/// </summary>
public abstract class ParametricDynamics : Dynamics, IParametricDynamics
{
    private readonly ConstantTensor values;

    /// <summary>Creates a model.</summary>
    /// <param name="dimension">The state's dimension n, at least 1.</param>
    /// <param name="timeStep">The length h of a time step in the model's unit of time, above zero.</param>
    /// <param name="parameters">Its q parameters with the model's own values.</param>
    /// <exception cref="ArgumentException">There are no parameters, two have the same name, or a value is not finite.</exception>
    protected ParametricDynamics(long dimension, double timeStep, params IReadOnlyList<ModelParameter> parameters)
        : base(dimension, timeStep)
    {
        if (parameters.Count == 0) throw new ArgumentException("A parametric model must have at least one parameter.", nameof(parameters));
        if (parameters.GroupBy(parameter => parameter.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Two parameters of {Name} are called '{twice.Key}'.", nameof(parameters));
        foreach (var (name, value) in parameters) Require.Finite(value, name);
        Parameters = [.. parameters];
        using var own = tensor(Parameters.Select(parameter => parameter.Value).ToArray());
        values = new ConstantTensor(own);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ModelParameter> Parameters { get; }

    /// <summary>f(x; theta), made of differentiable operators.</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="parameters">
    /// theta, <c>[..., q]</c>: use <c>select(-1, i)</c> beside one component of the state, <c>narrow(-1, i, 1)</c> beside the whole state.
    /// </param>
    /// <returns>dx/dt, of x's shape.</returns>
    protected abstract Tensor Tendency(Tensor state, Tensor parameters);

    /// <summary>f(x, t; theta), for a model whose forcing changes with time (default: the time is ignored).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="parameters">theta, <c>[..., q]</c></param>
    /// <param name="time">t, in the model's unit of time.</param>
    protected virtual Tensor Tendency(Tensor state, Tensor parameters, double time) => Tendency(state, parameters);

    /// <summary>
    /// f_x(x, t; theta) dx, made of differentiable operators (default: null, a step is differentiated automatically). With it, a step of
    /// the joint model of state and parameters is also linearised in one pass (<see cref="JointDynamics"/>).
    /// </summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="parameters">theta, <c>[..., q]</c>, or <c>[q]</c> for all states.</param>
    /// <param name="perturbation">dx, of x's shape.</param>
    /// <param name="time">t, in the model's unit of time.</param>
    /// <returns>The derivative, of x's shape.</returns>
    protected virtual Tensor? TendencyTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time) => null;

    /// <summary>
    /// f_theta(x, t; theta) dtheta, made of differentiable operators (default: by automatic differentiation of the tendency). It is used
    /// together with <see cref="TendencyTangentLinear(Tensor, Tensor, Tensor, double)"/>.
    /// </summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="parameters">theta, <c>[..., q]</c></param>
    /// <param name="perturbation">dtheta, of theta's shape.</param>
    /// <param name="time">t, in the model's unit of time.</param>
    /// <returns>The derivative, of x's shape.</returns>
    protected virtual Tensor TendencyParameterTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time) =>
        Differentiation.TangentLinear(theta => Tendency(state, theta, time), parameters, perturbation,
            $"The tendency of {Name} by its parameters").Derivative;

    /// <inheritdoc/>
    protected override Tensor? TendencyTangentLinear(Tensor state, Tensor perturbation, double time) =>
        TendencyTangentLinear(state, values.Like(state), perturbation, time);

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state) => Tendency(state, values.Like(state));

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state, double time) => Tendency(state, values.Like(state), time);

    /// <inheritdoc/>
    public Tensor Advance(Tensor state, Tensor parameters, TimeInterval interval)
    {
        long steps = CheckState(state, interval);
        Require.Shape(parameters, $"The parameters of {Name} for states {state.DescribeSizes()}",
            [.. state.Sizes()[..^1], Parameters.Count]);
        var x = state.alias();
        for (long k = 0; k < steps; k++)
        {
            using var older = x;
            using var scope = NewDisposeScope();
            x = RungeKuttaStep((y, time) => Tendency(y, parameters, time), older, interval.From + k * TimeStep).MoveToOuterDisposeScope();
        }
        return x;
    }

    // A step in which every state has its own parameters, and its derivative along (dx, dtheta); null if the model does not provide f_x dx.
    internal (Tensor State, Tensor Perturbation)? StepTangentLinear(
        Tensor state, Tensor parameters, Tensor perturbation, Tensor parameterPerturbation, double time) =>
        RungeKuttaTangentLinear((x, t) => Tendency(x, parameters, t),
            (x, dx, t) => TendencyTangentLinear(x, parameters, dx, t)
                ?.add(TendencyParameterTangentLinear(x, parameters, parameterPerturbation, t)),
            state, perturbation, time);
}
