using System.Diagnostics;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>Costs measured side by side, one after the other and again, so that what else the machine does falls on all of them alike; the least of each counts.</summary>
internal static class CostMeasurement
{
    /// <summary>Seconds of an optimiser step of each training, the median of its second half, when as many cycles are unrolled as ever will be.</summary>
    /// <param name="trainings">Trainings of so many steps.</param>
    /// <param name="rounds">How often each is run.</param>
    public static double[] OfSteps(IReadOnlyList<Func<TrainingHistory>> trainings, int rounds) => Least(rounds, [.. trainings.Select(train => (Func<double>)(() =>
    {
        var steps = train().Steps;
        var durations = Enumerable.Range(steps.Count / 2, steps.Count - steps.Count / 2).Select(i => steps[i].Seconds - steps[i - 1].Seconds).Order().ToList();
        return durations[durations.Count / 2];
    }))]);

    /// <summary>Seconds of a cycle of each method, forecast and analysis, over recorded observations.</summary>
    /// <param name="methods">The methods.</param>
    /// <param name="observed">The observations, in memory; the first fifth of the cycles is not counted.</param>
    /// <param name="rounds">How often each is run.</param>
    /// <param name="cancellation">Stops it.</param>
    public static double[] OfCycles(IReadOnlyList<ITransformer> methods, MemoryTrajectoryView observed, int rounds, CancellationToken cancellation) => Least(rounds, [.. methods.Select(method => (Func<double>)(() =>
    {
        cancellation.ThrowIfCancellationRequested();
        long cycles = observed.CycleCount!.Value, first = cycles / 5;
        using var noGradients = no_grad();
        using var cursor = method.Transform(observed).OpenCursor();
        while (cursor.Cycle < first) cursor.MoveNext();
        long started = Stopwatch.GetTimestamp();
        while (cursor.MoveNext()) { }
        return Stopwatch.GetElapsedTime(started).TotalSeconds / (cycles - 1 - first);
    }))]);

    private static double[] Least(int rounds, Func<double>[] measurements)
    {
        var least = Enumerable.Repeat(double.PositiveInfinity, measurements.Length).ToArray();
        for (int round = 0; round < rounds; round++)
            for (int i = 0; i < measurements.Length; i++) least[i] = Math.Min(least[i], measurements[i]());
        return least;
    }
}
