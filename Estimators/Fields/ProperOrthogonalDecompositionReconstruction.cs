using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Adds the field that corresponds to coefficients in the modes of a decomposition.</summary>
/// <param name="decomposition">The modes.</param>
/// <param name="coefficients">The column it reads, <c>[r]</c>.</param>
/// <param name="field">The column it adds, <c>[n]</c>.</param>
[Component("proper-orthogonal-decomposition-reconstruction")]
public sealed class ProperOrthogonalDecompositionReconstruction(ProperOrthogonalDecomposition decomposition, Column coefficients,
    Column field)
    : CycleTransformer("reconstruction from modes", new SchemaContract([new(coefficients, decomposition.ModeCount)],
    [new(field, decomposition.Dimension)]))
{
    private Column Field { get; } = field;

    /// <inheritdoc/>
    protected override IReadOnlyList<Column> Complete => [coefficients];

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle) => [decomposition.Reconstruct(cycle[coefficients])];
}
