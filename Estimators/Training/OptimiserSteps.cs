using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The result of one optimiser step.</summary>
/// <param name="Loss">The mean loss, for an analysis the cost of a cycle and trajectory; not a number if the step was left out.</param>
/// <param name="GradientNorm">The gradient's norm before it was clipped.</param>
/// <param name="Restarts">The number of trajectories that had diverged and were restarted.</param>
internal readonly record struct OptimiserStep(double Loss, double GradientNorm, long Restarts);

/// <summary>
/// Makes the optimiser steps of a training by Adam, with all the state they depend on in addition to the network. A step without a finite
/// loss and gradient is left out.
/// </summary>
internal abstract class OptimiserSteps : IDisposable
{
    private const int SkippedLimit = 100;

    private readonly TrainingOptions options;
    private readonly Adam optimizer;
    private int skippedInARow;

    /// <param name="name">The name of what is trained.</param>
    /// <param name="network">The module with the parameters; it is in training mode during a step.</param>
    /// <param name="options">The first learning rate and the gradient's limit.</param>
    protected OptimiserSteps(string name, nn.Module network, TrainingOptions options)
    {
        (Name, this.options) = (name, options);
        Parameters = [.. network.parameters().Where(parameter => parameter.requires_grad)];
        optimizer = new Adam(Parameters, options.LearningRate);
    }

    /// <summary>The name of what is trained.</summary>
    protected string Name { get; }

    /// <summary>The parameters that are trained.</summary>
    protected Parameter[] Parameters { get; }

    /// <summary>What usually helps a training that gives no finite loss, as a sentence.</summary>
    protected abstract string Remedy { get; }

    /// <summary>Makes one step at a learning rate.</summary>
    /// <exception cref="DivergenceException">A hundred steps in a row gave no finite loss.</exception>
    public OptimiserStep Step(double learningRate)
    {
        using var scope = NewDisposeScope();
        foreach (var group in optimizer.ParamGroups) group.LearningRate = learningRate;
        var step = Gradient();
        bool finite = double.IsFinite(step.Loss) && double.IsFinite(step.GradientNorm);
        using var phase = Telemetry.Phase(Telemetry.Optimiser);
        if (finite) Move(learningRate);
        skippedInARow = finite ? 0 : skippedInARow + 1;
        if (skippedInARow == SkippedLimit)
        {
            var (cycle, time, origin) = Lost(step.Loss);
            throw new DivergenceException($"The training of {Name}", $"last of {SkippedLimit} optimiser steps without a finite loss",
                cycle, time, origin, Remedy);
        }
        CarryOn(finite);
        return finite ? step : step with { Loss = double.NaN };
    }

    /// <summary>Computes the loss of the next step and, by <see cref="BackPropagate"/>, its gradient.</summary>
    protected abstract OptimiserStep Gradient();

    /// <summary>Changes the weights by the gradient.</summary>
    protected virtual void Move(double learningRate) => optimizer.step();

    /// <summary>Says where the training stopped to give a finite loss, and which part did.</summary>
    protected virtual (long Cycle, double Time, string Origin) Lost(double loss) =>
        (0, 0, double.IsFinite(loss) ? "the gradient of the loss is not finite" : "the loss of the network is not finite");

    /// <summary>Prepares the next step.</summary>
    /// <param name="finite">Whether this one changed the weights.</param>
    protected virtual void CarryOn(bool finite)
    {
    }

    /// <summary>Computes the gradient of a loss, clips it, and gives its norm before that.</summary>
    /// <param name="loss">The loss, a scalar.</param>
    /// <param name="what">Its name in a message.</param>
    protected double BackPropagate(Tensor loss, string what)
    {
        optimizer.zero_grad();
        using (Telemetry.Phase(Telemetry.Backward)) Differentiation.BackPropagate(loss, what);
        return ClipGradient();
    }

    /// <summary>Clips the parameters' gradient, and gives its norm before that.</summary>
    protected double ClipGradient()
    {
        using var phase = Telemetry.Phase(Telemetry.Optimiser);
        return optimizer.ClipGradient(options.GradientClip);
    }

    /// <summary>Saves everything that the next step depends on in addition to the network.</summary>
    public virtual void Save(ComponentWriter writer)
    {
        writer.Set("skippedInARow", skippedInARow);
        optimizer.Save(writer);
    }

    /// <summary>Restores the state at <see cref="Save"/>.</summary>
    public virtual void Load(ComponentReader reader)
    {
        skippedInARow = reader.Get<int>("skippedInARow");
        optimizer.Load(reader);
    }

    /// <inheritdoc/>
    public virtual void Dispose() => optimizer.Dispose();
}
