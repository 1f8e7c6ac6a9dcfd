namespace DaML;

/// <summary>Lyapunov exponents and vectors, made from <see cref="DataAssimilationContext.Transforms"/>.</summary>
public static class LyapunovCatalog
{
    /// <summary>
    /// Measures a model's Lyapunov exponents along the states of a view, and then adds its backward Lyapunov vectors to any.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model whose trajectories the states are.</param>
    /// <param name="transient">How many first cycles are left out of the averages.</param>
    /// <param name="count">Number of exponents k, 1 to n; null = n.</param>
    /// <param name="state">The column with the states; <see cref="Columns.Truth"/> unless said.</param>
    public static LyapunovEstimator LyapunovVectors(this TransformCatalog catalog, IDynamics dynamics, int transient, long? count = null,
        Column? state = null) =>
        new(catalog.Context, dynamics, transient, count, state);
}
