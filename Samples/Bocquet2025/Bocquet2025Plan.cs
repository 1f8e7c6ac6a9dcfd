namespace DaML.Samples;

/// <summary>How a network of the sample is trained.</summary>
/// <param name="Steps">Optimiser steps.</param>
/// <param name="LearningRate">Adam's first learning rate.</param>
/// <param name="Effort">About how many seconds it takes on one core: its share of the time that all trainings have.</param>
public sealed record TrainingEffort(long Steps, double LearningRate, double Effort);

/// <summary>What is measured, at which values, and at which length.</summary>
public sealed record Bocquet2025Plan
{
    /// <summary>Members of the ensemble methods, N.</summary>
    public long Members { get; init; } = 40;

    /// <summary>Update steps Delta t at which the ensemble methods are scored.</summary>
    public IReadOnlyList<double> EnsembleIntervals { get; init; } = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.4];

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
    public IReadOnlyList<double> LinearIntervals { get; init; } = [0.05, 0.2, 0.4, 0.6, 0.8];

    /// <summary>The casual network.</summary>
    public ResidualConvolutionOptions Network { get; init; } = new() { InnovationTerm = InnovationTerm.Trainable };

    /// <summary>The boosted network and its update steps; none in the quick size.</summary>
    public ResidualConvolutionOptions? Boosted { get; init; }

    /// <summary>A training from drawn weights.</summary>
    public TrainingEffort First { get; init; } = new(2500, 6e-3, 45);

    /// <summary>A training that begins with the weights of a neighbouring update step or forcing.</summary>
    public TrainingEffort Next { get; init; } = new(2000, 4e-3, 25);

    /// <summary>Trajectories in a batch, S_b.</summary>
    public long Batch { get; init; } = 32;

    /// <summary>Trajectories that validate.</summary>
    public long ValidationTrajectories { get; init; } = 32;

    /// <summary>Model time that a truncated back-propagation spans, N_iter Delta t, as far as <see cref="FewestCycles"/> and <see cref="MostCycles"/> allow: the paper finds that the error depends on that product (fig. 4).</summary>
    public double TruncationTime { get; init; } = 3.2;

    /// <summary>The least N_iter.</summary>
    public long FewestCycles { get; init; } = 8;

    /// <summary>The largest N_iter.</summary>
    public long MostCycles { get; init; } = 16;

    /// <summary>F of the sweep of the update step.</summary>
    public double Forcing { get; init; } = 8;

    /// <summary>N_iter at an update step.</summary>
    public long Truncation(double interval) => Math.Clamp((long)Math.Round(TruncationTime / interval), FewestCycles, MostCycles);
}
