using System.Globalization;

namespace DaML.Samples;

/// <summary>
/// How the error depends on the truncation N_iter, and on the number of trajectories N_r and the batch S_b (appendix A). Here
/// N_r counts stretches of N_iter cycles of which each is learned from once, N_r / S_b optimiser steps: one epoch.
/// </summary>
internal static class TrainingDependence
{
    /// <summary>The trainings of the dependence on N_iter.</summary>
    public static IEnumerable<LearnedRequest> OnTruncation(Bocquet2025Plan plan, Sweep sweep, double value) =>
        from truncation in plan.Truncations
        from repetition in Enumerable.Range(0, plan.Repetitions)
        select new LearnedRequest(TruncationPart(truncation, repetition), LearnedMethod.Convolution(LearnedMethod.Casual, plan.Network), context => sweep.Setting(context, value), truncation)
        {
            Effort = plan.OfTruncation with { Effort = plan.OfTruncation.Effort * truncation / plan.MostCycles },
        };

    /// <summary>The trainings of the dependence on data and batch.</summary>
    public static IEnumerable<LearnedRequest> OnData(Bocquet2025Plan plan, Sweep sweep, double value) =>
        from batch in plan.Batches
        from trajectories in plan.TrajectoryCounts
        from repetition in Enumerable.Range(0, plan.Repetitions)
        select new LearnedRequest(DataPart(trajectories, batch, repetition), LearnedMethod.Convolution(LearnedMethod.Casual, plan.Network), context => sweep.Setting(context, value), plan.MostCycles)
        {
            Batch = batch, Effort = new TrainingEffort(Math.Max(1, trajectories / batch), plan.DataLearningRate, plan.SecondsPerTrajectory * trajectories),
        };

    /// <summary>Mean and standard deviation over the repetitions of the error, for each N_iter of those that followed the truth and had the time for all their steps.</summary>
    public static IReadOnlyList<(long Truncation, double Mean, double Deviation)> Truncations(Bocquet2025Plan plan, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures) =>
        [.. plan.Truncations.Select(truncation => (truncation, Spread(plan, repetition => Error(figures[TruncationPart(truncation, repetition)])))).Where(one => double.IsFinite(one.Item2.Mean)).Select(one => (one.truncation, one.Item2.Mean, one.Item2.Deviation))];

    /// <summary>The errors of all N_r and S_b whose networks followed the truth and had the time for all their steps, means over the repetitions.</summary>
    public static IReadOnlyList<TrainedError> Errors(Bocquet2025Plan plan, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures) =>
        [.. from batch in plan.Batches
            from trajectories in plan.TrajectoryCounts
            let error = Spread(plan, repetition => Error(figures[DataPart(trajectories, batch, repetition)])).Mean
            where double.IsFinite(error)
            select new TrainedError(trajectories, batch, error)];

    // A training that had no time for its steps says nothing of what it depends on.
    private static double Error(IReadOnlyDictionary<string, double[]> part) => part.TryGetValue(LearnedParts.Complete, out double[]? complete) && complete[0] == 1 ? part["rmse"][0] : double.NaN;

    private static string TruncationPart(long truncation, int repetition) => string.Create(CultureInfo.InvariantCulture, $"N_iter {truncation} run {repetition}");

    private static string DataPart(long trajectories, long batch, int repetition) => string.Create(CultureInfo.InvariantCulture, $"N_r {trajectories} S_b {batch} run {repetition}");

    private static (double Mean, double Deviation) Spread(Bocquet2025Plan plan, Func<int, double> error)
    {
        double[] errors = [.. Enumerable.Range(0, plan.Repetitions).Select(error).Where(double.IsFinite)];
        if (errors.Length == 0) return (double.NaN, double.NaN);
        double mean = errors.Average();
        return (mean, errors.Length == 1 ? 0 : Math.Sqrt(errors.Sum(value => (value - mean) * (value - mean)) / (errors.Length - 1)));
    }
}
