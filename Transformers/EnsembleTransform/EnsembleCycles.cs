using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.Components.KernelMemory;

namespace DaML.Components;

/// <summary>
/// The cycles of an ensemble transform filter over many trajectories, one in each lane of a vector: forecast of all members, mean and
/// spread, observation, analysis and checks of a group of trajectories, while its numbers are in the cache. The ensembles stay in this
/// layout, <c>[group, member, component, lane]</c>, from cycle to cycle. Every operation is that of the plain path
/// (<see cref="EnsemblePropagater"/>, <see cref="EnsembleTransformKernel"/> or <see cref="LocalEnsembleTransformKernel"/>,
/// <see cref="EnsembleStatistics"/>), so each trajectory has the bits that it has alone.
/// </summary>
internal sealed unsafe class EnsembleCycles<T> : ICyclesSideBySide<EnsembleMemory> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly EnsembleCyclesSettings parts;
    private readonly int batch, members, n, p, groups;
    private readonly PinnedMemory[] ensembles, means, squares;     // means and squares: of the forecast, of the analysis
    private readonly PinnedMemory lifts;
    private TimeInterval interval;
    private int current;

    /// <summary>Allocates memory for the ensembles of a shape.</summary>
    public EnsembleCycles(EnsembleCyclesSettings parts, Tensor start)
    {
        this.parts = parts;
        (batch, members, n, p) = ((int)start.size(0), (int)start.size(1), (int)start.size(2), parts.Components.Length);
        Precision = start.dtype;
        groups = (batch + Vector512<T>.Count - 1) / Vector512<T>.Count;
        PinnedMemory Of(long vectors) => new(groups * vectors * sizeof(Vector512<T>), cleared: false);
        ensembles = [Of((long)members * n), Of((long)members * n)];
        (means, squares, lifts) = ([Of(n), Of(n)], [Of(n), Of(n)], Of(n));
    }

    /// <inheritdoc/>
    public ScalarType Precision { get; }

    private static int Lanes => Vector512<T>.Count;

    // Nanoseconds for a group, estimated.
    private double GroupTime(long steps) => Lanes / 3.0 * steps * members * parts.Model.StepTime
        + (parts.Domains is { } near ? Lanes / 3.0 * n * LocalAnalysis<T>.Time(members, near) : TransformLanes<T>.Time(members, n, p));

    /// <inheritdoc/>
    public CycleOutcome Run(EnsembleMemory? analysis, TimeInterval interval, Observation observation, Tensor? lift, double most)
    {
        long steps = interval.Steps(parts.TimeStep);
        if (steps == 0 || observation.Network is not null || observation.ErrorScale is not null || !Serves(observation.Values)
            || observation.Values.dtype != Precision || !IsOf(observation.Values, p)) return CycleOutcome.Refused;
        using var values = observation.Values.contiguous();
        using var mask = observation.Mask?.contiguous();
        // Trajectories without an observation keep their forecast, which the analyzer sees to.
        if (mask is not null && (mask.dtype != ScalarType.Bool || !IsOf(mask, p) || !EachHasOne(mask))) return CycleOutcome.Refused;
        if (analysis is not null) Load(analysis);
        nint fromValues = (nint)Address<T>(values), fromMask = mask is null ? 0 : (nint)Address<byte>(mask),
            fromLift = lift is null ? 0 : (nint)Address<T>(lift);
        bool finite = true, beyond = false;
        SharedWork.ForEach(groups, GroupTime(steps), (first, end) =>
        {
            long local = parts.Domains is { } near ? LocalLanes<T>.Size(members, near) : 0;
            long whole = TransformLanes<T>.Size(members, n, p) + 2L * p + parts.Model.LaneWorkSize;
            using var room = new RentedMemory<T>((whole + local) * Lanes);
            var transform = new TransformLanes<T>(members, n, p, parts.Weight, parts.Inflation, (Vector512<T>*)room.Start);
            Vector512<T>* y = (Vector512<T>*)room.Start + TransformLanes<T>.Size(members, n, p), exists = y + p, work = exists + p;
            var locally = parts.Domains is not { } domains ? default : new LocalLanes<T>(members, domains,
                parts.Weight.Given!.Value, parts.Inflation, work + parts.Model.LaneWorkSize);
            var list = new LocalObservations();
            for (int group = (int)first; group < end; group++)
            {
                int count = Count(group);
                Vector512<T>* before = Of(ensembles[current], group, members * n), after = Of(ensembles[1 - current], group, members * n),
                    forecast = transform.Anomalies, mean = Of(means[0], group, n), squared = Of(squares[0], group, n);
                Forecast(before, forecast, interval, steps, work);
                if (!(parts.Domains is null ? transform.Centre(squared) : transform.Describe(forecast, mean, squared)))
                {
                    Volatile.Write(ref finite, false);
                    return;
                }

                LaneRows.Load((T*)fromValues + (long)group * Lanes * p, p, count, p, y);
                if (fromMask != 0) LaneRows.LoadMask((byte*)fromMask + (long)group * Lanes * p, count, p, exists);
                if (parts.Domains is not null)
                {
                    locally.Observe(parts.Components, forecast, n, y, parts.Deviations, fromMask == 0 ? null : exists);
                    locally.Analyze(forecast, n, after, list);
                }
                else
                {
                    new Span<Vector512<T>>(transform.Mean, n).CopyTo(new Span<Vector512<T>>(mean, n));
                    transform.Observe(parts.Components, y, parts.Deviations, fromMask == 0 ? null : exists);
                    try { transform.Analyze(after); }
                    catch (ArithmeticException)
                    {
                        Volatile.Write(ref finite, false);
                        return;
                    }
                }
                if (!transform.Describe(after, Of(means[1], group, n), Of(squares[1], group, n))) Volatile.Write(ref finite, false);
                if (fromLift == 0) continue;
                LaneRows.Load((T*)fromLift + (long)group * Lanes * n, n, count, n, Of(lifts, group, n));
                if (Lift(group, T.CreateTruncating(most))) Volatile.Write(ref beyond, true);
            }
        });
        if (!finite) return CycleOutcome.Refused;
        if (lift is not null) Write(lifts, fromLift);
        GC.KeepAlive(lift);
        (this.interval, current) = (interval, 1 - current);
        return beyond ? CycleOutcome.LiftedTooFar : CycleOutcome.Done;
    }

    /// <inheritdoc/>
    public Tensor Mean(bool analysis)
    {
        var mean = empty(batch, n, dtype: Precision);
        Write(means[analysis ? 1 : 0], (nint)Address<T>(mean));
        return mean;
    }

    /// <inheritdoc/>
    public Tensor Spread(bool analysis)
    {
        var spread = empty(batch, n, dtype: Precision);
        var divisor = Vector512.Create(T.One / T.CreateChecked(members - 1));
        nint to = (nint)Address<T>(spread);
        ForGroups(n, (group, count) =>
        {
            using var room = new RentedMemory<T>((long)n * Lanes);
            Vector512<T>* sums = Of(squares[analysis ? 1 : 0], group, n), roots = (Vector512<T>*)room.Start;
            for (int j = 0; j < n; j++) roots[j] = Vector512.Sqrt(sums[j] * divisor);
            LaneRows.Store(roots, (T*)to + (long)group * Lanes * n, n, count, n);
        });
        return spread;
    }

    /// <inheritdoc/>
    /// <remarks>The forecast is computed again, from the analysis before it.</remarks>
    public EnsembleMemory Memory(bool analysis)
    {
        var result = empty(batch, members, n, dtype: Precision);
        nint to = (nint)Address<T>(result);
        ForGroups(members * n, (group, count) =>
        {
            using var room = new RentedMemory<T>(((long)members * n + parts.Model.LaneWorkSize) * Lanes);
            Vector512<T>* ensemble = (Vector512<T>*)room.Start;
            if (analysis) ensemble = Of(ensembles[current], group, members * n);
            else Forecast(Of(ensembles[1 - current], group, members * n), ensemble, interval, interval.Steps(parts.TimeStep),
                ensemble + members * n);
            for (int i = 0; i < members; i++)
                LaneRows.Store(ensemble + i * n, (T*)to + ((long)group * Lanes * members + i) * n, (long)members * n, count, n);
        });
        return new(result);
    }

    private void Load(EnsembleMemory analysis)
    {
        using var rows = analysis.Members.is_contiguous() ? null : analysis.Members.contiguous();
        nint from = (nint)Address<T>(rows ?? analysis.Members);
        ForGroups(members * n, (group, count) =>
        {
            for (int i = 0; i < members; i++)
                LaneRows.Load((T*)from + ((long)group * Lanes * members + i) * n, (long)members * n, count, n,
                    Of(ensembles[current], group, members * n) + i * n);
        });
        GC.KeepAlive(analysis);
    }

    private void Forecast(Vector512<T>* from, Vector512<T>* to, TimeInterval interval, long steps, Vector512<T>* work)
    {
        for (int i = 0; i < members; i++) parts.Model.Advance(from + i * n, to + i * n, interval, steps, work);
    }

    // Multiplies the lifts by the ratio of the variances and keeps them at one or above; says whether one exceeds the bound.
    private bool Lift(int group, T most)
    {
        Vector512<T>* below = Of(squares[0], group, n), above = Of(squares[1], group, n), lift = Of(lifts, group, n);
        bool beyond = false;
        for (int j = 0; j < n; j++)
        {
            var ratio = Vector512.ConditionalSelect(Vector512.GreaterThan(below[j], Vector512<T>.Zero), above[j] / below[j],
                Vector512<T>.One);
            var lifted = lift[j] * ratio;
            lift[j] = Vector512.ConditionalSelect(Vector512.GreaterThan(lifted, Vector512<T>.One), lifted, Vector512<T>.One);
            beyond |= Vector512.GreaterThanAny(lift[j], Vector512.Create(most));
        }
        return beyond;
    }

    private void Write(PinnedMemory vectors, nint rows) => ForGroups(n, (group, count) =>
        LaneRows.Store(Of(vectors, group, n), (T*)rows + (long)group * Lanes * n, n, count, n));

    private void ForGroups(int vectors, Action<int, int> work) =>
        SharedWork.ForEach(groups, 2.0 * vectors * Lanes, (first, end) =>
        {
            for (int group = (int)first; group < end; group++) work(group, Count(group));
        });

    private int Count(int group) => Math.Min(Lanes, batch - group * Lanes);

    private static Vector512<T>* Of(PinnedMemory memory, int group, int vectors) =>
        (Vector512<T>*)memory.Start + (long)group * vectors;

    private bool IsOf(Tensor tensor, int length) => tensor.ndim == 2 && tensor.size(0) == batch && tensor.size(1) == length;

    private static bool EachHasOne(Tensor mask)
    {
        using var scope = NewDisposeScope();
        return mask.any(-1).all().ToBoolean();
    }
}
