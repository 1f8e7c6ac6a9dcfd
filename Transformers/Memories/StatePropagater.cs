namespace DaML.Components;

/// <summary>The physical model as the propagater of one state, with its error if it has one.</summary>
/// <param name="dynamics">The model.</param>
[Component("state-propagater")]
public sealed class StatePropagater(IDynamics dynamics) : IPropagater<StateMemory>
{
    /// <summary>The model.</summary>
    public IDynamics Dynamics => dynamics;

    /// <inheritdoc/>
    public double? TimeStep => dynamics.TimeStep;

    /// <inheritdoc/>
    public string Name => dynamics.Name;

    /// <summary>
    /// The model's state at the interval's end. The error of a stochastic model is not drawn: its mean is zero, and the single state
    /// represents the mean.
    /// </summary>
    public StateMemory Propagate(StateMemory analysis, TimeInterval interval, RandomStream random) =>
        new(dynamics.Advance(analysis.State, interval));
}
