using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A block-diagonal error covariance: parts of a vector, perhaps in different units or on different grids, whose errors are independent
/// of each other, such as the height and the currents of a shallow-water model.
/// </summary>
[Component("block-error-covariance")]
public sealed class BlockErrorCovariance : ErrorCovariance
{
    private const int MostBlocks = 1000;

    internal BlockErrorCovariance([Saved("blocks")] IReadOnlyList<IErrorCovariance> parts) : base(Check(parts))
    {
        Parts = [.. parts];
        long first = 0;
        for (int i = 0; i < Parts.Count && Singularity is null; first += Parts[i++].Dimension)
            if (Parts[i].Singularity is { } why)
                Singularity = $"in block {i} (components {first} to {first + Parts[i].Dimension - 1}, from 0) {why}";
    }

    /// <summary>The covariances of the parts, in the order of the vector.</summary>
    public IReadOnlyList<IErrorCovariance> Parts { get; }

    /// <inheritdoc/>
    public override string? Singularity { get; }

    /// <inheritdoc/>
    public override double LogDeterminant => Parts.Sum(block => block.LogDeterminant);

    /// <inheritdoc/>
    public override Tensor ToMatrix(ScalarType dtype, Device device)
    {
        using var scope = NewDisposeScope();
        return block_diag([.. Parts.Select(block => block.ToMatrix(dtype, device))]).MoveToOuterDisposeScope();
    }

    private protected override Tensor Inverse(Tensor vector, Tensor? mask) => ByParts(vector, mask, (block, part, exists) =>
        block.ApplyInverse(part, exists));

    private protected override Tensor InverseFactor(Tensor vector, Tensor? mask) => ByParts(vector, mask, (block, part, exists) =>
        block.Whiten(part, exists));

    private protected override Tensor Factor(Tensor white) => ByParts(white, null, (block, part, _) => block.Colour(part));

    private protected override Tensor FactorAdjoint(Tensor vector) => ByParts(vector, null, (block, part, _) => block.ColourAdjoint(part));

    private Tensor ByParts(Tensor vector, Tensor? mask, Func<IErrorCovariance, Tensor, Tensor?, Tensor> apply)
    {
        var parts = new List<Tensor>();
        long first = 0;
        foreach (var block in Parts)
        {
            parts.Add(apply(block, vector.narrow(-1, first, block.Dimension), mask?.narrow(-1, first, block.Dimension)));
            first += block.Dimension;
        }
        return cat(parts, -1);
    }

    private static long Check(IReadOnlyList<IErrorCovariance> blocks) => blocks.Count is > 0 and <= MostBlocks
        ? blocks.Sum(block => block.Dimension)
        : throw new ArgumentException($"A block-diagonal error covariance needs 1 to {MostBlocks} blocks; given: {blocks.Count}.",
            nameof(blocks));
}
