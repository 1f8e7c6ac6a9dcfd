using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.Components.KernelMemory;

namespace DaML.Components;

/// <summary>
/// The algebra of <see cref="GaussNewton"/> over plain memory. It does all work between two runs of the model in one piece, trajectory by
/// trajectory, or for many of them side by side in the lanes of vectors, which gives the same bits. It halves no step: a trajectory whose
/// cost rises has no result here (<see cref="GaussNewton.Overshot"/>).
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
        if (TransformLanes<T>.Pays(members.size(0), count, n, p))
        {
            SideBySide(count, n, p, (T*)fromE, (T*)fromH, (T*)fromY, (byte*)fromMask, deviations, (T*)toWeights, (T*)toInverse,
                (T*)toEnsemble, (T*)toResult);
            return;
        }
        double rank = Math.Min(count, p);
        SharedWork.ForEach(members.size(0), (8 * rank * rank * rank + 6.0 * count * count * (n + p)) * SharedWork.Operation, (begin, end) =>
        {
            using var room = new RentedMemory<T>(TransformTrajectory<T>.Numbers(count, n, p));
            var one = new TransformTrajectory<T>(count, n, p, weight, 1, room.Start);
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
                double zeta = one.Decompose(), change = 0;
                T* next = one.Weigh(zeta);
                for (int i = 0; i < count; i++)
                {
                    double step = double.CreateTruncating(IsFirst ? next[i] : next[i] - w[i]);
                    change += step * step;
                    w[i] = next[i];
                }
                if (!Continues(b, zeta, change)) one.Combine(zeta, null, (T*)toResult + b * count * n);
                else if (IsBundle) one.Bundle(Scale, (T*)toEnsemble + b * count * n);
                else
                {
                    one.InverseRoot(zeta, inverseRoot);
                    one.Combine(zeta, null, (T*)toEnsemble + b * count * n);
                }
            }
        });
    }

    private void SideBySide<T>(int count, int n, int p, T* e, T* h, T* y, byte* mask, double[]? deviations, T* weightsOfMean, T* inverse,
        T* next, T* result) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int lanes = Vector512<T>.Count, batch = (int)members.size(0);
        nint fromE = (nint)e, fromH = (nint)h, fromY = (nint)y, fromMask = (nint)mask, toWeights = (nint)weightsOfMean,
            toInverse = (nint)inverse, toNext = (nint)next, toResult = (nint)result;
        SharedWork.ForEach((batch + lanes - 1) / lanes, TransformLanes<T>.Time(count, n, p), (begin, end) =>
        {
            long own = TransformLanes<T>.Size(count, n, p);
            using var room = new RentedMemory<T>((own + 2L * p + n + count + (long)count * (count + p + n)) * lanes);
            var group = new TransformLanes<T>(count, n, p, weight, 1, (Vector512<T>*)room.Start);
            Vector512<T>* values = (Vector512<T>*)room.Start + own, exists = values + p, squares = exists + p, w = squares + n,
                roots = w + count, scratch = roots + count * count, analysis = scratch + count * p;
            Span<bool> takes = stackalloc bool[lanes], goesOn = stackalloc bool[lanes];
            for (long b = begin * lanes; b < Math.Min(end * lanes, batch); b += lanes)
            {
                int rows = (int)Math.Min(lanes, batch - b);
                bool any = false;
                for (int lane = 0; lane < rows; lane++) any |= GoesOn(b + lane);
                if (!any) continue;
                group.Load(b, rows, (T*)fromE, (T*)fromH);
                LaneRows.Load((T*)fromY + b * p, p, rows, p, values);
                if (fromMask != 0) LaneRows.LoadMask((byte*)fromMask + b * p, rows, p, exists);
                group.Centre(squares);
                group.Observe(values, deviations, fromMask == 0 ? null : exists);
                any = false;
                for (int lane = 0; lane < rows; lane++)
                {
                    takes[lane] = GoesOn(b + lane) && Accepts(b + lane,
                        IsFirst ? 0 : SumOfSquares((T*)toWeights + (b + lane) * count, count), group.Misfit(lane));
                    if (GoesOn(b + lane) && !takes[lane]) GiveUp(b + lane);
                    any |= takes[lane];
                }
                if (!any) continue;
                if (!IsFirst) LaneRows.Load((T*)toWeights + b * count, count, rows, count, w);
                if (!IsFirst && !IsBundle)
                    LaneRows.Load((T*)toInverse + b * count * count, (long)count * count, rows, count * count, roots);
                group.Linearise(IsFirst || IsBundle ? null : roots, Scale, IsFirst ? null : w, scratch);
                group.Decompose(inverts: !IsBundle);
                any = false;
                for (int lane = 0; lane < rows; lane++)
                {
                    if (!takes[lane]) continue;
                    double change = 0;
                    T* older = (T*)toWeights + (b + lane) * count;
                    for (int i = 0; i < count; i++)
                    {
                        T newer = ((T*)(group.Weights + i))[lane];
                        double step = double.CreateTruncating(IsFirst ? newer : newer - older[i]);
                        change += step * step;
                        older[i] = newer;
                    }
                    any |= goesOn[lane] = Continues(b + lane, double.CreateTruncating(((T*)group.Zeta)[lane]), change);
                }
                if (any && !IsBundle)
                {
                    group.InverseRoot(roots);
                    for (int lane = 0; lane < rows; lane++)
                        if (takes[lane] && goesOn[lane])
                            LaneRows.Store(roots, lane, (T*)toInverse + (b + lane) * count * count, count * count);
                }
                if (any && IsBundle)
                {
                    group.Bundle(Scale, analysis, scratch);
                    Store(goingOn: true, takes, goesOn);
                }
                group.Combine(analysis);
                Store(goingOn: false, takes, goesOn);
                if (any && !IsBundle) Store(goingOn: true, takes, goesOn);

                void Store(bool goingOn, Span<bool> takes, Span<bool> goesOn)
                {
                    for (int lane = 0; lane < rows; lane++)
                        if (takes[lane] && goesOn[lane] == goingOn)
                            LaneRows.Store(analysis, lane, (T*)(goingOn ? toNext : toResult) + (b + lane) * count * n, count * n);
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
