namespace DaML;

/// <summary>Lyapunov exponents and vectors, made from <see cref="DataAssimilationContext.Transforms"/>.</summary>
public static class LyapunovCatalog
{
    /// <summary>
    /// Computes a model's Lyapunov exponents along the states of a view, and then adds its backward Lyapunov vectors to any view.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model of the trajectories.</param>
    /// <param name="transient">The number of first cycles to leave out of the averages, the spin-up.</param>
    /// <param name="count">The number of exponents k, 1 to n (default: null, n).</param>
    /// <param name="state">The column with the states (default: <see cref="Columns.Truth"/>).</param>
    public static LyapunovEstimator LyapunovVectors(this TransformCatalog catalog, IDynamics dynamics, int transient, long? count = null,
        Column? state = null) =>
        new(catalog.Context, dynamics, transient, count, state);
}
