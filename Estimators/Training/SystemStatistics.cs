using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The mean and standard deviation of each component of the true states and of the observations, the units in which the networks of a
/// triple work, so that all their inputs are of the order of one.
/// </summary>
/// <param name="StateMean"><c>[n]</c>, in the state's units.</param>
/// <param name="StateDeviation"><c>[n]</c>, above zero.</param>
/// <param name="ObservationMean"><c>[p]</c>, in the observations' units.</param>
/// <param name="ObservationDeviation"><c>[p]</c>, above zero.</param>
public sealed record SystemStatistics(double[] StateMean, double[] StateDeviation, double[] ObservationMean, double[] ObservationDeviation)
{
    /// <summary>Computes it over the first cycles of a view; missing observations do not count.</summary>
    /// <param name="view">A view with truth and observations.</param>
    /// <param name="cycles">The largest number of cycles to read.</param>
    /// <exception cref="ArgumentException">The view has no cycle, a value is non-finite, or a component does not vary or is never
    /// observed.</exception>
    public static SystemStatistics Measure(ITrajectoryView view, long cycles)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var cursor = view.OpenCursor();
        bool masked = view.Schema.Has(Columns.ObservationMask);
        var states = new Sums(view.Schema[Columns.Truth].Shape[0], "true state");
        var observations = new Sums(view.Schema[Columns.Observation].Shape[0], "observation");
        for (long k = 0; k < cycles && cursor.MoveNext(); k++)
        {
            using var cycle = NewDisposeScope();
            states.Add(Require.Finite(cursor[Columns.Truth], $"The truth of cycle {cursor.Cycle}"), null);
            var mask = masked ? cursor[Columns.ObservationMask] : null;
            var observed = mask is null ? cursor[Columns.Observation]
                : where(mask, cursor[Columns.Observation], zeros_like(cursor[Columns.Observation]));
            observations.Add(Require.Finite(observed, $"The observations of cycle {cursor.Cycle}"), mask);
        }
        var (stateMean, stateDeviation) = states.Result();
        var (observationMean, observationDeviation) = observations.Result();
        return new(stateMean, stateDeviation, observationMean, observationDeviation);
    }

    private sealed class Sums(long size, string what)
    {
        private readonly double[] count = new double[size], sum = new double[size], squares = new double[size];

        public void Add(Tensor values, Tensor? mask)
        {
            using var scope = NewDisposeScope();
            var x = values.to(ScalarType.Float64);
            void To(double[] total, Tensor column)
            {
                double[] numbers = column.sum([0]).ToArray<double>();
                for (int i = 0; i < total.Length; i++) total[i] += numbers[i];
            }
            To(count, mask is null ? ones_like(x) : mask.to(ScalarType.Float64));
            To(sum, x);
            To(squares, x.square());
        }

        public (double[] Mean, double[] Deviation) Result()
        {
            double[] mean = new double[count.Length], deviation = new double[count.Length];
            for (int i = 0; i < count.Length; i++)
            {
                if (count[i] == 0) throw new ArgumentException($"Component {i} of the {what} has no value in the training view.");
                mean[i] = sum[i] / count[i];
                deviation[i] = Math.Sqrt(Math.Max(0, squares[i] / count[i] - mean[i] * mean[i]));
                if (!(deviation[i] > 0))
                    throw new ArgumentException(
                        $"Component {i} of the {what} does not vary in the training view: every value is {mean[i]}.");
            }
            return (mean, deviation);
        }
    }
}
