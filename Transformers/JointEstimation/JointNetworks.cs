using System.Runtime.CompilerServices;

namespace DaML.Components;

/// <summary>
/// The networks that a view names for its cycles, for a method that estimates state and parameters together: each observes the joint
/// state, <see cref="JointObservationNetwork"/>. <see cref="JointEstimates"/> restores the originals.
/// </summary>
[Component("joint-networks")]
public sealed class JointNetworks : ITransformer
{
    private readonly long parameters;

    /// <summary>Makes the step.</summary>
    /// <param name="parameters">The number q of parameters that follow the state; at least one.</param>
    public JointNetworks(long parameters) => this.parameters = Require.AtLeast(parameters, 1);

    /// <inheritdoc/>
    public string Name => "networks of state and parameters";

    /// <inheritdoc/>
    public SchemaContract Contract { get; } = new([], []);

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) =>
        new TrajectoryView(Contract.Apply(input.Schema, Name), input, source => new Cursor(this, source));

    private sealed class Cursor(JointNetworks step, ITrajectoryCursor source) : TrajectoryCursor(source)
    {
        // The same object for the same network, so that methods do not repeat their preparations.
        private readonly ConditionalWeakTable<IObservationNetwork, JointObservationNetwork> lifted = [];
        private IObservationNetwork? current;

        public override IObservationNetwork? Network => current;

        protected override bool Compute(long cycle)
        {
            current = Source!.Network is { } network ? lifted.GetValue(network, one => new JointObservationNetwork(one, step.parameters))
                : null;
            return true;
        }
    }
}
