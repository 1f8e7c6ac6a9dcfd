using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The leading eigenpairs of the covariance of a field's weighted anomalies Y = (X - m) A^1/2: Y^T Y / samples = V diag(s) V^T.
/// </summary>
/// <param name="Mean">m, <c>[n]</c>.</param>
/// <param name="Area">The diagonal a of A, <c>[n]</c>.</param>
/// <param name="Vectors">V, orthonormal, leading first, <c>[n, r]</c>.</param>
/// <param name="Variances">s, <c>[r]</c>.</param>
/// <param name="Truncation">The mean square of the remainder of X - m without V at each point, <c>[n]</c>.</param>
internal sealed record LeadingModes(Tensor Mean, Tensor Area, Tensor Vectors, Tensor Variances, Tensor Truncation)
{
    /// <summary>The relative rounding of a double.</summary>
    public const double Epsilon = 2.220446049250313e-16;

    /// <summary>Computes the number of modes that a selection keeps.</summary>
    /// <param name="selection">The selection.</param>
    /// <param name="variances">The variances of the known modes, in falling order.</param>
    /// <param name="total">The variance of the field, which may exceed that of the known modes.</param>
    /// <param name="rank">The number of modes that vary by more than rounding.</param>
    /// <returns>The count, or null if the known modes do not hold the requested fraction.</returns>
    public static int? Count(ModeSelection selection, double[] variances, double total, int rank)
    {
        if (selection is ModeSelection.Count(var count)) return count;
        double wanted = ((ModeSelection.Variance)selection).Fraction * total * (1 - 1e-12), held = 0;   // 1 within rounding of the sum
        for (int k = 0; k < rank; k++)
            if ((held += variances[k]) >= wanted) return k + 1;
        return rank < variances.Length ? rank : null;
    }

    /// <summary>The weighted and summed variance that the rounding of a field of this mean may have; a smaller variance counts as
    /// zero.</summary>
    /// <param name="mean">m, <c>[n]</c>.</param>
    /// <param name="area">a, <c>[n]</c>.</param>
    public static double RoundOff(Tensor mean, Tensor area)
    {
        using var scope = NewDisposeScope();
        return Epsilon * Epsilon * (mean.square() * area).sum().ToDouble();
    }

    /// <summary>Refuses a field that does not vary.</summary>
    /// <param name="total">The field's variance, weighted and summed.</param>
    /// <param name="roundOff">The variance of its rounding.</param>
    /// <param name="step">The estimator's name.</param>
    /// <param name="field">The column.</param>
    public static void RequireVariance(double total, double roundOff, string step, Column field)
    {
        if (!(total > roundOff)) throw new ArgumentException($"{step}: the column '{field}' does not vary in the training data.");
    }

    /// <summary>Makes the exception for more modes than the shape of the data allows.</summary>
    /// <param name="count">The requested number.</param>
    /// <param name="most">The smaller of samples and grid points.</param>
    /// <param name="step">The estimator's name.</param>
    public static ArgumentException TooMany(int count, long most, string step) => new($"{step}: {count} modes were asked for, and the " +
        $"training data have at most {most} (the smaller of samples and grid points).");

    /// <summary>Refuses a number of modes that the data do not have.</summary>
    /// <param name="count">The requested number.</param>
    /// <param name="rank">The number of modes that there are.</param>
    /// <param name="step">The estimator's name.</param>
    public static int RequireRank(int count, int rank, string step) => count <= rank ? count
        : throw new ArgumentException(
            $"{step}: {count} modes were asked for, and the training data vary in {rank} directions only; further modes would hold " +
                $"rounding errors only.");
}
