using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The optimiser steps of a learned Hessian: Adam on a new batch of states and probes each time; none of these are stored.
/// </summary>
internal sealed class HessianTraining : IOptimiserSteps, IDisposable
{
    private const int SkippedLimit = 100;

    private readonly string name;
    private readonly HessianNetwork network;
    private readonly FourDimensionalVariationalCost cost;
    private readonly HessianInputs inputs;
    private readonly HessianProbes probes;
    private readonly LearnedPreconditioningOptions options;
    private readonly ScalarType precision;
    private readonly OnlineWindowSequence windows;
    private readonly RandomStream random;
    private readonly Adam optimizer;
    private int skippedInARow;

    public HessianTraining(string name, HessianNetwork network, FourDimensionalVariationalCost cost, HessianInputs inputs,
        HessianProbes probes, LearnedPreconditioningOptions options,
        OnlineWindowSequence windows, RandomStream random)
    {
        (this.name, this.network, this.cost, this.inputs, this.probes, this.options, this.windows, this.random) = (name, network, cost,
            inputs, probes, options, windows, random);
        Parameter[] parameters = [.. network.parameters().Where(parameter => parameter.requires_grad)];
        precision = parameters[0].dtype;
        optimizer = new Adam(parameters, options.Training.LearningRate);
    }

    /// <inheritdoc/>
    /// <exception cref="DivergenceException">A hundred steps in a row gave no finite loss.</exception>
    public OptimiserStep Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        foreach (var group in optimizer.ParamGroups) group.LearningRate = learningRate;
        var batch = probes.Draw(cost, windows.Next(), inputs, options.Probes, precision, random);
        optimizer.zero_grad();
        var loss = probes.Loss(network, batch);
        Differentiation.BackPropagate(loss, "The loss");
        double norm = optimizer.ClipGradient(options.Training.GradientClip), value = loss.ToDouble();
        bool finite = double.IsFinite(value) && double.IsFinite(norm);
        if (finite) optimizer.step();
        skippedInARow = finite ? 0 : skippedInARow + 1;
        if (skippedInARow == SkippedLimit)
            throw new DivergenceException($"The training of {name}", $"last of {SkippedLimit} optimiser steps without a finite loss", 0, 0,
                FiniteNumbers.All(loss) ? "the gradient of the loss is not finite" : "the loss of the network is not finite",
                "A smaller learning rate or clipped gradients are the usual remedies.");
        return new(finite ? value : double.NaN, norm, 0);
    }

    /// <inheritdoc/>
    public void Save(ComponentWriter writer)
    {
        writer.Set("skippedInARow", skippedInARow);
        windows.Save(writer);
        writer.Tensor("probeRandom", random.Capture());
        optimizer.Save(writer);
    }

    /// <inheritdoc/>
    public void Load(ComponentReader reader)
    {
        skippedInARow = reader.Get<int>("skippedInARow");
        windows.Load(reader);
        using (var state = reader.Tensor("probeRandom")) random.Restore(state.cpu());
        optimizer.Load(reader);
    }

    /// <inheritdoc/>
    public void Dispose() => optimizer.Dispose();
}
