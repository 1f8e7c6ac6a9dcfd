using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Increments like those of an outer loop, drawn from known eigenpairs instead of solved for. From the second outer loop on, the Hessian
/// is taken at x + dx, and dx contains the observed part of the truth and some observation noise. A network trained only on states of the
/// model's long run has not seen such states.
/// </summary>
/// <remarks>
/// With A = I + G^T G, its eigenpairs (u_i, lambda_i) and departures d = G (t - x) + e, e ~ N(0, I), the solution is A^-1 G^T d = sum_i
/// u_i ((1 - 1 / lambda_i) u_i^T (t - x) + (lambda_i - 1)^(1/2) / lambda_i e_i). The pairs of an average approximate those of the state,
/// so an increment needs no run of the model.
/// </remarks>
/// <param name="pairs">The pairs, of the Hessian after the control variable transform; those with values above one count.</param>
public sealed class SimulatedIncrements(FixedEigenpairs pairs)
{
    /// <summary>Draws an increment for each state.</summary>
    /// <param name="towards">t - x, from the states to their truths, in control variables, <c>[batch, m]</c>.</param>
    /// <param name="random">The stream of the noise.</param>
    /// <returns>Increments of the control variables, <c>[batch, m]</c>.</returns>
    /// <exception cref="ArgumentException">The pairs are of another dimension.</exception>
    public Tensor Draw(Tensor towards, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        Require.Shape(towards, "The increment to the truth", [towards.size(0), pairs.Vectors.size(-1)]);
        Tensor vectors = pairs.Vectors[0].to(towards.dtype, towards.device),
            values = pairs.Values[0].to(towards.dtype, towards.device).clamp_min(1);
        var noise = random.Normal([towards.size(0), pairs.Count], towards.dtype).to(towards.device);
        var seen = (1 - 1 / values) * towards.matmul(vectors.mT);
        return (seen + (values - 1).sqrt() / values * noise).matmul(vectors).MoveToOuterDisposeScope();
    }
}
