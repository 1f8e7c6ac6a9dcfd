using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The time at which the scale of the observation errors is drawn.</summary>
public enum ErrorScaleDraw
{
    /// <summary>Once for each trajectory, which keeps it.</summary>
    EachTrajectory,

    /// <summary>In every cycle, for each trajectory.</summary>
    EachCycle,
}

/// <summary>
/// Observation errors of different size in a batch of trajectories: the standard deviation of the network's errors times a factor whose
/// logarithm is uniform between two bounds, so that every order of magnitude counts alike. The factors drawn are in
/// <see cref="Columns.ObservationErrorScale"/>.
/// </summary>
/// <param name="Minimum">The smallest factor, above zero.</param>
/// <param name="Maximum">The largest, not below the smallest.</param>
/// <param name="Draw">The time at which it is drawn.</param>
public sealed record ObservationErrorScale(double Minimum, double Maximum, ErrorScaleDraw Draw = ErrorScaleDraw.EachTrajectory)
{
    /// <summary>Returns these bounds if they are valid.</summary>
    /// <exception cref="ArgumentException">A bound is not finite or not above zero, or the bounds are in the wrong order.</exception>
    internal ObservationErrorScale Checked()
    {
        if (!(Minimum > 0 && Minimum <= Maximum && double.IsFinite(Maximum)))
            throw new ArgumentException(
                $"The scales of observation errors must satisfy 0 < minimum <= maximum, finite; given: {Minimum} and {Maximum}.");
        Require.Defined(Draw);
        return this;
    }

    /// <summary>Makes independent draws, <c>[batch]</c>.</summary>
    internal Tensor Sample(long batch, RandomStream random, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        return (random.Uniform([batch], ScalarType.Float64) * Math.Log(Maximum / Minimum) + Math.Log(Minimum)).exp().to(dtype)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Multiplies the error of an observation: H(x) + s (y - H(x)), with the scale s.</summary>
    internal static Observation Apply(Observation observation, Tensor scale, Tensor truth, IObservationOperator observationOperator)
    {
        using var scope = NewDisposeScope();
        var noiseless = observationOperator.Apply(truth);
        var values = noiseless + scale.unsqueeze(-1) * (observation.Values - noiseless);
        if (observation.Mask is { } mask) values = values.masked_fill(mask.logical_not(), 0);
        return observation with { Values = values.MoveToOuterDisposeScope(), ErrorScale = scale };
    }
}
