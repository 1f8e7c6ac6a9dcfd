using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The columns of a view as columns of ML.NET's rows: their types, and the values of a cycle, one row per trajectory.</summary>
internal static class RowValues
{
    /// <summary>The type of a column: a scalar for the shape <c>[]</c>, else a vector of fixed size, row-major.</summary>
    public static DataViewType TypeOf(ColumnDefinition definition, ScalarType precision)
    {
        PrimitiveDataViewType item = IsFlag(definition.Column) ? BooleanDataViewType.Instance
            : precision == ScalarType.Float64 ? NumberDataViewType.Double : NumberDataViewType.Single;
        return definition.Shape.Length == 0 ? item
            : new VectorDataViewType(item, definition.Shape.Select(size => checked((int)size)).ToArray());
    }

    /// <summary>Requires single or double precision.</summary>
    /// <exception cref="ArgumentException">It is another type.</exception>
    public static ScalarType CheckPrecision(ScalarType precision) => precision is ScalarType.Float32 or ScalarType.Float64 ? precision
        : throw new ArgumentException($"The precision must be Float32 or Float64; given: {precision}.", nameof(precision));

    /// <summary>
    /// Fetches a column of a cycle for all trajectories, an array of <c>bool</c>, <c>float</c> or <c>double</c>. Values that the column's
    /// mask calls missing are NaN, ML.NET's missing value.
    /// </summary>
    /// <param name="cycle">The cycle.</param>
    /// <param name="schema">The schema of its view.</param>
    /// <param name="definition">The column.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <exception cref="InvalidOperationException">A flag is not boolean, or a value is beyond the range of the precision.</exception>
    public static Array Fetch(ITrajectoryCursor cycle, TrajectorySchema schema, ColumnDefinition definition, ScalarType precision)
    {
        using var scope = NewDisposeScope();
        var column = definition.Column;
        var values = cycle[column];
        if (IsFlag(column))
            return values.dtype == ScalarType.Bool ? values.ToArray<bool>()
                : throw new InvalidOperationException($"The column '{column}' must be boolean, as its name says; given: {values.dtype}.");
        if (schema.Find(Columns.MaskOf(column)) is { } mask && mask.Shape.AsSpan().SequenceEqual(definition.Shape))
            values = where(cycle[mask.Column], values, full_like(values, double.NaN));
        var converted = values.to(precision);
        if (values.dtype == ScalarType.Float64 && precision == ScalarType.Float32 &&
            converted.isinf().logical_and(values.isfinite()).any().ToBoolean())
            throw new InvalidOperationException($"The column '{column}' has values beyond the range of single precision; open the " +
                $"view with Float64.");
        return precision == ScalarType.Float64 ? converted.ToArray<double>() : converted.ToArray<float>();
    }

    /// <summary>Makes the getter of a column from the values of the current cycle and the current row's trajectory.</summary>
    /// <param name="column">The column of the rows, for messages.</param>
    /// <param name="definition">The column of the view.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="current">All values of the cycle, and the trajectory.</param>
    /// <exception cref="InvalidOperationException">The column's values have another type.</exception>
    public static ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column, ColumnDefinition definition, ScalarType precision,
        Func<(Array Values, int Trajectory)> current)
    {
        bool isScalar = definition.Shape.Length == 0;
        int size = (int)definition.Shape.Aggregate(1L, (product, next) => product * next);
        return Checked<TValue>(column, IsFlag(definition.Column) ? Of<bool>(size, isScalar, current)
            : precision == ScalarType.Float64 ? Of<double>(size, isScalar, current) : Of<float>(size, isScalar, current));
    }

    /// <summary>A getter as the type that is asked for.</summary>
    /// <exception cref="InvalidOperationException">The column's values have another type.</exception>
    public static ValueGetter<TValue> Checked<TValue>(DataViewSchema.Column column, Delegate getter) => getter as ValueGetter<TValue>
        ?? throw new InvalidOperationException($"The column '{column.Name}' has values of type {column.Type.RawType}; asked " +
            $"for: {typeof(TValue)}.");

    /// <summary>Reports a column that was not asked for.</summary>
    public static InvalidOperationException Inactive(DataViewSchema.Column column) =>
        new($"The column '{column.Name}' was not asked for when the cursor was opened.");

    private static bool IsFlag(Column column) => column == Columns.Diverged || column.Name.EndsWith("-mask", StringComparison.Ordinal);

    private static Delegate Of<T>(int size, bool isScalar, Func<(Array Values, int Trajectory)> current) => isScalar
        ? (ValueGetter<T>)((ref T value) => value = OfRow<T>(current(), 1)[0])
        : (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) =>
        {
            var row = OfRow<T>(current(), size);
            var editor = VBufferEditor.Create(ref value, row.Length);
            row.CopyTo(editor.Values);
            value = editor.Commit();
        });

    private static ReadOnlySpan<T> OfRow<T>((Array Values, int Trajectory) cycle, int size) =>
        ((T[])cycle.Values).AsSpan(cycle.Trajectory * size, size);
}
