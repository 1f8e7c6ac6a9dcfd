using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A network that corrects a fixed preconditioner instead of replacing it: A_theta(x) = s I + W(x) W(x)^T with W(x) = W_0 + T_theta(x)
/// W_0, where W_0 = U_0 (Lambda_0 - s I)^(1/2) comes from fixed eigenpairs and T_theta(x) is a stencil at every point, with coefficients
/// that the network gives: the flow moves the fixed vectors. It starts as the fixed preconditioner.
/// </summary>
/// <remarks>
/// A Gauss-Newton matrix is G^T G. A change of the flow changes G^T gradually, while eigenvectors with close eigenvalues rotate into each
/// other; therefore the factor is learned. On a 16 x 16 shallow-water model, stencils that reach one point leave 0.04 % of the flow's
/// change in G^T. The number of outputs does not depend on the rank. The coefficients are features of the trunk, the inputs themselves
/// and a constant, times weights at each point that start at zero.
/// </remarks>
[Component("transported-hessian-network")]
public sealed class TransportedHessianNetwork : HessianNetwork
{
    private readonly nn.Module<Tensor, Tensor> trunk;
    private readonly FieldLayout layout;
    private readonly LocalTransport transport;
    private readonly Parameter weight;
    private readonly Tensor factor, scale;
    private readonly long channels, features;
    private readonly int reach;

    /// <summary>Makes a network.</summary>
    /// <param name="trunk">The map from channels <c>[batch, channels, grid...]</c> to features <c>[batch, features, grid...]</c>. It
    /// belongs to the network from then on; to be saved it must be a component.</param>
    /// <param name="channels">The number of its input channels.</param>
    /// <param name="features">The number of its features.</param>
    /// <param name="layout">The layout of vectors on the grid.</param>
    /// <param name="fixedPairs">The pairs it starts with, for instance of <see cref="FixedPreconditioningEstimator"/>; those with values
    /// above the rest count.</param>
    /// <param name="rest">s, the eigenvalue of all directions outside the pairs, above zero (default: 1, as after a control variable
    /// transform).</param>
    /// <param name="reach">The reach of a stencil to each side in points, 0 or above (default: 1).</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device (default: null, the CPU).</param>
    /// <exception cref="ArgumentException">The dimensions of the pairs and of the layout differ, or none is above the rest.</exception>
    public TransportedHessianNetwork(nn.Module<Tensor, Tensor> trunk, long channels, long features, FieldLayout layout,
        FixedEigenpairs fixedPairs, double rest = 1, int reach = 1,
        ScalarType precision = ScalarType.Float32, Device? device = null)
        : this(trunk, channels, features, layout, Factor(fixedPairs, layout, rest), rest, reach, precision, device)
    {
    }

    [Saved]
    private TransportedHessianNetwork(nn.Module<Tensor, Tensor> trunk, long channels, long features, FieldLayout layout, Tensor factor,
        double rest, int reach, ScalarType precision, Device? device)
        : base(nameof(TransportedHessianNetwork))
    {
        (this.trunk, this.layout, this.channels, this.features) = (trunk, layout, Require.AtLeast(channels, 1),
            Require.AtLeast(features, 1));
        (Rest, this.reach) = (Require.Positive(rest), (int)Require.AtLeast(reach, 0));
        transport = new LocalTransport(layout, reach);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        this.factor = factor.to(precision, device ?? CPU).clone();
        Rank = (int)factor.size(0);
        // Fields have units: a coefficient from b to a is a number times the ratio of their sizes in W_0.
        int fields = layout.Fields.Count;
        var size = layout.ToFields(factor).square().flatten(2).mean([0, 2]).sqrt();
        size = size.where(size > 0, ones_like(size));
        scale = (size.unsqueeze(1) / size.unsqueeze(0)).view(1, fields, fields, 1, 1).to(precision, device ?? CPU);
        weight = new Parameter(
            zeros([layout.Points, 1 + channels + features, fields * fields * transport.Offsets], dtype: precision, device: device));
        register_buffer(nameof(factor), this.factor);
        register_buffer(nameof(scale), scale);
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <summary>s</summary>
    public double Rest { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor inputs, Tensor vectors)
    {
        var t = Coefficients(inputs);
        var back = vectors + transport.ApplyTranspose(t, vectors);
        var along = back.matmul(factor.mT).matmul(factor);                                            // W_0 W_0^T (I + T^T) Z
        return Rest * vectors + along + transport.Apply(t, along);
    }

    /// <inheritdoc/>
    public override (Tensor Solved, Tensor LogDeterminant) Invert(Tensor inputs, Tensor vectors)
    {
        // P = (I - W (s I + W^T W)^-1 W^T) / s; the small matrix in double precision.
        var rows = Rows(inputs);
        var small = rows.matmul(rows.mT).to_type(ScalarType.Float64) + Rest * eye(Rank, dtype: ScalarType.Float64, device: rows.device);
        var lower = linalg.cholesky(small);
        var along = cholesky_solve(rows.matmul(vectors.mT).to_type(ScalarType.Float64), lower).to_type(rows.dtype);       // [batch, r, k]
        var logarithm = 2 * lower.diagonal(dim1: -2, dim2: -1).log().sum(-1) + (layout.Dimension - Rank) * Math.Log(Rest);
        return ((vectors - along.mT.matmul(rows)) / Rest, logarithm.to_type(rows.dtype));
    }

    /// <inheritdoc/>
    public override (Tensor Values, Tensor Vectors) Eigenpairs(Tensor inputs)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var rows = Rows(inputs).to_type(ScalarType.Float64);
        var (squares, rotation) = linalg.eigh(rows.matmul(rows.mT));
        squares = squares.clamp_min(double.Epsilon);
        var vectors = (rotation / squares.sqrt().unsqueeze(-2)).mT.matmul(rows);
        return ((Rest + squares).flip(-1).MoveToOuterDisposeScope(), vectors.flip(-2).MoveToOuterDisposeScope());
    }

    /// <summary>Draws the trunk's initial weights from a stream; those at the points stay zero.</summary>
    internal void Draw(RandomStream random) => ModuleState.DrawWeights(trunk, random);

    // W(x)^T, [batch, r, m]
    private ScalarType Precision => weight.dtype;

    private Tensor Rows(Tensor inputs) => factor + transport.Apply(Coefficients(inputs), factor.unsqueeze(0));

    // [batch, to, from, offsets, points]
    private Tensor Coefficients(Tensor inputs)
    {
        long batch = inputs.size(0), fields = layout.Fields.Count;
        Require.Shape(inputs, "A network's input", [batch, channels, .. layout.FieldSizes[1..]]);
        var field = Features(trunk, features, inputs);
        // [batch, 1 + channels + features, points]
        var all = cat([ones_like(inputs.narrow(1, 0, 1)), inputs, field], 1).flatten(2);
        // [batch, fields * fields * offsets, points]
        var coefficients = all.permute(2, 0, 1).matmul(weight).permute(1, 2, 0);
        return coefficients.reshape(batch, fields, fields, transport.Offsets, layout.Points) * scale;
    }

    // W_0^T, [r, m]
    private static Tensor Factor(FixedEigenpairs pairs, FieldLayout layout, double rest)
    {
        using var scope = NewDisposeScope();
        var (values, vectors) = (pairs.Values, pairs.Vectors);
        if (vectors.size(-1) != layout.Dimension)
            throw new ArgumentException(
                $"The fixed eigenpairs are of dimension {vectors.size(-1)}; the layout has {layout.Dimension} components.", nameof(pairs));
        using var above = values[0] > rest;
        if (!above.any().ToBoolean())
            throw new ArgumentException($"No fixed eigenvalue is above the rest, {rest:g6}; the largest is {values.max().ToDouble():g6}.",
                nameof(pairs));
        var chosen = above.nonzero().squeeze(-1);
        return ((values[0] - rest).index_select(0, chosen).sqrt().unsqueeze(-1) * vectors[0].index_select(0, chosen))
            .MoveToOuterDisposeScope();
    }
}
