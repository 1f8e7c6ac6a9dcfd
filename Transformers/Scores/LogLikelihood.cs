using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The log-likelihood of the observations in its innovation form (Schweppe 1965, IEEE Trans. Inf. Theory 11, 61-70): the sum over cycles of
/// <code>ln p(y_t | y_1, ..., y_(t-1)) = -1/2 (p ln 2 pi + ln det S + d^T S^-1 d),   d = y - H(x_b),   S = H B H^T + R</code>
/// with the method's forecast density, x_b its mean and B its covariance, and p the observations that exist. It needs no truth. It is exact for the Kalman
/// filter of a linear-Gaussian system, so that Q, R and a model's parameters can be fitted by it; of an ensemble B is the sample
/// covariance. Larger is better. The report's mean is that of one cycle; <see cref="Summarise"/> gives the sum.
/// </summary>
/// <remarks>
/// A cycle in which nothing is observed has the log-likelihood zero. For a diffuse start the first terms tell of the start only: leave them out by
/// <see cref="ScoreOptions.BurnIn"/> (Durbin and Koopman 2012, section 7.2).
/// </remarks>
public sealed class LogLikelihood : IScore<IReadOnlyList<double>>
{
    private readonly IObservationNetwork network;

    /// <summary>Makes a score.</summary>
    /// <param name="network">H, linearised at the forecast, and R. Where the view says what observed a cycle, that counts.</param>
    public LogLikelihood(IObservationNetwork network) => this.network = network;

    /// <inheritdoc/>
    public string Name => "log-likelihood";

    /// <inheritdoc/>
    public IReadOnlyList<Column> Requires { get; } = [Columns.Observation];

    /// <inheritdoc/>
    public bool NeedsDensities => true;

    /// <inheritdoc/>
    public Tensor Of(ScoredCycle cycle)
    {
        var observation = cycle.Observation.OfOneError(Name);
        var density = cycle.Density(ScoredState.Forecast);
        var (h, r) = observation.Network is { } own ? (own.Operator, own.Error) : (network.Operator, network.Error);
        // Whitened by R^(-1/2), so that what is missing drops out: S = L (I + A) L^T, and det S = det R det (I + A).
        var (distance, logDeterminant) = density is EnsembleDensity ensemble ? OfEnsemble(ensemble.Members, observation, h, r) : OfGaussian(density, observation, h, r);
        var (count, ofErrors) = Errors(observation, r, distance);
        return -0.5 * (count * Math.Log(2 * Math.PI) + ofErrors + logDeterminant + distance);
    }

    /// <summary>The log-likelihood of all cycles after the burn-in, of each trajectory.</summary>
    public IReadOnlyList<double> Summarise(ScoreFigures figures) => figures.Sums(0);

    // With w = L^-1 d and Z = L^-1 H B^(1/2)...: w^T (I + A)^-1 w and ln det (I + A), A = L^-1 H B H^T L^-T, [batch].
    private static (Tensor Distance, Tensor LogDeterminant) OfGaussian(IDensity density, Observation observation, IObservationOperator h, IErrorCovariance r)
    {
        var mean = density.Mean;
        long batch = mean.size(0), n = mean.size(1), p = h.ObservationDimension;
        var rows = mean.unsqueeze(1);
        var cross = h.TangentLinear(rows.expand(batch, n, n), density.Covariance);
        var half = h.TangentLinear(rows.expand(batch, p, n), r.Whiten(cross, observation.Mask).transpose(-2, -1).contiguous());
        var white = r.Whiten(half, observation.Mask) + eye(p, dtype: mean.dtype, device: mean.device);
        return Solved(linalg.cholesky(KalmanUpdate.Symmetric(white)), r.Whiten(observation.Values - h.Apply(mean), observation.Mask));
    }

    // The same by a matrix of the members' or of the observations' number, whichever are fewer: det (I + Y^T Y / (N - 1)) = det (I + Y Y^T / (N - 1)).
    private static (Tensor Distance, Tensor LogDeterminant) OfEnsemble(Tensor members, Observation observation, IObservationOperator h, IErrorCovariance r)
    {
        var (_, _, y, w) = ObservedEnsemble.Of(members, observation, h, r);
        y = y / Math.Sqrt(y.size(1) - 1);
        if (y.size(2) < y.size(1)) return Solved(linalg.cholesky(y.transpose(-2, -1).matmul(y) + eye(y.size(2), dtype: y.dtype, device: y.device)), w);
        var factor = linalg.cholesky(y.matmul(y.transpose(-2, -1)) + eye(y.size(1), dtype: y.dtype, device: y.device));
        var (explained, logDeterminant) = Solved(factor, y.matmul(w.unsqueeze(-1)).squeeze(-1));
        return (w.square().sum(1L) - explained, logDeterminant);
    }

    // |C^-1 v|^2 and 2 ln det C
    private static (Tensor Distance, Tensor LogDeterminant) Solved(Tensor factor, Tensor vector) =>
        (linalg.solve_triangular(factor, vector.unsqueeze(-1), upper: false).square().sum([1, 2]), 2 * factor.diagonal(0, -2, -1).log().sum(-1L));

    // How many observations exist and ln det R of those, [batch].
    private static (Tensor Count, Tensor LogDeterminant) Errors(Observation observation, IErrorCovariance r, Tensor like)
    {
        long batch = like.size(0), p = r.Dimension;
        if (observation.Mask is not { } mask) return (full_like(like, (double)p), full_like(like, r.LogDeterminant));
        // Row i of the whitened identity is L^-1 e_i, zero for what is missing, so the rows' products are (M R M^T)^-1.
        var rows = r.Whiten(eye(p, dtype: like.dtype, device: like.device).expand(batch, p, p).contiguous(), mask);
        var precision = rows.matmul(rows.transpose(-2, -1)) + mask.logical_not().to(like.dtype).diag_embed();
        return (mask.sum([1], type: like.dtype), -2 * linalg.cholesky(precision).diagonal(0, -2, -1).log().sum(-1L));
    }
}
