using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Gathers the observations of several successive cycles into one cycle, newest first, with their masks, so that a model with a step of
/// that length assimilates them at once (<see cref="LaggedObservationOperator"/>). All other columns are those of the last of the cycles.
/// Cycles at the end that fill no block are left out.
/// </summary>
/// <param name="length">The number of cycles, at least 1.</param>
[Component("observation-blocks")]
public sealed class ObservationBlocks(int length) : ITransformer
{
    private readonly int length = (int)Require.AtLeast(length, 1);

    /// <inheritdoc/>
    public string Name => $"blocks of {length} cycles";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = new([new(Columns.Observation, ColumnDefinition.AnySize)], []);

    /// <inheritdoc/>
    /// <exception cref="SchemaException">There are no observations, or the size of their errors changes from cycle to cycle, which a
    /// block cannot represent.</exception>
    public TrajectorySchema GetOutputSchema(TrajectorySchema input)
    {
        Contract.Apply(input, Name);
        if (length > 1 && input.Has(Columns.ObservationErrorScale))
            throw new SchemaException($"{Name} need observation errors that are the same in every cycle; the view has the column " +
                $"'{Columns.ObservationErrorScale}', which scales them in each.");
        long size = length * input[Columns.Observation].Shape[0];
        return input.With(Gathered(input).Select(column => new ColumnDefinition(column, size)));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The view has too few cycles; or, during reading, its networks change.</exception>
    public ITrajectoryView Transform(ITrajectoryView input)
    {
        var schema = GetOutputSchema(input.Schema);
        if (input.CycleCount < length)
            throw new ArgumentException($"{Name} need a view of at least {length} cycles; given: {input.CycleCount}.", nameof(input));
        return new TrajectoryView(schema, input.CycleCount / length, input.StartTime,
            () => new Cursor(Name, Gathered(input.Schema), length, input.OpenCursor()));
    }

    private static Column[] Gathered(TrajectorySchema schema) =>
        schema.Has(Columns.ObservationMask) ? [Columns.Observation, Columns.ObservationMask] : [Columns.Observation];

    private sealed class Cursor(string name, Column[] gathered, int length, ITrajectoryCursor source) : TrajectoryCursor(source)
    {
        protected override bool Compute(long cycle)
        {
            var blocks = gathered.ToDictionary(column => column, _ => new List<Tensor>());
            for (int k = 0; k < length; k++)
            {
                if (k > 0 && !Source!.MoveNext()) return false;
                if (Source!.Network is not null)
                    throw new ArgumentException(
                        $"{name} need one observation network for all cycles; cycle {Source.Cycle} (time {Source.Time:g6}) has its own.");
                foreach (var column in gathered) blocks[column].Insert(0, Source[column].clone());
            }
            foreach (var column in gathered) Set(column, cat([.. blocks[column]], -1));
            return true;
        }
    }
}
