using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// The eigenproblems of as many very small symmetric matrices as a vector has lanes, all at once: the method of
/// <see cref="SymmetricEigenKernel"/>, with one matrix per lane. A lane that has its eigenvalue waits for the others. No lane sees
/// another's numbers, so the result does not depend on the neighbours. It takes fewer operations than <see cref="EigenKernelInLanes"/>, in
/// an order of its own.
/// </summary>
/// <remarks>Element (i, j) of all matrices lies in one vector, at (i m + j) vectors from the beginning.</remarks>
internal static unsafe class SymmetricEigenLanes
{
    private const int Sweeps = 60;

    /// <summary>
    /// The size up to which the matrices of all lanes stay in the processor's second cache, 200 KiB. On an AMD EPYC (Zen 4) the lanes took
    /// 0.5 of the time of one matrix after the other at 20, and 0.7 at 40.
    /// </summary>
    public const int LargestSize = 40;

    /// <summary>The size of the working memory, in vectors.</summary>
    public static int WorkSize(int size) => 4 * size;

    /// <summary>Solves the problems. A lane with non-finite values gives NaN.</summary>
    /// <param name="a">The matrices, lower triangles; overwritten.</param>
    /// <param name="z">Receives the eigenvectors as rows: component j of vector i at (i m + j).</param>
    /// <param name="d">Receives the eigenvalues, m vectors, in no particular order.</param>
    /// <param name="m">The size, at least 1.</param>
    /// <param name="work"><see cref="WorkSize"/> vectors.</param>
    public static void Solve<T>(Vector512<T>* a, Vector512<T>* z, Vector512<T>* d, int m, Vector512<T>* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T>* e = work;
        // Scaled by the largest element, so that squares neither overflow nor vanish.
        var largest = Vector512<T>.Zero;
        for (int i = 0; i < m; i++)
            for (int j = 0; j <= i; j++) largest = Vector512.Max(largest, Vector512.Abs(a[i * m + j]));
        var scale = Vector512.Max(largest, Vector512.Create(Floor<T>()));
        var inverse = Vector512<T>.One / scale;
        for (int i = 0; i < m; i++)
            for (int j = 0; j <= i; j++) a[i * m + j] *= inverse;
        Reduce(a, z, d, e, m, work + m);
        Iterate(z, d, e, m);
        // An infinite or NaN matrix has lost its numbers by then; its scale has not.
        var lost = scale - scale;
        for (int i = 0; i < m; i++) d[i] = d[i] * scale + lost;
        for (int k = 0; k < m * m; k++) z[k] += lost;
    }

    // The inverse of the scale is finite, and a matrix this small, divided by the scale, is no smaller than its squares can be.
    private static T Floor<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        T.CreateTruncating(typeof(T) == typeof(float) ? 1e-35 : 1e-300);

    // Squares below have lost digits; these are negligible against a norm of one.
    private static T Vanishing<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        T.CreateTruncating(typeof(T) == typeof(float) ? 1e-30 : 1e-280);

    private static void Reduce<T>(Vector512<T>* a, Vector512<T>* z, Vector512<T>* d, Vector512<T>* e, int m, Vector512<T>* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T>* inverseH = work, q = work + m;
        Vector512<T> zero = Vector512<T>.Zero, half = Vector512.Create(T.One / (T.One + T.One));
        for (int i = m - 1; i >= 1; i--)
        {
            Vector512<T>* u = a + i * m;
            d[i] = u[i];
            var squares = zero;
            for (int k = 0; k < i; k++) squares = MultiplyAdd(u[k], u[k], squares);
            Vector512<T> f = u[i - 1], root = Vector512.Sqrt(squares),
                g = Vector512.ConditionalSelect(Vector512.GreaterThan(f, zero), -root, root);
            var reflects = Vector512.GreaterThan(squares, f * f);
            e[i - 1] = Vector512.ConditionalSelect(reflects, g, f);
            inverseH[i] = Vector512.ConditionalSelect(reflects, Vector512<T>.One / (squares - f * g), zero);
            u[i - 1] = f - g;
            // q = p - (u^T p / 2 h) u with p = A u / h
            var along = zero;
            for (int k = 0; k < i; k++)
            {
                var sum = zero;
                for (int j = 0; j <= k; j++) sum = MultiplyAdd(a[k * m + j], u[j], sum);
                for (int j = k + 1; j < i; j++) sum = MultiplyAdd(a[j * m + k], u[j], sum);
                q[k] = sum * inverseH[i];
                along = MultiplyAdd(u[k], q[k], along);
            }
            var back = -(along * inverseH[i] * half);
            for (int k = 0; k < i; k++) q[k] = MultiplyAdd(back, u[k], q[k]);
            for (int k = 0; k < i; k++)
            {
                Vector512<T> minusU = -u[k], minusQ = -q[k];
                for (int j = 0; j <= k; j++) a[k * m + j] = MultiplyAdd(minusU, q[j], MultiplyAdd(minusQ, u[j], a[k * m + j]));
            }
        }
        d[0] = a[0];
        e[m - 1] = zero;

        // The rows of Q^T = H_2 ... H_(m-1): from the smallest reflection to the largest, each seen by the rows that begin within it.
        for (int k = 0; k < m * m; k++) z[k] = zero;
        for (int k = 0; k < m; k++) z[k * m + k] = Vector512<T>.One;
        for (int i = 2; i < m; i++)
        {
            Vector512<T>* u = a + i * m;
            for (int row = 0; row < i; row++)
            {
                Vector512<T>* at = z + row * m;
                var sum = zero;
                for (int k = 0; k < i; k++) sum = MultiplyAdd(at[k], u[k], sum);
                var along = -(sum * inverseH[i]);
                for (int k = 0; k < i; k++) at[k] = MultiplyAdd(along, u[k], at[k]);
            }
        }
    }

    private static void Iterate<T>(Vector512<T>* z, Vector512<T>* d, Vector512<T>* e, int m)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> zero = Vector512<T>.Zero, one = Vector512<T>.One, two = one + one, norm = zero, shifts = zero,
            vanishing = Vector512.Create(Vanishing<T>());
        for (int i = 0; i < m; i++) norm = Vector512.Max(norm, Vector512.Abs(d[i]) + Vector512.Abs(e[i]));
        var negligible = norm * Vector512.Create((T.BitIncrement(T.One) - T.One) / (T.One + T.One));
        for (int l = 0; l + 1 < m; l++)
        {
            for (int sweep = 0; ; sweep++)
            {
                var active = Vector512.GreaterThan(Vector512.Abs(e[l]), negligible); // not where it is NaN
                if (active == zero) break;
                if (sweep == Sweeps)
                    throw new InvalidOperationException(
                        $"The QL iteration for symmetric matrices of size {m} did not end after {Sweeps} sweeps for one eigenvalue.");
                // In a finished lane the shift is zero and the rotations are the identity.
                Vector512<T> g = d[l], w = (d[l + 1] - g) / (two * e[l]), root = Vector512.Sqrt(MultiplyAdd(w, w, one));
                root = Vector512.ConditionalSelect(Vector512.LessThan(w, zero), -root, root);
                Vector512<T> first = e[l] / (w + root), second = e[l] * (w + root),
                    shift = Vector512.ConditionalSelect(active, g - first, zero), beside = e[l + 1], outer = e[l];
                d[l] = Vector512.ConditionalSelect(active, first, g);
                d[l + 1] = Vector512.ConditionalSelect(active, second, d[l + 1]);
                for (int i = l + 2; i < m; i++) d[i] -= shift;
                shifts += shift;

                Vector512<T> p = d[m - 1], c = one, c2 = one, c3 = one, s = zero, s2 = zero;
                for (int i = m - 2; i >= l; i--)
                {
                    (c3, c2, s2) = (c2, c, s);
                    Vector512<T> ei = e[i], di = d[i], along = c * ei, straight = c * p, squares = MultiplyAdd(p, p, ei * ei),
                        r = Vector512.Sqrt(squares);
                    var turns = Vector512.BitwiseAnd(active, Vector512.GreaterThan(squares, vanishing));
                    var inverse = one / r;
                    e[i + 1] = Vector512.ConditionalSelect(active, s * r, e[i + 1]);
                    var next = MultiplyAdd(p, di, -(ei * along)) * inverse;
                    s = Vector512.ConditionalSelect(turns, ei * inverse, zero);
                    c = Vector512.ConditionalSelect(turns, p * inverse, one);
                    p = Vector512.ConditionalSelect(turns, next, di);
                    d[i + 1] = Vector512.ConditionalSelect(active, MultiplyAdd(s, MultiplyAdd(c, along, s * di), straight), d[i + 1]);
                    Vector512<T>* lower = z + i * m, upper = lower + m;
                    var minusS = -s;
                    for (int k = 0; k < m; k++)
                    {
                        Vector512<T> x = lower[k], y = upper[k];
                        upper[k] = MultiplyAdd(s, x, c * y);
                        lower[k] = MultiplyAdd(c, x, minusS * y);
                    }
                }
                p = -(s * s2 * c3 * beside * e[l]) / second;
                e[l] = Vector512.ConditionalSelect(active, s * p, outer);
                d[l] = Vector512.ConditionalSelect(active, c * p, d[l]);
            }
            d[l] += shifts;
            e[l] = zero;
        }
        d[m - 1] += shifts;
    }
}
