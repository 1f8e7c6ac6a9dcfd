using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The log-likelihood of the observations in its innovation form (Schweppe 1965, IEEE Trans. Inf. Theory 11, 61-70): the sum over cycles of
/// <code>ln p(y_t | y_1, ..., y_(t-1)) = -1/2 (p ln 2 pi + ln det S + d^T S^-1 d),   d = y - H(x_b),   S = H B H^T + R</code>
/// with the method's forecast density, x_b its mean and B its covariance, and p the observations that exist. It needs no truth. It is
/// exact for the Kalman filter of a linear-Gaussian system, so that Q, R and a model's parameters can be fitted by it. For an ensemble B
/// is the sample covariance. Larger is better. The report's mean is that of one cycle; <see cref="Summarise"/> gives the sum.
/// </summary>
/// <remarks>
/// If nothing is observed in a cycle, its log-likelihood is zero. For a diffuse start the first terms depend on the start only: leave
/// them out by <see cref="ScoreOptions.BurnIn"/> (Durbin and Koopman 2012, section 7.2).
/// </remarks>
public sealed class LogLikelihood : Score, IScore<IReadOnlyList<double>>
{
    private readonly IObservationNetwork network;

    /// <summary>Makes a score.</summary>
    /// <param name="network">H, linearised at the forecast, and R. If the view names the network of a cycle, that one counts.</param>
    /// <exception cref="ArgumentException">R is singular.</exception>
    public LogLikelihood(IObservationNetwork network) : base("log-likelihood", Columns.Observation)
    {
        CostConsistency.Check(network, null);
        this.network = network;
    }

    /// <inheritdoc/>
    public override bool NeedsDensities => true;

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle)
    {
        var observation = cycle.Observation.OfOneError(Name);
        var network = observation.Network ?? this.network;
        // Whitened by R^(-1/2), so that missing observations drop out: S = L (I + Y^T Y) L^T, and det S = det R det (I + Y^T Y).
        var density = cycle.Density(ScoredState.Forecast);
        var (observed, innovation) = PredictedInnovations.Whitened(density, observation, network);
        var (distance, logDeterminant) = PredictedInnovations.Of(observed, innovation);
        PredictedInnovations.Finite(distance + logDeterminant, Name, cycle, PredictedInnovations.States(density), observation, network);
        var (count, ofErrors) = Errors(observation, network.Error, distance);
        return -0.5 * (count * Math.Log(2 * Math.PI) + ofErrors + logDeterminant + distance);
    }

    /// <summary>The log-likelihood of all cycles after the burn-in, for each trajectory.</summary>
    public IReadOnlyList<double> Summarise(ScoreFigures figures) => figures.Sums(0);

    // The number of observations that exist and ln det R of those, [batch].
    private static (Tensor Count, Tensor LogDeterminant) Errors(Observation observation, IErrorCovariance r, Tensor like)
    {
        long batch = like.size(0), p = r.Dimension;
        if (observation.Mask is not { } mask) return (full_like(like, (double)p), full_like(like, r.LogDeterminant));
        // Row i of the whitened identity is L^-1 e_i, zero for a missing observation, so the rows' products are (M R M^T)^-1.
        var rows = r.Whiten(like.Identity(p).expand(batch, p, p).contiguous(), mask);
        var precision = rows.matmul(rows.mT) + mask.logical_not().to(like.dtype).diag_embed();
        return (mask.sum([1], type: like.dtype), -2 * linalg.cholesky(precision).diagonal(0, -2, -1).log().sum(-1L));
    }
}
