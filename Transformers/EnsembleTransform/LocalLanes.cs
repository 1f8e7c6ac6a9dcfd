using System.Numerics;
using System.Runtime.Intrinsics;

namespace DaML.Components;

/// <summary>
/// The local analyses of as many trajectories as a vector has lanes, all at once, one in each lane, component after component: the
/// operations of <see cref="Whitening{T}"/> and <see cref="LocalAnalysis{T}"/> in the same order, and so the same bits.
/// </summary>
internal readonly unsafe struct LocalLanes<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int members, p;
    private readonly LocalDomains domains;
    private readonly T zeta, scale;
    private readonly Vector512<T>* rows, left, right, gram, a, values, work, end;

    /// <summary>Assigns the quantities their places in memory.</summary>
    /// <param name="members">N</param>
    /// <param name="domains">The observations that reach each component.</param>
    /// <param name="zeta">The prior's weight.</param>
    /// <param name="inflation">The factor of the analysis anomalies.</param>
    /// <param name="memory">Memory for <see cref="Size"/> vectors, used for one group of trajectories after the other.</param>
    public LocalLanes(int members, LocalDomains domains, double zeta, double inflation, Vector512<T>* memory)
    {
        (this.members, this.domains, p) = (members, domains, domains.Observations);
        (this.zeta, scale) = (T.CreateTruncating(zeta), T.CreateTruncating(inflation * Math.Sqrt(members - 1)));
        rows = memory;                                          // whitened anomalies, then the innovation [N + 1, p]
        left = rows + (members + 1) * p;                        // those near a component, with and without their weights
        right = left + (members + 1) * domains.Largest;
        gram = right + (members + 1) * domains.Largest;         // sum w Y_i Y_j, and in the last row sum w d Y_j [N + 1, N + 1]
        a = gram + (members + 1) * (members + 1);
        values = a + members * members;
        work = values + members;
        end = work + LocalTransformInLanes.WorkSize(members);
    }

    /// <summary>The number of vectors that an analysis needs.</summary>
    public static long Size(int members, LocalDomains domains) => new LocalLanes<T>(members, domains, 1, 1, null).end - (Vector512<T>*)null;

    /// <summary>Whitens the observations of single components.</summary>
    /// <param name="components">The component that each observation is of.</param>
    /// <param name="ensemble">The forecast, <c>[N, n]</c>.</param>
    /// <param name="n">The dimension of the state.</param>
    /// <param name="observation">y, p vectors, finite.</param>
    /// <param name="deviations">1 / sigma of each observation.</param>
    /// <param name="observed">All bits set where an observation exists, p vectors, or null if all exist.</param>
    public void Observe(int[] components, Vector512<T>* ensemble, int n, Vector512<T>* observation, double[] deviations,
        Vector512<T>* observed)
    {
        var count = Vector512.Create(T.CreateTruncating(members));
        for (int k = 0; k < p; k++)
        {
            Vector512<T>* column = ensemble + components[k];
            var sum = Vector512<T>.Zero;
            for (int i = 0; i < members; i++) sum += column[i * n];
            Vector512<T> mean = sum / count, weight = Vector512.Create(T.CreateTruncating(deviations[k])),
                exists = observed is null ? Vector512<T>.AllBitsSet : observed[k];
            for (int i = 0; i < members; i++) rows[i * p + k] = ((column[i * n] - mean) * weight) & exists;
            rows[members * p + k] = ((observation[k] - mean) * weight) & exists;
        }
    }

    /// <summary>Computes the analysis ensemble, <c>[N, n]</c>.</summary>
    /// <param name="ensemble">The forecast, <c>[N, n]</c>.</param>
    /// <param name="n">The dimension of the state.</param>
    /// <param name="result">Receives the analysis.</param>
    /// <param name="room">A list of the caller's thread.</param>
    public void Analyze(Vector512<T>* ensemble, int n, Vector512<T>* result, LocalObservations room)
    {
        for (int point = 0; point < n; point++)
        {
            var list = domains.Of(point, room);
            for (int k = 0; k < list.Count; k++)
            {
                var weight = Vector512.Create(T.CreateTruncating(list.Weights[k]));
                Vector512<T>* from = rows + list[k];
                for (int i = 0; i <= members; i++)
                {
                    var value = from[i * p];
                    left[i * list.Count + k] = weight * value;
                    right[i * list.Count + k] = value;
                }
            }
            LaneProducts.Gram(left, right, gram, members + 1, list.Count);
            for (int i = 0; i < members; i++)
            {
                for (int j = 0; j <= i; j++) a[i * members + j] = gram[i * (members + 1) + j];
                values[i] = ensemble[i * n + point];
            }
            LocalTransformInLanes.Apply(a, gram + members * (members + 1), values, members, zeta, scale, null, work);
            for (int i = 0; i < members; i++) result[i * n + point] = values[i];
        }
    }
}
