namespace DaML.Samples;

/// <summary>How large the experiments of <see cref="Bocquet2024Sample"/> are.</summary>
public sealed record Bocquet2024Settings
{
    /// <summary>
    /// Minutes on two cores: the main network and the one with a memory train side by side for the sample's minutes, each on one core,
    /// the others for a share of them.
    /// </summary>
    public static Bocquet2024Settings Quick { get; } = new();

    /// <summary>
    /// The paper's settings: the reference network, N_iter = 16, batches of 2048 (as Bocquet et al. 2025, appendix A, tells of the
    /// first paper), every dimension of figure 3 learned as well as transferred to. Trajectories are generated without end instead of 2^18
    /// that are kept.
    /// </summary>
    public static Bocquet2024Settings Full { get; } = new()
    {
        Network = ResidualConvolutionOptions.Reference, KuramotoSivashinskyNetwork = ResidualConvolutionOptions.Reference,
        DegradedNetwork = ResidualConvolutionOptions.Reference,
        Batch = 2048, Truncation = 16, KuramotoSivashinskyBatch = 512, ValidationInterval = 100, LearningRate = 3e-3, Trajectories = 8,
        Cycles = 10_000, CovarianceCycles = 5_000, LyapunovCycles = 5_000,
        Dimensions = [20, 30, 40, 60, 80, 120, 160], LearnEveryDimension = true,
        NoiseLevels = [0.1, 0.2, 0.4, 0.8, 1, 1.6, 2.4, 3.2], Densities = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
        RandomShare = 1, NoiseShare = 1, KuramotoSivashinskyShare = 1, DegradedShare = 0.25,
    };

    /// <summary>The main network, also the one with a memory and the one that learns on random networks.</summary>
    public ResidualConvolutionOptions Network { get; init; } = new() { Filters = 24, Blocks = 3, SubBlocks = 3 };

    /// <summary>The network of the Kuramoto-Sivashinsky equation.</summary>
    public ResidualConvolutionOptions KuramotoSivashinskyNetwork { get; init; } = new();

    /// <summary>The networks without activations and blind to the forecast.</summary>
    public ResidualConvolutionOptions DegradedNetwork { get; init; } = new();

    /// <summary>
    /// Trajectories side by side, S_b, of training and of validation: few, since in minutes the number of optimiser steps decides.
    /// </summary>
    public long Batch { get; init; } = 16;

    /// <summary>Cycles that an optimiser step unrolls, N_iter; half the papers' for twice the steps.</summary>
    public long Truncation { get; init; } = 8;

    /// <summary>Training trajectories of the Kuramoto-Sivashinsky equation side by side.</summary>
    public long KuramotoSivashinskyBatch { get; init; } = 16;

    /// <summary>Adam's learning rate before it falls as half a cosine.</summary>
    public double LearningRate { get; init; } = 6e-3;

    /// <summary>The most optimiser steps a training takes; time usually ends it first.</summary>
    public long Steps { get; init; } = 1_000_000;

    /// <summary>Optimiser steps from one validation to the next.</summary>
    public long ValidationInterval { get; init; } = 400;

    /// <summary>Cycles that a validation scores, after as many as a third of them.</summary>
    public long ValidationCycles { get; init; } = 200;

    /// <summary>The share of the minutes for the network that learns on random networks.</summary>
    public double RandomShare { get; init; } = 0.5;

    /// <summary>The share of the minutes for the network that learns with random observation errors.</summary>
    public double NoiseShare { get; init; } = 0.25;

    /// <summary>The share of the minutes for the Kuramoto-Sivashinsky equation.</summary>
    public double KuramotoSivashinskyShare { get; init; } = 0.5;

    /// <summary>The share of the minutes for each of the networks without activations and blind to the forecast.</summary>
    public double DegradedShare { get; init; } = 0.125;

    /// <summary>Test trajectories.</summary>
    public long Trajectories { get; init; } = 8;

    /// <summary>Test cycles that are not scored.</summary>
    public long BurnIn { get; init; } = 200;

    /// <summary>Test cycles that are scored.</summary>
    public long Cycles { get; init; } = 1500;

    /// <summary>Cycles that 3D-Var's covariance is taken from.</summary>
    public long ClimatologyCycles { get; init; } = 1000;

    /// <summary>Scored cycles of each point of a figure.</summary>
    public long PointCycles { get; init; } = 500;

    /// <summary>
    /// Cycles over which covariances are compared, of two trajectories, after the burn-in of <see cref="CovarianceBurnIn"/>.
    /// </summary>
    public long CovarianceCycles { get; init; } = 1000;

    /// <summary>Cycles until the backward Lyapunov vectors have forgotten how they began.</summary>
    public long CovarianceBurnIn { get; init; } = 600;

    /// <summary>Of how many successive cycles one has its covariances compared.</summary>
    public long CovarianceInterval { get; init; } = 5;

    /// <summary>Cycles over which Lyapunov exponents are averaged, of four trajectories.</summary>
    public int LyapunovCycles { get; init; } = 1500;

    /// <summary>Cycles after which the Lyapunov vectors count.</summary>
    public int LyapunovTransient { get; init; } = 300;

    /// <summary>The dimensions n that the weights learned at 40 are used at.</summary>
    public IReadOnlyList<long> Dimensions { get; init; } = [20, 40, 80, 160];

    /// <summary>Whether a network is also trained at every dimension.</summary>
    public bool LearnEveryDimension { get; init; }

    /// <summary>The standard deviations of observation errors that the weights learned at 1 are used at.</summary>
    public IReadOnlyList<double> NoiseLevels { get; init; } = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2];

    /// <summary>The densities of the networks on which the network that learned on random ones is tested.</summary>
    public IReadOnlyList<double> Densities { get; init; } = [0.2, 0.35, 0.5, 0.65, 0.8, 1];

    /// <summary>The largest ensemble that accompanies the dimensions; the filter takes as many members as dimensions up to it.</summary>
    public long LargestEnsemble { get; init; } = 160;
}
