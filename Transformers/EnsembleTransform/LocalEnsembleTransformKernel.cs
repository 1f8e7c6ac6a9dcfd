using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.Components.KernelMemory;

namespace DaML.Components;

/// <summary>
/// The local analyses of all components of a state over plain memory. A large state is analysed one range of components after the other,
/// with the rows of those observations only that reach the range, so that little is in memory beside the ensemble.
/// </summary>
internal static unsafe class LocalEnsembleTransformKernel
{
    // Up to this number all observations have their rows at once.
    private const int MostRows = 1 << 13;

    // A larger state has this number of ranges: what is kept for one is a small share of the ensemble.
    private const int Ranges = 64;

    /// <summary>Whether the kernel supports the ensemble and its observation.</summary>
    public static bool Serves(Tensor members, Observation observation) =>
        KernelMemory.Serves(members, observation.Values) && observation.Mask is null or { device_type: DeviceType.CPU }
        && members.size(1) <= SymmetricEigenproblem.LargestKernelSize;

    /// <summary>Computes the analysis ensemble.</summary>
    /// <param name="members">The forecast, <c>[batch, N, n]</c>.</param>
    /// <param name="observed">H of every member, <c>[batch, N, p]</c>, not in the memory of the result.</param>
    /// <param name="observation">y</param>
    /// <param name="deviations">1 / sigma of each observation, or one for all.</param>
    /// <param name="domains">The observations that reach each component.</param>
    /// <param name="zeta">The prior's weight.</param>
    /// <param name="inflation">The factor of the analysis anomalies.</param>
    /// <param name="rotation">A mean-preserving rotation of the anomalies, the same everywhere, <c>[batch, N, N]</c>, or null for
    /// none.</param>
    /// <param name="result">Receives the analysis, contiguous, <c>[batch, N, n]</c>.</param>
    public static void Analyze(Tensor members, Tensor observed, Observation observation, double[] deviations, LocalDomains domains,
        double zeta, double inflation, Tensor? rotation, Tensor result) =>
        Analyze(members, observed, null, observation, deviations, domains, zeta, inflation, rotation, result);

    /// <summary>Computes the analysis in the memory of the forecast.</summary>
    /// <param name="members">The forecast, contiguous, <c>[batch, N, n]</c>; becomes the analysis.</param>
    /// <param name="selected">The component that each observation is the value of, in ascending order.</param>
    /// <param name="observation">y</param>
    /// <param name="deviations">1 / sigma of each observation, or one for all.</param>
    /// <param name="domains">The observations that reach each component.</param>
    /// <param name="zeta">The prior's weight.</param>
    /// <param name="inflation">The factor of the analysis anomalies.</param>
    /// <param name="rotation">A rotation, as for an analysis in memory of its own.</param>
    public static void Analyze(Tensor members, IReadOnlyList<long> selected, Observation observation, double[] deviations,
        LocalDomains domains, double zeta, double inflation, Tensor? rotation) =>
        Analyze(members, members, selected, observation, deviations, domains, zeta, inflation, rotation, members);

    private static void Analyze(Tensor members, Tensor observed, IReadOnlyList<long>? selected, Observation observation,
        double[] deviations, LocalDomains domains, double zeta, double inflation, Tensor? rotation, Tensor result)
    {
        if (members.dtype == ScalarType.Float64)
            Analyze<double>(members, observed, selected, observation, deviations, domains, zeta, inflation, rotation, result);
        else Analyze<float>(members, observed, selected, observation, deviations, domains, zeta, inflation, rotation, result);
    }

    private static void Analyze<T>(Tensor members, Tensor observed, IReadOnlyList<long>? selected, Observation observation,
        double[] deviations, LocalDomains domains, double zeta, double inflation, Tensor? rotation, Tensor result)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using var scope = NewDisposeScope();
        long batch = members.size(0), stride = observed.size(2);
        int count = (int)members.size(1), n = (int)members.size(2), p = domains.Observations;
        Tensor e = Contiguous(members), h = Contiguous(observed), y = Contiguous(observation.Values);
        Tensor? mask = observation.Mask?.contiguous(), turn = rotation?.contiguous();
        var analysis = new LocalAnalysis<T>(count, domains, zeta, inflation);
        nint from = (nint)Address<T>(e), fromH = (nint)Address<T>(h), fromY = (nint)Address<T>(y), to = (nint)Address<T>(result),
            fromRotation = turn is null ? 0 : (nint)Address<T>(turn), fromMask = mask is null ? 0 : (nint)Address<byte>(mask);
        LocalRows<T>.Position position = selected is null ? (observation, _) => observation : (observation, _) => selected[observation];
        // Many small states are shared among threads state by state, others component by component.
        if (batch > 1 && p <= MostRows) SharedWork.ForEach(batch, n * LocalAnalysis<T>.Time(count, domains), States);
        else States(0, batch);

        void States(long begin, long after)
        {
            for (long b = begin; b < after; b++)
            {
                T* ensemble = (T*)from + b * count * n, values = (T*)fromH + b * count * stride, analysed = (T*)to + b * count * n,
                    rotates = fromRotation == 0 ? null : (T*)fromRotation + b * count * count;
                var whitening = new Whitening<T>(count, (T*)fromY + b * p, fromMask == 0 ? null : (byte*)fromMask + b * p, deviations);
                if (p <= MostRows)
                {
                    using var rented = new RentedMemory<T>((long)p * whitening.Width);
                    All(whitening, values, stride, position, p, rented.Start);
                    analysis.Analyze(ensemble, analysed, n, rented.Start, null, rotates, 0, n);
                    continue;
                }
                using var rows = new LocalRows<T>(domains, whitening);
                int range = Math.Max(MostRows, (n + Ranges - 1) / Ranges);
                for (int first = 0; first < n; first += range)
                {
                    int end = Math.Min(n, first + range);
                    rows.MoveTo(first, end, selected);
                    rows.Fill(values, stride, position);
                    analysis.Analyze(ensemble + first, analysed + first, n, rows.Start, rows.RowOf, rotates, first, end);
                }
            }
        }
    }

    private static void All<T>(Whitening<T> whitening, T* observed, long stride, LocalRows<T>.Position position, int p, T* rows)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        nint from = (nint)observed, to = (nint)rows;
        SharedWork.ForEach(p, 4.0 * whitening.Width * SharedWork.Operation, (first, end) =>
        {
            for (int j = (int)first; j < end; j++)
                whitening.Row(j, (T*)from + position(j, j), stride, (T*)to + (long)j * whitening.Width);
        });
    }
}
