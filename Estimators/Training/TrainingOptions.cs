namespace DaML;

/// <summary>How a network is trained by truncated back-propagation through time: settings with their defaults.</summary>
public sealed record TrainingOptions
{
    // The first steps of a process take longer than their share, and would make the first rates depend on the machine.
    private const double ProcessWarmUp = 0.02;

    /// <summary>The papers' casual training (Bocquet et al. 2025, appendix A): N_iter = 16 cycles, mini-batches of S_b = 2048,
    /// for <see cref="ResidualConvolutionOptions.Reference"/> and a view of N_r = 2^18 trajectories. The rest is as by default.</summary>
    public static TrainingOptions Casual { get; } = new() { Truncation = 16, BatchSize = 2048 };

    /// <summary>The papers' boosted training (Bocquet et al. 2025, section 4.1): N_iter = 32 cycles, mini-batches of S_b = 512,
    /// for <see cref="ResidualConvolutionOptions.Boosted"/> and a view of N_r = 2^19 trajectories. The rest is as by default.</summary>
    public static TrainingOptions Boosted { get; } = new() { Truncation = 32, BatchSize = 512 };

    /// <summary>Number of optimiser steps, over which the learning rate falls (<see cref="Schedule"/>).</summary>
    public long Steps { get; init; } = 4000;

    /// <summary>The most time training may take, validation included; null = no limit. The learning rate follows whichever
    /// is further on, steps or time, so training that is cut short is still annealed. The first fiftieth of the time does not count
    /// for that: in it a process is still warming up. As long as time is never further on than the steps, the same seed gives the same
    /// bits.</summary>
    public TimeSpan? MaximumDuration { get; init; }

    /// <summary>Adam's learning rate before it falls.</summary>
    public double LearningRate { get; init; } = 1e-2;

    /// <summary>How it falls; as half a cosine unless said.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.HalfCosine;

    /// <summary>Number of steps over which the learning rate first rises from zero.</summary>
    public long WarmUpSteps { get; init; } = 20;

    /// <summary>
    /// Number of cycles N_iter that an optimiser step unrolls; the state is carried on to the next step without its gradient.
    /// </summary>
    public long Truncation { get; init; } = 16;

    /// <summary>
    /// Number of cycles that a trajectory runs from its start, and from where it is started afresh, before it is learned from; 0 unless
    /// said. For memories that start knowing nothing and have to find the state first, where that is not what is to be learned.
    /// </summary>
    public long BurnIn { get; init; }

    /// <summary>
    /// Number of trajectories S_b in a mini-batch; null = all N_r of the view. With fewer, all trajectories go through the same
    /// <see cref="Truncation"/> cycles batch by batch, in an order drawn anew each time, so N_r / S_b steps are one pass.
    /// </summary>
    public long? BatchSize { get; init; }

    /// <summary>The largest norm of a gradient; longer ones are shortened to it.</summary>
    public double GradientClip { get; init; } = 1;

    /// <summary>Number of steps from one validation to the next.</summary>
    public long ValidationInterval { get; init; } = 200;

    /// <summary>Number of cycles that a validation scores, after its burn-in.</summary>
    public long ValidationCycles { get; init; } = 200;

    /// <summary>Number of cycles at the start of a validation that are not scored.</summary>
    public long ValidationBurnIn { get; init; } = 60;

    /// <summary>
    /// Number of validations in a row without a better one after which training stops, once <see cref="PatientAboveRate"/> is passed.
    /// </summary>
    public long Patience { get; init; } = 10;

    /// <summary>
    /// Whether batch normalisations keep the statistics they begin with and use them in training as they do ever after; false unless said.
    /// For networks that begin trained: the statistics of small batches are noise in every layer, which a network that is all but
    /// right has to make up for (docs/learned-analysis.md).
    /// </summary>
    public bool KeepsNormalisation { get; init; }

    /// <summary>
    /// The share of <see cref="LearningRate"/> above which validations do not try patience: while the rate is high the error wanders,
    /// and most of it goes when the rate falls. With a tenth, patience can end training in the last fifth of its steps; 1 tries it
    /// from the first validation on, for data so few that a network soon learns them by heart.
    /// </summary>
    public double PatientAboveRate { get; init; } = 0.1;

    /// <summary>
    /// Which of several trainings on the same data this is: they differ in their first weights, starts and mini-batches, whose random
    /// streams have this number in their name. The papers train three to five networks for the mean and deviation of their errors.
    /// </summary>
    public long Repetition { get; init; }

    /// <summary>
    /// A file from which training goes on where it stopped, to the same sequence of losses, if it is there, and which is
    /// written at the start, after every validation and on cancellation; null = none. Delete it to begin anew.
    /// </summary>
    public string? CheckpointPath { get; init; }

    /// <summary>What measures the time that training takes.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>These options, or the reason why they cannot be.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A count below one, a rate, norm or duration that is not above zero.</exception>
    internal TrainingOptions Checked()
    {
        Require.AtLeast(Steps, 1);
        Require.Positive(LearningRate);
        Require.NotNegative(WarmUpSteps);
        Schedule.Checked();
        Require.AtLeast(Truncation, 1);
        Require.NotNegative(BurnIn);
        if (BatchSize is { } size) Require.AtLeast(size, 1, nameof(BatchSize));
        Require.Positive(GradientClip);
        Require.NotNegative(Repetition);
        Require.AtLeast(ValidationInterval, 1);
        Require.AtLeast(ValidationCycles, 1);
        Require.NotNegative(ValidationBurnIn);
        Require.AtLeast(Patience, 1);
        if (!(PatientAboveRate is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(PatientAboveRate), PatientAboveRate,
                $"'{nameof(PatientAboveRate)}' is a share of the learning rate, above 0 and at most 1; given: {PatientAboveRate}.");
        if (MaximumDuration is { } limit && limit <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(MaximumDuration), limit,
                $"'{nameof(MaximumDuration)}' must be above zero; given: {limit}.");
        return this;
    }

    /// <summary>
    /// Whether a validation after this step tries patience: its learning rate has fallen far enough, or never will, and is not low because
    /// it still rises.
    /// </summary>
    internal bool TriesPatience(TrainingStep step) =>
        step.Step > WarmUpSteps && (step.LearningRate <= PatientAboveRate * LearningRate || Schedule.Share(1) > PatientAboveRate);

    /// <summary>How far training has come, 0 to 1: by steps or by time after the warm-up, whichever is further.</summary>
    internal double Progress(long step, TimeSpan elapsed) =>
        Math.Max((double)step / Steps, MaximumDuration is { } limit ? (elapsed / limit - ProcessWarmUp) / (1 - ProcessWarmUp) : 0);

    /// <summary>The learning rate of a step (from 0): a linear rise, times the schedule's share.</summary>
    internal double LearningRateAt(long step, double progress) =>
        LearningRate * Math.Min(1, (step + 1.0) / (WarmUpSteps + 1)) * Schedule.Share(progress);
}
