namespace DaML.Components;

/// <summary>The units of a network's input and output.</summary>
public enum ValueNormalisation
{
    /// <summary>
    /// One for all components, the largest of their deviations: for coefficients of orthonormal modes, whose sizes show how much each
    /// matters. The network then sees mostly the leading modes, and an error counts as it does in the field.
    /// </summary>
    Common,

    /// <summary>Each component's own deviation: for values of different kinds.</summary>
    Component,
}
