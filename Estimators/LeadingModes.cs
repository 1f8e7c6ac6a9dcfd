using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>The leading eigenpairs of the covariance of a field's weighted anomalies Y = (X - m) A^1/2: Y^T Y / samples = V diag(s) V^T.</summary>
/// <param name="Mean">m, <c>[n]</c>.</param>
/// <param name="Area">The diagonal a of A, <c>[n]</c>.</param>
/// <param name="Vectors">V, orthonormal, leading first, <c>[n, r]</c>.</param>
/// <param name="Variances">s, <c>[r]</c>.</param>
/// <param name="Truncation">The mean square of what V leaves of X - m at each point, <c>[n]</c>.</param>
internal sealed record LeadingModes(Tensor Mean, Tensor Area, Tensor Vectors, Tensor Variances, Tensor Truncation)
{
    // A field that varies by less than this fraction of its mean is constant but for rounding.
    private const double RoundOff = 1e-14;

    /// <summary>How many modes a selection keeps.</summary>
    /// <param name="selection">The selection.</param>
    /// <param name="variances">Variances, falling, of the modes that are known.</param>
    /// <param name="total">The variance of the field, which more modes than those may hold.</param>
    /// <param name="rank">How many of the modes vary by more than rounding.</param>
    /// <returns>The count, or null where the known modes do not hold the fraction asked for.</returns>
    public static int? Count(ModeSelection selection, double[] variances, double total, int rank)
    {
        if (selection is ModeSelection.Count(var count)) return count;
        double wanted = ((ModeSelection.Variance)selection).Fraction * total * (1 - 1e-12), held = 0;   // 1 within rounding of the sum
        for (int k = 0; k < rank; k++)
            if ((held += variances[k]) >= wanted) return k + 1;
        return rank < variances.Length ? rank : null;
    }

    /// <summary>Refuses a field that does not vary.</summary>
    /// <param name="total">Its variance, weighted and summed.</param>
    /// <param name="mean">m, <c>[n]</c>.</param>
    /// <param name="area">a, <c>[n]</c>.</param>
    /// <param name="step">How to call the estimator.</param>
    /// <param name="field">The column.</param>
    public static void RequireVariance(double total, Tensor mean, Tensor area, string step, Column field)
    {
        using var scope = NewDisposeScope();
        if (!(total > RoundOff * RoundOff * (mean.square() * area).sum().ToDouble()))
            throw new ArgumentException($"{step}: the column '{field}' does not vary in the training data.");
    }

    /// <summary>Refuses a number of modes that the data do not have.</summary>
    /// <param name="count">The number asked for.</param>
    /// <param name="rank">How many there are.</param>
    /// <param name="step">How to call the estimator.</param>
    public static int RequireRank(int count, int rank, string step) => count <= rank ? count
        : throw new ArgumentException($"{step}: {count} modes were asked for, and the training data vary in {rank} directions only; what " +
            "more modes would hold is rounding.");
}
