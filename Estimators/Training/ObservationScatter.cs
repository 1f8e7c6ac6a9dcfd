using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The scatter of observations about their mean, as a multiple of their errors: the available information about a state's size when there
/// is no truth.
/// </summary>
/// <param name="MeanSquare">The mean of |R^(-1/2) (y - mean of y)|^2 per observation; a pure number, above zero.</param>
public sealed record ObservationScatter(double MeanSquare)
{
    /// <summary>Computes it over the first cycles of a view; missing observations do not count.</summary>
    /// <param name="view">A view with observations.</param>
    /// <param name="observing">The observation network, with its errors.</param>
    /// <exception cref="ArgumentException">The view has no cycle, a value is non-finite, the observations do not vary, or the networks
    /// change.</exception>
    internal static ObservationScatter Measure(ITrajectoryView view, IObservationNetwork observing)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var like = zeros(1, dtype: ScalarType.Float64);
        long cycles = TrainingConstants.CyclesOf(view);
        Tensor sum = like, there = like;
        foreach (var (values, exists) in Read(view, cycles, like)) (sum, there) = (sum + values.sum([0]), there + exists.sum([0]));
        var mean = sum / there.clamp_min(1);
        double squares = 0, count = 0;
        foreach (var (values, exists) in Read(view, cycles, like))
        {
            squares += observing.Error.Whiten(values - mean, exists.to(ScalarType.Bool)).square().sum().ToDouble();
            count += exists.sum().ToDouble();
        }
        if (count == 0) throw new ArgumentException("The training view has no observation.");
        return squares > 0 ? new(squares / count)
            : throw new ArgumentException($"The observations of the training view do not vary in any of {count} values.");
    }

    /// <summary>
    /// The deviation of white states whose observations have this scatter: the square root of E |R^(-1/2) (y - mean of y)|^2 / |R^(-1/2)
    /// H'|^2, both per observation.
    /// </summary>
    /// <param name="observing">H and R.</param>
    /// <param name="at">The point of linearisation of H, <c>[1, n]</c>.</param>
    /// <returns>The deviation, above zero, in the state's unit.</returns>
    /// <exception cref="ArgumentException">The observations do not depend on the state.</exception>
    internal double UnitOfState(IObservationNetwork observing, Tensor at)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        long n = observing.Operator.StateDimension;
        var directions = eye(n, dtype: ScalarType.Float64, device: at.device);
        var observed = observing.Operator.TangentLinear(at.to(ScalarType.Float64).expand(n, n).contiguous(), directions);
        double slope = observing.Error.Whiten(observed).square().sum().ToDouble() / observing.Operator.ObservationDimension;
        return slope > 0 && double.IsFinite(slope) ? Math.Sqrt(MeanSquare / slope)
            : throw new ArgumentException(
                $"The unit of the state cannot be estimated from the observations: {observing.Operator.Name} does not depend on the " +
                    "state at the method's start. Give the unit.");
    }

    // Values, zero where missing, and ones where they exist, [batch, p].
    private static IEnumerable<(Tensor Values, Tensor There)> Read(ITrajectoryView view, long cycles, Tensor like)
    {
        using var cursor = view.OpenCursor();
        for (long k = 0; k < cycles && cursor.MoveNext(); k++)
        {
            var observation = cursor.ReadObservation(view.Schema, like, "The training view");
            if (observation.Network is not null)
                throw new ArgumentException(
                    $"The unit of the state is measured from the scatter of the observations of one network; a different network " +
                        $"observed cycle {cursor.Cycle} (time {cursor.Time:g6}) of the training view. Give the unit.");
            var there = observation.Mask?.to(ScalarType.Float64) ?? ones_like(observation.Values);
            yield return (observation.Values, there);
        }
    }
}
