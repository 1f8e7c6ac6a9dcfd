using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// When a method has lost its truth, cycle by cycle: its truth is lost as soon as the analysis error exceeds <paramref name="Lost"/>, and found
/// again as soon as it is not above <paramref name="Found"/>. Two bounds keep an error that wanders about one of them from counting as many losses.
/// </summary>
/// <param name="Lost">The error from which on a truth is lost, in the state's unit.</param>
/// <param name="Found">The error from which down it is found again; above zero, at most <paramref name="Lost"/>.</param>
public sealed record TruthBounds(double Lost, double Found)
{
    /// <summary>
    /// The bounds that suit a model and a network. Found is the error of optimal interpolation, the analysis of the climatology with one
    /// cycle's observations: what is not better than that knows nothing of the past. Lost is half-way from there to the
    /// climatology's own deviation. Where all is observed, optimal interpolation is about as good as the observations; what is not
    /// observed has the climatology's error in it, so that sparse networks have wider bounds.
    /// </summary>
    /// <param name="network">H, linearised at the climatology's mean, and R. Missing observations are not respected.</param>
    /// <param name="climatology">Mean and covariance of the model's states over a long run.</param>
    /// <exception cref="ArgumentException">Another dimension of the climatology than of the network's states.</exception>
    public static TruthBounds Of(IObservationNetwork network, GaussianInitialCondition climatology)
    {
        if (network.Operator.StateDimension != climatology.Dimension)
            throw new ArgumentException($"The climatology must have the dimension of the network's states, {network.Operator.StateDimension}; given: {climatology.Dimension}.", nameof(climatology));
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var mean = climatology.Mean.to(ScalarType.Float64).unsqueeze(0);
        var covariance = climatology.Covariance.ToMatrix(ScalarType.Float64, mean.device).unsqueeze(0);
        var observed = new Observation(network.Operator.Apply(mean), null, 0);
        var analysed = KalmanUpdate.Apply(mean, covariance, observed, network.Operator, network.Error).Covariance;
        double RootMean(Tensor matrix) => Math.Sqrt(matrix.diagonal(0, -2, -1).mean().ToDouble());
        double interpolated = RootMean(analysed), deviation = RootMean(covariance);
        return new(0.5 * (interpolated + deviation), interpolated);
    }

    /// <summary>These bounds, or the reason why they cannot be.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Found is not above zero, or above Lost.</exception>
    internal TruthBounds Checked()
    {
        Require.Positive(Found, nameof(Found));
        return Lost >= Found ? this
            : throw new ArgumentOutOfRangeException(nameof(Lost), Lost, $"The bound from which on a truth is lost must be at least that below which it is found again, {Found:g6}; given: {Lost:g6}.");
    }
}
