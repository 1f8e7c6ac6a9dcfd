namespace DaML.Samples;

/// <summary>How a network of the sample is trained.</summary>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="LearningRate">Adam's first learning rate.</param>
/// <param name="Effort">How many seconds it may take on one core beside the others: its share of the time that all trainings have, somewhat
/// more than it takes.</param>
public sealed record TrainingEffort(long Steps, double LearningRate, double Effort);

/// <summary>What is measured, at which values, and at which length.</summary>
public sealed record Bocquet2025Plan
{
    /// <summary>Minutes on two processor cores.</summary>
    public static Bocquet2025Plan Quick { get; } = new();

    /// <summary>
    /// The paper's: 40 filters, 5 x 5 sub-blocks, N_iter = 16 and S_b = 2048 for the casual network, 80 filters, N_iter = 32 and S_b = 512
    /// for
    /// the boosted one, every network from drawn weights. The number of epochs is not reported; steps here are an upper bound
    /// that validation ends. N_r counts stretches of N_iter cycles that are generated as training goes on.
    /// </summary>
    public static Bocquet2025Plan Full { get; } = new()
    {
        EnsembleTrajectories = 16, EnsembleCycles = 5000, TestTrajectories = 64, TestCycles = 5000, BurnIn = 500,
        Intervals = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4],
        DegradedIntervals = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.2, 1.4],
        InnovationLinearIntervals = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
        Forcings = [4, 4.5, 5, 5.5, 6, 7, 9, 10, 12, 14, 16],
        Network = ResidualConvolutionOptions.Reference with { InnovationTerm = InnovationTerm.Trainable },
        BoostedNetwork = ResidualConvolutionOptions.Boosted,
        InnovationLinear = new() { Network = ResidualConvolutionOptions.Reference }, WarmStarts = false, FewestCycles = 16, MostCycles = 16,
        Batch = 2048, ValidationTrajectories = 256, First = new(20_000, 2e-3, 1), DiagnosedTrajectories = 16, DiagnosedCycles = 2000,
        GainTrajectories = 64, GainCycles = 4000,
        Truncations = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40], TruncationIntervals = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8],
        OfTruncation = new(20_000, 2e-3, 1),
        Batches = [8, 16, 32, 64, 128, 256], TrajectoryCounts = [1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22], DataLearningRate = 2e-3,
        SecondsPerTrajectory = 1e-6, Repetitions = 3,
    };

    /// <summary>Members of the ensemble methods, N.</summary>
    public long Members { get; init; } = 40;

    /// <summary>Update steps Delta t at which the ensemble methods are scored.</summary>
    public IReadOnlyList<double> EnsembleIntervals { get; init; } = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2,
        1.4];

    /// <summary>Forcings F at which the ensemble methods are scored.</summary>
    public IReadOnlyList<double> EnsembleForcings { get; init; } = [4, 4.5, 5, 5.5, 6, 7, 8, 9, 10, 12, 14, 16];

    /// <summary>Certainties of the finite-size hyperprior, the best of which is taken: the methods are well tuned.</summary>
    public IReadOnlyList<double> Certainties { get; init; } = [0.5, 1, 2];

    /// <summary>Cycles of a test that are not scored.</summary>
    public long BurnIn { get; init; } = 100;

    /// <summary>Independent test trajectories of an ensemble method.</summary>
    public long EnsembleTrajectories { get; init; } = 8;

    /// <summary>Scored cycles of each.</summary>
    public long EnsembleCycles { get; init; } = 500;

    /// <summary>Independent test trajectories of a network.</summary>
    public long TestTrajectories { get; init; } = 16;

    /// <summary>Scored cycles of each.</summary>
    public long TestCycles { get; init; } = 1000;

    /// <summary>Update steps at which the network is trained; the first is that of the sweep of F and of the patterns.</summary>
    public IReadOnlyList<double> Intervals { get; init; } = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.2, 1.4];

    /// <summary>Forcings at which the network is trained beside <see cref="Forcing"/>.</summary>
    public IReadOnlyList<double> Forcings { get; init; } = [4, 4.5, 5, 6, 7, 10, 12, 16];

    /// <summary>Update steps at which the degraded networks are trained, blind and linear.</summary>
    public IReadOnlyList<double> DegradedIntervals { get; init; } = [0.05, 0.2, 0.6, 1, 1.4];

    /// <summary>Update steps at which the network linear in the innovation is trained.</summary>
    public IReadOnlyList<double> InnovationLinearIntervals { get; init; } = [0.05, 0.2, 0.4, 0.6, 0.8];

    /// <summary>What a step of the network linear in the innovation costs, one of the casual network being 1.</summary>
    public double InnovationLinearCost { get; init; } = 2.5;

    /// <summary>The casual network.</summary>
    public ResidualConvolutionOptions Network { get; init; } = new() { InnovationTerm = InnovationTerm.Trainable };

    /// <summary>The network linear in the innovation.</summary>
    public InnovationLinearOptions InnovationLinear { get; init; } = new();

    /// <summary>The boosted network; null for none.</summary>
    public ResidualConvolutionOptions? BoostedNetwork { get; init; }

    /// <summary>N_iter of the boosted network.</summary>
    public long BoostedTruncation { get; init; } = 32;

    /// <summary>S_b of the boosted network.</summary>
    public long BoostedBatch { get; init; } = 512;

    /// <summary>Whether a network of a sweep begins with the weights of its neighbour.</summary>
    public bool WarmStarts { get; init; } = true;

    /// <summary>A training from drawn weights.</summary>
    public TrainingEffort First { get; init; } = new(5000, 6e-3, 50);

    /// <summary>A training that begins with the weights of a neighbouring update step or forcing.</summary>
    public TrainingEffort Next { get; init; } = new(4000, 4e-3, 38);

    /// <summary>Trajectories in a batch, S_b: few, since in seconds the number of optimiser steps decides.</summary>
    public long Batch { get; init; } = 16;

    /// <summary>Trajectories that validate.</summary>
    public long ValidationTrajectories { get; init; } = 32;

    /// <summary>
    /// Model time that a truncated back-propagation spans, N_iter Delta t, as far as <see cref="FewestCycles"/> and
    /// <see cref="MostCycles"/> allow: the paper finds that the error depends on that product (fig. 4).
    /// </summary>
    public double TruncationTime { get; init; } = 3.2;

    /// <summary>The least N_iter.</summary>
    public long FewestCycles { get; init; } = 8;

    /// <summary>The largest N_iter.</summary>
    public long MostCycles { get; init; } = 16;

    /// <summary>F of the sweep of the update step.</summary>
    public double Forcing { get; init; } = 8;

    /// <summary>Test trajectories along which the scaling of increments is measured.</summary>
    public long DiagnosedTrajectories { get; init; } = 4;

    /// <summary>Their cycles after the burn-in.</summary>
    public long DiagnosedCycles { get; init; } = 400;

    /// <summary>The distance of the cycles at which the scaling is measured: it takes hundreds of analyses.</summary>
    public long DiagnosedEvery { get; init; } = 10;

    /// <summary>Trajectories on the attractor over whose states the marginal gain is averaged.</summary>
    public long GainTrajectories { get; init; } = 16;

    /// <summary>Their cycles.</summary>
    public long GainCycles { get; init; } = 400;

    /// <summary>Of how many of them one is used.</summary>
    public long GainEvery { get; init; } = 10;

    /// <summary>Truncations N_iter that are compared.</summary>
    public IReadOnlyList<long> Truncations { get; init; } = [1, 2, 4, 8, 16, 32];

    /// <summary>Update steps at which they are compared beside the first of <see cref="Intervals"/>.</summary>
    public IReadOnlyList<double> TruncationIntervals { get; init; } = [0.1, 0.2, 0.4];

    /// <summary>The training they are compared with; its effort is that of <see cref="MostCycles"/>.</summary>
    public TrainingEffort OfTruncation { get; init; } = new(2000, 6e-3, 23);

    /// <summary>Batches S_b that are compared.</summary>
    public IReadOnlyList<long> Batches { get; init; } = [8, 16, 32, 64];

    /// <summary>Numbers of trajectories N_r that are compared.</summary>
    public IReadOnlyList<long> TrajectoryCounts { get; init; } = [4096, 8192, 16384, 32768];

    /// <summary>Adam's first learning rate for them.</summary>
    public double DataLearningRate { get; init; } = 6e-3;

    /// <summary>How many seconds a trajectory may take on one core, in large batches.</summary>
    public double SecondsPerTrajectory { get; init; } = 3.3e-4;

    /// <summary>How many networks are trained for each N_iter and each pair (N_r, S_b); the paper takes 5 and 3.</summary>
    public int Repetitions { get; init; } = 1;

    /// <summary>N_iter at an update step.</summary>
    public long Truncation(double interval) => Math.Clamp((long)Math.Round(TruncationTime / interval), FewestCycles, MostCycles);
}
