using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The columns of a trajectory view and the number of independent trajectories that run side by side.</summary>
/// <param name="Batch">Number of trajectories; every tensor of a cycle is <c>[batch, shape...]</c>.</param>
/// <param name="Definitions">The columns, in the order in which they were added.</param>
public sealed record TrajectorySchema(long Batch, IReadOnlyList<ColumnDefinition> Definitions)
{
    /// <summary>Creates a schema.</summary>
    public TrajectorySchema(long batch, params ColumnDefinition[] definitions)
        : this(batch, (IReadOnlyList<ColumnDefinition>)definitions) { }

    /// <summary>The definition of a column; null if the view does not have it.</summary>
    public ColumnDefinition? Find(Column column)
    {
        foreach (var definition in Definitions)
            if (definition.Column == column) return definition;
        return null;
    }

    /// <summary>Whether the view has the column.</summary>
    public bool Has(Column column) => Find(column) is not null;

    /// <summary>The definition of a column.</summary>
    /// <exception cref="SchemaException">The view does not have it; the message lists the columns it has.</exception>
    public ColumnDefinition this[Column column] => Find(column)
        ?? throw new SchemaException($"There is no column '{column}'; there are: {this}.");

    /// <summary>This schema with more columns; a column of a name that exists is replaced.</summary>
    public TrajectorySchema With(IEnumerable<ColumnDefinition> added)
    {
        var list = Definitions.ToList();
        foreach (var definition in added)
        {
            list.RemoveAll(existing => existing.Column == definition.Column);
            list.Add(definition);
        }
        return new TrajectorySchema(Batch, list);
    }

    /// <inheritdoc/>
    public override string ToString() => Definitions.Count == 0 ? "none" : string.Join(", ", Definitions);
}

/// <summary>
/// The columns that a step needs from its input and those that it adds. Chains compare contracts when steps are appended, so a pipeline
/// that cannot work is refused while it is composed.
/// </summary>
/// <param name="Requires">The columns the step reads.</param>
/// <param name="Adds">The columns it writes, replacing those of the same name.</param>
public sealed record SchemaContract(IReadOnlyList<ColumnDefinition> Requires, IReadOnlyList<ColumnDefinition> Adds)
{
    /// <summary>The contract of a step that needs and adds nothing.</summary>
    public static SchemaContract None { get; } = new([], []);

    // The added column's size as a multiple of that of the required one, which may be any; null if the contract states the sizes.
    private long? Times { get; init; }

    /// <summary>The contract of a step that reads vectors of any size and adds vectors of a multiple of it.</summary>
    /// <param name="input">The column that it reads, <c>[n]</c>.</param>
    /// <param name="output">The column that it adds, <c>[times n]</c>.</param>
    /// <param name="times">The multiple (default: 1).</param>
    public static SchemaContract OfAnySize(Column input, Column output, long times = 1) =>
        new([new(input, ColumnDefinition.AnySize)], [new(output, ColumnDefinition.AnySize)]) { Times = times };

    /// <summary>The output schema of a step whose input has the schema <paramref name="input"/>.</summary>
    /// <param name="input">The schema of the step's input.</param>
    /// <param name="step">The name of the step in a message.</param>
    /// <exception cref="SchemaException">A column is missing or has another shape.</exception>
    public TrajectorySchema Apply(TrajectorySchema input, string step)
    {
        foreach (var required in Requires)
            Check(step, required, input.Find(required.Column), $"the input view has: {input}");
        return input.With(Times is { } times ? [new(Adds[0].Column, times * input[Requires[0].Column].Shape[0])] : Adds);
    }

    /// <summary>The contract of this step followed by another.</summary>
    /// <param name="next">The step that follows.</param>
    /// <param name="step">The name of the following step in a message.</param>
    /// <exception cref="SchemaException">
    /// This step provides a column in a shape that the next cannot take, or both need the same input column in different shapes.
    /// </exception>
    public SchemaContract Then(SchemaContract next, string step)
    {
        var requires = Requires.ToList();
        foreach (var needed in next.Requires)
        {
            var known = Adds.FirstOrDefault(added => added.Column == needed.Column)
                ?? Requires.FirstOrDefault(required => required.Column == needed.Column);
            if (known is null) requires.Add(needed);
            else Check(step, needed, known, "");
        }
        return new SchemaContract(requires, new TrajectorySchema(1, Adds).With(next.Adds).Definitions);
    }

    private static void Check(string step, ColumnDefinition needed, ColumnDefinition? given, string known)
    {
        if (given is null)
            throw new SchemaException(
                $"{step} needs the column '{needed.Column}' of shape {ColumnDefinition.Describe(needed.Shape)}, which is missing; " +
                    $"{known}.");
        if (!needed.Accepts(given.Shape))
            throw new SchemaException(
                $"{step} needs the column '{needed.Column}' of shape {ColumnDefinition.Describe(needed.Shape)}, but it has shape " +
                    $"{ColumnDefinition.Describe(given.Shape)}.");
    }
}
