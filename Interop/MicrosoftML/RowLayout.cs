using Microsoft.ML;
using Microsoft.ML.Data;

namespace DaML.Components;

/// <summary>The columns of a row that make a trajectory, found in the schema of rows and checked.</summary>
internal sealed class RowLayout
{
    private static readonly HashSet<Type> WholeNumbers =
        [typeof(sbyte), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong)];

    private readonly DataViewSchema schema;

    /// <summary>Finds the columns.</summary>
    /// <exception cref="SchemaException">A column is missing or of a type that it cannot have.</exception>
    public RowLayout(TrajectoryRows rows, DataViewSchema schema)
    {
        (Rows, this.schema) = (rows, schema);
        Definitions = Describe(rows, [.. schema.Where(column => !column.IsHidden).Select(column => (column.Name, RowType.Of(column.Type)))],
            SchemaContract.None);
    }

    /// <summary>How rows are trajectories.</summary>
    public TrajectoryRows Rows { get; }

    /// <summary>The columns of the view, masks included.</summary>
    public IReadOnlyList<ColumnDefinition> Definitions { get; }

    /// <summary>The column of times; null if cycles are counted.</summary>
    public DataViewSchema.Column? Time => Rows.Time is { } name ? schema[name] : null;

    /// <summary>The column of trajectories; null if there is one.</summary>
    public DataViewSchema.Column? Trajectory => Rows.Trajectory is { } name ? schema[name] : null;

    /// <summary>The columns that say which cycle and trajectory a row is of.</summary>
    public IEnumerable<DataViewSchema.Column> Keys => new[] { Time, Trajectory }.OfType<DataViewSchema.Column>();

    /// <summary>All columns that are read.</summary>
    public IEnumerable<DataViewSchema.Column> Needed =>
        [.. Keys, .. Rows.Columns.SelectMany(column => Sources(column))];

    /// <summary>The columns of a row that a column is made from.</summary>
    public IEnumerable<DataViewSchema.Column> Sources(RowColumn column) => column.Names.Select(name => schema[name]);

    /// <summary>The columns of the view that rows of a shape have; sizes of vectors are unknown before there are rows.</summary>
    /// <param name="rows">How rows are trajectories.</param>
    /// <param name="shape">The shape of the rows.</param>
    /// <param name="contract">The contract of the step that reads the view: its ranks stand for those that the shape does not say.</param>
    /// <exception cref="SchemaException">A column is missing or of a type that it cannot have.</exception>
    public static IReadOnlyList<ColumnDefinition> Describe(TrajectoryRows rows, SchemaShape shape, SchemaContract contract) =>
        Describe(rows, [.. shape.Select(column => (column.Name, RowType.Of(column)))], contract);

    private static IReadOnlyList<ColumnDefinition> Describe(TrajectoryRows rows, IReadOnlyList<(string Name, RowType Type)> given,
        SchemaContract contract)
    {
        RowType Find(string name) => given.LastOrDefault(column => column.Name == name).Type
            ?? throw new SchemaException($"The rows have no column '{name}'; there are: {string.Join(", ", given.Select(c => c.Name))}.");

        if (rows.Time is { } time && Find(time) is var of && !(of.IsScalar && (of.IsNumber || of.IsDate)))
            throw new SchemaException($"The column '{time}' must be a time, a number or a date; given: {of}.");
        if (rows.Trajectory is { } key && Find(key) is var type && !(type.IsScalar && type.IsKey))
            throw new SchemaException($"The column '{key}' must say which trajectory a row is of, by text, a key or a whole number; " +
                $"given: {type}.");

        var definitions = new List<ColumnDefinition>();
        foreach (var column in rows.Columns)
        {
            long[] shape = Shape(column, Find, contract);
            definitions.Add(new(column.Column, shape));
            if (rows.Missing == MissingValues.Mask) definitions.Add(new(Columns.MaskOf(column.Column), shape));
        }
        return definitions;
    }

    private static long[] Shape(RowColumn column, Func<string, RowType> find, SchemaContract contract)
    {
        RowType[] types = [.. column.Names.Select(find)];
        foreach (var (name, type) in column.Names.Zip(types))
        {
            if (!type.IsNumber)
                throw new SchemaException($"The column '{name}' must hold numbers for '{column.Column}'; given: {type}.");
            if (type.IsVariable)
                throw new SchemaException($"The column '{name}' is a vector of unknown size; '{column.Column}' needs a fixed one. Give a " +
                    "property of a class [VectorType(n)], or a column of a text loader its range.");
            if (!type.IsScalar && (types.Length > 1 || column.IsScalar))
                throw new SchemaException($"The column '{name}' must be one number for '{column.Column}'; given: {type}. " +
                    "A vector stands alone; Concatenate puts several together.");
        }
        if (!types[0].IsScalar)
            return types[0].Dimensions ?? [.. Enumerable.Repeat(ColumnDefinition.AnySize,
                contract.Requires.FirstOrDefault(needed => needed.Column == column.Column)?.Shape.Length ?? 1)];
        if (column.IsScalar && types.Length > 1)
            throw new SchemaException($"The column '{column.Column}' is one number; given: {types.Length} columns.");
        return column.IsScalar ? [] : [types.Length];
    }

    // The type of a column of rows: the type of its items, and its dimensions if it is a vector (null: unknown).
    private sealed record RowType(DataViewType Item, bool IsScalar, bool IsVariable, long[]? Dimensions, bool MarkedAsKey)
    {
        public bool IsNumber => !MarkedAsKey && Item is NumberDataViewType;
        public bool IsDate => Item is DateTimeDataViewType or DateTimeOffsetDataViewType;
        public bool IsKey => MarkedAsKey || Item is TextDataViewType || WholeNumbers.Contains(Item.RawType);

        public static RowType Of(DataViewType type) => type is VectorDataViewType vector
            ? new(vector.ItemType, false, !vector.IsKnownSize, [.. vector.Dimensions.Select(size => (long)size)],
                vector.ItemType is KeyDataViewType)
            : new(type, true, false, null, type is KeyDataViewType);

        public static RowType Of(SchemaShape.Column column) => new(column.ItemType, column.Kind == SchemaShape.Column.VectorKind.Scalar,
            column.Kind == SchemaShape.Column.VectorKind.VariableVector, null, column.IsKey);

        public override string ToString() => (IsScalar ? "" : "a vector of ") + Item;
    }
}
