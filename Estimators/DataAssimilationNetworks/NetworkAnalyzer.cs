using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A learned analyzer's treatment of missing observations.</summary>
public enum MissingObservations
{
    /// <summary>
    /// The analyzer was trained on complete observations and refuses a mask that hides any; trajectories that lack all of them keep their
    /// memory.
    /// </summary>
    Refused,

    /// <summary>The analyzer also reads a mask of the observations, and zeros in place of missing ones.</summary>
    Read,
}

/// <summary>
/// A learned analyzer a : H x Y -> H (Boudier et al. eq. 3.1a, 5.4a): a <see cref="ReZeroNetwork"/> over memory and observation. A
/// trajectory without any observation keeps its memory unchanged.
/// </summary>
[Component("network-analyzer")]
public sealed class NetworkAnalyzer : nn.Module<Tensor, Tensor, Tensor>, IAnalyzer<VectorMemory>, IComponentState
{
    private readonly ReZeroNetwork network;
    private readonly ScalarType precision;
    private readonly long memorySize, layers;
    private readonly MissingObservations missing;
    private readonly ConstantTensor mean, deviation;
    private readonly double[] observationMean, observationDeviation;

    /// <summary>
    /// Creates an analyzer; the weights are libtorch's until they are drawn (<see cref="ModuleState.DrawWeights"/>) or read.
    /// </summary>
    /// <param name="memorySize">m, the size of H.</param>
    /// <param name="layers">The number of layers.</param>
    /// <param name="missing">The treatment of missing observations.</param>
    /// <param name="observationMean">The mean subtracted from the observations, <c>[p]</c>.</param>
    /// <param name="observationDeviation">The divisor of the observations after that, <c>[p]</c>, above zero.</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="ArgumentException">A size is below one, or the constants do not match.</exception>
    public NetworkAnalyzer(long memorySize, long layers, MissingObservations missing, double[] observationMean,
        double[] observationDeviation,
        ScalarType precision, Device device) : base(nameof(NetworkAnalyzer))
    {
        if (observationMean.Length != observationDeviation.Length || observationMean.Length == 0)
            throw new ArgumentException(
                $"Mean and deviation of the observations must have the same size, at least one; given: {observationMean.Length} and " +
                    $"{observationDeviation.Length}.");
        Require.Defined(missing);
        (this.memorySize, this.layers, this.missing, this.precision) = (Require.AtLeast(memorySize, 1), layers, missing, precision);
        (this.observationMean, this.observationDeviation) = (observationMean, observationDeviation);
        mean = new ConstantTensor(tensor(observationMean));
        deviation = new ConstantTensor(tensor(observationDeviation));
        long p = observationMean.Length;
        network = new ReZeroNetwork(memorySize + (missing == MissingObservations.Read ? 2 * p : p), memorySize, layers, precision, device);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public string Name => "network analyzer";

    /// <summary>m, the size of H.</summary>
    public long MemorySize => memorySize;

    /// <summary>The mean subtracted from the observations, <c>[p]</c>.</summary>
    internal double[] ObservationMean => observationMean;

    /// <summary>The divisor of the observations after that, <c>[p]</c>.</summary>
    internal double[] ObservationDeviation => observationDeviation;

    /// <summary>The layers.</summary>
    internal ReZeroNetwork Network => network;

    /// <summary>The record of the training; null if it was not trained here.</summary>
    [Saved("hasHistory"), Inlined]
    public TrainingHistory? History { get; internal set; }

    /// <summary>Computes the posterior memory from the prior one and standardised observations.</summary>
    /// <param name="memory"><c>[batch, m]</c></param>
    /// <param name="observation"><c>[batch, p]</c>, or with the mask appended <c>[batch, 2 p]</c>.</param>
    /// <returns><c>[batch, m]</c></returns>
    public override Tensor forward(Tensor memory, Tensor observation) => network.call(cat([memory, observation], 1));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">Observations are missing and the analyzer refuses that, or the sizes differ.</exception>
    public VectorMemory Analyze(VectorMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        Require.Shape(forecast.Vector, $"The memory of {Name}", ColumnDefinition.AnySize, memorySize);
        Require.Shape(observation.Values, $"The observation of {Name}", forecast.Vector.size(0), observationMean.Length);
        if (observation.Mask is not { } mask)
            return new(call(forecast.Vector, Complete(observation.Values)).MoveToOuterDisposeScope());

        var standard = Standard(observation.Values);
        var some = mask.any(1, keepdim: true);                                            // [batch, 1]
        if (missing == MissingObservations.Refused && (some & mask.logical_not()).any().ToBoolean())
            throw new ArgumentException(
                $"{Name} was trained on complete observations, but {mask.logical_not().sum().ToInt64()} of {mask.numel()} are missing " +
                    $"at time {observation.Time:g9}; train it with {nameof(MissingObservations)}.{nameof(MissingObservations.Read)}.");
        standard = where(mask, standard, zeros_like(standard));
        var analysis = call(forecast.Vector, missing == MissingObservations.Read ? cat([standard, mask.to(precision)], 1) : standard);
        return new(where(some, analysis, forecast.Vector).MoveToOuterDisposeScope());
    }

    /// <summary>What it reads of complete observations.</summary>
    /// <param name="values"><c>[..., p]</c></param>
    internal Tensor Complete(Tensor values)
    {
        var standard = Standard(values);
        return missing == MissingObservations.Read ? cat([standard, ones_like(standard)], -1) : standard;
    }

    private Tensor Standard(Tensor values) => ((values - mean.Like(values)) / deviation.Like(values)).to(precision);

    /// <summary>Makes a copy with the same weights, which can be trained further.</summary>
    internal NetworkAnalyzer Copy() =>
        new NetworkAnalyzer(memorySize, layers, missing, observationMean, observationDeviation, precision, parameters().First().device)
            .WithWeightsOf(this);

    void IComponentState.Load(ComponentReader reader) => ModuleState.Freeze(this);
}
