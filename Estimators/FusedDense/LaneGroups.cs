namespace DaML.Components;

/// <summary>
/// The memory layout of a batch of vectors in fused fully connected and recurrent layers: rows of the batch side by side in groups of 32
/// lanes, and for each group [component][lane]. Lanes beyond the end of the batch hold zeros at first.
/// </summary>
/// <param name="Batch">The number of rows.</param>
internal readonly record struct LaneGroups(int Batch)
{
    /// <summary>The number of rows in a group.</summary>
    public const int Lanes = DenseKernel.Columns;

    /// <summary>The number of groups.</summary>
    public int Groups => (Batch + Lanes - 1) / Lanes;

    /// <summary>The number of existing rows in a group.</summary>
    public int Filled(int group) => Math.Min(Lanes, Batch - group * Lanes);

    /// <summary>The size of a row that a product can read as a right factor.</summary>
    public static int Padded(int columns) => (columns + Lanes - 1) / Lanes * Lanes;

    /// <summary>Copies a group's rows into its lanes, zero in lanes that do not exist.</summary>
    /// <param name="rows">The first row of the batch.</param>
    /// <param name="row">The distance from one row to the next, in numbers.</param>
    /// <param name="columns">The number of components.</param>
    /// <param name="group">The group.</param>
    /// <param name="target">[columns][lane]</param>
    public unsafe void Pack(float* rows, int row, int columns, int group, float* target)
    {
        int filled = Filled(group);
        if (filled < Lanes) new Span<float>(target, columns * Lanes).Clear();
        rows += (long)group * Lanes * row;
        // four by four, so that a line of the cache is read and written more than once while it is there
        int i = 0;
        for (; i <= columns - 4; i += 4)
            for (int lane = 0; lane < filled; lane++)
            {
                float* from = rows + (long)lane * row + i, to = target + i * Lanes + lane;
                (to[0], to[Lanes], to[2 * Lanes], to[3 * Lanes]) = (from[0], from[1], from[2], from[3]);
            }
        for (; i < columns; i++)
            for (int lane = 0; lane < filled; lane++) target[i * Lanes + lane] = rows[(long)lane * row + i];
    }

    /// <summary>Copies a group's lanes, those included that do not exist, to rows that a product can read as a right factor.</summary>
    /// <param name="source">[columns][lane]</param>
    /// <param name="columns">The number of components.</param>
    /// <param name="rows">[lane][padded columns]</param>
    public static unsafe void Transpose(float* source, int columns, float* rows) =>
        new LaneGroups(Lanes).Unpack(source, columns, 0, rows, Padded(columns));

    /// <summary>Copies a group's lanes back to rows of the batch.</summary>
    /// <param name="source">[columns][lane]</param>
    /// <param name="columns">The number of components.</param>
    /// <param name="group">The group.</param>
    /// <param name="rows">The first row of the batch.</param>
    /// <param name="row">The distance from one row to the next, in numbers.</param>
    public unsafe void Unpack(float* source, int columns, int group, float* rows, int row)
    {
        int filled = Filled(group);
        rows += (long)group * Lanes * row;
        int i = 0;
        for (; i <= columns - 4; i += 4)
            for (int lane = 0; lane < filled; lane++)
            {
                float* from = source + i * Lanes + lane, to = rows + (long)lane * row + i;
                (to[0], to[1], to[2], to[3]) = (from[0], from[Lanes], from[2 * Lanes], from[3 * Lanes]);
            }
        for (; i < columns; i++)
            for (int lane = 0; lane < filled; lane++) rows[(long)lane * row + i] = source[i * Lanes + lane];
    }
}
