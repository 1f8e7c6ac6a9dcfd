using System.Text.Json.Serialization;

namespace DaML;

/// <summary>Settings of a network's training by truncated back-propagation through time, with their defaults.</summary>
public sealed record TrainingOptions
{
    // The first steps of a process take longer than their share, and would make the first rates depend on the machine.
    private const double ProcessWarmUp = 0.02;

    /// <summary>The papers' casual training (Bocquet et al. 2025, appendix A): N_iter = 16 cycles, mini-batches of S_b = 2048, for
    /// <see cref="ResidualConvolutionOptions.Reference"/> and a view of N_r = 2^18 trajectories. All else is as by default.</summary>
    public static TrainingOptions Casual { get; } = new() { Truncation = 16, BatchSize = 2048 };

    /// <summary>The papers' boosted training (Bocquet et al. 2025, section 4.1): N_iter = 32 cycles, mini-batches of S_b = 512, for
    /// <see cref="ResidualConvolutionOptions.Boosted"/> and a view of N_r = 2^19 trajectories. All else is as by default.</summary>
    public static TrainingOptions Boosted { get; } = new() { Truncation = 32, BatchSize = 512 };

    /// <summary>The number of optimiser steps, over which the learning rate falls (<see cref="Schedule"/>).</summary>
    public long Steps { get; init; } = 4000;

    /// <summary>The longest time that training may take, validation included (default: null, no limit). The learning rate follows
    /// whichever is further on, steps or time, so that training cut short is still annealed. The first fiftieth of the time does not
    /// count for this, since a process is still warming up. As long as time is never further on than the steps, the same seed gives the
    /// same bits.</summary>
    public TimeSpan? MaximumDuration { get; init; }

    /// <summary>Adam's learning rate before its decay.</summary>
    public double LearningRate { get; init; } = 1e-2;

    /// <summary>The decay of the learning rate (default: half a cosine).</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.HalfCosine;

    /// <summary>The number of steps over which the learning rate first rises from zero.</summary>
    public long WarmUpSteps { get; init; } = 20;

    /// <summary>
    /// The number of cycles N_iter that an optimiser step unrolls; the state is carried on to the next step without its gradient.
    /// </summary>
    public long Truncation { get; init; } = 16;

    /// <summary>
    /// The spin-up of a trajectory in cycles, from its start and from every restart, before it is learned from (default: 0). It serves
    /// memories that start without information and must find the state first, if that is not to be learned.
    /// </summary>
    public long BurnIn { get; init; }

    /// <summary>
    /// The number of trajectories S_b in a mini-batch (default: null, all N_r of the view). With fewer, all trajectories go through the
    /// same <see cref="Truncation"/> cycles batch by batch, in an order drawn anew each time, so that N_r / S_b steps are one pass.
    /// </summary>
    public long? BatchSize { get; init; }

    /// <summary>The largest norm of a gradient; longer ones are shortened to it.</summary>
    public double GradientClip { get; init; } = 1;

    /// <summary>The number of steps from one validation to the next.</summary>
    public long ValidationInterval { get; init; } = 200;

    /// <summary>The number of cycles that a validation scores, after its burn-in.</summary>
    public long ValidationCycles { get; init; } = 200;

    /// <summary>The number of cycles at the start of a validation that are not scored.</summary>
    public long ValidationBurnIn { get; init; } = 60;

    /// <summary>
    /// The number of validations in a row without improvement after which training stops, once <see cref="PatientAboveRate"/> is passed.
    /// </summary>
    public long Patience { get; init; } = 10;

    /// <summary>
    /// Whether batch normalisations keep their initial statistics and use them in training as they do afterwards (default: false). For
    /// networks that start trained: the statistics of small batches are noise in every layer, for which a nearly optimal network has to
    /// compensate (docs/learned-analysis.md).
    /// </summary>
    public bool KeepsNormalisation { get; init; }

    /// <summary>
    /// The share of <see cref="LearningRate"/> above which patience does not apply: while the rate is high the error fluctuates, and most
    /// of it vanishes when the rate falls. With a tenth, patience can end training in the last fifth of its steps; 1 applies it from the
    /// first validation on, for data so few that a network soon overfits.
    /// </summary>
    public double PatientAboveRate { get; init; } = 0.1;

    /// <summary>
    /// The number of this training among several on the same data: they differ in their initial weights, starts and mini-batches, whose
    /// random streams have this number in their name. The papers train three to five networks for the mean and deviation of their errors.
    /// </summary>
    public long Repetition { get; init; }

    /// <summary>
    /// The checkpoint file (default: null, none). If it exists, training resumes from it, to the same sequence of losses; it is written
    /// at the start, after every validation and on cancellation. Delete it to start over.
    /// </summary>
    [JsonIgnore]
    public string? CheckpointPath { get; init; }

    /// <summary>The clock for the duration of training.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>The settings that a training and its continuation share, by which a checkpoint knows them.</summary>
    internal TrainingOptions OfEveryRun => this with { CheckpointPath = null, MaximumDuration = null };

    /// <summary>Gives these options, or throws with the reason why they are invalid.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A count is below one, or a rate, norm or duration is not above zero.</exception>
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
        Require.Share(PatientAboveRate);
        if (MaximumDuration is { } limit && limit <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(MaximumDuration), limit,
                $"'{nameof(MaximumDuration)}' must be above zero; given: {limit}.");
        return this;
    }

    /// <summary>
    /// Whether patience applies to a validation after this step: its learning rate has fallen far enough, or never will, and is not low
    /// because it still rises.
    /// </summary>
    internal bool TriesPatience(TrainingStep step) =>
        step.Step > WarmUpSteps && (step.LearningRate <= PatientAboveRate * LearningRate || Schedule.Share(1) > PatientAboveRate);

    /// <summary>The progress of the training, 0 to 1: by steps or by time after the warm-up, whichever is further.</summary>
    internal double Progress(long step, TimeSpan elapsed) =>
        Math.Max((double)step / Steps, MaximumDuration is { } limit ? (elapsed / limit - ProcessWarmUp) / (1 - ProcessWarmUp) : 0);

    /// <summary>The learning rate of a step (from 0): a linear rise, times the schedule's share.</summary>
    internal double LearningRateAt(long step, double progress) =>
        LearningRate * Math.Min(1, (step + 1.0) / (WarmUpSteps + 1)) * Schedule.Share(progress);
}
