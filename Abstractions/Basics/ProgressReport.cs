namespace DaML;

/// <summary>The progress of long work.</summary>
/// <param name="Activity">What is being done, for instance <c>training residual convolution</c>.</param>
/// <param name="Completed">Units done (optimiser steps, cycles).</param>
/// <param name="Total">Units in all; null if unknown.</param>
/// <param name="Metrics">Figures so far by name, for instance <c>loss</c> and <c>validation rmse</c>.</param>
/// <param name="Elapsed">Time since the work began.</param>
/// <param name="Remaining">Estimated time left.</param>
public sealed record ProgressReport(string Activity, long Completed, long? Total,
    IReadOnlyDictionary<string, double> Metrics, TimeSpan Elapsed, TimeSpan? Remaining);
