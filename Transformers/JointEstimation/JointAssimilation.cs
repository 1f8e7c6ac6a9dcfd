namespace DaML.Components;

/// <summary>
/// A method on a joint model whose estimates are those of state and parameters, as <see cref="JointEstimation"/> makes it: three steps, the
/// networks of the joint state (<see cref="JointNetworks"/>), the method, and the split of its estimates (<see cref="JointEstimates"/>).
/// </summary>
[Component("joint-assimilation")]
public sealed class JointAssimilation : ITransformer
{
    private readonly TransformerChain chain;

    /// <summary>Makes a joint estimation of its steps.</summary>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="chain">The three steps.</param>
    /// <param name="method">The method's settings (default: null, it is made of its steps alone).</param>
    public JointAssimilation(string name, TransformerChain chain, [NotSaved] JointEstimation? method = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (Name, this.chain, Method) = (name, chain, method);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract => chain.Contract;

    /// <summary>The three steps.</summary>
    public IReadOnlyList<ITransformer> Steps => chain.Steps;

    /// <summary>
    /// The record that it was made of, also after it was saved and read; null if it was made of its steps. A record with a part that is no
    /// component is not written.
    /// </summary>
    public JointEstimation? Method { get; private init; }

    // The record, if files can hold it.
    [Saved("method")]
    private JointEstimation? WrittenMethod
    {
        get => Method is { } method && ModelArchive.CanHold(method) ? method : null;
        init => Method = value;
    }

    /// <inheritdoc/>
    public TrajectorySchema GetOutputSchema(TrajectorySchema input) => chain.GetOutputSchema(input);

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) => chain.Transform(input);
}
