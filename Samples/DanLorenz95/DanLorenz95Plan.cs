namespace DaML.Samples;

/// <summary>How a network of the sample is trained.</summary>
/// <param name="Network">Its size.</param>
/// <param name="Training">Steps, learning rate, depth of back-propagation.</param>
/// <param name="Batch">Trajectories side by side, I.</param>
/// <param name="Share">Its share of the time there is, in relation to the others'.</param>
public sealed record NetworkEffort(DataAssimilationNetworkOptions Network, TrainingOptions Training, long Batch, double Share);

/// <summary>Sizes and lengths of the parts of <see cref="DanLorenz95Sample"/>; the defaults are those of the quick size.</summary>
public sealed record DanLorenz95Plan
{
    // Half a cosine, and small batches and short truncations: in minutes the number of optimiser steps decides.
    private static readonly TrainingOptions Common = new()
        { Steps = 100_000, LearningRate = 2e-3, WarmUpSteps = 50, Truncation = 4, GradientClip = 2, ValidationInterval = 500,
            ValidationCycles = 100, ValidationBurnIn = 50, Patience = 1000 };

    /// <summary>The paper's size: memory of 800 numbers, 20 layers, batch of 1024, one cycle deep, learning rate 1e-4.</summary>
    public static DanLorenz95Plan Full { get; } = new()
    {
        Lorenz95 = new(DataAssimilationNetworkOptions.Reference,
            Common with { Steps = 150_000, Truncation = 1, LearningRate = 1e-4, Schedule = LearningRateSchedule.Constant }, 1024, 8),
        Direct = new(DataAssimilationNetworkOptions.Reference,
            Common with { Steps = 13_000, Truncation = 25, LearningRate = 1e-4, Schedule = LearningRateSchedule.Constant }, 1024, 2),
        StageRate = 1,
        TestCycles = 100_000,
        SmallTestCycles = 500,
    };

    /// <summary>Dimensions of the linear-Gaussian systems.</summary>
    public IReadOnlyList<long> LinearDimensions { get; init; } = [2, 4];

    /// <summary>The network on the linear-Gaussian systems.</summary>
    public NetworkEffort Linear { get; init; } = new(new() { MemorySize = 48, Layers = 3 }, Common with { Truncation = 8 }, 256, 0.75);

    /// <summary>The network on Lorenz-63.</summary>
    public NetworkEffort Lorenz63 { get; init; } = new(new() { MemorySize = 64, Layers = 6 }, Common, 128, 3);

    /// <summary>
    /// The network on Lorenz-95, by truncated back-propagation; its time is that of all stages together. Its densities are diagonal: the
    /// 820
    /// numbers of a triangular factor cost as much as all else, and within minutes they keep the mean from being learned.
    /// </summary>
    public NetworkEffort Lorenz95 { get; init; } =
        new(new() { MemorySize = 240, Layers = 4, Density = DensityForm.Diagonal }, Common with { Truncation = 2 }, 64, 9);

    /// <summary>The same by direct optimisation over the same few cycles again and again.</summary>
    public NetworkEffort Direct { get; init; } =
        new(new() { MemorySize = 240, Layers = 4, Density = DensityForm.Diagonal },
        Common with { Truncation = 25, ValidationInterval = 25 }, 64, 2);

    /// <summary>Numbers of cycles of an optimiser step whose memory is measured from the C heap.</summary>
    public IReadOnlyList<long> Depths { get; init; } = [1, 2, 5, 10, 25];

    /// <summary>Trajectories side by side where that memory is measured: the paper's I.</summary>
    public long DepthBatch { get; init; } = 1024;

    /// <summary>After how many stages of the truncated training the weights are tested.</summary>
    public int Stages { get; init; } = 4;

    /// <summary>The first learning rate of a stage over that of the stage before, which ended at zero.</summary>
    public double StageRate { get; init; } = 0.5;

    /// <summary>Sizes m of the memory in the sweep on Lorenz-63.</summary>
    public IReadOnlyList<long> Memories { get; init; } = [6, 12, 24, 48];

    /// <summary>The networks of the sweep, but for m.</summary>
    public NetworkEffort Sweep { get; init; } = new(new() { Layers = 6 }, Common, 128, 2);

    /// <summary>Ensemble sizes N of the sweep; their memory is 3 N.</summary>
    public IReadOnlyList<long> Members { get; init; } = [4, 8, 16, 32];

    /// <summary>Number of particles that stand for the Bayesian filter on Lorenz-63.</summary>
    public long Particles { get; init; } = 10_000;

    /// <summary>Trajectories and cycles of tests, the burn-in beside.</summary>
    public long TestTrajectories { get; init; } = 32;

    /// <summary>Cycles of tests on Lorenz-95 that are scored.</summary>
    public long TestCycles { get; init; } = 1000;

    /// <summary>Cycles of tests on the small systems that are scored; the particle filter goes through them too.</summary>
    public long SmallTestCycles { get; init; } = 200;

    /// <summary>Test cycles that are not scored.</summary>
    public long BurnIn { get; init; } = 100;

    /// <summary>All shares of the time together.</summary>
    internal double Shares =>
        LinearDimensions.Count * Linear.Share + Lorenz63.Share + Lorenz95.Share + Direct.Share + Memories.Count * Sweep.Share;
}
