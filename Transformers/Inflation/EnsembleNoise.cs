using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Gives ensembles noise of a known covariance (Raanes, Carrassi and Bertino 2015, Mon. Wea. Rev. 143, 3857-3873).</summary>
public static class EnsembleNoise
{
    /// <summary>Gives the ensemble with noise of covariance Q.</summary>
    /// <param name="members"><c>[batch, N, n]</c>, at least two members.</param>
    /// <param name="covariance">Q, of dimension n.</param>
    /// <param name="treatment">The method of adding the noise.</param>
    /// <param name="random">The stream of the draws.</param>
    /// <param name="centred">Whether the mean of the draws is subtracted, so that the ensemble's mean stays in place. The noise of a
    /// model moves the mean; an inflation does not.</param>
    /// <returns><c>[batch, N, n]</c></returns>
    /// <exception cref="ArgumentException">There are fewer than two members, or the covariance has another dimension.</exception>
    public static Tensor Add(Tensor members, IErrorCovariance covariance, NoiseTreatment treatment, RandomStream random, bool centred)
    {
        EnsembleStatistics.Check(members);
        Require.LastDimension(members, covariance.Dimension, "An ensemble that gets noise");
        using var scope = NewDisposeScope();
        if (treatment == NoiseTreatment.Stochastic)
        {
            var drawn = covariance.Sample(members.Sizes()[..^1], random, members.dtype);
            return (members + (centred ? Centred(drawn) : drawn)).MoveToOuterDisposeScope();
        }

        var (_, anomalies) = EnsembleStatistics.Split(members);
        // Members are rows: X = U S V^T. T = I + U ((I + (N - 1) S^-1 V^T Q V S^-1)^(1/2) - I) U^T in the row space of X, so that (T X)^T
        // T X = X^T X + (N - 1) V V^T Q V V^T. A non-finite member remains non-finite, so that the loop sees it.
        var (u, s, vt) = linalg.svd(anomalies.nan_to_num(0, 0, 0), fullMatrices: false);
        var spanned = s > s.amax([-1], keepdim: true) * (anomalies.dtype == ScalarType.Float64 ? 1e-13
            : 1e-6) * Math.Max(members.size(1), members.size(2));
        var inverse = where(spanned, s.reciprocal(), zeros_like(s));
        var v = vt * spanned.to(vt.dtype).unsqueeze(-1);
        var root = covariance.Colour(members.Identity(covariance.Dimension)); // rows L e_i: L^T
        var projected = root.matmul(v.mT);                                                      // L^T V, [batch, n, r]
        var whitened = projected * inverse.unsqueeze(-2);                                                      // L^T V S^-1
        var (values, vectors) = SymmetricEigenproblem.Solve((members.size(1) - 1) * whitened.mT.matmul(whitened));
        // sqrt(1 + x) - 1 = x / (1 + sqrt(1 + x))
        var x = values.clamp_min(0);
        var growth = x / (1 + (1 + x).sqrt());
        var added = u.matmul((vectors * growth.unsqueeze(-2)).matmul(vectors.mT).matmul(s.unsqueeze(-1) * v)); // (T - I) X
        if (treatment == NoiseTreatment.SquareRoot) return (members + added).MoveToOuterDisposeScope();

        var noise = random.Normal([members.size(0), members.size(1), covariance.Dimension], members.dtype);
        if (centred) noise = Centred(noise);
        if (treatment == NoiseTreatment.SquareRootDependent)
        {
            // The white noise Xi with (L-hat Xi) = the noise added in the span, L-hat = V V^T L: the least such noise, and free draws in
            // the null space of L-hat.
            var pseudoInverse = linalg.pinv(projected);                                                        // [batch, r, n]
            var seen = added.matmul(v.mT).matmul(pseudoInverse);                                // rows: L-hat^+ d
            noise = seen + noise - noise.matmul(projected).matmul(pseudoInverse);
        }
        // Z Xi with Z = L - V V^T L: rows xi^T L^T (I - V V^T).
        var coloured = noise.matmul(root);
        var residual = coloured - coloured.matmul(v.mT).matmul(v);
        return (members + added + residual).MoveToOuterDisposeScope();
    }

    private static Tensor Centred(Tensor draws) => draws - draws.mean([1], keepdim: true);
}
