using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Averages the Gauss-Newton Hessian of 4D-Var over many states, as a preconditioner for all others. It is the cheapest preconditioner
/// that can be learned, and the reference for preconditioners that depend on the state. Each window's model is linearised along the run
/// from its background; the Hessian does not depend on the values of its observations.
/// </summary>
/// <param name="cost">The cost whose Hessian is averaged.</param>
public sealed class FixedPreconditioningEstimator(FourDimensionalVariationalCost cost)
{
    private const long BlockSize = 64;

    /// <summary>
    /// Finds the leading eigenpairs of the average. The model is linearised along all runs, which are all kept at the same time; a
    /// product of the average costs one product of each window.
    /// </summary>
    /// <param name="windows">The windows, at least one; every trajectory of a batch counts as a state.</param>
    /// <param name="method">The number of pairs, and the method of finding them.</param>
    /// <param name="progress">Reports after every block of products.</param>
    /// <param name="cancellation">Checked in every product.</param>
    /// <exception cref="ArgumentException">There are no windows, a window does not match the cost or the other windows, or there are more
    /// pairs than control variables.</exception>
    public FixedEigenpairs FindEigenpairs(IReadOnlyList<AssimilationWindow> windows, ComputedEigenpairs method,
        IProgress<ProgressReport>? progress = null, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        long m = Dimension(windows);
        double states = windows.Sum(window => window.Batch);
        var rightSide = windows[0].Zeros(m).narrow(0, 0, 1);
        var linearised = new List<QuadraticCost>();
        long done = 0,
            all = windows.Count * Math.Min(method.Pairs + method.Oversampling, m) * (method.Method == EigenpairMethod.Randomised
                ? method.Passes : 1);
        var watch = Stopwatch.StartNew();
        try
        {
            foreach (var window in windows) linearised.Add(cost.AtBackground(window).Quadratic);
            var average = new QuadraticCost(vector => new(Mean(vector.Values.unsqueeze(1)).squeeze(1)), new(rightSide),
                rightSide.new_zeros([1])) { BlockProduct = Mean };
            return new FixedEigenpairs(method.Find(average));
        }
        finally
        {
            foreach (var quadratic in linearised) quadratic.Dispose();
        }

        // [1, k, m]
        Tensor Mean(Tensor vectors)
        {
            using var inner = NewDisposeScope();
            var sum = zeros_like(vectors);
            long count = vectors.size(1);
            foreach (var quadratic in linearised)
                for (long first = 0; first < count; first += BlockSize)
                {
                    cancellation.ThrowIfCancellationRequested();
                    using var one = NewDisposeScope();
                    var block = vectors.narrow(1, first, Math.Min(BlockSize, count - first));
                    var products = quadratic.HessianProducts(block.expand(quadratic.RightSide.Values.size(0), -1, -1));
                    sum.narrow(1, first, block.size(1)).add_(products.sum([0], keepdim: true) / states);
                    done = Math.Min(done + block.size(1), all);
                    progress?.Report(
                        new ProgressReport("products of the average Hessian", done, all, new Dictionary<string, double>(), watch.Elapsed,
                        watch.Elapsed * ((double)all / done - 1)));
                }
            return sum.MoveToOuterDisposeScope();
        }
    }

    /// <summary>
    /// Computes the average as a matrix, for <see cref="RegularisedInversePreconditioning"/>: m products for each state, one run at a
    /// time.
    /// </summary>
    /// <param name="windows">The windows, at least one; every trajectory of a batch counts as a state.</param>
    /// <param name="progress">Reports after every window.</param>
    /// <param name="cancellation">Checked in every product.</param>
    /// <returns><c>[m, m]</c>, symmetric to the bit.</returns>
    /// <exception cref="ArgumentException">There are no windows, or a window does not match the cost or the other windows.</exception>
    public Tensor AverageHessian(IReadOnlyList<AssimilationWindow> windows, IProgress<ProgressReport>? progress = null,
        CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var watch = Stopwatch.StartNew();
        long m = Dimension(windows);
        double states = windows.Sum(window => window.Batch);
        var sum = windows[0].Zeros(m * m).narrow(0, 0, 1).reshape(m, m);
        for (int i = 0; i < windows.Count; i++)
        {
            using var inner = NewDisposeScope();
            using var quadratic = cost.AtBackground(windows[i]).Quadratic;
            for (long first = 0; first < m; first += BlockSize)
            {
                cancellation.ThrowIfCancellationRequested();
                using var product = NewDisposeScope();
                long count = Math.Min(BlockSize, m - first);
                var units = sum.new_zeros([count, m]);
                units.narrow(1, first, count).diagonal().fill_(1);
                sum.narrow(0, first, count).add_(quadratic.HessianProducts(units.expand(windows[i].Batch, count, m)).sum([0]) / states);
            }
            progress?.Report(new ProgressReport("averaging the Hessian", i + 1, windows.Count, new Dictionary<string, double>(),
                watch.Elapsed,
                watch.Elapsed * ((double)windows.Count / (i + 1) - 1)));
        }
        return (0.5 * (sum + sum.mT)).MoveToOuterDisposeScope();
    }

    private long Dimension(IReadOnlyList<AssimilationWindow> windows)
    {
        if (windows.Count == 0) throw new ArgumentException("An average Hessian needs at least one window; given: none.", nameof(windows));
        long m = cost.ControlDimension(windows[0]);
        for (int i = 1; i < windows.Count; i++)
            if (cost.ControlDimension(windows[i]) != m)
                throw new ArgumentException($"All windows must have as many control variables as the first, {m}; " +
                    $"window {i} has {cost.ControlDimension(windows[i])}.", nameof(windows));
        return m;
    }
}
