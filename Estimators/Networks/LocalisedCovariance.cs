using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A covariance for each trajectory in the form P = rho o (X X^T) (Bocquet et al. 2025, eq. B1): few columns X and a
/// localisation rho of few sites' reach. It is positive semi-definite by Schur's product theorem, usually of full rank, and
/// applied without a matrix of the state's size in the memory or the time of n (columns) (sites rho reaches).
/// </summary>
/// <remarks>Its tensors belong to the dispose scope of whoever asked the network for it; gradients flow through all of it.</remarks>
public sealed class LocalisedCovariance
{
    private readonly Tensor columns;
    private readonly LocalisationBand band;

    // columns: [batch, m, grid...], in the state's unit.
    internal LocalisedCovariance(Tensor columns, LocalisationBand band)
    {
        (this.columns, this.band) = (columns, band);
        band.RequireFits(columns.Sizes()[2..]);
    }

    /// <summary>The columns X, <c>[batch, m, n]</c>, in the state's unit.</summary>
    public Tensor Columns => band.Grid.ToState(columns);

    /// <summary>The reach of rho in each direction, in sites.</summary>
    public long Reach => band.Reach;

    /// <summary>The variances, <c>[batch, n]</c>.</summary>
    public Tensor Diagonal
    {
        get
        {
            using var scope = NewDisposeScope();
            return band.Grid.ToState(columns.square().sum([1])).MoveToOuterDisposeScope();   // rho is 1 at no distance
        }
    }

    /// <summary>
    /// The upper band, one row an offset: the covariance of a site and the one that lies so far on, zero where there is none.
    /// </summary>
    /// <returns>The offsets, in rows and columns (rows 0 in one direction), beginning with none; and the covariances <c>[batch, offsets,
    /// n]</c>.</returns>
    public (IReadOnlyList<(long Rows, long Columns)> Offsets, Tensor Covariances) Band()
    {
        using var scope = NewDisposeScope();
        double[] weights = band.Weights.Value.ToArray<double>();
        long side = 2 * Reach + 1;
        var offsets = new List<(long Rows, long Columns)>();
        var rows = new List<Tensor>();
        for (long k = weights.Length / 2; k < weights.Length; k++)       // the middle is no offset, what lies before it the mirror image
        {
            if (weights[k] == 0) continue;
            var offset = band.Grid.Directions == 1 ? (0, k - Reach) : (k / side - Reach, k % side - Reach);
            offsets.Add(offset);
            rows.Add(weights[k] * band.Grid.ToState((columns * band.Grid.Shift(columns, offset.Item1, offset.Item2)).sum([1])));
        }
        return (offsets, stack(rows, 1).MoveToOuterDisposeScope());
    }

    /// <summary>P v = sum over the columns of X_l o (rho (X_l o v)).</summary>
    /// <param name="vector">v, <c>[batch, n]</c></param>
    /// <returns><c>[batch, n]</c></returns>
    public Tensor Apply(Tensor vector)
    {
        Require.Shape(vector, "The vector", columns.size(0), columns.Sizes()[2..].Aggregate(1L, (product, size) => product * size));
        using var scope = NewDisposeScope();
        var field = band.Grid.ToField(vector).unsqueeze(1);                                 // [batch, 1, grid...]
        return band.Grid.ToState((columns * band.Apply(columns * field)).sum([1])).MoveToOuterDisposeScope();
    }

    /// <summary>P as matrices <c>[batch, n, n]</c>, for small n; symmetric to the bit.</summary>
    public Tensor ToMatrix()
    {
        using var scope = NewDisposeScope();
        var x = Columns;                                                                    // [batch, m, n]
        var unit = band.Grid.ToField(eye(x.size(2), dtype: x.dtype, device: x.device)).unsqueeze(1);
        var rho = band.Grid.ToState(band.Apply(unit)).squeeze(1);                           // [n, n]
        // a library's product is symmetric up to rounding only
        var p = rho * x.transpose(1, 2).matmul(x);
        return (0.5 * (p + p.mT)).MoveToOuterDisposeScope();
    }
}
