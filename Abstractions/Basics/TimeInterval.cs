namespace DaML;

/// <summary>An interval of model time over which a state is propagated.</summary>
/// <param name="From">Where it begins, in the model's unit of time.</param>
/// <param name="To">Where it ends.</param>
public readonly record struct TimeInterval(double From, double To)
{
    /// <summary>How far from a step a time may lie and still count as that step's, as a share of a time step: a twentieth (default of all
    /// tolerances).</summary>
    public const double DefaultTolerance = 0.05;

    /// <summary>The interval's length.</summary>
    public double Length => To - From;

    /// <summary>How many steps of length <paramref name="timeStep"/> the interval holds: the nearest whole number.</summary>
    /// <param name="timeStep">The length of a step, above zero.</param>
    /// <param name="tolerance">How far from that number the interval may be, as a share of a step, beside a millionth of its
    /// length.</param>
    /// <exception cref="ArgumentException">The interval runs backwards or is further from a whole number of steps.</exception>
    public long Steps(double timeStep, double tolerance = DefaultTolerance)
    {
        double steps = Length / timeStep, whole = Math.Round(steps);
        if (!double.IsFinite(steps) || whole < 0 || !(Math.Abs(steps - whole) <= tolerance + 1e-6 * whole))
            throw new ArgumentException($"The interval from {From} to {To} is {steps:g9} time steps of {timeStep}; " +
                $"a whole number of steps, zero or more, is needed to {tolerance:g6} of a step.");
        return (long)whole;
    }
}
