using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A model given by its map over one time step, x(t + h) = M(x(t)): the base of every model. Batch, device, longer intervals, tangent
/// linear and adjoint follow from that map by automatic differentiation; to provide your own tangent linear or adjoint, override one
/// method each.
/// </summary>
public abstract class DiscreteDynamics : IDynamics
{
    private readonly IErrorCovariance? modelError;

    /// <summary>Creates a model.</summary>
    /// <param name="dimension">The state's dimension n, at least 1.</param>
    /// <param name="timeStep">The length h of a step in the model's unit of time, above zero.</param>
    protected DiscreteDynamics(long dimension, double timeStep)
    {
        Dimension = Require.AtLeast(dimension, 1);
        TimeStep = Require.Positive(timeStep);
    }

    /// <inheritdoc/>
    public virtual string Name => GetType().Name;

    /// <inheritdoc/>
    public long Dimension { get; }

    /// <inheritdoc/>
    public double TimeStep { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The error's dimension is not the model's.</exception>
    [Saved]
    public IErrorCovariance? ModelError
    {
        get => modelError;
        init => modelError = value is null || value.Dimension == Dimension ? value
            : throw new ArgumentException(
                $"The model error of {Name} must have the state's dimension {Dimension}; given: {value.Dimension}.");
    }

    /// <inheritdoc/>
    public virtual IInitialCondition? InitialCondition => null;

    /// <summary>M(x): the state one time step later, made of differentiable operators.</summary>
    /// <param name="state"><c>[..., n]</c></param>
    /// <param name="time">The time at the step's beginning.</param>
    protected abstract Tensor Step(Tensor state, double time);

    /// <summary>M(x) and M'(x) dx over one step (default: by automatic differentiation).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="perturbation">dx, <c>[..., n]</c></param>
    /// <param name="time">The time at the step's beginning.</param>
    protected virtual (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time) =>
        Differentiation.TangentLinear(x => Step(x, time), state, perturbation, $"A step of {Name}");

    /// <summary>M'(x)^T dy over one step (default: by automatic differentiation).</summary>
    /// <param name="state">x at the step's beginning, <c>[..., n]</c></param>
    /// <param name="sensitivity">dy at the step's end, <c>[..., n]</c></param>
    /// <param name="time">The time at the step's beginning.</param>
    protected virtual Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) =>
        Differentiation.Adjoint(x => Step(x, time), state, sensitivity, $"A step of {Name}");

    /// <inheritdoc/>
    public virtual Tensor Advance(Tensor state, TimeInterval interval)
    {
        long steps = CheckState(state, interval);
        Tensor? x = null;
        for (long k = 0; k < steps; k++)
        {
            using var older = x;
            x = OneStep(older ?? state, interval.From + k * TimeStep);
        }
        return x ?? state.alias();
    }

    /// <inheritdoc/>
    public virtual Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval)
    {
        long steps = CheckState(state, interval);
        CheckShape(state, perturbation, "perturbation");
        Tensor x = state.alias(), dx = perturbation.alias();
        for (long k = 0; k < steps; k++)
        {
            using Tensor olderState = x, olderPerturbation = dx;
            using var scope = NewDisposeScope();
            var (next, along) = StepTangentLinear(olderState, olderPerturbation, interval.From + k * TimeStep);
            (x, dx) = scope.MoveToOuter(Fresh(next, olderState), Fresh(along, olderPerturbation));
        }
        x.Dispose();
        return dx;
    }

    /// <inheritdoc/>
    /// <remarks>It keeps the states of the interval and builds the graph of one step at a time.</remarks>
    public virtual Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval)
    {
        long steps = CheckState(state, interval);
        CheckShape(state, sensitivity, "sensitivity");
        using var scope = NewDisposeScope();
        // The result belongs to a graph only if it depends on something that does (the end state reveals the model's parameters).
        bool wanted = is_grad_enabled();
        var trajectory = new List<Tensor> { state };
        for (long k = 0; k < (wanted ? steps : steps - 1); k++) trajectory.Add(OneStep(trajectory[^1], interval.From + k * TimeStep));
        using var mode = set_grad_enabled(wanted && (sensitivity.requires_grad || trajectory[^1].requires_grad));

        var dx = sensitivity.alias();
        for (long k = steps - 1; k >= 0; k--)
        {
            using var older = dx;
            using var stepScope = NewDisposeScope();
            dx = Fresh(StepAdjoint(trajectory[(int)k], older, interval.From + k * TimeStep), older).MoveToOuterDisposeScope();
        }
        return dx.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A small model whose steps are made of tensor operators keeps the Jacobian matrix of each step once a tangent linear is requested:
    /// products are then matrix products, a few operators each.
    /// </remarks>
    public virtual ILinearisation Linearise(Tensor state, TimeInterval interval, LinearisationOptions? options = null)
    {
        var stepwise = new StepwiseLinearisation(this, state, interval, options);
        return JacobianLinearisation.Fits(state, interval.Steps(TimeStep), LargestJacobian(state))
            ? new JacobianLinearisation(this, stepwise, options?.States) : stepwise;
    }

    /// <summary>
    /// The largest dimension in which products by the Jacobian matrices of the model's steps are cheaper than its tangent linear and
    /// adjoint: zero if the model brings its own.
    /// </summary>
    private protected virtual long LargestJacobian(Tensor state) => HasDerivativesOf(typeof(DiscreteDynamics)) ? LargestAutomatic : 0;

    /// <summary>The same if passes through a graph stand behind tangent linear and adjoint.</summary>
    private protected const long LargestAutomatic = 256;

    /// <summary>Whether the model uses the tangent linear and adjoint of a base class.</summary>
    private protected bool HasDerivativesOf(Type type) => IsOf(type, StepAdjoint) && IsOf(type, StepTangentLinear)
        && IsOf(typeof(DiscreteDynamics), Adjoint) && IsOf(typeof(DiscreteDynamics), TangentLinear);

    private protected static bool IsOf(Type type, Delegate method) => method.Method.DeclaringType == type;

    // Makes one step that leaves only its result behind.
    private Tensor OneStep(Tensor state, double time)
    {
        using var scope = NewDisposeScope();
        return Fresh(Step(state, time), state).MoveToOuterDisposeScope();
    }

    // A map that returns its input, as the identity may, must not have it disposed twice.
    private static Tensor Fresh(Tensor result, Tensor given) => ReferenceEquals(result, given) ? given.alias() : result;

    private protected long CheckState(Tensor state, TimeInterval interval)
    {
        Require.LastDimension(state, Dimension, $"The state of {Name}");
        if (!state.is_floating_point())
            throw new ArgumentException($"The state of {Name} must be in single or double precision; given: {state.dtype}.", nameof(state));
        return interval.Steps(TimeStep);
    }

    private protected void CheckShape(Tensor state, Tensor other, string what)
    {
        if (!state.HasSizesOf(other))
            throw new ArgumentException(
                $"The {what} of {Name} must have the state's shape {state.DescribeSizes()}; given: " +
                    $"{other.DescribeSizes()}.", what);
    }
}
