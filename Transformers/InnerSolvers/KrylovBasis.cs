using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The vectors w_j of a Krylov space, orthonormal in P, and z_j = P w_j with them, for a batch. It grows by doubling; a trajectory that
/// has ended adds zeros.
/// </summary>
/// <param name="preconditioned">Whether P differs from the identity; if not, w and z are the same and kept once.</param>
internal sealed class KrylovBasis(bool preconditioned) : IDisposable
{
    private Tensor? residuals, directions; // [batch, capacity, m]
    private long count;

    /// <summary>z_1 .. z_k, <c>[batch, k, m]</c>, a view.</summary>
    public Tensor Directions => (directions ?? residuals)!.narrow(1, 0, count);

    /// <summary>w_1 .. w_k, <c>[batch, k, m]</c>, a view.</summary>
    public Tensor Residuals => residuals!.narrow(1, 0, count);

    public void Add(Tensor residual, Tensor direction)
    {
        residuals = WithRoom(residuals, residual);
        residuals.select(1, count).copy_(residual).Dispose();
        if (preconditioned)
        {
            directions = WithRoom(directions, direction);
            directions.select(1, count).copy_(direction).Dispose();
        }
        count++;
    }

    /// <summary>
    /// r minus its components along the basis, sum_j (z_j^T r) w_j. The subtraction is done twice, since once leaves the round-off of a
    /// large component (Giraud et al. 2005).
    /// </summary>
    /// <param name="residual">r</param>
    /// <param name="begins">The first vector that counts in each trajectory (default: null, all count).</param>
    public Tensor Orthogonalised(Tensor residual, IReadOnlyList<int>? begins = null)
    {
        using var scope = NewDisposeScope();
        var (w, z) = (Residuals, Directions);
        if (begins is not null && begins.Any(begin => begin > 0))
        {
            var counts = arange(count, device: z.device) >= tensor(begins.ToArray(), device: z.device).unsqueeze(-1);
            z = z * counts.unsqueeze(-1).to_type(z.dtype);
        }
        for (int pass = 0; pass < 2; pass++)
            residual = residual - z.matmul(residual.unsqueeze(-1)).mT.matmul(w).squeeze(-2);
        return residual.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        residuals?.Dispose();
        directions?.Dispose();
    }

    private Tensor WithRoom(Tensor? vectors, Tensor like)
    {
        if (vectors is not null && vectors.size(1) > count) return vectors;
        long batch = like.size(0), m = like.size(1);
        var larger = like.new_zeros([batch, Math.Max(8, 2 * count), m]).DetachFromDisposeScope();
        if (vectors is not null)
        {
            larger.narrow(1, 0, count).copy_(vectors).Dispose();
            vectors.Dispose();
        }
        return larger;
    }
}
