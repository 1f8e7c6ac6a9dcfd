using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Rows and columns of one field of a state.</summary>
/// <param name="Rows">The number of rows; 1 if there is only one direction.</param>
/// <param name="Columns">The number of columns.</param>
public sealed record FieldShape(long Rows, long Columns);

/// <summary>
/// The layout of a state of several fields on one grid as channels: the fields one after the other, each row by row. If a field has fewer
/// rows or columns than the grid, as the velocities of a C-grid between walls, its last ones are filled with zeros.
/// </summary>
public sealed record FieldLayout
{
    /// <summary>Makes a layout.</summary>
    /// <param name="grid">The grid of the convolutions: <see cref="StateGrid.Circle"/>, <see cref="StateGrid.Line"/> or a plane.</param>
    /// <param name="fields">The fields in the state's order; in one direction each has one row.</param>
    /// <exception cref="ArgumentException">There are no fields, or a field is empty, has more rows or columns than the grid, or has fewer
    /// in a periodic direction.</exception>
    public FieldLayout(StateGrid grid, IReadOnlyList<FieldShape> fields)
    {
        if (fields.Count == 0) throw new ArgumentException("A layout needs at least one field.", nameof(fields));
        (Grid, Fields) = (grid, [.. fields]);
        Rows = grid.Rows ?? 1;
        Columns = grid.Columns ?? fields.Max(field => field.Columns);
        for (int i = 0; i < fields.Count; i++)
        {
            var (rows, columns) = (Require.AtLeast(fields[i].Rows, 1), Require.AtLeast(fields[i].Columns, 1));
            if (rows > Rows || columns > Columns
                || (grid.Directions == 2 && grid.IsPeriodic(0) && rows < Rows)
                || (grid.IsPeriodic(grid.Directions - 1) && columns < Columns))
                throw new ArgumentException(
                    $"Field {i} of a layout has {rows} rows and {columns} columns, which a grid of {Rows} x {Columns} ({grid}) cannot " +
                        $"hold.",
                    nameof(fields));
        }
    }

    /// <summary>A state of one field on a circle, for instance that of Lorenz-96.</summary>
    /// <param name="sites">The number of sites.</param>
    public static FieldLayout Circle(long sites) => new(StateGrid.Circle, [new(1, sites)]);

    /// <summary>The fields eta, u and v of a shallow-water model.</summary>
    /// <param name="model">The model.</param>
    public static FieldLayout Of(ShallowWater model)
    {
        var o = model.Options;
        AxisEnds Ends(bool periodic) => periodic ? AxisEnds.Periodic : AxisEnds.Bounded;
        long rowsV = o.PeriodicY ? o.CellsY : o.CellsY - 1, columnsU = o.PeriodicX ? o.CellsX : o.CellsX - 1;
        return new(StateGrid.Plane(o.CellsY, o.CellsX, Ends(o.PeriodicY), Ends(o.PeriodicX)),
            [new(o.CellsY, o.CellsX), new(o.CellsY, columnsU), new(rowsV, o.CellsX)]);
    }

    /// <summary>The grid of the convolutions.</summary>
    public StateGrid Grid { get; }

    /// <summary>The fields in the state's order.</summary>
    public IReadOnlyList<FieldShape> Fields { get; }

    /// <summary>The number of rows of the grid; 1 in one direction.</summary>
    internal long Rows { get; }

    /// <summary>The number of columns of the grid.</summary>
    internal long Columns { get; }

    /// <summary>The number of points of the grid.</summary>
    internal long Points => Rows * Columns;

    /// <summary>n, the dimension of the state.</summary>
    internal long Dimension => Fields.Sum(each => each.Rows * each.Columns);

    /// <summary>The size of a tensor's last dimensions as fields, <c>[fields, grid...]</c>.</summary>
    internal long[] FieldSizes => Grid.Directions == 1 ? [Fields.Count, Columns] : [Fields.Count, Rows, Columns];

    /// <summary>Converts states to channels, <c>[..., n]</c> to <c>[..., fields, grid...]</c>.</summary>
    internal Tensor ToFields(Tensor states)
    {
        long[] leading = states.Sizes()[..^1];
        Require.LastDimension(states, Dimension, "A state on this layout");
        var parts = new List<Tensor>();
        long first = 0;
        foreach (var (rows, columns) in Fields.Select(field => (field.Rows, field.Columns)))
        {
            var part = states.narrow(-1, first, rows * columns).reshape([.. leading, rows, columns]);
            if (rows < Rows || columns < Columns) part = nn.functional.pad(part, [0, Columns - columns, 0, Rows - rows]);
            parts.Add(part);
            first += rows * columns;
        }
        return stack(parts, -3).reshape([.. leading, .. FieldSizes]);
    }

    /// <summary>
    /// Converts channels to states, <c>[..., fields, grid...]</c> to <c>[..., n]</c>; the points that <see cref="ToFields"/> filled are
    /// left out.
    /// </summary>
    internal Tensor ToStates(Tensor fields)
    {
        long[] leading = fields.Sizes()[..^(1 + Grid.Directions)];
        var plane = fields.reshape([.. leading, Fields.Count, Rows, Columns]);
        return cat([.. Fields.Select((field, i) => plane.select(-3, i).narrow(-2, 0, field.Rows).narrow(-1, 0, field.Columns)
            .reshape([.. leading, field.Rows * field.Columns]))], -1);
    }

    /// <summary>The same number for each component of a field, <c>[n]</c>.</summary>
    internal Tensor Spread(IReadOnlyList<double> perField, ScalarType dtype, Device device) =>
        cat([.. Fields.Select((field, i) => full([field.Rows * field.Columns], perField[i], dtype: dtype, device: device))]);

    /// <summary>Two layouts are equal if grid and fields are.</summary>
    public bool Equals(FieldLayout? other) => other is not null && Grid == other.Grid && Fields.SequenceEqual(other.Fields);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Grid, Fields.Count, Dimension);
}
