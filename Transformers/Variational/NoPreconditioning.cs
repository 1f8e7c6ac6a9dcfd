namespace DaML;

/// <summary>None, beside the control variable transform.</summary>
public sealed class NoPreconditioning : IPreconditioning, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("no-preconditioning", 1, _ => new NoPreconditioning());

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name => "none";

    /// <inheritdoc/>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous) => new IdentityPreconditioner();

    void IComponent.Save(ComponentWriter writer) { }
}
