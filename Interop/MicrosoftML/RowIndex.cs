using Microsoft.ML;

namespace DaML.Components;

/// <summary>Which cycle and which trajectory each row is of.</summary>
internal sealed class RowIndex
{
    private readonly int[]? cycles, trajectories;    // null: row by row, one trajectory

    private RowIndex(double[] times, string[] names, int[]? cycles, int[]? trajectories) =>
        (Times, Names, this.cycles, this.trajectories) = (times, names, cycles, trajectories);

    /// <summary>The times of the cycles, rising.</summary>
    public double[] Times { get; }

    /// <summary>The number of trajectories, numbered in the order in which they first come.</summary>
    public int Batch => Names.Length;

    /// <summary>The names of the trajectories; one empty name if rows do not say theirs.</summary>
    public string[] Names { get; }

    /// <summary>Cycle and trajectory of a row.</summary>
    public (int Cycle, int Trajectory) this[int row] => cycles is null ? (row, 0) : (cycles[row], trajectories![row]);

    /// <summary>The number of rows.</summary>
    public int Count => Times.Length * Batch;

    /// <summary>Whether a time is that of a cycle, up to a model's clock: it is nearer to the cycle than to any other.</summary>
    public bool IsAt(int cycle, double time) => Math.Abs(time - Times[cycle]) is var off && !double.IsNaN(off)
        && (cycle == 0 || off < Math.Abs(time - Times[cycle - 1]))
        && (cycle == Times.Length - 1 || off < Math.Abs(time - Times[cycle + 1]));

    /// <summary>Reads times and trajectories of all rows, nothing else.</summary>
    /// <exception cref="InvalidDataException">
    /// There are no rows, times do not rise, or a trajectory has other times than the first.
    /// </exception>
    public static RowIndex Read(IDataView data, RowLayout layout, CancellationToken cancellation)
    {
        if (!layout.Keys.Any() && data.GetRowCount() is > 0 and var known) return new(Counted(checked((int)known)), [""], null, null);
        var (numbers, times) = (new Dictionary<string, int>(), new List<List<double>>());
        var (cycles, trajectories) = (new List<int>(), new List<int>());
        using var rows = data.GetRowCursor(layout.Keys);
        var reader = new RowReader(rows, layout, keysOnly: true);
        while (rows.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            if (!numbers.TryGetValue(reader.Trajectory, out int number))
            {
                numbers.Add(reader.Trajectory, number = numbers.Count);
                times.Add([]);
            }
            var own = times[number];
            double time = reader.Time ?? own.Count + 1;
            if (own.Count > 0 && !(time > own[^1]))
                throw new InvalidDataException($"Row {rows.Position}: the time {time:g9} comes after {own[^1]:g9}" +
                    (layout.Trajectory is null ? "; times must rise. If the rows are of several trajectories, " +
                        $"{nameof(TrajectoryRows.Trajectory)} names the column that says which."
                    : $" of the trajectory '{reader.Trajectory}'; times must rise."));
            cycles.Add(own.Count);
            trajectories.Add(number);
            own.Add(time);
        }
        if (times.Count == 0) throw new InvalidDataException("There are no rows; a view needs at least one.");
        foreach (var (name, number) in numbers)
            if (!times[number].SequenceEqual(times[0]))
                throw new InvalidDataException($"The trajectory '{name}' has {times[number].Count} rows and '{numbers.Keys.First()}' has " +
                    $"{times[0].Count}, or their times differ; all trajectories must have the same times. A row may hold missing values.");
        string[] names = [.. numbers.Keys];
        return names.Length == 1 ? new([.. times[0]], names, null, null) : new([.. times[0]], names, [.. cycles], [.. trajectories]);
    }

    private static double[] Counted(int rows) => [.. Enumerable.Range(1, rows).Select(cycle => (double)cycle)];
}
