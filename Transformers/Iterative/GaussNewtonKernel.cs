using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.Components.KernelMemory;

namespace DaML.Components;

/// <summary>
/// The algebra of <see cref="GaussNewton"/> over plain memory. It does all work between two runs of the model in one piece, trajectory by
/// trajectory. It halves no step: a trajectory whose cost rises has no result here (<see cref="GaussNewton.Overshot"/>).
/// </summary>
internal sealed unsafe class GaussNewtonKernel : GaussNewton
{
    private readonly PriorWeight weight;
    private readonly Tensor members, weights, inverse, ensemble, result;

    /// <summary>Begins with an ensemble; tensors kept from one step to the next belong to the caller's dispose scope.</summary>
    /// <param name="members">The prior, <c>[batch, N, n]</c>.</param>
    /// <param name="iteration">The minimisation.</param>
    /// <param name="weight">The prior's weight.</param>
    public GaussNewtonKernel(Tensor members, EnsembleGaussNewton iteration, PriorWeight weight) : base(members, iteration)
    {
        this.weight = weight;
        this.members = members.contiguous();
        long batch = members.size(0), count = members.size(1);
        var mean = members.mean([1], keepdim: true);
        weights = empty([batch, count], dtype: members.dtype);
        inverse = empty([batch, count, count], dtype: members.dtype);
        ensemble = IsBundle ? mean + Scale * (this.members - mean) : this.members.clone();
        result = empty(members.Sizes(), dtype: members.dtype);
    }

    // Changed in place.
    protected override Tensor Ensemble => ensemble;

    protected override Tensor Result => result;

    protected override void Step(IReadOnlyList<ObservedRun> run)
    {
        var (observed, values, mask, deviations) = Prepare(run);
        (observed, values, mask) = (Contiguous(observed), Contiguous(values), mask?.contiguous());
        if (members.dtype == ScalarType.Float64) Step<double>(observed, values, mask, deviations);
        else Step<float>(observed, values, mask, deviations);
    }

    // With the deviations of a diagonal R if there is one observation; all whitened if there are several.
    private static (Tensor Observed, Tensor Values, Tensor? Mask, double[]? Deviations) Prepare(IReadOnlyList<ObservedRun> run)
    {
        if (run is [{ Weight: 1 } only]) return EnsembleTransformKernel.Prepare(only.Observed, only.Observation, only.Error);
        List<Tensor> all = [], values = [];
        foreach (var (observed, observation, error, share) in run)
        {
            double root = Math.Sqrt(share);
            all.Add(root * error.Whiten(observed, observation.Mask));
            values.Add(root * error.Whiten(observation.Values, observation.Mask));
        }
        return (cat(all, -1), cat(values, -1), null, null);
    }

    private void Step<T>(Tensor observed, Tensor values, Tensor? mask, double[]? deviations)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int count = (int)members.size(1), n = (int)members.size(2), p = (int)observed.size(2);
        nint fromE = (nint)Address<T>(members), fromH = (nint)Address<T>(observed), fromY = (nint)Address<T>(values),
            fromMask = mask is null ? 0 : (nint)Address<byte>(mask);
        nint toWeights = (nint)Address<T>(weights), toInverse = (nint)Address<T>(inverse), toEnsemble = (nint)Address<T>(ensemble),
            toResult = (nint)Address<T>(result);
        double rank = Math.Min(count, p);
        SharedWork.ForEach(members.size(0), (8 * rank * rank * rank + 6.0 * count * count * (n + p)) * SharedWork.Operation, (begin, end) =>
        {
            using var room = new RentedMemory<T>(TransformTrajectory<T>.Numbers(count, n, p));
            var one = new TransformTrajectory<T>(count, n, p, room.Start);
            for (long b = begin; b < end; b++)
            {
                if (!GoesOn(b)) continue;
                T* w = (T*)toWeights + b * count, inverseRoot = (T*)toInverse + b * count * count;
                one.LoadEnsemble((T*)fromE + b * count * n);
                one.LoadObservations((T*)fromH + b * count * p, (T*)fromY + b * p, deviations, fromMask == 0 ? null
                    : (byte*)fromMask + b * p);
                if (!Accepts(b, IsFirst ? 0 : SumOfSquares(w, count), one.Misfit()))
                {
                    GiveUp(b);
                    continue;
                }
                one.Linearise(IsFirst || IsBundle ? null : inverseRoot, Scale, IsFirst ? null : w);
                double zeta = one.Decompose(weight), change = 0;
                T* next = one.Weigh(zeta);
                for (int i = 0; i < count; i++)
                {
                    double step = double.CreateTruncating(IsFirst ? next[i] : next[i] - w[i]);
                    change += step * step;
                    w[i] = next[i];
                }
                if (!Continues(b, zeta, change)) one.Combine(zeta, 1, null, (T*)toResult + b * count * n);
                else if (IsBundle) one.Bundle(Scale, (T*)toEnsemble + b * count * n);
                else
                {
                    one.Combine(zeta, 1, null, (T*)toEnsemble + b * count * n);
                    one.InverseRoot(zeta, inverseRoot);
                }
            }
        });
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
