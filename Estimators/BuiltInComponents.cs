namespace DaML;

/// <summary>The kinds of component that DaML itself can write and read: all that its assemblies list.</summary>
public static class BuiltInComponents
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ComponentType> All { get; } = [.. DynamicsComponents.All, .. TransformerComponents.All,
        .. EstimatorComponents.All];
}

/// <summary>Reads models; it belongs to this assembly, which knows every component.</summary>
public static class ModelLoading
{
    /// <summary>Reads a file of <see cref="ModelCatalog.Save"/>; the result is equal to the bit, on the context's device.</summary>
    /// <typeparam name="T">The type of the model, for instance <see cref="TransformerChain"/> or <see cref="ITransformer"/>.</typeparam>
    /// <param name="catalog">The catalog. In addition to DaML's own kinds of component it knows those of
    /// <see cref="DataAssimilationOptions.Components"/>.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelArchiveException">The file is truncated, foreign, of a newer version, damaged or hostile, or holds a kind
    /// that is not registered.</exception>
    public static T Load<T>(this ModelCatalog catalog, string path) where T : class =>
        ModelArchive.Read<T>(path, new ComponentRegistry([.. BuiltInComponents.All, .. catalog.Context.Options.Components]),
            catalog.Context);
}
