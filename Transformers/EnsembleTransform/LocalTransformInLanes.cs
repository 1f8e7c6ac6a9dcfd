using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// The local ensemble transforms of as many components, or trajectories, as a vector has lanes, from their weighted Y Y^T. Letters as in
/// <see cref="EnsembleTransform"/>.
/// </summary>
internal static unsafe class LocalTransformInLanes
{
    /// <summary>The size of the working memory, in vectors.</summary>
    public static int WorkSize(int members) => members * members + members + InverseRootInLanes.WorkSize(members);

    /// <summary>Computes the analysis of one component in each lane.</summary>
    /// <param name="a">Y Y^T, N x N vectors, lower triangles; overwritten.</param>
    /// <param name="right">Y d, N vectors; becomes w.</param>
    /// <param name="x">The component's value of each member; becomes the analysis.</param>
    /// <param name="members">N</param>
    /// <param name="zeta">The prior's weight.</param>
    /// <param name="scale">The inflation times the square root of N - 1.</param>
    /// <param name="rotation">A rotation <c>[N, N]</c> of the anomalies, the same in all lanes, or null.</param>
    /// <param name="work"><see cref="WorkSize"/> vectors.</param>
    public static void Apply<T>(Vector512<T>* a, Vector512<T>* right, Vector512<T>* x, int members, T zeta, T scale, T* rotation,
        Vector512<T>* work) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int m = members;
        Vector512<T>* root = work, analysed = root + m * m, rest = analysed + m;
        Vector512<T> z = Vector512.Create(zeta), beyond = InverseRootInLanes.Beyond(a, z, m);
        bool all = beyond == Vector512<T>.Zero;
        using var kept = new RentedMemory<T>(all ? 0 : ((long)m * m + m) * Vector512<T>.Count);
        Vector512<T>* original = (Vector512<T>*)kept.Start, b = original + m * m;
        for (int k = 0; !all && k < m * m; k++) original[k] = a[k];
        for (int k = 0; !all && k < m; k++) b[k] = right[k];
        var form = InverseRootInLanes.Reduce(a, zeta, m, rest);
        InverseRootInLanes.Solve(a, form, z, right, m, rest);
        InverseRootInLanes.Root(a, form, z, scale, root, m, rest);
        if (!all) InverseRootInLanes.ByEigenvectors(beyond, original, b, z, scale, root, right, m);
        var blind = Vector512.Equals(form.Trace, Vector512<T>.Zero);
        var sum = Vector512<T>.Zero;
        for (int i = 0; i < m; i++) sum += x[i];
        var mean = sum / Vector512.Create(T.CreateTruncating(m));
        for (int i = 0; i < m; i++) x[i] -= mean;
        // The anomalies T x, and the mean's increment w^T x
        Multiply(root, x, analysed, m);
        for (int i = 0; i < m; i++)
        {
            mean = MultiplyAdd(right[i], x[i], mean);
            // As it was if no observation is near, or if none sees the ensemble.
            analysed[i] = Vector512.ConditionalSelect(blind, x[i], analysed[i]);
        }
        for (int i = 0; i < m; i++)
        {
            x[i] = analysed[i];
            if (rotation is null) continue;
            x[i] = Vector512<T>.Zero;
            for (int j = 0; j < m; j++) x[i] = MultiplyAdd(Vector512.Create(rotation[i * m + j]), analysed[j], x[i]);
        }
        for (int i = 0; i < m; i++) x[i] += mean;
    }

    private static void Multiply<T>(Vector512<T>* symmetric, Vector512<T>* vector, Vector512<T>* product, int m) where T : unmanaged
    {
        for (int i = 0; i < m; i++, symmetric += m)
        {
            var sum = Vector512<T>.Zero;
            for (int j = 0; j < m; j++) sum = MultiplyAdd(symmetric[j], vector[j], sum);
            product[i] = sum;
        }
    }
}
