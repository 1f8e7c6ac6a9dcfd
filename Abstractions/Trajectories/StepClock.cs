namespace DaML.Components;

/// <summary>
/// Maps the times of a view to the time steps of a model. Steps are counted from the view's start, never from the previous cycle. So the
/// errors of rounded times (six decimals, single precision) do not add up, and times that drift away from the steps are detected.
/// </summary>
public sealed class StepClock
{
    // The round-off of double precision in a time that is on a step.
    private const double RoundOff = 1e-6;

    private readonly double start, timeStep, tolerance;

    /// <summary>Makes a clock.</summary>
    /// <param name="start">The time of step zero.</param>
    /// <param name="timeStep">The length of a step, above zero.</param>
    /// <param name="tolerance">
    /// The largest distance of a time from the nearest step, as a share of a step, from 0 to 0.5; half a step takes every time. A
    /// millionth of the time since the start is added, for a time step that is written with six digits.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The start is not finite, the step is not above zero, or the tolerance is outside its range.
    /// </exception>
    public StepClock(double start, double timeStep, double tolerance = TimeInterval.DefaultTolerance)
    {
        if (!double.IsFinite(start)) throw new ArgumentException($"The start time must be finite; given: {start}.", nameof(start));
        (this.start, this.timeStep, this.tolerance) = (start, Require.Positive(timeStep), CheckTolerance(tolerance, nameof(tolerance)));
    }

    /// <summary>The time of the nearest step; a time that is on a step up to round-off is returned unchanged.</summary>
    /// <exception cref="ArgumentException">The time is further from a step than the tolerance allows.</exception>
    public double At(double time)
    {
        double steps = (time - start) / timeStep, whole = Math.Round(steps), off = Math.Abs(steps - whole);
        if (!double.IsFinite(steps) || !(off <= tolerance + RoundOff * Math.Abs(whole)))
            throw new ArgumentException($"The time {time} is {steps:g9} time steps of {timeStep} after the start at {start}; a whole " +
                $"number of steps is needed (tolerance: {tolerance:g6} of a step). Give the view a start time or the model a time step " +
                $"that fits, or set {nameof(DataAssimilationOptions)}.{nameof(DataAssimilationOptions.TimeTolerance)} (up to 0.5: the " +
                "nearest step always).");
        return off <= RoundOff ? time : start + whole * timeStep;
    }

    /// <summary>Moves the cycles of a view to the times of a model's steps.</summary>
    /// <param name="view">The view.</param>
    /// <param name="timeStep">The length of a step; null = the model takes any interval, and the view is returned unchanged.</param>
    /// <param name="tolerance">The largest distance of a time from the nearest step, as a share of a step.</param>
    public static ITrajectoryView Align(ITrajectoryView view, double? timeStep, double tolerance) => timeStep is not { } step ? view
        : new TrajectoryView(view.Schema, view,
            source => new Cursor(source, new StepClock(view.RequireStartTime("A model with time steps"), step, tolerance)));

    /// <summary>Requires a tolerance between zero and half a step.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is outside this range.</exception>
    public static double CheckTolerance(double tolerance, string name) => tolerance is >= 0 and <= 0.5 ? tolerance
        : throw new ArgumentOutOfRangeException(name, tolerance, $"'{name}' must be a fraction of a time step from 0 to 0.5; given: " +
            $"{tolerance}.");

    private sealed class Cursor(ITrajectoryCursor source, StepClock clock) : TrajectoryCursor(source)
    {
        private double time = double.NaN;

        public override double Time => time;

        protected override bool Compute(long cycle)
        {
            time = clock.At(Source!.Time);
            return true;
        }
    }
}
