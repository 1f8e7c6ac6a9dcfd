namespace DaML;

/// <summary>An interval of model time over which a state is propagated.</summary>
/// <param name="From">The beginning, in the model's unit of time.</param>
/// <param name="To">The end, in the same unit.</param>
public readonly record struct TimeInterval(double From, double To)
{
    /// <summary>
    /// The default of all time tolerances: a time belongs to the nearest step if it is at most a twentieth of a step away.
    /// </summary>
    public const double DefaultTolerance = 0.05;

    /// <summary>The interval's length.</summary>
    public double Length => To - From;

    /// <summary>Counts the steps of length <paramref name="timeStep"/> in the interval: the nearest whole number.</summary>
    /// <param name="timeStep">The length of a step, above zero.</param>
    /// <param name="tolerance">
    /// The largest distance of the interval from that number, as a share of a step, in addition to a millionth of its length.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The interval runs backwards, or is further from a whole number of steps than the tolerance.
    /// </exception>
    public long Steps(double timeStep, double tolerance = DefaultTolerance)
    {
        double steps = Length / timeStep, whole = Math.Round(steps);
        if (!double.IsFinite(steps) || whole < 0 || !(Math.Abs(steps - whole) <= tolerance + 1e-6 * whole))
            throw new ArgumentException($"The interval from {From} to {To} is {steps:g9} time steps of {timeStep}; a whole number of " +
                $"steps, zero or more, is needed (tolerance: {tolerance:g6} of a step).");
        return (long)whole;
    }
}
