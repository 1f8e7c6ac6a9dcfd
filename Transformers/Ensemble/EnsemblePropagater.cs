using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The physical model as the propagater of an ensemble: each member by itself, with the model's error if it has one.</summary>
/// <param name="dynamics">The model.</param>
/// <param name="modelError">The treatment of the model's error (default: each member draws its own).</param>
[Component("ensemble-propagater", 2)]
public sealed class EnsemblePropagater(IDynamics dynamics, [Saved(Since = 2)] NoiseTreatment modelError = NoiseTreatment.Stochastic)
    : IPropagater<EnsembleMemory>
{
    /// <summary>The model.</summary>
    public IDynamics Dynamics => dynamics;

    /// <summary>The treatment of the model's error.</summary>
    public NoiseTreatment ModelError => modelError;

    /// <inheritdoc/>
    public double? TimeStep => dynamics.TimeStep;

    /// <inheritdoc/>
    public string Name => dynamics.Name;

    /// <inheritdoc/>
    public EnsembleMemory Propagate(EnsembleMemory analysis, TimeInterval interval, RandomStream random)
    {
        if (dynamics.ModelError is not { } error || modelError == NoiseTreatment.Stochastic)
            return new(dynamics.AdvanceWithModelError(analysis.Members, interval, random));
        // Q is the error of one time step, so it is added after every step.
        long steps = interval.Steps(dynamics.TimeStep);
        var members = analysis.Members.alias();
        for (long k = 0; k < steps; k++)
        {
            using var older = members;
            using var scope = NewDisposeScope();
            var step = new TimeInterval(interval.From + k * dynamics.TimeStep, interval.From + (k + 1) * dynamics.TimeStep);
            members = EnsembleNoise.Add(dynamics.Advance(older, step), error, modelError, random, centred: false).MoveToOuterDisposeScope();
        }
        return new(members);
    }
}
