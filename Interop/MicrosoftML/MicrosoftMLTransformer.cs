using Microsoft.ML;
using Microsoft.ML.Data;

namespace DaML.Components;

/// <summary>
/// A DaML transformer as a transformer of ML.NET. The rows stay as they are and in their order; the step's columns are added. As a
/// row-to-row mapper, for <c>PredictionEngine</c>, it steps one observation at a time.
/// </summary>
/// <remarks>
/// One object serves any number of threads: what a filter carries from cycle to cycle belongs to a cursor, or to the row of a prediction
/// engine.
/// </remarks>
public sealed class MicrosoftMLTransformer : Microsoft.ML.ITransformer
{
    private readonly MLContext ml;

    /// <summary>Wraps a transformer.</summary>
    /// <param name="transformer">The transformer, chains included.</param>
    /// <param name="ml">The context of the pipeline.</param>
    /// <param name="context">The context whose device and precision the trajectories have.</param>
    /// <param name="rows">How rows are trajectories.</param>
    /// <param name="cancellation">Stops every pass over the rows.</param>
    public MicrosoftMLTransformer(ITransformer transformer, MLContext ml, DataAssimilationContext context, TrajectoryRows rows,
        CancellationToken cancellation = default) =>
        (Transformer, this.ml, Context, Rows, Cancellation) = (transformer, ml, context, rows, cancellation);

    /// <summary>The transformer.</summary>
    public ITransformer Transformer { get; }

    /// <summary>How rows are trajectories.</summary>
    public TrajectoryRows Rows { get; }

    /// <summary>The context whose device and precision the trajectories have.</summary>
    internal DataAssimilationContext Context { get; }

    /// <summary>Stops every pass over the rows.</summary>
    internal CancellationToken Cancellation { get; }

    /// <summary>Always true: rows are mapped one by one, in their order.</summary>
    public bool IsRowToRowMapper => true;

    /// <inheritdoc/>
    /// <exception cref="SchemaException">A column is missing or of a type or shape that it cannot have.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => new RowOutput(this, inputSchema).Schema;

    /// <summary>The rows with the step's columns; nothing is computed before a cursor moves.</summary>
    /// <exception cref="SchemaException">A column is missing or of a type or shape that it cannot have.</exception>
    public IDataView Transform(IDataView input) => new TransformedRows(this, input);

    /// <summary>Makes a mapper that steps one observation at a time; each row it gives has a memory of its own.</summary>
    /// <exception cref="SchemaException">A column is missing or of a type or shape that it cannot have.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new SteppedRows(this, inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx) => ModelPlaceholder.Save(ml, ctx);
}

/// <summary>The columns of a transformer's rows: those of its input, at the same places, and then those that it adds.</summary>
internal sealed class RowOutput
{
    /// <summary>Finds the columns.</summary>
    /// <exception cref="SchemaException">A column is missing or of a type or shape that it cannot have.</exception>
    public RowOutput(MicrosoftMLTransformer transformer, DataViewSchema input)
    {
        (Transformer, Input) = (transformer, input);
        Layout = new RowLayout(transformer.Rows, input);
        Added = RowShapes.Added(transformer.Transformer, new TrajectorySchema(1, Layout.Definitions));
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        foreach (var added in Added) builder.AddColumn(added.Column.Name, RowValues.TypeOf(added, transformer.Rows.Precision));
        Schema = builder.ToSchema();
    }

    public MicrosoftMLTransformer Transformer { get; }

    public DataViewSchema Input { get; }

    public RowLayout Layout { get; }

    public IReadOnlyList<ColumnDefinition> Added { get; }

    public DataViewSchema Schema { get; }

    /// <summary>Which of the added columns a column of the rows is; null for one of the input.</summary>
    public int? AddedIndex(DataViewSchema.Column column) => column.Index < Input.Count ? null : column.Index - Input.Count;

    /// <summary>The columns of the input that are needed for columns of the rows.</summary>
    /// <param name="columns">The columns of the rows.</param>
    /// <param name="isRead">Whether the added columns are computed from the same rows.</param>
    public IEnumerable<DataViewSchema.Column> Needed(IEnumerable<DataViewSchema.Column> columns, bool isRead)
    {
        DataViewSchema.Column[] all = [.. columns];
        var passed = all.Where(column => AddedIndex(column) is null).Select(column => Input[column.Index]);
        return isRead && all.Any(column => AddedIndex(column) is not null) ? passed.Concat(Layout.Needed).DistinctBy(column => column.Index)
            : passed;
    }

    /// <summary>The values of the active columns in a cycle; null for the others.</summary>
    public Array?[] Fetch(ITrajectoryCursor cycle, TrajectorySchema schema, IReadOnlySet<int> active) =>
        [.. Added.Select((definition, i) => active.Contains(Input.Count + i)
            ? RowValues.Fetch(cycle, schema, definition, Transformer.Rows.Precision) : null)];

    /// <summary>Makes the getter of an added column.</summary>
    public ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column, int index, Func<(Array?[] Values, int Trajectory)> current) =>
        RowValues.Getter<TValue>(column, Added[index], Transformer.Rows.Precision, () =>
        {
            var (values, trajectory) = current();
            return (values[index]!, trajectory);
        });
}
