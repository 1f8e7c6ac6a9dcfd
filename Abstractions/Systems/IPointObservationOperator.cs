namespace DaML.Components;

/// <summary>
/// An observation operator each of whose observations is of one component of the state. Each observation is then located where that
/// component is, and localisation needs no positions from the user.
/// </summary>
public interface IPointObservationOperator
{
    /// <summary>The component that each of the p observations is of, from 0; null for a composed operator that does not know.</summary>
    IReadOnlyList<long>? ObservedComponents { get; }

    /// <summary>
    /// Whether every observation is the value of its component itself, so that H picks rows of the identity (default: false). Such values
    /// are read where they are, also in a file, without applying H to whole states.
    /// </summary>
    bool IsSelection => false;
}
