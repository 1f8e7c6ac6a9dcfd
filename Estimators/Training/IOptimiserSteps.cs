namespace DaML.Components;

/// <summary>What one optimiser step gave.</summary>
/// <param name="Loss">The mean loss, for an analysis the cost of a cycle and trajectory; not a number where the step was left out.</param>
/// <param name="GradientNorm">The gradient's norm before it was clipped.</param>
/// <param name="Restarts">Number of trajectories that had diverged and were started afresh.</param>
internal readonly record struct OptimiserStep(double Loss, double GradientNorm, long Restarts);

/// <summary>What makes the optimiser steps of a training, with all the state they depend on beside the network.</summary>
internal interface IOptimiserSteps
{
    /// <summary>One step at a learning rate.</summary>
    OptimiserStep Step(double learningRate);

    /// <summary>Takes down everything the next step depends on beside the network.</summary>
    void Save(ComponentWriter writer);

    /// <summary>Goes back to where <see cref="Save"/> was.</summary>
    void Load(ComponentReader reader);
}
