using System.Globalization;

namespace DaML.Samples;

/// <summary>A test error that was measured for an update step and a truncation.</summary>
/// <param name="Interval">The update step Delta t.</param>
/// <param name="Truncation">N_iter</param>
/// <param name="Mean">The error's mean over the repetitions.</param>
/// <param name="Deviation">Its standard deviation; 0 of one.</param>
internal sealed record TruncationError(double Interval, long Truncation, double Mean, double Deviation);

/// <summary>
/// How the error depends on the truncation N_iter, and on the number of trajectories N_r and the batch S_b (appendix A). Here
/// N_r counts stretches of N_iter cycles of which each is learned from once, N_r / S_b optimiser steps: one epoch.
/// </summary>
internal static class TrainingDependence
{
    /// <summary>
    /// The trainings of the dependence on N_iter and the update step (figures 4 and A1), each the same number of optimiser steps.
    /// </summary>
    public static IEnumerable<LearnedRequest> OnTruncation(Bocquet2025Plan plan, Sweep updateStep) =>
        from interval in Intervals(plan)
        from truncation in plan.Truncations
        from repetition in Enumerable.Range(0, plan.Repetitions)
        select new LearnedRequest(TruncationPart(interval, truncation, repetition),
            LearnedMethod.Convolution(LearnedMethod.Casual, plan.Network), context => updateStep.Setting(context, interval), truncation)
        {
            // A step costs as one of a cycle more, about.
            Effort = plan.OfTruncation with { Effort = plan.OfTruncation.Effort * (truncation + 1) / (plan.MostCycles + 1) },
        };

    /// <summary>The trainings of the dependence on data and batch.</summary>
    public static IEnumerable<LearnedRequest> OnData(Bocquet2025Plan plan, Sweep sweep, double value) =>
        from batch in plan.Batches
        from trajectories in plan.TrajectoryCounts
        from repetition in Enumerable.Range(0, plan.Repetitions)
        select new LearnedRequest(DataPart(trajectories, batch, repetition), LearnedMethod.Convolution(LearnedMethod.Casual, plan.Network),
            context => sweep.Setting(context, value), plan.MostCycles)
        {
            // A step costs as one of seventeen trajectories more, about.
            Batch = batch,
            Effort = new TrainingEffort(Math.Max(1, trajectories / batch), plan.DataLearningRate,
                plan.SecondsPerTrajectory * trajectories * (1 + 17.0 / batch)),
        };

    /// <summary>The error for each update step and N_iter, of those that followed the truth and had the time for all their steps.</summary>
    public static IReadOnlyList<TruncationError> Truncations(Bocquet2025Plan plan,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures) =>
        [.. from interval in Intervals(plan)
            from truncation in plan.Truncations
            let error = Spread(plan, repetition => Error(figures[TruncationPart(interval, truncation, repetition)]))
            where double.IsFinite(error.Mean)
            select new TruncationError(interval, truncation, error.Mean, error.Deviation)];

    /// <summary>
    /// The errors of all N_r and S_b whose networks followed the truth and had the time for all their steps, means over the repetitions.
    /// </summary>
    public static IReadOnlyList<TrainedError> Errors(Bocquet2025Plan plan,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures) =>
        [.. from batch in plan.Batches
            from trajectories in plan.TrajectoryCounts
            let error = Spread(plan, repetition => Error(figures[DataPart(trajectories, batch, repetition)])).Mean
            where double.IsFinite(error)
            select new TrainedError(trajectories, batch, error)];

    // A training that had no time for its steps says nothing of what it depends on.
    private static double Error(IReadOnlyDictionary<string, double[]> part) =>
        part.TryGetValue(LearnedParts.Complete, out double[]? complete) && complete[0] == 1 ? part["rmse"][0] : double.NaN;

    private static IEnumerable<double> Intervals(Bocquet2025Plan plan) => plan.TruncationIntervals.Prepend(plan.Intervals[0]).Distinct();

    private static string TruncationPart(double interval, long truncation, int repetition) =>
        string.Create(CultureInfo.InvariantCulture, $"dt {interval:0.00} N_iter {truncation} run {repetition}");

    private static string DataPart(long trajectories, long batch, int repetition) =>
        string.Create(CultureInfo.InvariantCulture, $"N_r {trajectories} S_b {batch} run {repetition}");

    private static (double Mean, double Deviation) Spread(Bocquet2025Plan plan, Func<int, double> error)
    {
        double[] errors = [.. Enumerable.Range(0, plan.Repetitions).Select(error).Where(double.IsFinite)];
        if (errors.Length == 0) return (double.NaN, double.NaN);
        double mean = errors.Average();
        return (mean, errors.Length == 1 ? 0 : Math.Sqrt(errors.Sum(value => (value - mean) * (value - mean)) / (errors.Length - 1)));
    }
}
