using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Adds a field's coefficients in the modes of a decomposition.</summary>
/// <param name="decomposition">The modes.</param>
/// <param name="field">The column it reads, <c>[n]</c>.</param>
/// <param name="coefficients">The column it adds, <c>[r]</c>.</param>
[Component("proper-orthogonal-decomposition-transformer")]
public sealed class ProperOrthogonalDecompositionTransformer(ProperOrthogonalDecomposition decomposition, Column field, Column coefficients)
    : CycleTransformer("projection on modes", new SchemaContract([new(field, decomposition.Dimension)],
    [new(coefficients, decomposition.ModeCount)]))
{
    /// <summary>The modes.</summary>
    public ProperOrthogonalDecomposition Decomposition => decomposition;

    /// <summary>Makes the step that reconstructs a field from coefficients, on any columns.</summary>
    /// <param name="coefficients">The column it reads, <c>[r]</c>, for instance a filter's analysis.</param>
    /// <param name="field">The column it adds, <c>[n]</c>.</param>
    public ProperOrthogonalDecompositionReconstruction Inverse(Column coefficients, Column field) =>
        new(decomposition, coefficients, field);

    private Column Coefficients { get; } = coefficients;

    /// <inheritdoc/>
    protected override IReadOnlyList<Column> Complete => [@field];

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle) => [decomposition.Project(cycle[field])];
}
