using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The Ritz vectors of the latest solve, of an outer loop or of a window before (<see
/// cref="IncrementalFourDimensionalVariational.Minimise"/>), taken to the Hessian as it is now by the Rayleigh-Ritz method, at one
/// product for each: its values are those of this Hessian, whatever that solve was preconditioned with. The inner solver must
/// re-orthogonalise in full, or there are no Ritz pairs and nothing is recycled.
/// </summary>
/// <param name="mostPairs">The most vectors that are taken over, those of the largest Ritz values first (default: 20).</param>
public sealed class RecycledEigenpairs(int mostPairs = 20) : IEigenpairSource, IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("recycled-eigenpairs", 1, reader =>
        new RecycledEigenpairs(reader.Get<int>("mostPairs")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name => $"{MostPairs} recycled Ritz pairs";

    /// <summary>The most vectors that are taken over.</summary>
    public int MostPairs { get; } = (int)Require.AtLeast(mostPairs, 1);

    /// <inheritdoc/>
    public RitzPairs Find(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var ritz = previous.LastOrDefault(solve => solve.Ritz is not null)?.Ritz;
        if (ritz is null) return RitzPairs.None(cost.RightSide.Values).MoveToOuterDisposeScope();
        var leading = ritz.Leading(MostPairs);
        var basis = RowProducts.Orthonormal(leading.Vectors, leading.Known).matmul(leading.Vectors);
        var (values, vectors, products) = RowProducts.RayleighRitz(basis, cost.HessianProducts(basis), leading.Known);
        // Places that hold no pair are where the vector is zero.
        var known = vectors.square().sum(-1) > 0.5;
        values = values.where(known, ones_like(values));
        var residuals = (products - values.unsqueeze(-1) * vectors).square().sum(-1).sqrt();
        return new RitzPairs(values, vectors, residuals, known) { Products = products }.MoveToOuterDisposeScope();
    }

    void IComponent.Save(ComponentWriter writer) => writer.Set("mostPairs", MostPairs);
}
