namespace DaML.Components;

/// <summary>
/// The memory layout of a batch of fields in the fused network: trajectories side by side in groups of 16 lanes, and for each group
/// [channel][site][lane], with a halo from the circle's other side to the left and right. A vector instruction then handles the same site
/// of several trajectories, whatever the number of sites or channels. Lanes beyond the end of the batch hold zeros.
/// </summary>
/// <param name="Batch">The number of trajectories.</param>
/// <param name="Sites">The number of sites n.</param>
/// <param name="Halo">The number of sites of the other side that are kept to the left and right: half the kernel.</param>
internal readonly record struct BlockedLayout(int Batch, int Sites, int Halo)
{
    /// <summary>The number of trajectories in a group.</summary>
    public const int Lanes = 16;

    /// <summary>The number of groups.</summary>
    public int Groups => (Batch + Lanes - 1) / Lanes;

    /// <summary>The size of a channel with its halo, in numbers.</summary>
    public int Row => (Sites + 2 * Halo) * Lanes;

    /// <summary>The size of a channel without its halo, in numbers.</summary>
    public int InnerRow => Sites * Lanes;

    /// <summary>The number of existing trajectories in a group.</summary>
    public int Filled(int group) => Math.Min(Lanes, Batch - group * Lanes);

    /// <summary>
    /// Copies rows [batch][channels][site] into the inner sites of a group, zero in lanes that do not exist, and closes the circle.
    /// </summary>
    public unsafe void Pack(float* rows, int channels, int group, float* target)
    {
        int filled = Filled(group);
        for (int c = 0; c < channels; c++)
        {
            float* inner = target + c * Row + Halo * Lanes;
            if (filled < Lanes) new Span<float>(inner, InnerRow).Clear();
            for (int lane = 0; lane < filled; lane++)
            {
                float* row = rows + ((long)(group * Lanes + lane) * channels + c) * Sites;
                for (int i = 0; i < Sites; i++) inner[i * Lanes + lane] = row[i];
            }
        }
        Close(target, channels);
    }

    /// <summary>Copies the inner sites of a group back to rows [batch][channels][site].</summary>
    public unsafe void Unpack(float* source, int channels, int group, float* rows)
    {
        int filled = Filled(group);
        for (int c = 0; c < channels; c++)
        {
            float* inner = source + c * Row + Halo * Lanes;
            for (int lane = 0; lane < filled; lane++)
            {
                float* row = rows + ((long)(group * Lanes + lane) * channels + c) * Sites;
                for (int i = 0; i < Sites; i++) row[i] = inner[i * Lanes + lane];
            }
        }
    }

    /// <summary>Fills the halo from the other side of the circle, which may be shorter than the halo.</summary>
    public unsafe void Close(float* field, int channels)
    {
        for (int c = 0; c < channels; c++)
        {
            float* row = field + c * Row;
            for (int h = 0; h < Halo; h++)
            {
                int left = Halo + ((h - Halo) % Sites + Sites) % Sites, right = Halo + h % Sites;
                Site(row, left).CopyTo(Site(row, h));
                Site(row, right).CopyTo(Site(row, Halo + Sites + h));
            }
        }
    }

    private static unsafe Span<float> Site(float* row, int site) => new(row + site * Lanes, Lanes);
}
