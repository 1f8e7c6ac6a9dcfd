using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Some of a view's trajectories: those from <paramref name="first"/> on, <paramref name="count"/> of them.</summary>
/// <param name="view">The view.</param>
/// <param name="first">The first trajectory, from 0.</param>
/// <param name="count">The number of trajectories.</param>
internal sealed class TrajectorySubset(ITrajectoryView view, long first, long count) : ITrajectoryView
{
    public TrajectorySchema Schema { get; } = view.Schema with { Batch = count };
    public long? CycleCount => view.CycleCount;
    public double? StartTime => view.StartTime;
    public ITrajectoryCursor OpenCursor() => new Cursor(view.OpenCursor(), view.Schema, first, count);

    /// <summary>Splits off a hold-out of a tenth of the trajectories, at least one, for validation.</summary>
    /// <exception cref="ArgumentException">There is only one trajectory.</exception>
    public static (ITrajectoryView Training, ITrajectoryView Validation) HoldBack(ITrajectoryView view)
    {
        long batch = view.Schema.Batch;
        if (batch < 2)
            throw new ArgumentException(
                "The view has one trajectory, so none can be held out for validation: give a validation view, or more trajectories.");
        long held = Math.Max(1, (long)Math.Round(batch / 10.0));
        return (new TrajectorySubset(view, 0, batch - held), new TrajectorySubset(view, batch - held, held));
    }

    private sealed class Cursor(ITrajectoryCursor source, TrajectorySchema schema, long first, long count) : TrajectoryCursor(source)
    {
        // The source's values belong to all its trajectories.
        public override IDensity? ForecastDensity => null;
        public override IDensity? AnalysisDensity => null;

        protected override bool Compute(long cycle)
        {
            foreach (var definition in schema.Definitions) Set(definition.Column, Source![definition.Column].narrow(0, first, count));
            return true;
        }
    }
}
