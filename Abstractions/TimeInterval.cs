namespace DaML;

/// <summary>An interval of model time over which a state is propagated.</summary>
/// <param name="From">Where it begins, in the model's unit of time.</param>
/// <param name="To">Where it ends.</param>
public readonly record struct TimeInterval(double From, double To)
{
    /// <summary>The interval's length.</summary>
    public double Length => To - From;

    /// <summary>How many steps of length <paramref name="timeStep"/> the interval holds.</summary>
    /// <exception cref="ArgumentException">The interval runs backwards or is no whole number of steps (to a millionth of a step).</exception>
    public long Steps(double timeStep)
    {
        double steps = Length / timeStep;
        long whole = (long)Math.Round(steps);
        if (!double.IsFinite(steps) || whole < 0 || !(Math.Abs(steps - whole) <= 1e-6 * Math.Max(1, Math.Abs(steps))))
            throw new ArgumentException($"The interval from {From} to {To} is {steps:g9} time steps of {timeStep}; a whole number of steps, zero or more, is needed.");
        return whole;
    }
}
