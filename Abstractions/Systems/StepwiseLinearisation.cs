using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The linearisation of any model, by its own tangent linear and adjoint. The state is repeated for each of k vectors, so k vectors cost
/// k times as much as one. An adjoint goes from kept state to kept state, with the model's own adjoint in between. If the states of all
/// steps are given (<see cref="LinearisationOptions.States"/>), the tangent linear uses them as well and the model never runs.
/// </summary>
public sealed class StepwiseLinearisation : ILinearisation
{
    private readonly IDynamics dynamics;
    private readonly List<(Tensor State, TimeInterval Interval)> parts = [];
    private readonly bool given;
    private Tensor? end;

    /// <summary>
    /// Runs the model up to the last state that is kept; it runs on to the interval's end only when that state is requested.
    /// </summary>
    /// <param name="dynamics">The model.</param>
    /// <param name="state"><c>[..., n]</c>, the beginning of the run; copied if the options do not give the states of all steps.</param>
    /// <param name="interval">A whole number of time steps.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    /// <exception cref="ArgumentException">
    /// The state's last size is not n, or the options do not give one state of its shape for each step.
    /// </exception>
    public StepwiseLinearisation(IDynamics dynamics, Tensor state, TimeInterval interval, LinearisationOptions? options = null)
    {
        Require.LastDimension(state, dynamics.Dimension, $"The state of {dynamics.Name}");
        this.dynamics = dynamics;
        Interval = interval;
        long steps = interval.Steps(dynamics.TimeStep),
            kept = Require.AtLeast((options ?? new()).KeptStates, 1, nameof(LinearisationOptions.KeptStates));
        var known = options?.States;
        CheckKnown(known, state, steps);
        given = known is not null;
        long stride = given ? 1 : Math.Max(1, (steps + kept - 1) / kept);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var x = (known is [var first, ..] ? first.detach() : state.detach().clone()).DetachFromDisposeScope();
        Start = x;
        for (long step = 0; step < steps; step += stride)
        {
            var part = new TimeInterval(interval.From + step * dynamics.TimeStep,
                interval.From + Math.Min(step + stride, steps) * dynamics.TimeStep);
            if (parts.Count > 0)
                x = (known is null ? dynamics.Advance(x, parts[^1].Interval) : known[(int)step].detach()).DetachFromDisposeScope();
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
        if (!given) return Along(perturbations, Start, Interval);
        Tensor? v = null;
        foreach (var (state, step) in parts)
        {
            using var earlier = v;
            v = Along(earlier ?? perturbations, state, step);
        }
        return v ?? perturbations.alias();
    }

    /// <inheritdoc/>
    public Tensor Adjoint(Tensor sensitivities)
    {
        CheckShape(dynamics, Start, sensitivities);
        Tensor? v = null;
        for (int i = parts.Count - 1; i >= 0; i--)
        {
            using var older = v;
            using var scope = NewDisposeScope();
            var later = older ?? sensitivities;
            v = dynamics.Adjoint(Repeated(parts[i].State, later), later, parts[i].Interval).MoveToOuterDisposeScope();
        }
        return v ?? sensitivities.alias();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (state, _) in parts) state.Dispose();
        Start.Dispose();
        end?.Dispose();
    }

    /// <summary>Refuses vectors that are neither of the state's shape nor k of them for each state, or of another precision.</summary>
    /// <exception cref="ArgumentException">The shape or the precision is wrong.</exception>
    public static void CheckShape(IDynamics dynamics, Tensor state, Tensor vectors)
    {
        long[] at = state.Sizes(), given = vectors.Sizes();
        bool same = given.AsSpan().SequenceEqual(at);
        bool block = given.Length == at.Length + 1 && given.AsSpan(0, at.Length - 1).SequenceEqual(at.AsSpan(0, at.Length - 1))
            && given[^1] == at[^1];
        if (!same && !block)
            throw new ArgumentException(
                $"The vectors of a linearisation of {dynamics.Name} must have shape {ColumnDefinition.Describe(at)}, or " +
                $"{ColumnDefinition.Describe([.. at[..^1], ColumnDefinition.AnySize, at[^1]])} for several of each state; given: " +
                    $"{ColumnDefinition.Describe(given)}.", nameof(vectors));
        if (vectors.dtype != state.dtype)
            throw new ArgumentException(
                $"The vectors of a linearisation of {dynamics.Name} must have the state's precision {state.dtype}; given: {vectors.dtype}.",
                nameof(vectors));
    }

    private Tensor Along(Tensor perturbations, Tensor state, TimeInterval interval)
    {
        using var scope = NewDisposeScope();
        return dynamics.TangentLinear(Repeated(state, perturbations), perturbations, interval).MoveToOuterDisposeScope();
    }

    private void CheckKnown(IReadOnlyList<Tensor>? known, Tensor state, long steps)
    {
        if (known is null) return;
        const string Name = $"{nameof(LinearisationOptions)}.{nameof(LinearisationOptions.States)}";
        if (known.Count != steps)
            throw new ArgumentException($"{Name} must have a state of {dynamics.Name} for each of the {steps} steps of the interval, " +
                $"at its beginning; given: {known.Count}.");
        foreach (var (step, other) in known.Index())
            if (other.dtype != state.dtype || !other.Sizes().AsSpan().SequenceEqual(state.Sizes()))
                throw new ArgumentException($"{Name} must have states of {dynamics.Name} of the shape and precision of the first, " +
                    $"{state.DescribeSizes()} in {state.dtype}; given at step {step}: " +
                        $"{other.DescribeSizes()} in {other.dtype}.");
    }

    private static Tensor Repeated(Tensor state, Tensor vectors) =>
        state.dim() == vectors.dim() ? state : state.unsqueeze(-2).expand(vectors.Sizes());
}
