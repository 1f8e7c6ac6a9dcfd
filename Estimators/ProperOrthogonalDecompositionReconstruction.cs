using static TorchSharp.torch;

namespace DaML;

/// <summary>Adds the field that coefficients in the modes of a decomposition stand for.</summary>
/// <param name="decomposition">The modes.</param>
/// <param name="coefficients">The column it reads, <c>[r]</c>.</param>
/// <param name="field">The column it adds, <c>[n]</c>.</param>
public sealed class ProperOrthogonalDecompositionReconstruction(ProperOrthogonalDecomposition decomposition, Column coefficients, Column field)
    : CycleTransformer("reconstruction from modes", new SchemaContract([new(coefficients, decomposition.ModeCount)], [new(field, decomposition.Dimension)])), IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("proper-orthogonal-decomposition-reconstruction", 1, reader => new ProperOrthogonalDecompositionReconstruction(
        reader.Part<ProperOrthogonalDecomposition>("decomposition"), new Column(reader.Get<string>("coefficients")), new Column(reader.Get<string>("field"))));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    protected override IReadOnlyList<Column> Complete => [coefficients];

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle) => [decomposition.Reconstruct(cycle[coefficients])];

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("decomposition", decomposition);
        writer.Set("coefficients", coefficients.Name);
        writer.Set("field", field.Name);
    }
}
