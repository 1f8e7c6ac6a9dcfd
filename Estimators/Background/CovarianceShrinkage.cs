using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Shrinkage of a sample covariance to its diagonal: correlations times 1 - w, with unchanged variances. It removes part of the spurious
/// correlations of few samples, and makes a singular matrix positive definite.
/// </summary>
public sealed record CovarianceShrinkage
{
    private readonly double? weight;

    private CovarianceShrinkage(double? weight) => this.weight = weight;

    /// <summary>The unchanged sample covariance, w = 0.</summary>
    public static CovarianceShrinkage None { get; } = new(0);

    /// <summary>
    /// The w of the smallest expected square error, as estimated from the samples themselves (Ledoit and Wolf 2003, J. Empir. Finance 10,
    /// 603-621; for correlations Schaefer and Strimmer 2005, Stat. Appl. Genet. Mol. Biol. 4, 32). It assumes that samples are
    /// independent; for successive days it is too small.
    /// </summary>
    public static CovarianceShrinkage Estimated { get; } = new(weight: null);

    /// <summary>A given weight.</summary>
    /// <param name="weight">w, from 0 to 1; 1 keeps only the variances.</param>
    /// <exception cref="ArgumentOutOfRangeException">The weight is outside this range.</exception>
    public static CovarianceShrinkage Of(double weight) => weight is >= 0 and <= 1 ? new(weight)
        : throw new ArgumentOutOfRangeException(nameof(weight), weight, $"The weight of the diagonal must lie between 0 and 1; given: " +
            $"{weight}.");

    /// <summary>Computes the resulting covariance.</summary>
    /// <param name="moments">The sums over the samples.</param>
    internal Tensor Apply(SampleMoments moments)
    {
        using var scope = NewDisposeScope();
        var covariance = moments.Covariance();
        var diagonal = covariance.diagonal().diag();
        double w = weight ?? Best(moments, covariance);
        return (w * diagonal + (1 - w) * covariance).MoveToOuterDisposeScope();
    }

    // The sum of the correlations' variances divided by that of their squares, off the diagonal.
    private static double Best(SampleMoments moments, Tensor covariance)
    {
        double count = moments.Count;
        var variances = covariance.diagonal();
        var scale = where(variances > 0, variances.sqrt().reciprocal(), zeros_like(variances));
        var correlations = scale.unsqueeze(-1) * covariance * scale;
        // of products of two standardised components
        var squares = scale.square().unsqueeze(-1) * moments.Squares * scale.square();
        var mean = moments.Products / count * scale.unsqueeze(-1) * scale;
        var uncertain = (squares - count * mean.square()) / (count * (count - 1));
        double off(Tensor matrix) => (matrix.sum() - matrix.diagonal().sum()).ToDouble();
        double signal = off(correlations.square());
        return signal > 0 ? Math.Clamp(off(uncertain) / signal, 0, 1) : 1;
    }
}
