using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The parts of a training whose cycles can be computed in one piece over plain memory (<see cref="FusedCycles"/>): a model with a
/// <see cref="IStepKernel"/>, observations of single components with independent errors, the fused residual network for one state, and
/// the squared error as the cost. Every other training goes by tensor operators, and gives the same numbers to round-off.
/// </summary>
internal sealed class FusedTraining : IDisposable
{
    private readonly CostUnit unit;
    private readonly Dictionary<int, FusedCycles> engines = [];
    private readonly Dictionary<Tensor, Tensor> gradients = new(ReferenceEqualityComparer.Instance);   // tensors compare their elements

    private FusedTraining(ResidualConvolutionNetwork network, CostUnit unit) => (Network, this.unit) = (network, unit);

    /// <summary>The model.</summary>
    public required IStepKernel Model { get; init; }

    /// <summary>The length of the model's step.</summary>
    public required double TimeStep { get; init; }

    /// <summary>The component that each observation is of.</summary>
    public required int[] Components { get; init; }

    /// <summary>The inverse error variance of each observation.</summary>
    public required float[] InverseVariances { get; init; }

    /// <summary>The layers.</summary>
    public required FusedLayers Layers { get; init; }

    /// <summary>The network whose layers they are.</summary>
    public ResidualConvolutionNetwork Network { get; }

    /// <summary>The unit of the errors in the cost.</summary>
    public double Unit => unit.Value;

    /// <summary>The state's dimension n.</summary>
    public int Dimension => (int)Network.Statistics.Dimension;

    /// <summary>Finds the parts; null if the training has others.</summary>
    /// <param name="triple">The method.</param>
    /// <param name="trained">The module with the parameters.</param>
    /// <param name="schema">The columns of the training view.</param>
    /// <param name="cost">The cost of an analysis.</param>
    public static FusedTraining? Of<TMemory>(AssimilationTriple<TMemory> triple, nn.Module trained, TrajectorySchema schema,
        AnalysisCost<TMemory> cost) where TMemory : IMemory<TMemory>
    {
        if (triple is not AssimilationTriple<StateMemory>
            { Propagater: StatePropagater { Dynamics: IStepKernel model } propagater, Analyzer: IResidualAnalysis analysis }) return null;
        if (analysis.Network is not ResidualConvolutionNetwork network || !ReferenceEquals(network, trained)) return null;
        if (cost.Target is not SquaredErrorCost<StateMemory> squared || network.FusedLayers is not { } layers) return null;
        if (schema.Has(Columns.ObservationErrorScale)) return null;
        if (network.Statistics.Dimension != propagater.Dynamics.Dimension) return null;
        if (Observed(analysis.Operator) is not { } components || InverseVariancesOf(analysis.Error) is not { } variances) return null;
        return new(network, squared.Unit)
        {
            Model = model, TimeStep = propagater.Dynamics.TimeStep, Layers = layers, Components = components,
            InverseVariances = variances,
        };
    }

    /// <summary>The computation for a number of trajectories.</summary>
    public FusedCycles For(long batch)
    {
        if (!engines.TryGetValue((int)batch, out var engine)) engines[(int)batch] = engine = new FusedCycles(this, (int)batch);
        return engine;
    }

    /// <summary>
    /// The gradient of a parameter, as memory; empty if it does not learn. It stays the parameter's gradient as long as this training.
    /// </summary>
    public Span<float> GradientOf(Tensor parameter)
    {
        if (!parameter.requires_grad) return [];
        if (!gradients.TryGetValue(parameter, out var gradient))
        {
            gradient = (parameter.grad ?? zeros_like(parameter)).DetachFromDisposeScope();
            parameter.grad = gradients[parameter] = gradient;
        }
        return KernelMemory.Elements<float>(gradient);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var gradient in gradients.Values) gradient.Dispose();
    }

    private static int[]? Observed(IObservationOperator operation) => operation switch
    {
        IdentityObservationOperator => [.. Enumerable.Range(0, (int)operation.StateDimension)],
        SubsetObservationOperator subset => [.. subset.Indices.Select(index => (int)index)],
        _ => null,
    };

    private static float[]? InverseVariancesOf(IErrorCovariance error) => error switch
    {
        ScalarErrorCovariance scalar => [.. Enumerable.Repeat((float)(1 / scalar.Variance), (int)scalar.Dimension)],
        DiagonalErrorCovariance diagonal => [.. diagonal.Variances.to(ScalarType.Float64).ToArray<double>().Select(v => (float)(1 / v))],
        _ => null,
    };
}
