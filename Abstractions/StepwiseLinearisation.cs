using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The linearisation of any model, by its own tangent linear and adjoint. The state is repeated for each of k vectors, so k of them
/// cost k times one. An adjoint goes from kept state to kept state; in between the model does as its own adjoint does.
/// </summary>
public sealed class StepwiseLinearisation : ILinearisation
{
    private readonly IDynamics dynamics;
    private readonly List<(Tensor State, TimeInterval Interval)> parts = [];
    private Tensor? end;

    /// <summary>Runs the model up to the last state that is kept; further on, to the interval's end, when that is asked for.</summary>
    /// <param name="dynamics">The model.</param>
    /// <param name="state"><c>[..., n]</c>, where the run begins; copied.</param>
    /// <param name="interval">A whole number of time steps.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public StepwiseLinearisation(IDynamics dynamics, Tensor state, TimeInterval interval, LinearisationOptions? options = null)
    {
        Require.LastDimension(state, dynamics.Dimension, $"The state of {dynamics.Name}");
        this.dynamics = dynamics;
        Interval = interval;
        long steps = interval.Steps(dynamics.TimeStep), kept = Require.AtLeast((options ?? new()).KeptStates, 1, nameof(LinearisationOptions.KeptStates));
        long stride = Math.Max(1, (steps + kept - 1) / kept);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var x = state.detach().clone().DetachFromDisposeScope();
        Start = x;
        for (long step = 0; step < steps; step += stride)
        {
            var part = new TimeInterval(interval.From + step * dynamics.TimeStep, interval.From + Math.Min(step + stride, steps) * dynamics.TimeStep);
            if (parts.Count > 0) x = dynamics.Advance(x, parts[^1].Interval).DetachFromDisposeScope();
            parts.Add((x, part));
        }
    }

    /// <inheritdoc/>
    public TimeInterval Interval { get; }

    /// <inheritdoc/>
    public Tensor Start { get; }

    /// <inheritdoc/>
    public Tensor End
    {
        get
        {
            if (end is not null || parts.Count == 0) return end ?? Start;
            using var noGradients = no_grad();
            return end = dynamics.Advance(parts[^1].State, parts[^1].Interval).DetachFromDisposeScope();
        }
    }

    /// <inheritdoc/>
    public Tensor TangentLinear(Tensor perturbations)
    {
        CheckShape(dynamics, Start, perturbations);
        using var scope = NewDisposeScope();
        return dynamics.TangentLinear(Repeated(Start, perturbations), perturbations, Interval).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Adjoint(Tensor sensitivities)
    {
        CheckShape(dynamics, Start, sensitivities);
        var v = sensitivities.alias();
        for (int i = parts.Count - 1; i >= 0; i--)
        {
            using var later = v;
            using var scope = NewDisposeScope();
            v = dynamics.Adjoint(Repeated(parts[i].State, later), later, parts[i].Interval).MoveToOuterDisposeScope();
        }
        return v;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (state, _) in parts) state.Dispose();
        Start.Dispose();
        end?.Dispose();
    }

    /// <summary>Refuses vectors that are neither of the state's shape nor k of them for each state, or of another precision.</summary>
    /// <exception cref="ArgumentException">They are.</exception>
    public static void CheckShape(IDynamics dynamics, Tensor state, Tensor vectors)
    {
        long[] at = state.Sizes(), given = vectors.Sizes();
        bool same = given.AsSpan().SequenceEqual(at);
        bool block = given.Length == at.Length + 1 && given.AsSpan(0, at.Length - 1).SequenceEqual(at.AsSpan(0, at.Length - 1)) && given[^1] == at[^1];
        if (!same && !block)
            throw new ArgumentException($"The vectors of a linearisation of {dynamics.Name} must have shape {ColumnDefinition.Describe(at)}, or " +
                $"{ColumnDefinition.Describe([.. at[..^1], ColumnDefinition.AnySize, at[^1]])} for several of each state; given: {ColumnDefinition.Describe(given)}.", nameof(vectors));
        if (vectors.dtype != state.dtype)
            throw new ArgumentException($"The vectors of a linearisation of {dynamics.Name} must have the state's precision {state.dtype}; given: {vectors.dtype}.", nameof(vectors));
    }

    private static Tensor Repeated(Tensor state, Tensor vectors) =>
        state.dim() == vectors.dim() ? state : state.unsqueeze(-2).expand(vectors.Sizes());
}
