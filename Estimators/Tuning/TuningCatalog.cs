namespace DaML;

/// <summary>Tuning, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class TuningCatalog
{
    /// <summary>Learns a numeric setting of any method.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="setting">What to call the setting.</param>
    /// <param name="search">Which values are tried.</param>
    /// <param name="make">Makes the method of a value.</param>
    /// <param name="options">Settings of the tuning itself; null = their defaults.</param>
    public static TuningEstimator<TTransformer> Tune<TTransformer>(this AnalysisCatalog catalog, string setting, TuningSearch search,
        Func<double, IEstimator<TTransformer>> make, TuningOptions? options = null) where TTransformer : class, ITransformer =>
        new(catalog.Context, [new(setting, search)], values => make(values[0]), options);

    /// <summary>Learns two numeric settings of any method, each by a grid.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="first">The first setting and its grid.</param>
    /// <param name="second">The second setting and its grid.</param>
    /// <param name="make">Makes the method of a value of each.</param>
    /// <param name="options">Settings of the tuning itself; null = their defaults.</param>
    public static TuningEstimator<TTransformer> Tune<TTransformer>(this AnalysisCatalog catalog, TuningSetting first, TuningSetting second,
        Func<double, double, IEstimator<TTransformer>> make, TuningOptions? options = null) where TTransformer : class, ITransformer =>
        new(catalog.Context, [first, second], values => make(values[0], values[1]), options);
}
