namespace DaML.Components;

/// <summary>The result of one optimiser step.</summary>
/// <param name="Loss">The mean loss, for an analysis the cost of a cycle and trajectory; not a number if the step was left out.</param>
/// <param name="GradientNorm">The gradient's norm before it was clipped.</param>
/// <param name="Restarts">The number of trajectories that had diverged and were restarted.</param>
internal readonly record struct OptimiserStep(double Loss, double GradientNorm, long Restarts);

/// <summary>Makes the optimiser steps of a training, with all the state they depend on in addition to the network.</summary>
internal interface IOptimiserSteps
{
    /// <summary>Makes one step at a learning rate.</summary>
    OptimiserStep Step(double learningRate);

    /// <summary>Saves everything that the next step depends on in addition to the network.</summary>
    void Save(ComponentWriter writer);

    /// <summary>Restores the state at <see cref="Save"/>.</summary>
    void Load(ComponentReader reader);
}
