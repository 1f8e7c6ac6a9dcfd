using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// Computes the local analyses of some components. Each is computed only from its own observations, so the result is the same to the bit
/// however components come together: at several of them at once, one in each lane of a vector. Letters as in
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

    private readonly int width = Padded<T>(members + 1);
    private readonly T zeta = T.CreateTruncating(zeta), scale = T.CreateTruncating(inflation * Math.Sqrt(members - 1));

    /// <summary>Nanoseconds that a component takes, estimated.</summary>
    public static double Time(int members, LocalDomains domains) =>
        (domains.Mean * Padded<T>(members + 1) * (members + 1) * 2 + 8.0 * members * members * members) * SharedWork.Operation;

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
        SharedWork.ForEach((end - first + Block - 1) / Block, Block * Time(members, domains), (begin, after) =>
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
        long own = ((long)members * members + 2 * members + LocalTransformInLanes.WorkSize(members)) * lanes;
        using var rented = new RentedMemory<T>((members + 1L) * width + own + 2L * domains.Largest * width);
        for (int point = first; point < end; point += lanes) InLanes(part, point, Math.Min(lanes, end - point), rented.Start);
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
        T* gram = memory, rest = memory + (m + 1) * width;
        Vector512<T>* a = (Vector512<T>*)rest, right = a + m * m, x = right + m, work = x + m;
        T* gather = (T*)(work + LocalTransformInLanes.WorkSize(m));
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
        for (int i = 0; i < m; i++) x[i] = Load(part.Ensemble + i * part.Stride + point, count);
        LocalTransformInLanes.Apply(a, right, x, m, zeta, scale, part.Rotation, work);
        for (int i = 0; i < m; i++) Store(x[i], part.Result + i * part.Stride + point, count);
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
}
