using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The ensemble-free analysis of Bocquet et al. (2024): a residual convolutional network over a grid (default: a circle of sites). Without
/// an initial
/// condition an assimilation starts from independent normal numbers of the true states' mean and variance.
/// </summary>
[Component("residual-convolution-method", 2)]
public sealed record ResidualConvolution : LearnedAnalysis<StateMemory>
{
    /// <summary>The network's size, what it reads and its grid (default: a size that trains within minutes).</summary>
    public ResidualConvolutionOptions Network { get; init; } = new();

    /// <summary>
    /// A trained analysis by a residual convolutional network, which it begins as instead of with weights that are drawn: to go on with its
    /// training, or for another model or other observations. It stays as it is, and gives size, grid and units, so <see cref="Network"/>
    /// keeps its default (default: null, weights are drawn).
    /// </summary>
    public SequentialAssimilation<StateMemory>? First { get; init; }

    /// <inheritdoc/>
    public override LearnedAnalysisEstimator<StateMemory> For(AssimilationSystem system, DataAssimilationContext context)
    {
        var trained = First is null ? null : NetworkOf(First);
        var size = SizeOf(trained, Network);
        size.Grid.RequireDimension(system.Dynamics.Dimension);
        return OfNetwork(Name ?? size.Name, system, context, (statistics, random) => trained?.CopyOn(random.Device)
            ?? new ResidualConvolutionNetwork(size, statistics, context.Options.NetworkPrecision, random), Training, this);
    }

    /// <summary>The estimator of a network that is an analysis of one state.</summary>
    internal static LearnedAnalysisEstimator<StateMemory> OfNetwork(string name, AssimilationSystem system, DataAssimilationContext context,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork, TrainingOptions? training,
        SequentialAssimilationOptions? options = null) =>
        OfNetwork(name, system, context, createNetwork, (analyzer, initial) => new(analyzer, new StatePropagater(system.Dynamics),
            new StateProcoder(), new StateSource(initial, context.Options.NetworkPrecision)), training, options);

    /// <summary>The size of a network: that of the trained one that it begins as, or the given one.</summary>
    /// <exception cref="ArgumentException">A setting is out of its range, or both sizes are given and differ.</exception>
    internal static ResidualConvolutionOptions SizeOf(ResidualConvolutionNetwork? trained, ResidualConvolutionOptions given) =>
        trained is null ? given.Checked()
        : given == new ResidualConvolutionOptions() || given == trained.Options ? trained.Options
        : throw new ArgumentException(
            $"A first analysis gives the network's size, inputs and grid, so '{nameof(Network)}' must keep its default; given: {given}, " +
                $"where the first analysis has {trained.Options}.", nameof(given));

    /// <summary>The network of an analysis that another begins as.</summary>
    /// <exception cref="ArgumentException">It is another kind of analysis.</exception>
    internal static ResidualConvolutionNetwork NetworkOf(SequentialAssimilation<StateMemory> first) =>
        first.Triple.Analyzer is LearnedAnalyzer<StateMemory> { Network: ResidualConvolutionNetwork network } ? network
        : throw new ArgumentException(
            $"Only an analysis by a residual convolutional network can be a first analysis; the analyzer of '{first.Name}' is " +
                $"{first.Triple.Analyzer.Name}.", nameof(first));
}

/// <summary>
/// The analysis x_f + P^a(x_f) H^T R^-1 (y - H x_f) with a learned covariance P^a = rho o (X X^T) (Bocquet et al. 2025, appendix B).
/// Without an initial
/// condition an assimilation starts from independent normal numbers of the true states' mean and variance.
/// </summary>
[Component("innovation-linear-method", 2)]
public sealed record InnovationLinear : LearnedAnalysis<StateMemory>
{
    /// <summary>The network's size and localisation, whose taper must be a correlation.</summary>
    [Inlined]
    public InnovationLinearOptions Network { get; init; } = new();

    /// <inheritdoc/>
    public override LearnedAnalysisEstimator<StateMemory> For(AssimilationSystem system, DataAssimilationContext context)
    {
        var size = Network.Checked();
        size.Network.Grid.RequireDimension(system.Dynamics.Dimension);
        return ResidualConvolution.OfNetwork(Name ?? "linear in the innovation", system, context,
            (statistics, random) => new InnovationLinearNetwork(size, statistics, context.Options.NetworkPrecision, random), Training,
            this);
    }
}

/// <summary>
/// A residual convolutional network over an ensemble whose members are channels (Bocquet et al. 2024, eq. 2), trained on the error of the
/// mean (eq. 4). Without an
/// initial condition each member is drawn from independent normal numbers of the true states' mean and variance.
/// </summary>
[Component("ensemble-convolution-method", 2)]
public sealed record EnsembleConvolution : LearnedAnalysis<EnsembleMemory>
{
    /// <summary>N_e, at least 2. It has no default.</summary>
    public required long Members { get; init; }

    /// <summary>The network's size, what it reads and its grid.</summary>
    public ResidualConvolutionOptions Network { get; init; } = new();

    /// <inheritdoc/>
    public override LearnedAnalysisEstimator<EnsembleMemory> For(AssimilationSystem system, DataAssimilationContext context)
    {
        Require.AtLeast(Members, 2);
        var size = Network.Checked();
        size.Grid.RequireDimension(system.Dynamics.Dimension);
        var precision = context.Options.NetworkPrecision;
        return OfNetwork(Name ?? $"{size.Name} (N = {Members})", system, context,
            (statistics, random) => new ResidualConvolutionNetwork(Members, size, statistics, precision, random),
            (analyzer, initial) => new(analyzer, new EnsemblePropagater(system.Dynamics), new EnsembleProcoder(),
                new EnsembleSource(initial, Members, precision)), Training, this, hasSpread: true);
    }
}
