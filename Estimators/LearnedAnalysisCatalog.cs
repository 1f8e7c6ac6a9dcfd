using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Learned analyses, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class LearnedAnalysisCatalog
{
    /// <summary>The ensemble-free analysis of Bocquet et al. (2024): a residual convolutional network on a circle of sites.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model M that makes the forecasts; its state is a circle of sites.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="network">The network's size; null = the defaults, which train within minutes.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, or dimensions that differ.</exception>
    public static LearnedAnalysisEstimator ResidualConvolution(this AnalysisCatalog catalog, IDynamics dynamics, IObservationNetwork observing,
        ResidualConvolutionOptions? network = null, TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        var size = (network ?? new()).Checked();
        return catalog.Learned("residual convolution", dynamics, observing,
            (statistics, random) => new ResidualConvolutionNetwork(size, statistics, catalog.Context.Options.NetworkPrecision, random), training, initial);
    }

    /// <summary>An analysis x_f + a(x_f, H^T R^-1 (y - H x_f)) learned by a network a of one's own.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="name">What to call the method in messages and tables.</param>
    /// <param name="dynamics">The model M that makes the forecasts.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="createNetwork">Makes the network (forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>) ->
    /// increment <c>[batch, n]</c>; to be saved it must be an <see cref="IComponent"/> whose type is in <see cref="DataAssimilationOptions.Components"/>.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">Where an assimilation starts; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">An option out of its range, or dimensions that differ.</exception>
    public static LearnedAnalysisEstimator Learned(this AnalysisCatalog catalog, string name, IDynamics dynamics, IObservationNetwork observing,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork, TrainingOptions? training = null, IInitialCondition? initial = null) =>
        new(name, catalog.Context, dynamics, observing, createNetwork, training, initial);
}
