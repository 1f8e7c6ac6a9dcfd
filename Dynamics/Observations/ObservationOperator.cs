using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The base of observation operators. Your own operator only needs its forward map. Tangent linear and adjoint follow from it by
/// automatic differentiation; to provide your own, override one method each.
/// </summary>
public abstract class ObservationOperator : IObservationOperator
{
    /// <summary>Creates an operator.</summary>
    /// <param name="stateDimension">The state's dimension n, at least 1.</param>
    /// <param name="observationDimension">The number of observations p, at least 1.</param>
    protected ObservationOperator(long stateDimension, long observationDimension)
    {
        StateDimension = Require.AtLeast(stateDimension, 1);
        ObservationDimension = Require.AtLeast(observationDimension, 1);
    }

    /// <inheritdoc/>
    public virtual string Name => GetType().Name;

    /// <inheritdoc/>
    public long StateDimension { get; }

    /// <inheritdoc/>
    public long ObservationDimension { get; }

    /// <inheritdoc/>
    public virtual bool IsLinear => false;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// The state's last size is not n, or the result of <see cref="Observe"/> does not have p components.
    /// </exception>
    public Tensor Apply(Tensor state)
    {
        Require.LastDimension(state, StateDimension, $"The state observed by {Name}");
        using var scope = MakesOneTensor ? null : NewDisposeScope();
        var observed = Fresh(Require.LastDimension(Observe(state), ObservationDimension, $"The observations of {Name}"), state);
        return scope?.MoveToOuter(observed) ?? observed;
    }

    /// <inheritdoc/>
    public Tensor TangentLinear(Tensor state, Tensor perturbation)
    {
        Require.LastDimension(state, StateDimension, $"The state observed by {Name}");
        Require.LastDimension(perturbation, StateDimension, $"The perturbation observed by {Name}");
        using var scope = NewDisposeScope();
        return Fresh(ObserveTangentLinear(state, perturbation), perturbation).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Adjoint(Tensor state, Tensor sensitivity)
    {
        Require.LastDimension(state, StateDimension, $"The state observed by {Name}");
        Require.LastDimension(sensitivity, ObservationDimension, $"The sensitivity of {Name}");
        using var scope = NewDisposeScope();
        var adjoint = Fresh(ObserveAdjoint(state, sensitivity), sensitivity);
        if (!IsLinear && !FiniteNumbers.All(adjoint) && FiniteNumbers.All(sensitivity) && (sensitivity == 0).any().ToBoolean())
            adjoint = AdjointByColumns(state, sensitivity);
        return adjoint.MoveToOuterDisposeScope();
    }

    // If H' is not finite for an observation that a mask leaves out, reverse mode gives 0 times that, which is NaN. This method works
    // column by column: H'(x) e_j has that observation in a separate component, which does not count if its sensitivity is zero.
    private Tensor AdjointByColumns(Tensor state, Tensor sensitivity)
    {
        var (at, counts) = (state.unsqueeze(-2), sensitivity.unsqueeze(-2));
        long[] shape = [.. state.Sizes()[..^1], StateDimension, StateDimension];
        // [..., n, p]
        var columns = ObserveTangentLinear(at.expand(shape).contiguous(),
            eye(StateDimension, dtype: state.dtype, device: state.device).expand(shape).contiguous());
        return where(counts == 0, zeros_like(columns), columns * counts).sum(-1);
    }

    /// <summary>
    /// Whether <see cref="Observe"/> makes no tensor beside its result, so that it needs no dispose scope, which costs as much as a small
    /// operator (default: false).
    /// </summary>
    private protected virtual bool MakesOneTensor => false;

    /// <summary>H(x), made of differentiable operators.</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <returns><c>[..., p]</c></returns>
    protected abstract Tensor Observe(Tensor state);

    /// <summary>H'(x) dx (default: by automatic differentiation).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="perturbation">dx, of x's shape.</param>
    protected virtual Tensor ObserveTangentLinear(Tensor state, Tensor perturbation) =>
        Differentiation.TangentLinear(Observe, state, perturbation, Name).Derivative;

    /// <summary>H'(x)^T dy (default: by automatic differentiation).</summary>
    /// <param name="state">x, <c>[..., n]</c></param>
    /// <param name="sensitivity">dy, <c>[..., p]</c></param>
    protected virtual Tensor ObserveAdjoint(Tensor state, Tensor sensitivity) =>
        Differentiation.Adjoint(Observe, state, sensitivity, Name);

    // An input that an operator returns unchanged remains the caller's.
    private static Tensor Fresh(Tensor result, Tensor given) => ReferenceEquals(result, given) ? given.alias() : result;
}
