using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The window over which 4D-Var minimises: a span of time on the grid of a model's time steps, the background at its beginning and the
/// observations in it, for a batch of trajectories at once.
/// </summary>
public sealed class AssimilationWindow
{
    /// <summary>Makes a window.</summary>
    /// <param name="background">x_b at the window's beginning, <c>[batch, n]</c>, finite.</param>
    /// <param name="span">The interval, a whole number of time steps; of zero length for an analysis at one time (3D-Var).</param>
    /// <param name="timeStep">The model's time step.</param>
    /// <param name="observations">The observations, at steps of the window, in any order; several may share a time. Finite; values that
    /// the mask calls missing may be anything and become zero.</param>
    /// <exception cref="ArgumentException">Shapes differ, values are non-finite, or times lie outside the window or between its
    /// steps.</exception>
    public AssimilationWindow(State background, TimeInterval span, double timeStep, IReadOnlyList<Observation> observations)
    {
        Require.Shape(background.Values, "The background of a window", ColumnDefinition.AnySize, ColumnDefinition.AnySize);
        Require.Finite(background.Values, "The background of a window");
        Background = background;
        Span = span;
        TimeStep = Require.Positive(timeStep);
        Steps = checked((int)span.Steps(timeStep));
        Observations = [.. observations.Select(MaskedValues.Cleared)];
        foreach (var observation in Observations)
        {
            string which = $"The observation at time {observation.Time:g9}";
            StepOf(observation.Time);
            Require.Shape(observation.Values, which, Batch, ColumnDefinition.AnySize);
            Require.Finite(observation.Values, which);
            if (observation.Mask is null) continue;
            if (observation.Mask.dtype != ScalarType.Bool) throw new ArgumentException($"The mask of {which.ToLowerInvariant()} must be " +
                $"boolean, true = observed; given: {observation.Mask.dtype}.", nameof(observations));
            Require.Shape(observation.Mask, $"The mask of {which.ToLowerInvariant()}", observation.Values.Sizes());
        }
    }

    /// <summary>x_b at the window's beginning.</summary>
    public State Background { get; }

    /// <summary>The interval of the window.</summary>
    public TimeInterval Span { get; }

    /// <summary>The model's time step.</summary>
    public double TimeStep { get; }

    /// <summary>K, the number of time steps; the trajectory of the window has K + 1 states.</summary>
    public int Steps { get; }

    /// <summary>The observations in the window.</summary>
    public IReadOnlyList<Observation> Observations { get; }

    /// <summary>The number of trajectories.</summary>
    public long Batch => Background.Values.size(0);

    /// <summary>The dimension n of the state.</summary>
    public long Dimension => Background.Values.size(1);

    /// <summary>The time of a step, from 0 for the window's beginning to <see cref="Steps"/> for its end.</summary>
    public double TimeOf(int step) => Span.From + step * TimeStep;

    /// <summary>The step at a time.</summary>
    /// <exception cref="ArgumentException">The time is outside the window, or further from a step than
    /// <see cref="TimeInterval.DefaultTolerance"/>.</exception>
    public int StepOf(double time)
    {
        double steps = (time - Span.From) / TimeStep;
        int step = double.IsFinite(steps) && Math.Abs(steps) < int.MaxValue ? (int)Math.Round(steps) : -1;
        if (step < 0 || step > Steps || Math.Abs(steps - step) > TimeInterval.DefaultTolerance)
            throw new ArgumentException($"The time {time:g9} is not one of the {Steps + 1} times of the window from {Span.From:g9} to " +
                $"{Span.To:g9} in steps of {TimeStep:g6} (tolerance: {TimeInterval.DefaultTolerance:g6} of a step).", nameof(time));
        return step;
    }

    /// <summary>The window of one trajectory, as a batch of one.</summary>
    // In its own memory, since bits may depend on the position of rows.
    internal AssimilationWindow Trajectory(long index) => OfRows(tensor => tensor.narrow(0, index, 1).clone());

    /// <summary>Repeats each trajectory of the window, one copy after the other.</summary>
    internal AssimilationWindow Repeated(long times) => OfRows(tensor => tensor.repeat_interleave(times, 0));

    private AssimilationWindow OfRows(Func<Tensor, Tensor> rows) => new(new State(rows(Background.Values)), Span, TimeStep,
        [.. Observations.Select(observation => observation with
        {
            Values = rows(observation.Values), Mask = observation.Mask is { } mask ? rows(mask) : null,
            ErrorScale = observation.ErrorScale is { } scale ? rows(scale) : null,
        })]);

    /// <summary>Zeros <c>[batch, size]</c> in the window's precision and on its device.</summary>
    internal Tensor Zeros(long size) => Background.Values.new_zeros([Batch, size]);
}
