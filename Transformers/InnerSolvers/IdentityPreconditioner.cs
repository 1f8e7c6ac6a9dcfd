namespace DaML.Components;

/// <summary>P = I.</summary>
public sealed class IdentityPreconditioner : ISplitPreconditioner
{
    /// <inheritdoc/>
    public string Name => "none";

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector) => new(vector.Values.alias());

    /// <inheritdoc/>
    public ControlVector ApplyFactor(ControlVector vector) => Apply(vector);

    /// <inheritdoc/>
    public ControlVector ApplyFactorTranspose(ControlVector vector) => Apply(vector);
}
