namespace DaML.Components;

/// <summary>Converts views to bits: time and columns of every cycle.</summary>
internal static class CursorBits
{
    /// <summary>The bits of a cursor's current cycle, with its columns read in the order of the schema or in reverse.</summary>
    public static byte[] Of(ITrajectoryCursor cursor, TrajectorySchema schema, bool backwards = false)
    {
        var columns = schema.Definitions.Select(definition => definition.Column).ToList();
        var read = new Dictionary<Column, byte[]>();
        foreach (var column in backwards ? Enumerable.Reverse(columns) : columns) read.Add(column, TensorBits.Of(cursor[column]));
        return [.. BitConverter.GetBytes(cursor.Time), .. BitConverter.GetBytes(cursor.Cycle),
            .. columns.SelectMany(column => read[column])];
    }

    /// <summary>The bits of the first cycles of a view.</summary>
    public static List<byte[]> Of(ITrajectoryView view, long cycles, bool backwards = false)
    {
        using var cursor = view.OpenCursor();
        var bits = new List<byte[]>();
        while (bits.Count < cycles && cursor.MoveNext()) bits.Add(Of(cursor, view.Schema, backwards));
        return bits;
    }

    /// <summary>The first cycle in which two readings differ, or -1.</summary>
    public static int FirstDifference(List<byte[]> a, List<byte[]> b)
    {
        for (int i = 0; i < Math.Min(a.Count, b.Count); i++)
            if (!a[i].AsSpan().SequenceEqual(b[i])) return i;
        return a.Count == b.Count ? -1 : Math.Min(a.Count, b.Count);
    }
}
