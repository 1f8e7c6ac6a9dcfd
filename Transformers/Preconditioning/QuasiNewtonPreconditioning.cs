using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The L-BFGS preconditioner from the directions of all earlier outer loops, the first loop's first; of a loop with more directions than
/// requested a sample evenly spread over its iterations (Morales and Nocedal 2000). Each loop's pairs update the preconditioner that its
/// solve had (Gratton, Sartenaer and Tshimanga 2011): what that one had dealt with is missing among them. It costs no product of the
/// Hessian. The inner solver must be conjugate gradients that keep their directions (<see cref="InnerSolverOptions.KeepDirections"/>);
/// otherwise there is no preconditioning.
/// </summary>
/// <param name="mostPairs">The largest number of pairs to use from one solve (default: 20).</param>
[Component("quasi-newton-preconditioning")]
public sealed class QuasiNewtonPreconditioning(int mostPairs = 20) : IPreconditioning
{
    /// <inheritdoc/>
    public string Name => $"{MostPairs} quasi-Newton pairs";

    /// <summary>The largest number of pairs to use from one solve.</summary>
    public int MostPairs { get; } = (int)Require.AtLeast(mostPairs, 1);

    /// <inheritdoc/>
    public IPreconditioner Prepare(WindowTrajectory<State> linearisation, QuadraticCost cost, IReadOnlyList<InnerSolution> previous)
    {
        ConjugateDirections[] pairs = [.. previous.Where(solve => solve.Directions is not null)
            .Select(solve => Sample(solve.Directions!, [.. solve.Trajectories.Select(report => report.Iterations)]))];
        return pairs.Length == 0 ? new IdentityPreconditioner() : new QuasiNewtonPreconditioner(pairs is [var only] ? only
            : new(cat([.. pairs.Select(solve => solve.Directions)], 1), cat([.. pairs.Select(solve => solve.Products)], 1),
                cat([.. pairs.Select(solve => solve.Known)], 1)));
    }

    // Places evenly spread over the iterations of each trajectory, including the last one.
    private ConjugateDirections Sample(ConjugateDirections pairs, int[] iterations)
    {
        int most = (int)Math.Min(MostPairs, pairs.Known.size(1));
        if (most == pairs.Known.size(1)) return pairs;
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var places = new List<long>();
        var known = new List<bool>();
        foreach (int count in iterations)
            for (int j = 0; j < most; j++)
            {
                known.Add(j < count);
                places.Add(count <= most ? Math.Min(j, Math.Max(0, count - 1)) : (long)Math.Round((j + 1.0) / most * count) - 1);
            }
        var device = pairs.Known.device;
        var there = tensor(known.ToArray(), device: device).reshape(iterations.Length, most);
        var index = tensor(places.ToArray(), device: device).reshape(iterations.Length, most, 1).expand(-1, -1, pairs.Directions.size(2));
        var missing = there.logical_not().unsqueeze(-1);
        return new ConjugateDirections(pairs.Directions.gather(1, index).masked_fill(missing, 0),
            pairs.Products.gather(1, index).masked_fill(missing, 0), there)
            .MoveToOuterDisposeScope();
    }
}
