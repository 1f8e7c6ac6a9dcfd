using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Compares an innovation d with its predicted covariance, S = H P H^T + R = L (I + Y^T Y) L^T, with P = W^T W, R = L L^T and the rows Y
/// = W H^T L^-T. A QR factorisation of I above Y (or Y^T) replaces S and its Cholesky factor, which loses R if P is 1e16 times as large.
/// </summary>
internal static class PredictedInnovations
{
    /// <summary>Computes d^T S^-1 d and ln det (I + Y^T Y), <c>[batch]</c> each; missing observations drop out.</summary>
    /// <param name="observed">Y, whitened, <c>[batch, rows, p]</c>.</param>
    /// <param name="innovation">L^-1 d, <c>[batch, p]</c>.</param>
    public static (Tensor Distance, Tensor LogDeterminant) Of(Tensor observed, Tensor innovation)
    {
        using var scope = NewDisposeScope();
        long batch = observed.size(0), rows = observed.size(1), p = observed.size(2), size = Math.Min(rows, p);
        var identity = observed.Identity(size).expand(batch, size, size);
        Tensor distance, triangle;
        if (p <= rows)
        {
            // T^T T = I + Y^T Y, so that the distance is |T^-T L^-1 d|^2.
            (_, triangle) = linalg.qr(cat([identity, observed], 1), linalg.QRMode.R);
            distance = linalg.solve_triangular(triangle.mT, innovation.unsqueeze(-1), upper: false).square().sum([1, 2]);
        }
        else
        {
            // The distance is the minimum of |L^-1 d - Y^T b|^2 + |b|^2, with a matrix whose size is the number of rows.
            (var q, triangle) = linalg.qr(cat([identity, observed.mT], 1));
            var given = cat([innovation.new_zeros(batch, rows), innovation], 1).unsqueeze(-1);
            distance = (given - q.matmul(q.mT.matmul(given))).square().sum([1, 2]);
        }
        return scope.MoveToOuter(distance, 2 * triangle.diagonal(0, -2, -1).abs().log().sum(-1L));
    }

    /// <summary>
    /// Computes Y and L^-1 d of a forecast density; an ensemble is observed member by member, otherwise H is linearised at the mean.
    /// </summary>
    /// <param name="forecast">The density before the observation is used.</param>
    /// <param name="observation">The observation.</param>
    /// <param name="network">H and R.</param>
    public static (Tensor Observed, Tensor Innovation) Whitened(IDensity forecast, Observation observation, IObservationNetwork network)
    {
        using var scope = NewDisposeScope();
        if (forecast is not EnsembleDensity ensemble)
        {
            var (observed, innovation) = Whitened(forecast.Mean, DensityRoot.Of(forecast), observation, network);
            return scope.MoveToOuter(observed, innovation);
        }
        var (_, _, y, w) = ObservedEnsemble.Of(ensemble.Members, Like(observation, ensemble.Members), network.Operator, network.Error);
        return scope.MoveToOuter(y / Math.Sqrt(y.size(1) - 1), w);
    }

    /// <summary>Computes Y and L^-1 d of a state with a covariance.</summary>
    /// <param name="state">x_b, the point of linearisation of H, <c>[batch, n]</c>.</param>
    /// <param name="root">W, <c>[batch, rows, n]</c>.</param>
    /// <param name="observation">The observation.</param>
    /// <param name="network">H and R.</param>
    public static (Tensor Observed, Tensor Innovation) Whitened(Tensor state, Tensor root, Observation observation,
        IObservationNetwork network) =>
        (KalmanUpdate.Observed(state, root, observation.Mask, network.Operator, network.Error),
            network.Error.Whiten(Like(observation, state).Values - network.Operator.Apply(state), observation.Mask));

    /// <summary>Checks that the figures are numbers: one that is not would be left out of averages and sums, and would look
    /// good.</summary>
    /// <param name="figures"><c>[batch]</c></param>
    /// <param name="score">The score of the figures.</param>
    /// <param name="cycle">The cycle.</param>
    /// <param name="states">The states that were observed for them, <c>[batch, n]</c> or <c>[batch, members, n]</c>.</param>
    /// <param name="observation">The observation.</param>
    /// <param name="network">H and R.</param>
    /// <exception cref="DivergenceException">A figure is not a number.</exception>
    public static Tensor Finite(Tensor figures, string score, ScoredCycle cycle, Tensor states, Observation observation,
        IObservationNetwork network)
    {
        if (FiniteNumbers.All(figures)) return figures;
        string cause = (states.ndim == 3 ? NonFiniteOrigin.OfOperator(network.Operator, new EnsembleMemory(states), observation)
            : NonFiniteOrigin.OfOperator(network.Operator, new StateMemory(states), observation))
            ?? "the covariance predicted for the innovations is not finite, or singular to round-off";
        throw new DivergenceException($"The score '{score}'", "comparison with the observations", cycle.Cycle, cycle.Time, cause,
            "The operator must be defined for the forecast of every cycle.");
    }

    /// <summary>The states of a density: an ensemble's members, or else the mean.</summary>
    public static Tensor States(IDensity density) => density is EnsembleDensity ensemble ? ensemble.Members : density.Mean;

    /// <summary>
    /// The observation in the precision of the states and on their device: a view may have another precision, and products of two
    /// precisions end the process.
    /// </summary>
    public static Observation Like(Observation observation, Tensor states) =>
        observation with { Values = observation.Values.to(states.dtype, states.device) };
}
