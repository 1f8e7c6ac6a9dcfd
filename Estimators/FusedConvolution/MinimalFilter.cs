namespace DaML.Components;

/// <summary>
/// A convolution of five taps with two fifths of the multiplications (Winograd's minimal filtering; Lavin and Gray 2016, CVPR). Four
/// neighbouring results of eight inputs d and five weights g are
/// <code>
/// y = A^T ((G g) * (B^T d)),   * number by number,
/// </code>
/// the product of two polynomials by their values at 0, 1, -1, 2, -2, 1/2, -1/2 and infinity. Sums over channels are taken between the
/// transforms, so these cost little. In single precision the result is three times as far from the exact one as the direct sum's, at some
/// 5e-7 of its size.
/// </summary>
internal static unsafe class MinimalFilter
{
    /// <summary>The number of taps.</summary>
    public const int Taps = 5;

    /// <summary>The number of results that are computed together.</summary>
    public const int Results = 4;

    /// <summary>The number of multiplications for them.</summary>
    public const int Points = 8;

    /// <summary>The number of neighbouring groups of results in a block, whose transforms stay in the cache.</summary>
    public const int Block = 5;

    /// <summary>Whether it serves a convolution.</summary>
    public static bool Serves(int taps, int sites) => taps == Taps && sites >= Results;

    /// <summary>The size of transformed weights, in numbers.</summary>
    public static int Size(int outputs, int inputs) => Points * outputs * inputs;

    /// <summary>The memory that a convolution needs, in numbers.</summary>
    public static int Scratch(int outputs, int inputs) => Points * Block * (outputs + inputs) * BlockedLayout.Lanes;

    /// <summary>G g of each pair of channels: [outputs][inputs][5] to [point][outputs][inputs].</summary>
    public static void Transform(float* weight, int outputs, int inputs, float* to)
    {
        int size = outputs * inputs;
        for (int pair = 0; pair < size; pair++, weight += Taps)
        {
            double g0 = weight[0], g1 = weight[1], g2 = weight[2], g3 = weight[3], g4 = weight[4];
            void Put(int point, double factor, double even, double odd)
            {
                to[point * size + pair] = (float)(factor * (even + odd));
                to[(point + 1) * size + pair] = (float)(factor * (even - odd));
            }
            to[pair] = weight[0];
            Put(1, -2.0 / 9, g0 + g2 + g4, g1 + g3);
            Put(3, 1.0 / 90, g0 + 4 * g2 + 16 * g4, 2 * g1 + 8 * g3);
            Put(5, 32.0 / 45, g0 + g2 / 4 + g4 / 16, g1 / 2 + g3 / 8);
            to[7 * size + pair] = weight[4];
        }
    }
}
