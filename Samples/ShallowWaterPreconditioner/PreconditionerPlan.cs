using System.Globalization;

namespace DaML.Samples;

/// <summary>Sizes and lengths of the sample of learned preconditioners.</summary>
public sealed record PreconditionerPlan
{
    /// <summary>The publication's: 64 x 64 cells, ranks 1000, 1900 and 2000, 1000 states with 100 probes each.</summary>
    public static PreconditionerPlan Full { get; } = new()
    {
        Cells = 64, Ranks = [1000, 1900, 2000], Chains = 2, Cycles = 10, TrainingBatch = 1, Probes = 100, TrainingSteps = 1000,
        AverageBatches = 10, AverageBatch = 1,
        SpectrumStates = 0, Oversampling = 200, MaximumIterations = 4000, Network = new() { Features = 64, Levels = 4 },
    };

    /// <summary>Cells in each direction.</summary>
    public int Cells { get; init; } = 16;

    /// <summary>Numbers of eigenpairs, rising; networks are trained with the last one.</summary>
    public IReadOnlyList<int> Ranks { get; init; } = [147, 245];

    /// <summary>Sequences of assimilations beside each other.</summary>
    public int Chains { get; init; } = 10;

    /// <summary>Assimilations of each sequence.</summary>
    public int Cycles { get; init; } = 2;

    /// <summary>States of a training batch.</summary>
    public long TrainingBatch { get; init; } = 8;

    /// <summary>Probes of each state.</summary>
    public int Probes { get; init; } = 8;

    /// <summary>The most optimiser steps of a training; its time is the usual limit.</summary>
    public long TrainingSteps { get; init; } = 20_000;

    /// <summary>Batches of states that the fixed preconditioners are averages over.</summary>
    public int AverageBatches { get; init; } = 3;

    /// <summary>States of each of those.</summary>
    public long AverageBatch { get; init; } = 8;

    /// <summary>Vectors beyond the rank in searches for eigenpairs.</summary>
    public int Oversampling { get; init; } = 20;

    /// <summary>
    /// Assimilations of each sequence whose whole matrix is made, to compare approximations with the best there is; 0 for none.
    /// </summary>
    public int SpectrumStates { get; init; } = 1;

    /// <summary>The most iterations of a solve.</summary>
    public int MaximumIterations { get; init; } = 400;

    /// <summary>The share of the usual spin-up, 30 years of the turbulent and 8 of the calm flow.</summary>
    public double SpinUp { get; init; } = 1;

    /// <summary>The U-Net.</summary>
    public UNetOptions Network { get; init; } = new() { Features = 16 };

    /// <summary>
    /// Subspace iteration to convergence, which stands for exact pairs: four passes over twice the usual vectors beyond the rank. (Lanczos
    /// iterations of that length leave the last pairs
    /// too inexact: 27 iterations instead of 12 with r = 245.)
    /// </summary>
    internal static ComputedEigenpairs Exact(int rank, int oversampling, long seed) =>
        new(rank, EigenpairMethod.Randomised, 2 * oversampling, passes: 4, seed);

    internal string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"{Cells} x {Cells} cells, ranks {string.Join(" ", Ranks)}, {Chains} x {Cycles} systems, {TrainingBatch} x {Probes} probes, " +
        $"{TrainingSteps} steps at most, spin-up {SpinUp}");
}
