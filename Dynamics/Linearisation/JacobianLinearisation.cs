using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The linearisation, by the Jacobian matrix of each step, of a model whose derivatives are made of tensor operators. One adjoint of all
/// unit vectors gives all rows of a matrix, at the first tangent linear. A single gradient, which needs only an adjoint, does without the
/// matrices.
/// </summary>
internal sealed class JacobianLinearisation : ILinearisation
{
    // Above this memory for all matrices the model's own products are cheaper.
    private const long Bytes = 1L << 26;

    private readonly IDynamics dynamics;
    private readonly StepwiseLinearisation stepwise;
    private readonly IReadOnlyList<Tensor>? states;
    private List<Tensor>? jacobians; // M' of each step, [..., n, n]

    /// <param name="dynamics">The model.</param>
    /// <param name="stepwise">Its linearisation by its own tangent linear and adjoint; it belongs to this object from now on.</param>
    /// <param name="states">The state at the beginning of each step, if the caller has them.</param>
    public JacobianLinearisation(IDynamics dynamics, StepwiseLinearisation stepwise, IReadOnlyList<Tensor>? states) =>
        (this.dynamics, this.stepwise, this.states) = (dynamics, stepwise, states);

    /// <summary>Whether the matrices of this many steps are small enough.</summary>
    public static bool Fits(Tensor state, long steps, long largestDimension) =>
        state.size(-1) <= largestDimension && steps * state.numel() * state.size(-1) * state.element_size() <= Bytes;

    public TimeInterval Interval => stepwise.Interval;

    public Tensor Start => stepwise.Start;

    public Tensor End => stepwise.End;

    public Tensor TangentLinear(Tensor perturbations)
    {
        StepwiseLinearisation.CheckShape(dynamics, Start, perturbations);
        jacobians ??= Jacobians();
        return Along(perturbations, jacobians.Select(jacobian => jacobian.mT));
    }

    public Tensor Adjoint(Tensor sensitivities)
    {
        if (jacobians is null) return stepwise.Adjoint(sensitivities);
        StepwiseLinearisation.CheckShape(dynamics, Start, sensitivities);
        return Along(sensitivities, Enumerable.Reverse(jacobians));
    }

    public void Dispose()
    {
        stepwise.Dispose();
        foreach (var jacobian in jacobians ?? []) jacobian.Dispose();
    }

    // Multiplies vectors as rows by one matrix after the other.
    private Tensor Along(Tensor vectors, IEnumerable<Tensor> matrices)
    {
        using var scope = NewDisposeScope();
        bool single = vectors.dim() == Start.dim();
        var v = single ? vectors.unsqueeze(-2) : vectors;
        foreach (var matrix in matrices) v = matmul(v, matrix);
        return (single ? v.squeeze(-2) : v).alias().MoveToOuterDisposeScope();
    }

    private List<Tensor> Jacobians()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        long n = dynamics.Dimension, steps = Interval.Steps(dynamics.TimeStep);
        var unit = eye(n, dtype: Start.dtype, device: Start.device).expand([.. Start.Sizes(), n]);
        var found = new List<Tensor>();
        var x = Start;
        for (int k = 0; k < steps; k++)
        {
            using var inner = NewDisposeScope();
            var step = new TimeInterval(Interval.From + k * dynamics.TimeStep, Interval.From + (k + 1) * dynamics.TimeStep);
            var at = states is null ? x : states[k].detach();
            found.Add(dynamics.Adjoint(at.unsqueeze(-2).expand(unit.Sizes()), unit, step).DetachFromDisposeScope());
            if (states is null && k + 1 < steps) x = dynamics.Advance(at, step).MoveToOuterDisposeScope();
        }
        return found;
    }
}
