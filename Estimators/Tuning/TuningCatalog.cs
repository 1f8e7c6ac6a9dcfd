namespace DaML;

/// <summary>Tuning, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class TuningCatalog
{
    /// <summary>Learns a numeric setting of a method of a system.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="system">The model, its observations, and its start.</param>
    /// <param name="setting">The name of the setting.</param>
    /// <param name="search">The values to try.</param>
    /// <param name="method">The method with a value, for instance <c>value => etkf with { Inflation = Inflation.StandardDeviation(value)
    /// }</c>.</param>
    /// <param name="options">Settings of the tuning itself (default: null, their defaults).</param>
    public static TuningEstimator<ITransformer> Tune(this AnalysisCatalog catalog, AssimilationSystem system, string setting,
        TuningSearch search,
        Func<double, AssimilationMethod> method, TuningOptions? options = null) =>
        new(catalog.Context, [new(setting, search)], values => method(values[0]).For(system, catalog.Context), options);

    /// <summary>Learns a numeric setting of any transformer that is made from it.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="setting">The name of the setting.</param>
    /// <param name="search">The values to try.</param>
    /// <param name="make">Makes the method for a value.</param>
    /// <param name="options">Settings of the tuning itself (default: null, their defaults).</param>
    public static TuningEstimator<TTransformer> Tune<TTransformer>(this AnalysisCatalog catalog, string setting, TuningSearch search,
        Func<double, TTransformer> make, TuningOptions? options = null) where TTransformer : class, ITransformer =>
        new(catalog.Context, [new(setting, search)], values => make(values[0]), options);

    /// <summary>Learns a numeric setting of any estimator that is made from it.</summary>
    /// <inheritdoc cref="Tune{TTransformer}(AnalysisCatalog, string, TuningSearch, Func{double, TTransformer}, TuningOptions?)"/>
    public static TuningEstimator<TTransformer> Tune<TTransformer>(this AnalysisCatalog catalog, string setting, TuningSearch search,
        Func<double, IEstimator<TTransformer>> make, TuningOptions? options = null) where TTransformer : class, ITransformer =>
        new(catalog.Context, [new(setting, search)], values => make(values[0]), options);

    /// <summary>Learns two numeric settings of any method, each by a grid.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="first">The first setting and its grid.</param>
    /// <param name="second">The second setting and its grid.</param>
    /// <param name="make">Makes the method for a value of each.</param>
    /// <param name="options">Settings of the tuning itself (default: null, their defaults).</param>
    public static TuningEstimator<TTransformer> Tune<TTransformer>(this AnalysisCatalog catalog, TuningSetting first, TuningSetting second,
        Func<double, double, TTransformer> make, TuningOptions? options = null) where TTransformer : class, ITransformer =>
        new(catalog.Context, [first, second], values => make(values[0], values[1]), options);
}
