using TorchSharp;

namespace DaML.Components;

/// <summary>
/// The optimiser steps of a learned Hessian: Adam on a new batch of states and probes each time; none of these are stored.
/// </summary>
internal sealed class HessianTraining(string name, HessianNetwork network, FourDimensionalVariationalCost cost, HessianInputs inputs,
    HessianProbes probes, LearnedPreconditioningOptions options, OnlineWindowSequence windows, RandomStream random)
    : OptimiserSteps(name, network, options.Training)
{
    /// <inheritdoc/>
    protected override string Remedy => "A smaller learning rate or clipped gradients are the usual remedies.";

    /// <inheritdoc/>
    protected override OptimiserStep Gradient()
    {
        var loss = probes.Loss(network, probes.Draw(cost, windows.Next(), inputs, options.Probes, Parameters[0].dtype, random));
        double norm = BackPropagate(loss, "The loss");
        return new(loss.ToDouble(), norm, 0);
    }

    /// <inheritdoc/>
    public override void Save(ComponentWriter writer)
    {
        base.Save(writer);
        windows.Save(writer);
        writer.Stream("probeRandom", random);
    }

    /// <inheritdoc/>
    public override void Load(ComponentReader reader)
    {
        base.Load(reader);
        windows.Load(reader);
        reader.Stream("probeRandom", random);
    }
}
