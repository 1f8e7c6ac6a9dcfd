namespace DaML.Components;

/// <summary>Settings of a network's training on a Hessian, with their defaults.</summary>
public sealed record LearnedPreconditioningOptions
{
    /// <summary>The loss (default: relative Frobenius, the paper's). The last two need fixed eigenpairs.</summary>
    public HessianLoss Loss { get; init; } = HessianLoss.RelativeFrobenius;

    /// <summary>k, the number of random vectors for each state, at least 1 (default: 16).</summary>
    public int Probes { get; init; } = 16;

    /// <summary>The number of batches of states for the means and deviations of the inputs, at least 1 (default: 16).</summary>
    public int StatisticsBatches { get; init; } = 16;

    /// <summary>The number of hold-out batches of states, with their probes, for validation, at least 1 (default: 4).</summary>
    public int ValidationBatches { get; init; } = 4;

    /// <summary>
    /// Steps, learning rate, duration, checkpoint, patience. Settings about cycles (<see cref="TrainingOptions.Truncation"/>, burn-in,
    /// batch size, validation cycles) have no effect here (default: 2000 steps at a rate of 2e-3, validated every 100).
    /// </summary>
    public TrainingOptions Training { get; init; } = new() { Steps = 2000, LearningRate = 2e-3, ValidationInterval = 100 };

    internal LearnedPreconditioningOptions Checked()
    {
        Require.Defined(Loss);
        Require.AtLeast(Probes, 1);
        Require.AtLeast(StatisticsBatches, 1);
        Require.AtLeast(ValidationBatches, 1);
        Training.Checked();
        return this;
    }
}
