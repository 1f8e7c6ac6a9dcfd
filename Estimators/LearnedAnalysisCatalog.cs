using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Learned analyses, made from <see cref="DataAssimilationContext.Analysis"/>. Without an initial condition of the system an assimilation
/// starts, in training and in use, from independent normal numbers with the true states' mean and variance.
/// </summary>
public static class LearnedAnalysisCatalog
{
    /// <inheritdoc cref="DaML.ResidualConvolution"/>
    public static LearnedAnalysisEstimator<StateMemory> ResidualConvolution(this AnalysisCatalog catalog, AssimilationSystem system,
        ResidualConvolution? method = null) =>
        (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.ResidualConvolutionWithMemory"/>
    public static LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> ResidualConvolutionWithMemory(
        this AnalysisCatalog catalog, AssimilationSystem system,
        ResidualConvolutionWithMemory? method = null) => (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.InnovationLinear"/>
    public static LearnedAnalysisEstimator<StateMemory> InnovationLinear(this AnalysisCatalog catalog, AssimilationSystem system,
        InnovationLinear? method = null) =>
        (method ?? new()).For(system, catalog.Context);

    /// <inheritdoc cref="DaML.EnsembleConvolution"/>
    public static LearnedAnalysisEstimator<EnsembleMemory> EnsembleConvolution(this AnalysisCatalog catalog, AssimilationSystem system,
        EnsembleConvolution method) =>
        method.For(system, catalog.Context);

    /// <summary>
    /// An analysis learned by any torch module over fields: channels (forecast, H^T R^-1 innovation) -> increment, scaled to the order of
    /// one.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="system">The model M of the forecasts, whose state lies on the grid, and its observations.</param>
    /// <param name="grid">The layout of a state on the module's fields.</param>
    /// <param name="createLayers">Makes the module <c>[batch, 2, grid...]</c> -> <c>[batch, 1, grid...]</c>. Its weights are drawn from
    /// the training's stream (<see cref="ModuleState.DrawWeights"/>) and it is moved to the context's device and network precision; to be
    /// saved it must be a component (<see cref="ComponentAttribute"/>) whose type is in
    /// <see cref="DataAssimilationOptions.Components"/>.</param>
    /// <param name="training">The training settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">An option is out of its range, or the grid and the state differ in size.</exception>
    public static LearnedAnalysisEstimator<StateMemory> LearnedField(this AnalysisCatalog catalog, string name, AssimilationSystem system,
        StateGrid grid,
        Func<nn.Module<Tensor, Tensor>> createLayers, TrainingOptions? training = null)
    {
        grid.RequireDimension(system.Dynamics.Dimension);
        return DaML.ResidualConvolution.OfNetwork(name, system, catalog.Context,
            (statistics, random) => new FieldNetwork(Drawn(createLayers(), random, catalog.Context), statistics, grid), training);
    }

    /// <summary>The same with a module that draws its own weights from the training's stream.</summary>
    public static LearnedAnalysisEstimator<StateMemory> LearnedField(this AnalysisCatalog catalog, string name, AssimilationSystem system,
        StateGrid grid,
        Func<RandomStream, nn.Module<Tensor, Tensor>> createLayers, TrainingOptions? training = null)
    {
        grid.RequireDimension(system.Dynamics.Dimension);
        return DaML.ResidualConvolution.OfNetwork(name, system, catalog.Context,
            (statistics, random) => new FieldNetwork(Moved(createLayers(random), catalog.Context), statistics, grid), training);
    }

    /// <summary>An analysis x_f + a(x_f, H^T R^-1 (y - H x_f)) learned by your own network a.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="system">The model M of the forecasts, and its observations.</param>
    /// <param name="createNetwork">Makes the network (forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>) ->
    /// increment <c>[batch, n]</c> from the constants of the training data. Its weights are drawn from the training's stream
    /// (<see cref="ModuleState.DrawWeights"/>) and it is moved to the context's device and network precision; to be saved it must be
    /// a component (<see cref="ComponentAttribute"/>) whose type is in <see cref="DataAssimilationOptions.Components"/>.</param>
    /// <param name="training">The training settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static LearnedAnalysisEstimator<StateMemory> Learned(this AnalysisCatalog catalog, string name, AssimilationSystem system,
        Func<AnalysisStatistics, nn.Module<Tensor, Tensor, Tensor>> createNetwork, TrainingOptions? training = null) =>
        DaML.ResidualConvolution.OfNetwork(name, system, catalog.Context,
            (statistics, random) => Drawn(createNetwork(statistics), random, catalog.Context), training);

    /// <summary>The same with a network that draws its own weights from the training's stream, or starts with other weights.</summary>
    public static LearnedAnalysisEstimator<StateMemory> Learned(this AnalysisCatalog catalog, string name, AssimilationSystem system,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork, TrainingOptions? training = null) =>
        DaML.ResidualConvolution.OfNetwork(name, system, catalog.Context,
            (statistics, random) => Moved(createNetwork(statistics, random), catalog.Context), training);

    /// <summary>An analysis with hidden channels, (x_a, h_a) from (x_f, H^T R^-1 (y - H x_f), h_f), learned by your own network.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="system">The model M of the forecasts, and its observations.</param>
    /// <param name="memory">The number of hidden channels, and their treatment between analyses; the network determines how they are
    /// written.</param>
    /// <param name="createNetwork">Makes the network (forecast and channels <c>[batch, 1 + k, n]</c>, H^T R^-1 innovation
    /// <c>[batch, n]</c>) -> increment and new channels <c>[batch, 1 + k, n]</c> from the constants of the training data. Its
    /// weights are drawn from the training's stream and it is moved to the context's device and network precision; to be saved it must be
    /// a component (<see cref="ComponentAttribute"/>).</param>
    /// <param name="training">The training settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> LearnedWithMemory(this AnalysisCatalog catalog,
        string name, AssimilationSystem system,
        HiddenChannelOptions memory,
        Func<AnalysisStatistics, nn.Module<Tensor, Tensor, Tensor>> createNetwork,
        TrainingOptions? training = null) =>
        DaML.ResidualConvolutionWithMemory.OfNetwork(name, system, catalog.Context, memory,
            (statistics, random) => Drawn(createNetwork(statistics), random, catalog.Context), training);

    /// <summary>The same with a network that draws its own weights from the training's stream, or starts with other weights.</summary>
    public static LearnedAnalysisEstimator<ProductMemory<StateMemory, VectorMemory>> LearnedWithMemory(this AnalysisCatalog catalog,
        string name, AssimilationSystem system,
        HiddenChannelOptions memory,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork,
        TrainingOptions? training = null) =>
        DaML.ResidualConvolutionWithMemory.OfNetwork(name, system, catalog.Context, memory,
            (statistics, random) => Moved(createNetwork(statistics, random), catalog.Context), training);

    /// <summary>
    /// Any method with parts that learn, over any memory: networks that read ensembles, carry hidden channels, or also serve as
    /// propagater and procoder.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="observing">The observation network: H and R.</param>
    /// <param name="create">Makes networks and triple from the constants of the training data and a stream to draw weights from.</param>
    /// <param name="training">The training settings (default: null, their defaults).</param>
    /// <param name="hasSpread">The value of <see cref="IProcoder{TMemory}.HasSpread"/> that the procoder will have; a pipeline's columns
    /// must be known before anything is learned.</param>
    /// <typeparam name="TMemory">The memory H.</typeparam>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static LearnedAnalysisEstimator<TMemory> Learned<TMemory>(this AnalysisCatalog catalog, string name,
        IObservationNetwork observing,
        Func<AnalysisStatistics, RandomStream, LearnedTriple<TMemory>> create, TrainingOptions? training = null, bool hasSpread = false)
        where TMemory : IMemory<TMemory> => new(name, catalog.Context, observing, create, training, hasSpread);

    // A user's module with weights that follow from the seed.
    private static TModule Drawn<TModule>(TModule module, RandomStream random, DataAssimilationContext context) where TModule : nn.Module
    {
        ModuleState.DrawWeights(Moved(module, context), random);
        return module;
    }

    // A user's module on the device and in the precision of the training.
    private static TModule Moved<TModule>(TModule module, DataAssimilationContext context) where TModule : nn.Module
    {
        module.to(context.Device, context.Options.NetworkPrecision);
        return module;
    }
}
