using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The linear operator T of a layout's fields whose row at every point is its own stencil: (T y)_a(p) = sum over fields b and offsets o
/// of t_ab,o(p) y_b(p + o), and its transpose. Coefficients <c>[batch, to, from, offsets, points]</c>.
/// </summary>
/// <param name="layout">The layout of vectors on the grid.</param>
/// <param name="reach">The reach of a stencil to each side, in points.</param>
internal sealed class LocalTransport(FieldLayout layout, int reach)
{
    private readonly (long Row, long Column)[] offsets = layout.Grid.Directions == 1
        ? [.. Enumerable.Range(-reach, 2 * reach + 1).Select(column => (0L, (long)column))]
        : [.. Enumerable.Range(-reach, 2 * reach + 1)
            .SelectMany(row => Enumerable.Range(-reach, 2 * reach + 1).Select(column => ((long)row, (long)column)))];

    /// <summary>The number of points that a stencil reads of a field.</summary>
    public int Offsets => offsets.Length;

    private int Fields => layout.Fields.Count;

    /// <summary>Computes T y.</summary>
    /// <param name="coefficients"><c>[batch, to, from, offsets, points]</c></param>
    /// <param name="vectors">y, <c>[batch or 1, k, n]</c></param>
    /// <returns><c>[batch, k, n]</c></returns>
    public Tensor Apply(Tensor coefficients, Tensor vectors)
    {
        long batch = coefficients.size(0), given = vectors.size(0), k = vectors.size(1);
        var fields = layout.ToFields(vectors).reshape([given * k, .. layout.FieldSizes]);
        var around = stack([.. offsets.Select(offset => layout.Grid.Shift(fields, offset.Row, offset.Column))], 2)
            .reshape(given, k, -1, layout.Points);
        var matrices = coefficients.reshape(batch, Fields, -1, layout.Points);
        var moved = given < batch ? Shared(matrices, around[0]) : PerPoint(matrices, around);
        return layout.ToStates(moved.reshape([batch, k, .. layout.FieldSizes]));
    }

    /// <summary>Computes T^T z.</summary>
    /// <param name="coefficients"><c>[batch, to, from, offsets, points]</c></param>
    /// <param name="vectors">z, <c>[batch or 1, k, n]</c></param>
    /// <returns><c>[batch, k, n]</c></returns>
    public Tensor ApplyTranspose(Tensor coefficients, Tensor vectors)
    {
        long batch = coefficients.size(0), k = vectors.size(1);
        var fields = layout.ToFields(vectors.expand(batch, -1, -1)).reshape(batch, k, Fields, layout.Points);
        // [b, from * o, to, points]
        var transposed = coefficients.reshape(batch, Fields, -1, layout.Points).transpose(1, 2);
        var parts = PerPoint(transposed, fields).reshape([batch * k, Fields, Offsets, .. layout.FieldSizes[1..]]);
        Tensor? sum = null;
        for (int o = 0; o < Offsets; o++)
        {
            var shifted = layout.Grid.Shift(parts.select(2, o), -offsets[o].Row, -offsets[o].Column);
            sum = sum is null ? shifted : sum + shifted;
        }
        return layout.ToStates(sum!.reshape([batch, k, .. layout.FieldSizes]));
    }

    // The same vectors for the whole batch, [k, from, p]: at every point one product for all, to [b, k, to, p].
    private static Tensor Shared(Tensor matrices, Tensor vectors)
    {
        long batch = matrices.size(0), to = matrices.size(1);
        var products = matrices.permute(3, 0, 1, 2).flatten(1, 2).matmul(vectors.permute(2, 1, 0));                       // [p, b * to, k]
        return products.unflatten(1, batch, to).permute(1, 3, 2, 0);
    }

    // At every point a small matrix [to, from] times the vectors there: [b, to, from, p] and [b, k, from, p] to [b, k, to, p].
    private static Tensor PerPoint(Tensor matrices, Tensor vectors) =>
        vectors.permute(0, 3, 1, 2).matmul(matrices.permute(0, 3, 2, 1)).permute(0, 2, 3, 1);
}
