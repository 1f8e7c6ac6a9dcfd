using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// An analysis that a network has learned, x_a = x_f + a(x_f, H^T R^-1 (y - H x_f)) (Bocquet et al. 2024, eq. 2a): no
/// error covariance of the forecast. The memory is one state, an ensemble E_a = E_f + a(E_f, H^T R^-1 (y - H x_f)) with the mean x_f
/// (eq. 2), or a state with hidden channels h at its sites, (x_a, h_a) from (x_f, H^T R^-1 (y - H x_f), h_f). It is frozen, so several
/// threads may use it at once.
/// </summary>
/// <typeparam name="TMemory">The memory H: <see cref="StateMemory"/>, <see cref="EnsembleMemory"/>, or
/// <see cref="ProductMemory{TFirst, TSecond}"/> of a <see cref="StateMemory"/> and a <see cref="VectorMemory"/>.</typeparam>
[Component("learned-analyzer", Memory = typeof(StateMemory))]
[Component("learned-ensemble-analyzer", Memory = typeof(EnsembleMemory))]
[Component("hidden-channel-analyzer", Memory = typeof(ProductMemory<StateMemory, VectorMemory>))]
public sealed class LearnedAnalyzer<TMemory> : IScaledInnovationAnalyzer<TMemory>, IResidualAnalysis where TMemory : IMemory<TMemory>
{
    private readonly IMemoryPacking<TMemory> packing = MemoryPacking.Of<TMemory>();
    private readonly ScalarType precision;

    /// <summary>Makes an analyzer of a network and freezes it: evaluation mode, no gradients for its weights.</summary>
    /// <param name="name">The analyzer's name.</param>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="network">(forecast, H^T R^-1 innovation <c>[batch, n]</c>) -> increment of the forecast's shape: <c>[batch, n]</c>; of
    /// an ensemble <c>[batch, members, n]</c>; with k hidden channels <c>[batch, 1 + k, n]</c>, the state or its increment first, then
    /// the channels that are read or written. It belongs to the analyzer from now on. To be saved it must be a component
    /// (<see cref="ComponentAttribute"/>).</param>
    /// <param name="history">How it was trained (default: null, unknown).</param>
    /// <exception cref="ArgumentException">The dimensions of operator and covariance differ.</exception>
    /// <exception cref="NotSupportedException">A network cannot analyse a memory of this kind.</exception>
    public LearnedAnalyzer(string name, [Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError,
        nn.Module<Tensor, Tensor, Tensor> network, [Saved("hasHistory"), Inlined] TrainingHistory? history = null)
        : this(name, network, observationOperator, observationError)
    {
        ModuleState.Freeze(network);
        History = history;
    }

    private LearnedAnalyzer(string name, nn.Module<Tensor, Tensor, Tensor> network, IObservationOperator observationOperator,
        IErrorCovariance observationError)
    {
        if (observationOperator.ObservationDimension != observationError.Dimension)
            throw new ArgumentException(
                $"The observation error covariance must have the dimension of the observations, " +
                    $"{observationOperator.ObservationDimension} ({observationOperator.Name}); given: {observationError.Dimension}.");
        observationError.Invertible($"The observation error covariance R of '{observationOperator.Name}'",
            "a learned analysis weights innovations by R^-1",
            "Give every observation an error variance above zero; a mask says which are missing.");
        (Name, Operator, Error, Network) = (name, observationOperator, observationError, network);
        precision = ModuleState.PrecisionOf(network, ScalarType.Float32);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>H.</summary>
    public IObservationOperator Operator { get; }

    IObservationOperator IAnalyzer<TMemory>.Observes => Operator;

    /// <summary>R.</summary>
    public IErrorCovariance Error { get; }

    /// <summary>The network; not to be changed.</summary>
    public nn.Module<Tensor, Tensor, Tensor> Network { get; }

    nn.Module IResidualAnalysis.Network => Network;

    /// <summary>The history of its training; null if it was not trained here.</summary>
    public TrainingHistory? History { get; }

    /// <inheritdoc/>
    public bool TakesErrorScale => true;

    /// <summary>The analyzer while its network learns: gradients flow, and batch normalisation follows the mode of the network.</summary>
    internal static LearnedAnalyzer<TMemory> InTraining(string name, nn.Module<Tensor, Tensor, Tensor> network,
        IObservationNetwork observing) => new(name, network, observing.Operator, observing.Error);

    /// <inheritdoc/>
    /// <remarks>The network is given H^T R^-1 (y - H x_f) of whatever observed the cycle; it is as good as what it was trained with is like
    /// that.</remarks>
    public IAnalyzer<TMemory> For(IObservationNetwork network) => this;

    /// <inheritdoc/>
    public TMemory Analyze(TMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var scaled = AnalysisStatistics.ScaledInnovation(observation.Network?.Operator ?? Operator, observation.Network?.Error ?? Error,
            packing.State(forecast), observation);
        return Analyze(forecast, scaled).Map(tensor => tensor.MoveToOuterDisposeScope());
    }

    /// <summary>The posterior memory, of the prior one's precision; differentiable in the innovation.</summary>
    /// <param name="forecast">The prior memory.</param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c></param>
    public TMemory Analyze(TMemory forecast, Tensor scaledInnovation)
    {
        using var scope = NewDisposeScope();
        var packed = packing.Pack(forecast, precision);
        var output = Require.Shape(Network.call(packed, scaledInnovation.to(precision)),
            $"The {packing.Output} of {Network.GetName()}", packed.Sizes());
        return packing.Analysis(forecast, output).Map(tensor => tensor.MoveToOuterDisposeScope());
    }
}

