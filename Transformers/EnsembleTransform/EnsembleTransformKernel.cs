using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.Components.KernelMemory;

namespace DaML.Components;

/// <summary>
/// The whole square-root analysis of <see cref="EnsembleTransform"/> for ensembles that fit into the processor's cache, in one piece:
/// anomalies, whitening, Gram matrix, inverse root, weights, and the members they give. It handles one trajectory after the other, or
/// groups of them side by side, which give the same bits. So neither the batch nor the number of threads changes a bit, where errors are
/// independent; a full R whitens by libtorch's products, whose last digits may follow both.
/// </summary>
internal static unsafe class EnsembleTransformKernel
{
    // Above this size, libtorch's products are as fast, and its threads share one trajectory.
    private const long LargestEnsemble = 1 << 16;

    /// <summary>Whether the kernel supports the ensemble and this total number of observations, of which these are some.</summary>
    public static bool Serves(Tensor members, long observations, Observation observation) =>
        LocalEnsembleTransformKernel.Serves(members, observation)
        && members.size(1) * Math.Max(members.size(2), observations) <= LargestEnsemble;

    /// <summary>Prepares observations for the kernels: with the deviations of a diagonal R, or whitened, which is linear.</summary>
    /// <param name="observed">H of every member, <c>[batch, N, p]</c>.</param>
    /// <param name="observation">y</param>
    /// <param name="error">R</param>
    /// <exception cref="ArgumentException">Observations or the mask have another shape, or the mask is not boolean.</exception>
    public static (Tensor Observed, Tensor Values, Tensor? Mask, double[]? Deviations) Prepare(Tensor observed, Observation observation,
        IErrorCovariance error)
    {
        long batch = observed.size(0), p = observed.size(2);
        Require.Shape(observation.Values, "The observations of an ensemble", batch, p);
        if (observation.Mask is not null
            && Require.Shape(observation.Mask, "The mask of an ensemble's observations", batch, p).dtype != ScalarType.Bool)
            throw new ArgumentException($"An observation mask must be boolean, true = observed; given: {observation.Mask.dtype}.");
        return InverseDeviations.Of(error) is { } deviations ? (observed, observation.Values, observation.Mask, deviations)
            : (error.Whiten(observed, observation.Mask), error.Whiten(observation.Values, observation.Mask), null, null);
    }

    /// <summary>The analysis ensemble, <c>[batch, N, n]</c>.</summary>
    /// <param name="members">The forecast, <c>[batch, N, n]</c>.</param>
    /// <param name="observed">H of every member, <c>[batch, N, p]</c>.</param>
    /// <param name="observation">y</param>
    /// <param name="error">R</param>
    /// <param name="weight">The prior's weight.</param>
    /// <param name="inflation">The factor of the analysis anomalies.</param>
    /// <param name="rotation">A mean-preserving rotation of the anomalies, <c>[batch, N, N]</c>, or null for none.</param>
    public static Tensor Analyze(Tensor members, Tensor observed, Observation observation, IErrorCovariance error, PriorWeight weight,
        double inflation, Tensor? rotation) =>
        members.dtype == ScalarType.Float64 ? Analyze<double>(members, observed, observation, error, weight, inflation, rotation)
            : Analyze<float>(members, observed, observation, error, weight, inflation, rotation);

    private static Tensor Analyze<T>(Tensor members, Tensor observed, Observation observation, IErrorCovariance error, PriorWeight weight,
        double inflation, Tensor? rotation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long[] shape = members.Sizes();
        var result = empty(shape, dtype: members.dtype);
        using var scope = NewDisposeScope();
        long batch = shape[0];
        int n = (int)shape[2], count = (int)shape[1], p = (int)observed.size(2);
        var (h, y, mask, deviations) = Prepare(observed, observation, error);
        var e = Contiguous(members);
        (h, y, mask, rotation) = (Contiguous(h), Contiguous(y), mask?.contiguous(), rotation?.contiguous());

        nint fromE = (nint)Address<T>(e), fromH = (nint)Address<T>(h), fromY = (nint)Address<T>(y), to = (nint)Address<T>(result);
        nint fromMask = mask is null ? 0 : (nint)Address<byte>(mask), fromRotation = rotation is null ? 0 : (nint)Address<T>(rotation);
        if (rotation is null && TransformLanes<T>.Pays(batch, count, n, p))
        {
            SideBySide((T*)fromE, (T*)fromH, (T*)fromY, (byte*)fromMask, deviations, (int)batch, count, n, p, weight, inflation, (T*)to);
            return result;
        }
        double size = Math.Min(count, p);
        SharedWork.ForEach(batch, (8 * size * size * size + 4.0 * count * count * (n + p)) * SharedWork.Operation, (first, end) =>
        {
            using var room = new RentedMemory<T>(TransformTrajectory<T>.Numbers(count, n, p));
            var one = new TransformTrajectory<T>(count, n, p, weight, inflation, room.Start);
            for (long b = first; b < end; b++)
            {
                one.LoadEnsemble((T*)fromE + b * count * n);
                one.LoadObservations((T*)fromH + b * count * p, (T*)fromY + b * p, deviations, fromMask == 0 ? null
                    : (byte*)fromMask + b * p);
                double zeta = one.Decompose();
                one.Weigh(zeta);
                one.Combine(zeta, fromRotation == 0 ? null : (T*)fromRotation + b * count * count, (T*)to + b * count * n);
            }
        });
        return result;
    }

    private static void SideBySide<T>(T* e, T* h, T* y, byte* mask, double[]? deviations, int batch, int count, int n, int p,
        PriorWeight weight, double inflation, T* result) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int lanes = Vector512<T>.Count;
        nint fromE = (nint)e, fromH = (nint)h, fromY = (nint)y, fromMask = (nint)mask, to = (nint)result;
        SharedWork.ForEach((batch + lanes - 1) / lanes, TransformLanes<T>.Time(count, n, p), (first, end) =>
        {
            using var room = new RentedMemory<T>((TransformLanes<T>.Size(count, n, p) + 2L * p + n + (long)count * n) * lanes);
            var group = new TransformLanes<T>(count, n, p, weight, inflation, (Vector512<T>*)room.Start);
            Vector512<T>* values = (Vector512<T>*)room.Start + TransformLanes<T>.Size(count, n, p), exists = values + p,
                squares = exists + p, analysis = squares + n;
            for (long b = first * lanes; b < Math.Min(end * lanes, batch); b += lanes)
            {
                int rows = (int)Math.Min(lanes, batch - b);
                group.Load(b, rows, (T*)fromE, (T*)fromH);
                LaneRows.Load((T*)fromY + b * p, p, rows, p, values);
                if (fromMask != 0) LaneRows.LoadMask((byte*)fromMask + b * p, rows, p, exists);
                group.Centre(squares);
                group.Observe(values, deviations, fromMask == 0 ? null : exists);
                group.Analyze(analysis);
                for (int i = 0; i < count; i++)
                    LaneRows.Store(analysis + i * n, (T*)to + (b * count + i) * n, (long)count * n, rows, n);
            }
        });
    }
}
