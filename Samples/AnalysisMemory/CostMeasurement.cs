using System.Diagnostics;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// Costs measured side by side, one after the other and again. What else the machine does falls on those of a round alike, so
/// each is compared with the first of its own round, and the median of those ratios counts.
/// </summary>
internal static class CostMeasurement
{
    /// <summary>
    /// Seconds of an optimiser step of each training, the median of its second half, when as many cycles are unrolled as ever will be.
    /// </summary>
    /// <param name="trainings">Trainings of so many steps.</param>
    /// <param name="rounds">How often each is run.</param>
    public static double[] OfSteps(IReadOnlyList<Func<TrainingHistory>> trainings, int rounds) =>
        SideBySide(rounds, [.. trainings.Select(train => (Func<double>)(() =>
    {
        var steps = train().Steps;
        return Median.Of(Enumerable.Range(steps.Count / 2, steps.Count - steps.Count / 2)
            .Select(i => steps[i].Seconds - steps[i - 1].Seconds));
    }))]);

    /// <summary>Seconds of a cycle of each method, forecast and analysis, over recorded observations.</summary>
    /// <param name="methods">The methods.</param>
    /// <param name="observed">The observations, in memory; the first fifth of the cycles is not counted.</param>
    /// <param name="rounds">How often each is run.</param>
    /// <param name="cancellation">Stops it.</param>
    public static double[] OfCycles(IReadOnlyList<ITransformer> methods, MemoryTrajectoryView observed, int rounds,
        CancellationToken cancellation) => SideBySide(rounds, [.. methods.Select(method => (Func<double>)(() =>
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

    /// <summary>
    /// The median of the first one's seconds, and of the others as many times that as the median of their ratios to the first one's.
    /// </summary>
    /// <param name="rounds">How often each is measured.</param>
    /// <param name="measurements">Measure and give seconds.</param>
    public static double[] SideBySide(int rounds, IReadOnlyList<Func<double>> measurements)
    {
        double[][] measured = [.. Enumerable.Range(0, rounds).Select(_ => measurements.Select(measure => measure()).ToArray())];
        double first = Median.Of(measured.Select(round => round[0]));
        return [.. Enumerable.Range(0, measurements.Count).Select(i => first * Median.Of(measured.Select(round => round[i] / round[0])))];
    }
}
