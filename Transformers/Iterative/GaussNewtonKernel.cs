using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.KernelMemory;

namespace DaML;

/// <summary>
/// The Gauss-Newton steps of <see cref="IterativeEnsembleKalmanSmootherAnalyzer"/> over plain memory, all that lies between two
/// runs of the model in one piece, trajectory by trajectory. What it keeps from one step to the next belongs to the scope it was made in.
/// </summary>
internal sealed unsafe class GaussNewtonKernel
{
    private readonly EnsembleGaussNewton iteration;
    private readonly PriorWeight weight;
    private readonly Tensor members, weights, inverse, ensemble, result;
    private readonly bool[] active, overshot;
    private readonly (double Zeta, double Size, double Misfit)[] costs; // of each trajectory's step before: zeta, |w|^2 and |d|^2 where it was linearised
    private int steps;

    /// <summary>Begins with an ensemble.</summary>
    /// <param name="members">The prior, <c>[batch, N, n]</c>.</param>
    /// <param name="iteration">The minimisation.</param>
    /// <param name="weight">The prior's weight.</param>
    public GaussNewtonKernel(Tensor members, EnsembleGaussNewton iteration, PriorWeight weight)
    {
        (this.iteration, this.weight) = (iteration, weight);
        this.members = members.contiguous();
        long batch = members.size(0), count = members.size(1);
        var mean = members.mean([1], keepdim: true);
        weights = empty([batch, count], dtype: members.dtype);
        inverse = empty([batch, count, count], dtype: members.dtype);
        ensemble = iteration.Linearisation.IsBundle ? mean + iteration.Linearisation.Scale * (this.members - mean) : this.members.clone();
        result = empty(members.Sizes(), dtype: members.dtype);
        (active, overshot, costs) = (new bool[batch], new bool[batch], new (double, double, double)[batch]);
        Array.Fill(active, true);
    }

    /// <summary>The ensemble whose run the next step needs; changed in its place by <see cref="Step"/>.</summary>
    public Tensor Ensemble => ensemble;

    /// <summary>The analysis, once no trajectory goes on.</summary>
    public Tensor Result => result;

    /// <summary>The trajectories whose cost a step raised, as <see cref="GaussNewtonPoint"/> sees it; they have no result here.</summary>
    public long[] Overshot => [.. Enumerable.Range(0, overshot.Length).Where(b => overshot[b]).Select(b => (long)b)];

    /// <summary>A step of every trajectory that goes on.</summary>
    /// <param name="observed">H of the run, <c>[batch, N, p]</c>.</param>
    /// <param name="values">The observations, <c>[batch, p]</c>.</param>
    /// <param name="mask">Which there are, or null for all.</param>
    /// <param name="deviations">1 / sigma of each, or null where all is whitened.</param>
    /// <returns>Whether another step is needed.</returns>
    public bool Step(Tensor observed, Tensor values, Tensor? mask, double[]? deviations) =>
        members.dtype == ScalarType.Float64 ? Step<double>(observed, values, mask, deviations) : Step<float>(observed, values, mask, deviations);

    private bool Step<T>(Tensor observed, Tensor values, Tensor? mask, double[]? deviations) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using var scope = NewDisposeScope();
        int batch = active.Length, count = (int)members.size(1), n = (int)members.size(2), p = (int)observed.size(2);
        (observed, values, mask) = (Contiguous(observed), Contiguous(values), mask?.contiguous());
        nint fromE = (nint)Address<T>(members), fromH = (nint)Address<T>(observed), fromY = (nint)Address<T>(values), fromMask = mask is null ? 0 : (nint)Address<byte>(mask);
        nint toWeights = (nint)Address<T>(weights), toInverse = (nint)Address<T>(inverse), toEnsemble = (nint)Address<T>(ensemble), toResult = (nint)Address<T>(result);
        bool first = ++steps == 1, last = steps == iteration.MaximumIterations, bundle = iteration.Linearisation.IsBundle;
        double tolerance = iteration.Tolerance * iteration.Tolerance, rank = Math.Min(count, p);
        SharedWork.ForEach(batch, (8 * rank * rank * rank + 6.0 * count * count * (n + p)) * SharedWork.Operation, (begin, end) =>
        {
            using var room = new RentedMemory<T>(TransformTrajectory<T>.Numbers(count, n, p));
            var one = new TransformTrajectory<T>(count, n, p, room.Start);
            for (long b = begin; b < end; b++)
            {
                if (!active[b]) continue;
                T* w = (T*)toWeights + b * count, inverseRoot = (T*)toInverse + b * count * count;
                one.LoadEnsemble((T*)fromE + b * count * n);
                one.LoadObservations((T*)fromH + b * count * p, (T*)fromY + b * p, deviations, fromMask == 0 ? null : (byte*)fromMask + b * p);
                double size = first ? 0 : SumOfSquares(w, count), misfit = one.Misfit();
                var (oldZeta, oldSize, oldMisfit) = costs[b];
                if (!first && !(oldZeta * size + misfit <= GaussNewtonPoint.RiseAllowed * (oldZeta * oldSize + oldMisfit) + GaussNewtonPoint.NoiseAllowed))
                {
                    (active[b], overshot[b]) = (false, true);
                    continue;
                }
                one.Linearise(first || bundle ? null : inverseRoot, iteration.Linearisation.Scale, first ? null : w);
                double zeta = one.Decompose(weight), change = 0;
                costs[b] = (zeta, size, misfit);
                T* next = one.Weigh(zeta);
                for (int i = 0; i < count; i++)
                {
                    double step = double.CreateTruncating(first ? next[i] : next[i] - w[i]);
                    change += step * step;
                    w[i] = next[i];
                }
                active[b] = !last && (count - 1) * change > tolerance;
                if (!active[b]) one.Combine(zeta, 1, null, (T*)toResult + b * count * n);
                else if (bundle) one.Bundle(iteration.Linearisation.Scale, (T*)toEnsemble + b * count * n);
                else
                {
                    one.Combine(zeta, 1, null, (T*)toEnsemble + b * count * n);
                    one.InverseRoot(zeta, inverseRoot);
                }
            }
        });
        return Array.IndexOf(active, true) >= 0;
    }

    private static double SumOfSquares<T>(T* numbers, int count) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            double number = double.CreateTruncating(numbers[i]);
            sum += number * number;
        }
        return sum;
    }
}
