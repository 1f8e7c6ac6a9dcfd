using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A second level on top of a first, P = L (P_2) L^T with L L^T the first level: P_2 is a preconditioner of L^T A L.</summary>
/// <param name="first">The first level.</param>
/// <param name="second">P_2</param>
public class TwoLevelPreconditioner(ISplitPreconditioner first, IPreconditioner second) : IPreconditioner
{
    /// <inheritdoc/>
    public string Name => $"{second.Name} on {first.Name}";

    /// <inheritdoc/>
    public ControlVector Apply(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        return new(first.ApplyFactor(second.Apply(first.ApplyFactorTranspose(vector))).Values.MoveToOuterDisposeScope());
    }
}

/// <summary>Makes two levels that both have factors: L = L_1 L_2.</summary>
/// <param name="first">The first level.</param>
/// <param name="second">P_2</param>
public sealed class SplitTwoLevelPreconditioner(ISplitPreconditioner first, ISplitPreconditioner second) : TwoLevelPreconditioner(first,
    second), ISplitPreconditioner
{
    private readonly ISplitPreconditioner first = first, second = second;

    /// <inheritdoc/>
    public ControlVector ApplyFactor(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        return new(first.ApplyFactor(second.ApplyFactor(vector)).Values.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public ControlVector ApplyFactorTranspose(ControlVector vector)
    {
        using var scope = NewDisposeScope();
        return new(second.ApplyFactorTranspose(first.ApplyFactorTranspose(vector)).Values.MoveToOuterDisposeScope());
    }
}
