using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Observes the state of a joint model as a network observes the model's state; the parameters that follow it are not observed.
/// </summary>
[Component("joint-observation-network")]
public sealed class JointObservationNetwork : IObservationNetwork
{
    private readonly IObservationNetwork network;
    private readonly long parameters;

    /// <summary>Lifts a network.</summary>
    /// <param name="network">A network on states of dimension n.</param>
    /// <param name="parameters">The number q of parameters that follow the state.</param>
    public JointObservationNetwork(IObservationNetwork network, long parameters)
    {
        this.network = network;
        this.parameters = Require.AtLeast(parameters, 1);
        long n = network.Operator.StateDimension;
        // A choice of components remains one: the first n, or the observed ones among them.
        Operator = network.Operator switch
        {
            SubsetObservationOperator subset => new SubsetObservationOperator(n + parameters, subset.Indices),
            IdentityObservationOperator => FirstOf(n),
            var any => FirstOf(n).Then(any),
        };
    }

    /// <summary>The network that observes the state alone.</summary>
    public IObservationNetwork OfState => network;

    /// <inheritdoc/>
    public IObservationOperator Operator { get; }

    /// <inheritdoc/>
    public IErrorCovariance Error => network.Error;

    /// <inheritdoc/>
    public bool HasMask => network.HasMask;

    /// <inheritdoc/>
    public Observation Observe(Tensor truth, double time, RandomStream random)
    {
        Require.Shape(truth, "The joint states to observe", ColumnDefinition.AnySize, Operator.StateDimension);
        using var states = truth.narrow(-1, 0, network.Operator.StateDimension);
        return network.Observe(states, time, random);
    }

    private SubsetObservationOperator FirstOf(long n) => new(n + parameters, [.. Enumerable.Range(0, (int)n).Select(i => (long)i)]);
}
