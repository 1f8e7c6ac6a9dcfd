using System.Numerics;

namespace DaML.Components;

/// <summary>
/// Makes one row of each observation for <see cref="LocalAnalysis{T}"/>: the whitened anomalies of all members, then the innovation, then
/// zeros up to whole vectors.
/// </summary>
/// <param name="members">N</param>
/// <param name="values">y, <c>[p]</c></param>
/// <param name="mask">Which observations exist, <c>[p]</c>; null if all do.</param>
/// <param name="deviations">1 / sigma of each observation, or one for all.</param>
internal sealed unsafe class Whitening<T>(int members, T* values, byte* mask, double[] deviations)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The length of a row.</summary>
    public int Width { get; } = Vectors.Padded<T>(members + 1);

    /// <summary>Makes the row of an observation.</summary>
    /// <param name="observation">Its number.</param>
    /// <param name="observed">The first member's value of H.</param>
    /// <param name="stride">The distance from one member to the next.</param>
    /// <param name="row">Receives the row.</param>
    public void Row(int observation, T* observed, long stride, T* row)
    {
        // Where an observation is missing, H(x) may be anything, and zero times infinity is not zero.
        if (mask is not null && mask[observation] == 0)
        {
            new Span<T>(row, Width).Clear();
            return;
        }
        T sum = T.Zero, weight = T.CreateTruncating(deviations[deviations.Length == 1 ? 0 : observation]);
        for (int i = 0; i < members; i++) sum += row[i] = observed[i * stride];
        T mean = sum / T.CreateTruncating(members);
        for (int i = 0; i < members; i++) row[i] = (row[i] - mean) * weight;
        row[members] = (values[observation] - mean) * weight;
        for (int i = members + 1; i < Width; i++) row[i] = T.Zero;
    }
}
