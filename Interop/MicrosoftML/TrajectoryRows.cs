using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Says how rows of ML.NET are trajectories: each row is one cycle of one trajectory. Times rise from row to row; with several
/// trajectories, those of each, and all have the same times. Rows of several trajectories may come cycle by cycle or one trajectory
/// after the other.
/// </summary>
public sealed record TrajectoryRows
{
    /// <summary>Names the columns.</summary>
    /// <param name="columns">The columns of the view, with the columns of a row that they are made from; at least one.</param>
    /// <exception cref="ArgumentException">
    /// There is no column, a column comes twice, or one is a mask: masks are made from missing values.
    /// </exception>
    [JsonConstructor]
    public TrajectoryRows(params IReadOnlyList<RowColumn> columns)
    {
        if (columns.Count == 0) throw new ArgumentException("At least one column is needed; none was given.", nameof(columns));
        foreach (var column in columns)
        {
            if (columns.Count(other => other.Column == column.Column) > 1)
                throw new ArgumentException($"The column '{column.Column}' comes twice; name each column once.", nameof(columns));
            if (column.Column.Name.EndsWith("-mask", StringComparison.Ordinal))
                throw new ArgumentException($"The mask '{column.Column}' cannot be read from a row: it is made from the values of its " +
                    "column, which are NaN where they are missing.", nameof(columns));
        }
        Columns = [.. columns];
    }

    /// <summary>The columns of the view, with the columns of a row that they are made from.</summary>
    public IReadOnlyList<RowColumn> Columns { get; }

    /// <summary>
    /// The column of times: numbers in the model's unit, or dates, which become days since 1970-01-01 (default: none, cycles are at 1,
    /// 2, 3, ... from a start at 0).
    /// </summary>
    public string? Time { get; init; }

    /// <summary>The column that says which trajectory a row is of: text, key or whole number (default: none, there is one).</summary>
    public string? Trajectory { get; init; }

    /// <summary>The time of the state before the first cycle (default: none; methods that start there refuse the rows).</summary>
    public FileStart? StartTime { get; init; }

    /// <summary>
    /// The treatment of NaN, ML.NET's missing value (default: it becomes false in the column's mask).
    /// </summary>
    public MissingValues Missing { get; init; } = MissingValues.Mask;

    /// <summary>The precision of the columns that a step adds to the rows (default: single, which ML.NET's trainers take).</summary>
    public ScalarType Precision { get; init => field = RowValues.CheckPrecision(value); } = ScalarType.Float32;
}

/// <summary>A column of a view and the columns of a row that it is made from.</summary>
/// <param name="Column">The column of the view.</param>
/// <param name="Names">
/// One vector of fixed size, or one or several numbers, which become the vector <c>[p]</c> in this order (default: the column's own name).
/// </param>
public sealed record RowColumn(Column Column, params IReadOnlyList<string> Names)
{
    /// <summary>One vector of fixed size, or one or several numbers, which become a vector in this order.</summary>
    public IReadOnlyList<string> Names { get; } = Names.Count == 0 ? [Column.Name] : [.. Names];

    /// <summary>Whether a single number is a column of shape <c>[]</c> (default: false, it is a vector of one).</summary>
    public bool IsScalar { get; init; }
}
