namespace DaML.Components;

/// <summary>How a network learns a Hessian: settings with their defaults.</summary>
public sealed record LearnedPreconditioningOptions
{
    /// <summary>What it is charged (default: relative Frobenius, the paper's). The last two need fixed eigenpairs.</summary>
    public HessianLoss Loss { get; init; } = HessianLoss.RelativeFrobenius;

    /// <summary>k, the number of random vectors for each state, at least 1 (default: 16).</summary>
    public int Probes { get; init; } = 16;

    /// <summary>How many batches of states the means and deviations of the inputs are taken from, at least 1 (default: 16).</summary>
    public int StatisticsBatches { get; init; } = 16;

    /// <summary>How many batches of states, with their probes, are held out for validation, at least 1 (default: 4).</summary>
    public int ValidationBatches { get; init; } = 4;

    /// <summary>
    /// Steps, learning rate, duration, checkpoint, patience. What is about cycles (<see cref="TrainingOptions.Truncation"/>,
    /// burn-in, batch size, validation cycles) has no
    /// meaning here. The default is 2000 steps at a rate of 2e-3, validated every 100.
    /// </summary>
    public TrainingOptions Training { get; init; } = new() { Steps = 2000, LearningRate = 2e-3, ValidationInterval = 100 };

    internal LearnedPreconditioningOptions Checked()
    {
        if (!Enum.IsDefined(Loss)) throw new ArgumentOutOfRangeException(nameof(Loss), Loss, $"No such loss: {Loss}.");
        Require.AtLeast(Probes, 1);
        Require.AtLeast(StatisticsBatches, 1);
        Require.AtLeast(ValidationBatches, 1);
        Training.Checked();
        return this;
    }
}
