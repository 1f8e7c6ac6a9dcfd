using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The network of Trappler and Vidard (eq. 2.1 to 2.3). It maps x to r vectors that a QR decomposition makes orthonormal, U, and to r
/// numbers that a scaled sigmoid maps to between 0 and M, Lambda; A_theta(x) = s I + U (Lambda - s I) U^T. Their A_theta has s = 0; after
/// a control variable transform every eigenvalue outside the pairs is about one, so s = 1.
/// </summary>
/// <remarks>
/// The trunk gives features on the grid. A convolution over one point turns them into vectors, to which a learned constant field is
/// added, and their mean over the grid gives the numbers.
/// </remarks>
[Component("spectral-hessian-network")]
public sealed class SpectralHessianNetwork : HessianNetwork
{
    private readonly nn.Module<Tensor, Tensor> trunk;
    private readonly FieldLayout layout;
    private readonly GridConvolution vectors;
    private readonly Parameter constant;
    private readonly Linear values;
    private readonly long features;

    /// <summary>Makes a network.</summary>
    /// <param name="trunk">The map from channels <c>[batch, channels, grid...]</c> to features <c>[batch, features, grid...]</c>. It
    /// belongs to the network from then on; to be saved it must be a component.</param>
    /// <param name="features">The number of its features.</param>
    /// <param name="layout">The layout of vectors on the grid.</param>
    /// <param name="rank">r, at most the dimension.</param>
    /// <param name="largest">M, a rough upper bound of the eigenvalues, above zero.</param>
    /// <param name="rest">s, zero or above and below M (default: 1).</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device (default: null, the CPU).</param>
    /// <exception cref="ArgumentException">The rank exceeds the dimension, or the bound is not above the rest.</exception>
    public SpectralHessianNetwork(nn.Module<Tensor, Tensor> trunk, long features, FieldLayout layout, int rank, double largest,
        double rest = 1,
        ScalarType precision = ScalarType.Float32, Device? device = null) : base(nameof(SpectralHessianNetwork))
    {
        HessianRank.Check(rank, layout.Dimension);
        (this.trunk, this.layout, this.features, Rank, Largest, Rest) = (trunk, layout, Require.AtLeast(features, 1), rank, largest,
            Require.NotNegative(rest));
        if (!(double.IsFinite(largest) && largest > rest))
            throw new ArgumentOutOfRangeException(nameof(largest), largest,
                $"'{nameof(largest)}' must be a finite number above '{nameof(rest)}' = {rest:g6}; given: {largest}.");
        long fields = layout.Fields.Count;
        vectors = new GridConvolution(layout.Grid, features, rank * fields, 1, precision, device ?? CPU);
        constant = new Parameter(zeros([rank, layout.Dimension], dtype: precision, device: device));
        values = nn.Linear(features, rank, dtype: precision, device: device);
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <summary>M</summary>
    public double Largest { get; }

    /// <summary>s</summary>
    public double Rest { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor inputs, Tensor vectors)
    {
        var (lambda, u) = Pairs(inputs);                                                              // u: [batch, r, m]
        var along = vectors.matmul(u.mT) * (lambda - Rest).unsqueeze(1);                              // [batch, k, r]
        return Rest == 0 ? along.matmul(u) : Rest * vectors + along.matmul(u);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">s is zero: A_theta has no inverse.</exception>
    public override (Tensor Solved, Tensor LogDeterminant) Invert(Tensor inputs, Tensor vectors)
    {
        if (Rest == 0)
            throw new InvalidOperationException("An approximate Hessian whose rest is zero has no inverse; a rest above zero is needed.");
        var (lambda, u) = Pairs(inputs);
        var along = vectors.matmul(u.mT) * (lambda.reciprocal() - 1 / Rest).unsqueeze(1);
        return (vectors / Rest + along.matmul(u), lambda.log().sum(-1) + (layout.Dimension - Rank) * Math.Log(Rest));
    }

    /// <inheritdoc/>
    public override (Tensor Values, Tensor Vectors) Eigenpairs(Tensor inputs)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (lambda, u) = Pairs(inputs);
        var (sorted, order) = lambda.sort(-1, descending: true);
        return (sorted.MoveToOuterDisposeScope(), u.gather(1, order.unsqueeze(-1).expand_as(u)).MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Draws the initial weights from a stream. The constant field starts as noise of size one, so that the vectors are independent.
    /// </summary>
    internal void Draw(RandomStream random)
    {
        ModuleState.DrawWeights(this, random);
        using var noGradients = no_grad();
        using var noise = random.Normal(constant.Sizes(), constant.dtype);
        constant.copy_(noise);
    }

    private (Tensor Values, Tensor Vectors) Pairs(Tensor inputs)
    {
        var field = Features(trunk, features, inputs);
        var raw = layout.ToStates(vectors.call(field).view([inputs.size(0), Rank, .. layout.FieldSizes])) + constant;
        var (q, _) = linalg.qr(raw.mT);
        return (Largest * values.call(field.flatten(2).mean([-1])).sigmoid(), q.mT);
    }

    private ScalarType Precision => constant.dtype;
}
