using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The reason why training ended.</summary>
public enum TrainingEnd
{
    /// <summary>All steps were made.</summary>
    Completed,

    /// <summary>The time limit was reached.</summary>
    TimeUp,

    /// <summary>Validation had not improved for the duration of patience.</summary>
    NoImprovement,

    /// <summary>Training was cancelled.</summary>
    Cancelled,
}

/// <summary>One optimiser step.</summary>
/// <param name="Step">The number of the step, from 1.</param>
/// <param name="Loss">The mean cost. Unless the method has its own, it is the squared analysis error in the unit of the observation
/// errors (1 / <see cref="AnalysisStatistics.InnovationDeviation"/>), averaged over cycles, trajectories and components. It is not a
/// number if the step was left out because the loss or its gradient was non-finite.</param>
/// <param name="LearningRate">Adam's learning rate.</param>
/// <param name="GradientNorm">The gradient's norm before it was clipped.</param>
/// <param name="Restarts">The number of trajectories that had diverged and were restarted after this step.</param>
/// <param name="ValidationError">The root-mean-square analysis error on hold-out trajectories; null if it was not computed after this
/// step, infinite if the assimilation diverged.</param>
/// <param name="Seconds">Time since training began.</param>
public sealed record TrainingStep(long Step, double Loss, double LearningRate, double GradientNorm, long Restarts, double? ValidationError,
    double Seconds);

/// <summary>The course of a training.</summary>
/// <param name="Steps">Every optimiser step.</param>
/// <param name="End">The reason for the end.</param>
public sealed record TrainingHistory(IReadOnlyList<TrainingStep> Steps, TrainingEnd End)
{
    [Saved]
    private TrainingHistory([Saved("history")] Tensor table, [Saved("trainingEnd")] TrainingEnd end,
        [Saved("trainingSettings")] TrainingSettings? settings)
        : this(StepsOf(table), end) => Settings = settings;

    /// <summary>The method, data and settings of the training; null for a training that did not record them.</summary>
    public TrainingSettings? Settings { get; init; }

    /// <summary>
    /// The step whose weights were kept: the one of the smallest validation error, or the last one if training was cancelled before any
    /// validation.
    /// </summary>
    public TrainingStep? Best =>
        Steps.Where(step => step.ValidationError is not null).MinBy(step => step.ValidationError) ?? Steps.LastOrDefault();

    /// <summary>The number of trajectories that diverged and were restarted.</summary>
    public long Restarts => Steps.Sum(step => step.Restarts);

    /// <summary>The number of steps that were left out because a loss or gradient was non-finite.</summary>
    public long Skipped => Steps.Count(step => !double.IsFinite(step.Loss));

    /// <summary>
    /// The course as one step per validation, the form in files of weights: loss and gradient norm are means over the steps since the
    /// validation before, restarts are their sum.
    /// </summary>
    public TrainingHistory Thinned()
    {
        var kept = new List<TrainingStep>();
        var since = new List<TrainingStep>();
        foreach (var step in Steps)
        {
            since.Add(step);
            if (step.ValidationError is null && step != Steps[^1]) continue;
            var finite = since.Where(part => double.IsFinite(part.Loss)).ToList();
            kept.Add(step with
            {
                Loss = finite.Count > 0 ? finite.Average(part => part.Loss) : double.NaN,
                GradientNorm = finite.Count > 0 ? finite.Average(part => part.GradientNorm) : double.NaN,
                Restarts = since.Sum(part => part.Restarts),
            });
            since.Clear();
        }
        return this with { Steps = kept };
    }

    private const int Width = 7;

    /// <summary>The steps as a table <c>[steps, 7]</c> of doubles; a validation error that was not computed is not a number.</summary>
    internal Tensor Table => tensor(Steps.SelectMany(step => (double[])
        [step.Step, step.Loss, step.LearningRate, step.GradientNorm, step.Restarts, step.ValidationError ?? double.NaN, step.Seconds])
        .ToArray(), [Steps.Count, Width]);

    internal static List<TrainingStep> StepsOf(Tensor table)
    {
        Require.Shape(table, "The training history", ColumnDefinition.AnySize, Width);
        using var scope = NewDisposeScope();
        double[] values = table.to(ScalarType.Float64).ToArray<double>();
        return [.. values.Chunk(Width)
            .Select(row =>
                new TrainingStep((long)row[0], row[1], row[2], row[3], (long)row[4], double.IsNaN(row[5]) ? null : row[5], row[6]))];
    }
}
