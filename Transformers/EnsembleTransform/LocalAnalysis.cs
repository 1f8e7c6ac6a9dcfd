using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// Computes the local analyses of some components. Each is computed only from its own observations, so the result is the same to the bit
/// however components come together. Small ensembles are analysed at several components at once, one per lane of a vector. Letters as in
/// <see cref="EnsembleTransform"/>.
/// </summary>
/// <param name="members">N</param>
/// <param name="domains">The observations that reach each component.</param>
/// <param name="zeta">The prior's weight.</param>
/// <param name="inflation">The factor of the analysis anomalies.</param>
internal sealed unsafe class LocalAnalysis<T>(int members, LocalDomains domains, double zeta, double inflation)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Block = 64;

    private readonly int width = Padded<T>(members + 1), memberWidth = Padded<T>(members);
    private readonly T zeta = T.CreateTruncating(zeta), scale = T.CreateTruncating(inflation * Math.Sqrt(members - 1));

    /// <summary>Analyses a range of components, shared among threads.</summary>
    /// <param name="ensemble">The first member's value of the first component.</param>
    /// <param name="result">Receives the first member's analysis of the first component; it may be the ensemble itself.</param>
    /// <param name="stride">The distance from one member to the next, in both.</param>
    /// <param name="rows">The rows of the observations (<see cref="Whitening{T}"/>).</param>
    /// <param name="rowOf">The row of each observation; null if all observations have their rows in order.</param>
    /// <param name="rotation"><c>[N, N]</c> or null.</param>
    /// <param name="first">The first component.</param>
    /// <param name="end">The component after the last one.</param>
    public void Analyze(T* ensemble, T* result, long stride, T* rows, int* rowOf, T* rotation, int first, int end)
    {
        nint from = (nint)ensemble, to = (nint)result, rows0 = (nint)rows, rowOf0 = (nint)rowOf, rotation0 = (nint)rotation;
        double each = Block * (domains.Mean * width * (members + 1) * 2 + 8.0 * members * members * members) * SharedWork.Operation;
        SharedWork.ForEach((end - first + Block - 1) / Block, each, (begin, after) =>
        {
            var part = new Part((T*)from - first, (T*)to - first, stride, (T*)rows0, (int*)rowOf0, (T*)rotation0, new LocalObservations());
            for (int block = (int)begin; block < after; block++)
                Analyze(part, first + block * Block, Math.Min(end, first + (block + 1) * Block));
        });
    }

    // What a thread works on; ensemble and result count components from 0.
    private readonly struct Part(T* ensemble, T* result, long stride, T* rows, int* rowOf, T* rotation, LocalObservations room)
    {
        public T* Ensemble { get; } = ensemble;
        public T* Result { get; } = result;
        public long Stride { get; } = stride;
        public T* Rows { get; } = rows;
        public int* RowOf { get; } = rowOf;
        public T* Rotation { get; } = rotation;
        public LocalObservations Room { get; } = room;
    }

    private void Analyze(in Part part, int first, int end)
    {
        int lanes = Vector512<T>.Count;
        bool inLanes = members <= SymmetricEigenLanes.LargestSize;
        long own = inLanes ? (2L * members * members + 5 * members + SymmetricEigenLanes.WorkSize(members)) * lanes
            : (2L * members + 3) * memberWidth + SymmetricEigenKernel.WorkSize<T>(members);
        using var rented = new RentedMemory<T>((members + 1L) * width + own + 2L * domains.Largest * width);
        T* memory = rented.Start;
        if (inLanes) for (int point = first; point < end; point += lanes) InLanes(part, point, Math.Min(lanes, end - point), memory);
        else for (int point = first; point < end; point++) One(part, point, memory);
    }

    // The upper left is sum w Y_i Y_j, its last row sum w d Y_j: [N + 1, width]
    private void Gram(in Part part, int point, T* gram, T* memory)
    {
        var list = domains.Of(point, part.Room);
        int* rowOf = part.RowOf;
        T* left = memory, right = memory + (long)list.Count * width;
        for (int k = 0; k < list.Count; k++)
        {
            T* from = part.Rows + (long)(rowOf is null ? list[k] : rowOf[list[k]]) * width;
            var weight = Vector512.Create(T.CreateTruncating(list.Weights[k]));
            for (int i = 0; i < width; i += Vector512<T>.Count)
            {
                var values = Vector512.LoadAligned(from + i);
                values.StoreAligned(right + k * width + i);
                (weight * values).StoreAligned(left + k * width + i);
            }
        }
        ProductKernel.Multiply(left, 1, width, right, gram, members + 1, list.Count, width);
    }

    private void InLanes(in Part part, int point, int count, T* memory)
    {
        int m = members, lanes = Vector512<T>.Count;
        T* rotation = part.Rotation;
        T* gram = memory, rest = memory + (m + 1) * width;
        Vector512<T>* a = (Vector512<T>*)rest, z = a + m * m, d = z + m * m, right = d + m, x = right + m, analysed = x + m,
            turned = analysed + m, work = turned + m;
        T* gather = (T*)(work + SymmetricEigenLanes.WorkSize(m));
        // Lanes beyond the last component repeat it, and are not stored.
        for (int lane = 0; lane < lanes; lane++)
        {
            int at = point + Math.Min(lane, count - 1);
            if (lane < count) Gram(part, at, gram, gather);
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
            x[i] = Load(part.Ensemble + i * part.Stride + point, count);
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
        for (int i = 0; i < m; i++) Store(analysed[i] + mean, part.Result + i * part.Stride + point, count);
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

    private void One(in Part part, int point, T* memory)
    {
        int m = members;
        T* rotation = part.Rotation;
        T* gram = memory, matrix = gram + (m + 1) * width, vectors = matrix + m * memberWidth, d = vectors + m * memberWidth;
        T* x = d + memberWidth, analysed = x + memberWidth, work = analysed + memberWidth,
            gather = work + SymmetricEigenKernel.WorkSize<T>(m);
        Gram(part, point, gram, gather);
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
        for (int i = 0; i < m; i++) sum += x[i] = part.Ensemble[i * part.Stride + point];
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
            part.Result[i * part.Stride + point] = value + mean;
        }
    }
}
