using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Increments as an outer loop makes them, drawn from known eigenpairs instead of solved for. From the second outer loop on a
/// Hessian is met at x + dx, and dx carries what the observations saw of the truth and some of their noise; a network that has
/// seen states of the model's long run only has not seen such states.
/// </summary>
/// <remarks>
/// With A = I + G^T G, its eigenpairs (u_i, lambda_i) and departures d = G (t - x) + e, e ~ N(0, I), the solution is
/// A^-1 G^T d = sum_i u_i ((1 - 1 / lambda_i) u_i^T (t - x) + (lambda_i - 1)^(1/2) / lambda_i e_i). Pairs of an average stand for
/// those of the state: an increment needs no run of the model.
/// </remarks>
/// <param name="pairs">The pairs, of the Hessian after the control variable transform; those with values above one count.</param>
public sealed class SimulatedIncrements(FixedEigenpairs pairs)
{
    /// <summary>Draws an increment for each state.</summary>
    /// <param name="towards">t - x, from the states to their truths, in control variables, <c>[batch, m]</c>.</param>
    /// <param name="random">Where the noise comes from.</param>
    /// <returns>Increments of the control variables, <c>[batch, m]</c>.</returns>
    /// <exception cref="ArgumentException">The pairs are of another dimension.</exception>
    public Tensor Draw(Tensor towards, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Require.Shape(towards, "The way to the truth", [towards.size(0), pairs.Vectors.size(-1)]);
        Tensor vectors = pairs.Vectors[0].to(towards.dtype, towards.device),
            values = pairs.Values[0].to(towards.dtype, towards.device).clamp_min(1);
        var noise = random.Normal([towards.size(0), pairs.Count], towards.dtype).to(towards.device);
        var seen = (1 - 1 / values) * towards.matmul(vectors.mT);
        return (seen + (values - 1).sqrt() / values * noise).matmul(vectors).MoveToOuterDisposeScope();
    }
}
