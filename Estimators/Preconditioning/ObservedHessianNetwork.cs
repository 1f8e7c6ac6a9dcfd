using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A network for observing networks that change: A_theta(x, w) = s I + c^2 sum over times i of M_i^T diag(w_i) M_i with M_i = (I +
/// S_i(x)) ... (I + S_1(x)). w_i = H'^T R^-1 1 gives the observed components at a time and their precision, and S_i is a stencil at every
/// point whose coefficients a network computes from the state: M_i is a learned tangent linear model from the window's beginning to that
/// time. The weights enter as in the exact matrix, so the learned flow applies to every observing network.
/// </summary>
/// <remarks>
/// The weights are the last channels of <see cref="HessianInputs"/>, with the observations in order of time. Without these channels w_i
/// is a constant, and the network learns the average over observing networks. The equation holds for operators that select components and
/// for uncorrelated errors and B; otherwise it is an approximation. The coefficients come from a convolution over one point, the same
/// everywhere, which starts at zero: A_theta = s I + c^2 diag(sum of w_i). No model is run for the eigenpairs; they are those of a dense
/// matrix, n^3 operations.
/// </remarks>
[Component("observed-hessian-network")]
public sealed class ObservedHessianNetwork : HessianNetwork
{
    private readonly nn.Module<Tensor, Tensor> trunk;
    private readonly FieldLayout layout;
    private readonly LocalTransport transport;
    private readonly GridConvolution stencils;
    private readonly long channels, features;
    private readonly int times, reach;

    /// <summary>Makes a network.</summary>
    /// <param name="trunk">The map from the state's channels <c>[batch, fields, grid...]</c> to features
    /// <c>[batch, features, grid...]</c>. It belongs to the network from then on; to be saved it must be a component.</param>
    /// <param name="channels">The number of its input channels: the fields, and again for each time if observations are
    /// requested.</param>
    /// <param name="features">The number of its features.</param>
    /// <param name="layout">The layout of vectors on the grid.</param>
    /// <param name="times">The number of times of observation, at least 1.</param>
    /// <param name="scale">c, above zero: about the background's deviation divided by that of the best observations.</param>
    /// <param name="reach">The reach of a stencil to each side in points, 0 or above: the distance that the flow carries an error from
    /// one time of observation to the next (default: 3).</param>
    /// <param name="rank">r, at most the dimension (default: null, the dimension).</param>
    /// <param name="rest">s, above zero (default: 1, as after a control variable transform).</param>
    /// <param name="precision">Float32 or Float64.</param>
    /// <param name="device">The device (default: null, the CPU).</param>
    /// <exception cref="ArgumentException">The number of channels differs, or the rank exceeds the dimension.</exception>
    public ObservedHessianNetwork(nn.Module<Tensor, Tensor> trunk, long channels, long features, FieldLayout layout, int times,
        double scale, int reach = 3, int? rank = null, double rest = 1, ScalarType precision = ScalarType.Float32, Device? device = null)
        : base(nameof(ObservedHessianNetwork))
    {
        (this.trunk, this.layout, this.channels, this.features) = (trunk, layout, channels, Require.AtLeast(features, 1));
        (this.times, this.reach) = ((int)Require.AtLeast(times, 1), (int)Require.AtLeast(reach, 0));
        (Scale, Rest) = (Require.Positive(scale), Require.Positive(rest));
        Rank = HessianRank.Check(rank ?? (int)layout.Dimension, layout.Dimension);
        long fields = layout.Fields.Count;
        if (channels != fields && channels != fields * (1 + times))
            throw new ArgumentException($"The inputs of a network for {times} times of observation must have {fields} channels " +
                $"(the state alone) or {fields * (1 + times)} (the observations too); given: {channels}.", nameof(channels));
        transport = new LocalTransport(layout, reach);
        stencils = new GridConvolution(layout.Grid, features, times * fields * fields * transport.Offsets, 1, precision, device ?? CPU);
        RegisterComponents();
        ModuleTensors.Keep(this);
    }

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <summary>c</summary>
    public double Scale { get; }

    /// <summary>s</summary>
    public double Rest { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor inputs, Tensor vectors)
    {
        var s = Stencils(inputs);
        var weights = Weights(inputs);
        var along = Along(s, vectors);
        var back = Weighted(times - 1);
        for (int i = times - 1; ; i--)
        {
            back = back + transport.ApplyTranspose(s[i], back);                                       // (I + S_i^T)
            if (i == 0) return Rest * vectors + Scale * Scale * back;
            back = back + Weighted(i - 1);
        }

        Tensor Weighted(int i) => weights is null ? along[i] : weights[i] * along[i];
    }

    /// <inheritdoc/>
    public override (Tensor Solved, Tensor LogDeterminant) Invert(Tensor inputs, Tensor vectors)
    {
        var factor = Factor(inputs);
        var lower = linalg.cholesky(factor.matmul(factor.mT) + Rest * eye(layout.Dimension, dtype: factor.dtype, device: factor.device));
        var solved = cholesky_solve(vectors.mT.to_type(factor.dtype), lower).mT.to_type(vectors.dtype);
        return (solved, (2 * lower.diagonal(dim1: -2, dim2: -1).log().sum(-1)).to_type(vectors.dtype));
    }

    /// <inheritdoc/>
    public override (Tensor Values, Tensor Vectors) Eigenpairs(Tensor inputs)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var factor = Factor(inputs);
        var (squares, columns) = linalg.eigh(factor.matmul(factor.mT));
        var values = (Rest + squares.clamp_min(0)).flip(-1).narrow(-1, 0, Rank);
        return (values.MoveToOuterDisposeScope(), columns.mT.flip(-2).narrow(-2, 0, Rank).MoveToOuterDisposeScope());
    }

    /// <summary>Draws the trunk's initial weights from a stream; those of the stencils stay zero.</summary>
    internal void Draw(RandomStream random) => ModuleState.DrawWeights(trunk, random);

    // W with A_theta = s I + W W^T, [batch, n, times * n], in double precision.
    private Tensor Factor(Tensor inputs)
    {
        var weights = Weights(inputs);
        var unit = eye(layout.Dimension, dtype: inputs.dtype, device: inputs.device).unsqueeze(0);
        var factor = cat([.. Along(Stencils(inputs), unit).Select((m, i) => weights is null ? m : weights[i].sqrt() * m)], -1);
        return Scale * factor.to_type(ScalarType.Float64);
    }

    // M_i Z for each time.
    private Tensor[] Along(Tensor[] s, Tensor vectors)
    {
        var along = new Tensor[times];
        for (int i = 0; i < times; i++)
        {
            var before = i == 0 ? vectors : along[i - 1];
            along[i] = before + transport.Apply(s[i], before);
        }
        return along;
    }

    // S_i for each time, [batch, to, from, offsets, points].
    private Tensor[] Stencils(Tensor inputs)
    {
        long batch = inputs.size(0), fields = layout.Fields.Count;
        Require.Shape(inputs, "A network's input", [batch, channels, .. layout.FieldSizes[1..]]);
        var field = Features(trunk, features, inputs.narrow(1, 0, fields));
        return [.. stencils.call(field).reshape(batch, times, fields, fields, transport.Offsets, layout.Points).unbind(1)];
    }

    // w_i for each time, [batch, 1, n]; null if the network does not see the observations.
    private Tensor[]? Weights(Tensor inputs)
    {
        long fields = layout.Fields.Count;
        if (channels == fields) return null;
        return [.. Enumerable.Range(1, times).Select(i => layout.ToStates(inputs.narrow(1, i * fields, fields)).unsqueeze(1))];
    }

    private ScalarType Precision => stencils.Weight.dtype;
}
