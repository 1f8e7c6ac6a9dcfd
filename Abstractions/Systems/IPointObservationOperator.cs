namespace DaML.Components;

/// <summary>
/// What an observation operator says if each of its observations is of one component of the state: an observation is then
/// where that component is, and localisation needs no positions from the user.
/// </summary>
public interface IPointObservationOperator
{
    /// <summary>
    /// The component that each of the p observations is of, from 0; null for an operator that is made of others and does not know.
    /// </summary>
    IReadOnlyList<long>? ObservedComponents { get; }
}
