using static TorchSharp.torch;

namespace DaML;

/// <summary>Steps for fields on grids, made from <see cref="DataAssimilationContext.Transforms"/>.</summary>
public static class FieldCatalogExtensions
{
    /// <summary>Learns the seasonal cycle and adds the anomaly from it.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="field">The column whose seasonal cycle is learned, <c>[n]</c>.</param>
    /// <param name="anomaly">The column that is added, <c>[n]</c>.</param>
    /// <param name="options">Harmonics and period (default: null, two harmonics of the year in days).</param>
    public static SeasonalCycleEstimator SeasonalCycle(this TransformCatalog catalog, Column field, Column anomaly,
        SeasonalCycleOptions? options = null) =>
        new(field, anomaly, options);

    /// <summary>Learns the leading modes of a field and adds its coefficients.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="field">The column that is decomposed, <c>[n]</c>.</param>
    /// <param name="coefficients">The column that is added, <c>[r]</c>.</param>
    /// <param name="modes">The number of modes to keep.</param>
    /// <param name="weights">The area that each grid point represents, <c>[n]</c> (default: null, all equal).</param>
    public static ProperOrthogonalDecompositionEstimator ProperOrthogonalDecomposition(this TransformCatalog catalog, Column field,
        Column coefficients, int modes, Tensor? weights = null) =>
        new(field, coefficients, new ModeSelection.Count(modes), weights);

    /// <summary>Learns the leading modes of a field and adds its coefficients, with all options for the number of modes and their
    /// computation.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="field">The column that is decomposed, <c>[n]</c>.</param>
    /// <param name="coefficients">The column that is added, <c>[r]</c>.</param>
    /// <param name="selection">The selection of the modes.</param>
    /// <param name="weights">The area that each grid point represents, <c>[n]</c> (default: null, all equal).</param>
    /// <param name="factorisation">The computation of the modes (default: null, a singular value decomposition in memory).</param>
    public static ProperOrthogonalDecompositionEstimator ProperOrthogonalDecomposition(this TransformCatalog catalog, Column field,
        Column coefficients, ModeSelection selection, Tensor? weights = null, ModeFactorisation? factorisation = null) =>
        new(catalog.Context, field, coefficients, selection, factorisation ?? new ModeFactorisation.Svd(), weights);

    /// <summary>Learns a linear inverse model of anomalies, a dynamics with its model error, and adds its forecasts.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="coefficients">The column of anomalies with zero mean, <c>[r]</c>.</param>
    /// <param name="forecast">The column that is added, <c>[r]</c>.</param>
    /// <param name="options">Lag and eigenvalue floor (default: null, a lag of one cycle).</param>
    public static LinearInverseModelEstimator LinearInverseModel(this TransformCatalog catalog, Column coefficients, Column forecast,
        LinearInverseModelOptions? options = null) =>
        new(coefficients, forecast, options);

    /// <summary>Observes a column of a view, so that a real field is the truth of an experiment.</summary>
    /// <param name="catalog">The catalog, whose context gives the seed of the errors.</param>
    /// <param name="network">The operator on the field, the error and the pattern of missing values.</param>
    /// <param name="field">The column that is observed, <c>[n]</c>.</param>
    /// <param name="stream">The name of the random stream that errors and masks are drawn from.</param>
    public static FieldObservation Observe(this TransformCatalog catalog, IObservationNetwork network, Column field,
        string stream = "observations") =>
        new(catalog.Context, network, field, stream);
}
