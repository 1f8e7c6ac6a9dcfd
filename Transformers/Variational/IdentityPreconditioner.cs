namespace DaML;

/// <summary>P = I.</summary>
public sealed class IdentityPreconditioner : IPreconditioner
{
    /// <inheritdoc/>
    public string Name => "none";

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector) => new(vector.Values.alias());
}
