using System.Globalization;
using System.Numerics;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace DaML.Components;

/// <summary>Reads the row that a cursor is on: its time, its trajectory, and the numbers of the view's columns.</summary>
internal sealed class RowReader
{
    private readonly TrajectoryRows rows;
    private readonly DataViewRow row;
    private readonly Func<double>? time;
    private readonly Func<string>? trajectory;
    private readonly (Action<Memory<double>> Read, int Size)[] columns;

    /// <summary>Opens the columns that a layout names.</summary>
    /// <param name="row">The row or cursor; the columns must be active.</param>
    /// <param name="layout">The columns.</param>
    /// <param name="keysOnly">Whether only time and trajectory are read.</param>
    public RowReader(DataViewRow row, RowLayout layout, bool keysOnly = false)
    {
        (this.row, rows) = (row, layout.Rows);
        time = layout.Time is { } timeColumn ? Number(row, timeColumn) : null;
        trajectory = layout.Trajectory is { } key ? Text(row, key) : null;
        columns = keysOnly ? [] : [.. rows.Columns.Select(column => Opened(row, [.. layout.Sources(column)]))];
    }

    /// <summary>The row's time; null if cycles are counted.</summary>
    /// <exception cref="InvalidDataException">It is not finite.</exception>
    public double? Time => time?.Invoke() is not { } value ? null : double.IsFinite(value) ? value
        : throw new InvalidDataException($"Row {row.Position}, column '{rows.Time}': the time is {value}; every row needs a finite one.");

    /// <summary>The name of the row's trajectory; empty if there is one.</summary>
    public string Trajectory => trajectory?.Invoke() ?? "";

    /// <summary>The number of values of a column.</summary>
    public int Size(int column) => columns[column].Size;

    /// <summary>Reads a column.</summary>
    /// <param name="column">The column's number in <see cref="TrajectoryRows.Columns"/>.</param>
    /// <param name="values">Receives the values; zero where one is missing.</param>
    /// <param name="present">Receives false where a value is missing.</param>
    /// <exception cref="InvalidDataException">A value is infinite, or missing and missing values are refused.</exception>
    public void Read(int column, Memory<double> values, Span<bool> present)
    {
        columns[column].Read(values);
        var numbers = values.Span;
        for (int i = 0; i < numbers.Length; i++)
        {
            present[i] = !double.IsNaN(numbers[i]);
            if (double.IsInfinity(numbers[i])) throw Refuse(column, i, $"{numbers[i]} is not a value; a missing one is NaN");
            if (present[i]) continue;
            if (rows.Missing == MissingValues.Refuse)
                throw Refuse(column, i, $"the value is missing (NaN); set {nameof(TrajectoryRows.Missing)} to " +
                    $"{nameof(MissingValues)}.{nameof(MissingValues.Mask)} to take it as missing");
            numbers[i] = 0;
        }
    }

    private InvalidDataException Refuse(int column, int value, string why)
    {
        var names = rows.Columns[column].Names;
        string at = names.Count == 1 ? $"'{names[0]}'{(Size(column) == 1 ? "" : $", value {value}")}" : $"'{names[value]}'";
        return new InvalidDataException($"Row {row.Position}{(time is null ? "" : $" (time {Time:g9})")}, column {at}: {why}.");
    }

    private static (Action<Memory<double>>, int) Opened(DataViewRow row, DataViewSchema.Column[] sources)
    {
        if (sources is [{ Type: VectorDataViewType vector } only]) return (Vector(row, only, vector.ItemType.RawType), vector.Size);
        Func<double>[] numbers = [.. sources.Select(source => Number(row, source))];
        return (values =>
        {
            for (int i = 0; i < numbers.Length; i++) values.Span[i] = numbers[i]();
        }, numbers.Length);
    }

    private static Func<double> Number(DataViewRow row, DataViewSchema.Column column) => column.Type.RawType switch
    {
        var type when type == typeof(float) => Of<float>(row, column),
        var type when type == typeof(double) => Of<double>(row, column),
        var type when type == typeof(sbyte) => Of<sbyte>(row, column),
        var type when type == typeof(byte) => Of<byte>(row, column),
        var type when type == typeof(short) => Of<short>(row, column),
        var type when type == typeof(ushort) => Of<ushort>(row, column),
        var type when type == typeof(int) => Of<int>(row, column),
        var type when type == typeof(uint) => Of<uint>(row, column),
        var type when type == typeof(long) => Of<long>(row, column),
        var type when type == typeof(ulong) => Of<ulong>(row, column),
        var type when type == typeof(DateTime) => Value<DateTime, double>(row, column, date => (date - DateTime.UnixEpoch).TotalDays),
        _ => Value<DateTimeOffset, double>(row, column, date => (date.UtcDateTime - DateTime.UnixEpoch).TotalDays),
    };

    private static Func<string> Text(DataViewRow row, DataViewSchema.Column column) => column.Type.RawType == typeof(ReadOnlyMemory<char>)
        ? Value<ReadOnlyMemory<char>, string>(row, column, text => text.ToString())
        : Number(row, column) is var number && column.Type is KeyDataViewType
            ? () => number() is var key and > 0 ? Name(key)
                : throw new InvalidDataException($"Row {row.Position}, column '{column.Name}': the key is missing; every row needs one.")
            : () => Name(number());

    private static string Name(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static Func<double> Of<T>(DataViewRow row, DataViewSchema.Column column) where T : INumber<T> =>
        Value<T, double>(row, column, double.CreateChecked);

    private static Func<TResult> Value<T, TResult>(DataViewRow row, DataViewSchema.Column column, Func<T, TResult> convert)
    {
        var getter = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            getter(ref value);
            return convert(value);
        };
    }

    private static Action<Memory<double>> Vector(DataViewRow row, DataViewSchema.Column column, Type item) => item switch
    {
        _ when item == typeof(float) => Vector<float>(row, column),
        _ when item == typeof(double) => Vector<double>(row, column),
        _ when item == typeof(sbyte) => Vector<sbyte>(row, column),
        _ when item == typeof(byte) => Vector<byte>(row, column),
        _ when item == typeof(short) => Vector<short>(row, column),
        _ when item == typeof(ushort) => Vector<ushort>(row, column),
        _ when item == typeof(int) => Vector<int>(row, column),
        _ when item == typeof(uint) => Vector<uint>(row, column),
        _ when item == typeof(long) => Vector<long>(row, column),
        _ => Vector<ulong>(row, column),
    };

    private static Action<Memory<double>> Vector<T>(DataViewRow row, DataViewSchema.Column column) where T : INumber<T>
    {
        var getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> value = default;
        return values =>
        {
            getter(ref value);
            if (value.Length != values.Length)
                throw new InvalidDataException(
                    $"Row {row.Position}, column '{column.Name}': {value.Length} values are given and {values.Length} are needed. A " +
                        "column of a class has the length of its VectorType attribute; NaN is a missing value.");
            values.Span.Clear();    // a sparse vector says only what is not zero
            foreach (var (i, number) in value.Items()) values.Span[i] = double.CreateChecked(number);
        };
    }
}
