using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A transformer layer over the points of a field (Vaswani et al. 2017): every point attends to all points, x + softmax(q k^T / d^(1/2))
/// v, then to itself, x + W_2 gelu(W_1 x), each after a layer normalisation. Points have learned position vectors, zero at first.
/// </summary>
internal sealed class PointAttention : nn.Module<Tensor, Tensor>
{
    private readonly long heads;
    private readonly LayerNorm before, after;
    private readonly Linear queries, joined, wide, narrow;
    private readonly Parameter place;

    public PointAttention(long features, long heads, long points, ScalarType precision, Device device) : base(nameof(PointAttention))
    {
        this.heads = heads;
        before = nn.LayerNorm(features, dtype: precision, device: device);
        after = nn.LayerNorm(features, dtype: precision, device: device);
        queries = nn.Linear(features, 3 * features, dtype: precision, device: device);
        joined = nn.Linear(features, features, dtype: precision, device: device);
        wide = nn.Linear(features, 2 * features, dtype: precision, device: device);
        narrow = nn.Linear(2 * features, features, dtype: precision, device: device);
        place = new Parameter(zeros([points, features], dtype: precision, device: device));
        RegisterComponents();
    }

    /// <summary><c>[batch, features, grid...]</c> to the same.</summary>
    public override Tensor forward(Tensor field)
    {
        long batch = field.size(0), features = field.size(1);
        var x = field.flatten(2).mT + place;                                                          // [batch, points, features]
        long points = x.size(1), each = features / heads;
        var parts = queries.call(before.call(x)).view(batch, points, 3, heads, each).permute(2, 0, 3, 1, 4);
        var attended = (parts[0].matmul(parts[1].mT) / Math.Sqrt(each)).softmax(-1).matmul(parts[2]);  // [batch, heads, points, each]
        x = x + joined.call(attended.transpose(1, 2).reshape(batch, points, features));
        x = x + narrow.call(nn.functional.gelu(wide.call(after.call(x))));
        return x.mT.reshape(field.Sizes());
    }
}
