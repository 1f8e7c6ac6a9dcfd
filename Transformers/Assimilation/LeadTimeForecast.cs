using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Adds the model's forecast for each cycle, started some cycles earlier from another column of the view, for instance a filter's
/// analysis. The first cycles, which have no such forecast, are left out of the view.
/// </summary>
/// <param name="dynamics">The model; it runs without model error.</param>
/// <param name="start">The column that forecasts start from, <c>[n]</c>.</param>
/// <param name="output">The column it adds, <c>[n]</c>.</param>
/// <param name="lead">The lead of a forecast in cycles, at least 1.</param>
/// <param name="timeTolerance">The largest distance of a cycle from the model's steps, counted from the first cycle, as a share of a step
/// (default: a twentieth).</param>
[Component("lead-time-forecast", 2)]
public sealed class LeadTimeForecast(IDynamics dynamics, Column start, Column output, int lead,
    [Saved(Since = 2)] double timeTolerance = TimeInterval.DefaultTolerance)
    : ITransformer
{
    private readonly int lead = (int)Require.AtLeast(lead, 1);
    private readonly double timeTolerance = StepClock.CheckTolerance(timeTolerance, nameof(timeTolerance));

    /// <inheritdoc/>
    public string Name => $"forecast of lead {lead}";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = new([new(start, dynamics.Dimension)], [new(output, dynamics.Dimension)]);

    /// <summary>The column it adds.</summary>
    public Column Output => output;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view has too few cycles for the lead.</exception>
    public ITrajectoryView Transform(ITrajectoryView input)
    {
        var schema = Contract.Apply(input.Schema, Name);
        if (input.CycleCount <= lead)
            throw new ArgumentException($"{Name} needs a view of more than {lead} cycles; given: {input.CycleCount}.", nameof(input));
        return new TrajectoryView(schema, input.CycleCount - lead, input.StartTime,
            () => new Cursor(dynamics, start, output, lead, timeTolerance, input.OpenCursor()));
    }

    private sealed class Cursor(IDynamics dynamics, Column start, Column output, int lead, double timeTolerance, ITrajectoryCursor source)
        : TrajectoryCursor(source)
    {
        private readonly Queue<(double Time, Tensor State)> states = new();
        private StepClock? clock;   // counts from the first cycle

        protected override bool Compute(long cycle)
        {
            while (states.Count < lead)
            {
                Remember();
                if (!Source!.MoveNext()) return false;
            }
            var (time, state) = states.Dequeue();
            using (state) Set(output, dynamics.Advance(state, new TimeInterval(time, OnStep(Source!.Time))));
            Remember();
            return true;
        }

        protected override void DisposeState()
        {
            while (states.TryDequeue(out var kept)) kept.State.Dispose();
        }

        private double OnStep(double time) => (clock ??= new StepClock(time, dynamics.TimeStep, timeTolerance)).At(time);

        private void Remember() => states.Enqueue((OnStep(Source!.Time), Source[start].clone().DetachFromDisposeScope()));
    }
}
