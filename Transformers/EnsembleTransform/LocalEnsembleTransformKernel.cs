using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.Components.KernelMemory;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// The local analyses of all components of a state over plain memory. Components come in blocks of a fixed size, whatever the number of
/// threads, and each is computed only from its own observations, so the result is the same to the bit. Small ensembles are analysed at
/// several components at once, one per lane of a vector.
/// </summary>
internal static unsafe class LocalEnsembleTransformKernel
{
    private const int Block = 64;

    /// <summary>Whether the kernel supports the ensemble and its observation.</summary>
    public static bool Serves(Tensor members, Observation observation) =>
        KernelMemory.Serves(members, observation.Values) && observation.Mask is null or { device_type: DeviceType.CPU }
        && members.size(1) <= SymmetricEigenproblem.LargestKernelSize;

    /// <summary>The analysis ensemble, <c>[batch, N, n]</c>.</summary>
    /// <param name="members">The forecast, <c>[batch, N, n]</c>.</param>
    /// <param name="observed">H of every member, <c>[batch, N, p]</c>.</param>
    /// <param name="observation">y</param>
    /// <param name="deviations">1 / sigma of each observation.</param>
    /// <param name="domains">The observations that reach each component.</param>
    /// <param name="zeta">The prior's weight.</param>
    /// <param name="inflation">The factor of the analysis anomalies.</param>
    /// <param name="rotation">A mean-preserving rotation of the anomalies, the same everywhere, <c>[batch, N, N]</c>, or null for
    /// none.</param>
    public static Tensor Analyze(Tensor members, Tensor observed, Observation observation, double[] deviations, LocalDomains domains,
        double zeta, double inflation, Tensor? rotation) =>
        members.dtype == ScalarType.Float64
        ? Analyze<double>(members, observed, observation, deviations, domains, zeta, inflation, rotation)
            : Analyze<float>(members, observed, observation, deviations, domains, zeta, inflation, rotation);

    private static Tensor Analyze<T>(Tensor members, Tensor observed, Observation observation, double[] deviations, LocalDomains domains,
        double zeta, double inflation, Tensor? rotation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long[] shape = members.Sizes();
        var result = empty(shape, dtype: members.dtype);
        using var scope = NewDisposeScope();
        long batch = shape[0];
        int count = (int)shape[1], n = (int)shape[2], p = (int)observed.size(2), width = Padded<T>(count + 1);
        Tensor e = Contiguous(members), h = Contiguous(observed), y = Contiguous(observation.Values);
        Tensor? mask = observation.Mask?.contiguous(), turn = rotation?.contiguous();
        // For each observation one row: the whitened anomalies of all members, then the innovation.
        using var rented = new RentedMemory<T>((long)p * width);
        var local = new LocalAnalysis<T>(count, n, domains, T.CreateTruncating(zeta), T.CreateTruncating(inflation * Math.Sqrt(count - 1)));
        nint fromE = (nint)Address<T>(e), fromH = (nint)Address<T>(h), fromY = (nint)Address<T>(y), to = (nint)Address<T>(result),
            rows = (nint)rented.Start;
        nint fromMask = mask is null ? 0 : (nint)Address<byte>(mask), fromRotation = turn is null ? 0 : (nint)Address<T>(turn);
        int blocks = (n + Block - 1) / Block, observationBlocks = (p + Block - 1) / Block;
        double each = Block * (domains.Mean * width * (count + 1) * 2 + 8.0 * count * count * count) * SharedWork.Operation;
        for (long b = 0; b < batch; b++)
        {
            nint members0 = fromE + (nint)(b * count * n * sizeof(T)), observed0 = fromH + (nint)(b * count * p * sizeof(T)),
                values0 = fromY + (nint)(b * p * sizeof(T));
            nint mask0 = fromMask == 0 ? 0 : fromMask + (nint)(b * p), rotation0 = fromRotation == 0 ? 0
                : fromRotation + (nint)(b * count * count * sizeof(T));
            nint result0 = to + (nint)(b * count * n * sizeof(T));
            SharedWork.ForEach(observationBlocks, 4.0 * Block * count * SharedWork.Operation, (first, end) =>
                Whiten((T*)observed0, (T*)values0, (byte*)mask0, deviations, (T*)rows, (int)first * Block, Math.Min(p, (int)end * Block),
                    count, p, width));
            SharedWork.ForEach(blocks, each, (first, end) =>
            {
                var room = new LocalObservations();
                for (int block = (int)first; block < end; block++)
                    local.Analyze((T*)members0, (T*)rows, (T*)rotation0, (T*)result0, block * Block, Math.Min(n, (block + 1) * Block),
                        room);
            });
        }
        return result;
    }

    private static void Whiten<T>(T* observed, T* values, byte* mask, double[] deviations, T* rows, int first, int end, int count, int p,
        int width) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int j = first; j < end; j++)
        {
            T* row = rows + (long)j * width;
            // Where an observation is missing, H(x) may be anything, and zero times infinity is not zero.
            if (mask is not null && mask[j] == 0)
            {
                new Span<T>(row, width).Clear();
                continue;
            }
            T sum = T.Zero, weight = T.CreateTruncating(deviations[j]);
            for (int i = 0; i < count; i++) sum += row[i] = observed[(long)i * p + j];
            T mean = sum / T.CreateTruncating(count);
            for (int i = 0; i < count; i++) row[i] = (row[i] - mean) * weight;
            row[count] = (values[j] - mean) * weight;
            for (int i = count + 1; i < width; i++) row[i] = T.Zero;
        }
    }
}

/// <summary>Computes the local analysis, a block of components at a time. Letters as in <see cref="EnsembleTransform"/>.</summary>
internal sealed unsafe class LocalAnalysis<T>(int members, int n, LocalDomains domains, T zeta, T scale)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int width = Padded<T>(members + 1), memberWidth = Padded<T>(members);

    /// <summary>Analyses a range of components.</summary>
    /// <param name="ensemble">E, <c>[N, n]</c></param>
    /// <param name="rows">For each observation the whitened anomalies and the innovation, [p, width].</param>
    /// <param name="rotation"><c>[N, N]</c> or null.</param>
    /// <param name="result">The analysis, <c>[N, n]</c>.</param>
    /// <param name="first">The first component.</param>
    /// <param name="end">The component after the last one.</param>
    /// <param name="list">A list of this thread, for temporary values.</param>
    public void Analyze(T* ensemble, T* rows, T* rotation, T* result, int first, int end, LocalObservations list)
    {
        int lanes = Vector512<T>.Count;
        bool inLanes = members <= SymmetricEigenLanes.LargestSize;
        long own = inLanes ? (2L * members * members + 5 * members + SymmetricEigenLanes.WorkSize(members)) * lanes
            : (2L * members + 3) * memberWidth + SymmetricEigenKernel.WorkSize<T>(members);
        using var rented = new RentedMemory<T>((members + 1L) * width + own + 2L * domains.Largest * width);
        T* memory = rented.Start;
        if (inLanes)
            for (int point = first; point < end; point += lanes)
                InLanes(ensemble, rows, rotation, result, point, Math.Min(lanes, end - point), list, memory);
        else
            for (int point = first; point < end; point++) One(ensemble, rows, rotation, result, point, list, memory);
    }

    // The upper left is sum w Y_i Y_j, its last row sum w d Y_j: [N + 1, width]
    private void Gram(T* rows, int point, LocalObservations list, T* gram, T* memory)
    {
        domains.Of(point, list, out var observations, out var weights);
        T* left = memory, right = memory + (long)observations.Length * width;
        for (int k = 0; k < observations.Length; k++)
        {
            T* from = rows + (long)observations[k] * width;
            var weight = Vector512.Create(T.CreateTruncating(weights[k]));
            for (int i = 0; i < width; i += Vector512<T>.Count)
            {
                var values = Vector512.LoadAligned(from + i);
                values.StoreAligned(right + k * width + i);
                (weight * values).StoreAligned(left + k * width + i);
            }
        }
        ProductKernel.Multiply(left, 1, width, right, gram, members + 1, observations.Length, width);
    }

    private void InLanes(T* ensemble, T* rows, T* rotation, T* result, int point, int count, LocalObservations list, T* memory)
    {
        int m = members, lanes = Vector512<T>.Count;
        T* gram = memory, rest = memory + (m + 1) * width;
        Vector512<T>* a = (Vector512<T>*)rest, z = a + m * m, d = z + m * m, right = d + m, x = right + m, analysed = x + m,
            turned = analysed + m, work = turned + m;
        T* gather = (T*)(work + SymmetricEigenLanes.WorkSize(m));
        // Lanes beyond the last component repeat it, and are not stored.
        for (int lane = 0; lane < lanes; lane++)
        {
            int at = point + Math.Min(lane, count - 1);
            if (lane < count) Gram(rows, at, list, gram, gather);
            for (int i = 0; i < m; i++)
            {
                for (int j = 0; j <= i; j++) ((T*)(a + i * m + j))[lane] = gram[i * width + j];
                ((T*)(right + i))[lane] = gram[m * width + i];
            }
        }
        SymmetricEigenLanes.Solve(a, z, d, m, work);

        Vector512<T> sum = Vector512<T>.Zero, prior = Vector512.Create(zeta), factor = Vector512.Create(scale);
        for (int i = 0; i < m; i++)
        {
            x[i] = Load(ensemble + (long)i * n + point, count);
            sum += x[i];
        }
        var mean = sum / Vector512.Create(T.CreateTruncating(m));
        for (int i = 0; i < m; i++) (x[i], analysed[i]) = (x[i] - mean, Vector512<T>.Zero);
        // The identity if no observation is near, or if none sees the ensemble.
        var largest = Vector512<T>.Zero;
        for (int k = 0; k < m; k++) largest = Vector512.Max(largest, d[k]);
        var blind = Vector512.Equals(largest, Vector512<T>.Zero);
        // the sum over eigenvectors v of v (v^T x) / sqrt(lambda + zeta), and for the mean (v^T Y d) (v^T x) / (lambda + zeta)
        for (int k = 0; k < m; k++)
        {
            Vector512<T>* v = z + k * m;
            Vector512<T> along = Vector512<T>.Zero, projection = Vector512<T>.Zero,
                shifted = Vector512.Max(d[k], Vector512<T>.Zero) + prior;
            for (int i = 0; i < m; i++)
            {
                along = MultiplyAdd(v[i], x[i], along);
                projection = MultiplyAdd(v[i], right[i], projection);
            }
            mean = MultiplyAdd(along, projection / shifted, mean);
            var share = along * Vector512.ConditionalSelect(blind, Vector512<T>.One, factor / Vector512.Sqrt(shifted));
            for (int i = 0; i < m; i++) analysed[i] = MultiplyAdd(share, v[i], analysed[i]);
        }
        if (rotation is not null)
        {
            for (int i = 0; i < m; i++)
            {
                turned[i] = Vector512<T>.Zero;
                for (int j = 0; j < m; j++) turned[i] = MultiplyAdd(Vector512.Create(rotation[i * m + j]), analysed[j], turned[i]);
            }
            analysed = turned;
        }
        for (int i = 0; i < m; i++) Store(analysed[i] + mean, result + (long)i * n + point, count);
    }

    private static Vector512<T> Load(T* from, int count)
    {
        if (count == Vector512<T>.Count) return Vector512.Load(from);
        var values = Vector512<T>.Zero;
        for (int k = 0; k < count; k++) values = values.WithElement(k, from[k]);
        return values;
    }

    private static void Store(Vector512<T> values, T* to, int count)
    {
        if (count == Vector512<T>.Count) values.Store(to);
        else for (int k = 0; k < count; k++) to[k] = values[k];
    }

    private void One(T* ensemble, T* rows, T* rotation, T* result, int point, LocalObservations list, T* memory)
    {
        int m = members;
        T* gram = memory, matrix = gram + (m + 1) * width, vectors = matrix + m * memberWidth, d = vectors + m * memberWidth;
        T* x = d + memberWidth, analysed = x + memberWidth, work = analysed + memberWidth,
            gather = work + SymmetricEigenKernel.WorkSize<T>(m);
        Gram(rows, point, list, gram, gather);
        for (int i = 0; i < m; i++)
        {
            new Span<T>(gram + i * width, m).CopyTo(new Span<T>(matrix + i * memberWidth, m));
            for (int j = m; j < memberWidth; j++) matrix[i * memberWidth + j] = T.Zero;
        }
        SymmetricEigenKernel.Solve(matrix, vectors, d, m, work);
        T sum = T.Zero;
        T* right = gram + m * width;
        new Span<T>(x, memberWidth).Clear();
        new Span<T>(analysed, memberWidth).Clear();
        for (int i = 0; i < m; i++) sum += x[i] = ensemble[(long)i * n + point];
        T mean = sum / T.CreateTruncating(m);
        for (int i = 0; i < m; i++) x[i] -= mean;
        for (int i = m; i < memberWidth; i++) right[i] = T.Zero;
        bool blind = true;
        for (int k = 0; k < m; k++) blind &= d[k] <= T.Zero;
        for (int k = 0; k < m; k++)
        {
            T* v = vectors + k * memberWidth;
            Vector512<T> alongs = Vector512<T>.Zero, projections = Vector512<T>.Zero;
            for (int i = 0; i < memberWidth; i += Vector512<T>.Count)
            {
                alongs = MultiplyAdd(Vector512.LoadAligned(v + i), Vector512.LoadAligned(x + i), alongs);
                projections = MultiplyAdd(Vector512.LoadAligned(v + i), Vector512.LoadAligned(right + i), projections);
            }
            T along = Vector512.Sum(alongs), shifted = T.Max(d[k], T.Zero) + zeta;
            mean += along * Vector512.Sum(projections) / shifted;
            var share = Vector512.Create(blind ? along : along * scale / T.Sqrt(shifted));
            for (int i = 0; i < memberWidth; i += Vector512<T>.Count)
                MultiplyAdd(share, Vector512.LoadAligned(v + i), Vector512.LoadAligned(analysed + i)).StoreAligned(analysed + i);
        }
        for (int i = 0; i < m; i++)
        {
            T value = analysed[i];
            if (rotation is not null)
            {
                value = T.Zero;
                for (int j = 0; j < m; j++) value += rotation[i * m + j] * analysed[j];
            }
            result[(long)i * n + point] = value + mean;
        }
    }
}
