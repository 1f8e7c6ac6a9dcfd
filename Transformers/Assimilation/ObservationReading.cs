using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Reads and checks a cycle's observation from a view, for code that runs an analyzer over the view.</summary>
public static class ObservationReading
{
    /// <summary>Refuses a view whose observation errors have a different size in each trajectory.</summary>
    /// <param name="schema">The view's schema.</param>
    /// <param name="method">The method that cannot use it, for the message.</param>
    /// <exception cref="SchemaException">The view is of that kind.</exception>
    internal static void RequireOneError(this TrajectorySchema schema, string method)
    {
        if (schema.Has(Columns.ObservationErrorScale))
            throw new SchemaException(
                $"{method} assumes the same observation errors in every trajectory, but the view has the column " +
                    $"'{Columns.ObservationErrorScale}'.");
    }

    /// <summary>
    /// Gives the observation of a cursor's cycle in the precision and on the device of another tensor. Values that the mask calls missing
    /// become zero, whatever they were.
    /// </summary>
    /// <param name="cycle">The cursor, on a cycle.</param>
    /// <param name="schema">The schema of its view, which says if there is a mask.</param>
    /// <param name="like">A tensor of the memory that the observation is for.</param>
    /// <param name="method">The method that asks, for a message.</param>
    /// <exception cref="ArgumentException">An observed value is infinite or not a number, the mask is not boolean, or a scale of the
    /// errors is not above zero. The message names the cycle.</exception>
    public static Observation ReadObservation(this ITrajectoryCursor cycle, TrajectorySchema schema, Tensor like, string method)
    {
        var values = cycle[Columns.Observation].to(like.dtype, like.device);
        Tensor? mask = null;
        if (schema.Has(Columns.ObservationMask))
        {
            var given = cycle[Columns.ObservationMask];
            if (given.dtype != ScalarType.Bool)
                throw new ArgumentException(
                    $"{method}: the column '{Columns.ObservationMask}' must be boolean (true = observed); given: {given.dtype}.");
            mask = given.to(like.device);
            using var all = values;
            using var nothing = zeros_like(values);
            values = where(mask, all, nothing);
        }
        if (cycle.Network is { } network && network.Operator.ObservationDimension is var count && count != values.size(1))
        {
            if (count > values.size(1))
                throw new ArgumentException(
                    $"{method}: the network of cycle {cycle.Cycle} (time {cycle.Time:g6}) has {count} observations, more than the " +
                        $"{values.size(1)} of the column '{Columns.Observation}'.");
            (values, mask) = (values.narrow(1, 0, count).contiguous(), mask?.narrow(1, 0, count).contiguous());
        }
        var observation = new Observation(values, mask, cycle.Time)
        {
            Network = cycle.Network,
            ErrorScale = schema.Has(Columns.ObservationErrorScale) ? cycle[Columns.ObservationErrorScale].to(like.dtype, like.device)
                : null,
        };
        if (!FiniteNumbers.All(observation.Values))
            Require.Finite(observation.Values, $"{method}: the observation of cycle {cycle.Cycle} (time {cycle.Time:g6})");
        if (observation.ErrorScale is not { } scale) return observation;
        using var scope = NewDisposeScope();
        if (!(scale > 0).logical_and(scale.isfinite()).all().ToBoolean())
            throw new ArgumentException(
                $"{method}: the column '{Columns.ObservationErrorScale}' must be finite and above zero; in cycle {cycle.Cycle} its " +
                    $"smallest value is {scale.min().ToDouble():g6}.");
        return observation;
    }
}
