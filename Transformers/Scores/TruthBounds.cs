using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The criterion of a lost truth, cycle by cycle: the truth is lost as soon as the analysis error exceeds <paramref name="Lost"/>, and
/// found again as soon as it is not above <paramref name="Found"/>. Two bounds keep an error that fluctuates about one of them from
/// counting as many losses.
/// </summary>
/// <param name="Lost">The error from which on a truth is lost, in the state's unit.</param>
/// <param name="Found">The error at or below which the truth is found again; above zero, at most <paramref name="Lost"/>.</param>
public sealed record TruthBounds(double Lost, double Found)
{
    /// <summary>
    /// Computes bounds that suit a model and a network. Found is the error of optimal interpolation, the analysis of the climatology with
    /// one cycle's observations: a method that is not better uses nothing of the past. Lost is half-way from there to the climatology's
    /// own deviation. If everything is observed, optimal interpolation is about as good as the observations. Unobserved components have
    /// the climatology's error, so that sparse networks have wider bounds.
    /// </summary>
    /// <param name="network">H, linearised at the climatology's mean, and R. Missing observations are not accounted for.</param>
    /// <param name="mean">The mean of the model's states over a long run, <c>[n]</c>.</param>
    /// <param name="covariance">Their covariance, <c>[n, n]</c>, positive semidefinite.</param>
    /// <exception cref="ArgumentException">The dimension of the mean or covariance differs from that of the network's states.</exception>
    public static TruthBounds Of(IObservationNetwork network, Tensor mean, Tensor covariance)
    {
        long n = network.Operator.StateDimension;
        Require.Shape(mean, "The climatology's mean", n);
        Require.Shape(covariance, "The climatology's covariance", n, n);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Tensor m = mean.to(ScalarType.Float64).unsqueeze(0), p = covariance.to(ScalarType.Float64).unsqueeze(0);
        var observed = new Observation(network.Operator.Apply(m), null, 0);
        var analysed = KalmanUpdate.Apply(m, p, observed, network.Operator, network.Error).Covariance;
        double RootMean(Tensor matrix) => Math.Sqrt(matrix.diagonal(0, -2, -1).mean().ToDouble());
        double interpolated = RootMean(analysed), deviation = RootMean(p);
        return new(0.5 * (interpolated + deviation), interpolated);
    }

    /// <summary>Gives these bounds, or throws with the reason why they are invalid.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Found is not above zero, or above Lost.</exception>
    internal TruthBounds Checked()
    {
        Require.Positive(Found, nameof(Found));
        return Lost >= Found ? this
            : throw new ArgumentOutOfRangeException(nameof(Lost), Lost,
                $"The bound above which the truth is lost must be at least {Found:g6}, the bound below which it is found again; given: " +
                    $"{Lost:g6}.");
    }
}
