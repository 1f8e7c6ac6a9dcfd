using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// <see cref="InverseRootKernel"/> for as many matrices as a vector has lanes, all at once, one in each lane: the same operations on its
/// numbers in the same order, so that the results are the same to the bit. A lane that needs fewer poles than another has weights of zero.
/// </summary>
/// <remarks>Element (i, j) of all matrices lies in one vector, at (i m + j) vectors from the beginning.</remarks>
internal static unsafe class InverseRootInLanes
{
    // Poles at a time, in registers.
    private const int Poles = 4;

    /// <summary>The size of the working memory, in vectors.</summary>
    public static int WorkSize(int size) => (5 + 2 * Poles) * size + 2 * Poles + 8;

    /// <summary>Reduces the matrices to tridiagonal form, which stays in their place and in the working memory.</summary>
    /// <param name="a">The matrices, lower triangles.</param>
    /// <param name="zeta">The smallest zeta that may follow; 0 = unknown.</param>
    /// <param name="m">The size, at least 1.</param>
    /// <param name="work"><see cref="WorkSize"/> vectors.</param>
    /// <returns>The traces, and the factors by which the matrices were multiplied.</returns>
    public static (Vector512<T> Trace, Vector512<T> Scale) Reduce<T>(Vector512<T>* a, T zeta, int m, Vector512<T>* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var trace = Vector512<T>.Zero;
        for (int i = 0; i < m; i++) trace += a[i * m + i];
        var scale = Vector512<T>.One;
        if (Vector512.GreaterThanAny(trace, Vector512.Create(InverseRootKernel.LargestUnscaled<T>())))
            for (int lane = 0; lane < Vector512<T>.Count; lane++) scale = scale.WithElement(lane, InverseRootKernel.ScaleOf(trace[lane]));
        for (int i = 0; i < m; i++)
            for (int j = 0; j <= i; j++) a[i * m + j] = a[j * m + i] = a[i * m + j] * scale;
        Vector512<T>* d = work, e = d + m, inverseH = e + m;
        TridiagonalReductionInLanes.Reduce(a, d, e, inverseH, m, InverseRootKernel.NegligibleOf(Vector512.Create(zeta) * scale),
            inverseH + m);
        return (trace, scale);
    }

    /// <summary>As <see cref="InverseRootKernel.Spectrum"/>.</summary>
    public static void Spectrum<T>(Vector512<T>* a, Vector512<T> scale, Vector512<T>* vector, Vector512<T>* values, int m,
        Vector512<T>* work) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T>* d = work, e = d + m, inverseH = e + m, off = inverseH + m;
        for (int i = m - 1; i >= 2; i--) Reflect(a, inverseH, vector, i, m);
        var largest = Vector512<T>.Zero;
        for (int i = 0; i < m; i++) largest = Vector512.Max(largest, Vector512.Max(Vector512.Abs(d[i]), Vector512.Abs(e[i])));
        var fit = Vector512<T>.One;
        for (int lane = 0; lane < Vector512<T>.Count; lane++) fit = fit.WithElement(lane, SymmetricEigenKernel.ScaleOf(largest[lane]));
        for (int i = 0; i < m; i++) (values[i], off[i]) = (d[i] * fit, e[i] * fit);
        TridiagonalEigenvaluesInLanes.Iterate(vector, values, off, m);
        Vector512<T> finite = Vector512.Equals(largest - largest, Vector512<T>.Zero), lost = Vector512.Create(T.NaN);
        for (int i = 0; i < m; i++)
        {
            values[i] = Vector512.ConditionalSelect(finite, values[i] / (fit * scale), lost);
            vector[i] = Vector512.ConditionalSelect(finite, vector[i], lost);
        }
    }

    /// <summary>Computes a multiple of the roots after <see cref="Reduce"/>. A lane with non-finite values gives NaN.</summary>
    /// <param name="a">What has become of the matrices.</param>
    /// <param name="form">What <see cref="Reduce"/> gave.</param>
    /// <param name="zeta">zeta</param>
    /// <param name="factor">The multiple.</param>
    /// <param name="root">Receives it, m x m vectors.</param>
    /// <param name="m">The size.</param>
    /// <param name="work">As <see cref="Reduce"/> left it.</param>
    public static void Root<T>(Vector512<T>* a, (Vector512<T> Trace, Vector512<T> Scale) form, Vector512<T> zeta, T factor,
        Vector512<T>* root, int m, Vector512<T>* work) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        zeta *= form.Scale;
        var multiple = Vector512.Create(factor) * Vector512.Sqrt(form.Scale) * Vector512.Sqrt(zeta);
        multiple = Vector512.ConditionalSelect(Vector512.Equals(form.Trace - form.Trace, Vector512<T>.Zero), multiple,
            Vector512.Create(T.NaN));
        Vector512<T>* d = work, e = d + m, inverseH = e + m, room = inverseH + m;
        SumOfInverses(d, e, zeta, multiple, root, m, room + 2 * m);
        Transform(a, inverseH, root, m, room, room + m);
    }

    /// <summary>All bits set in the lanes whose matrix is so large beside zeta that poles do not serve
    /// (<see cref="InverseRootKernel.IsBeyond"/>).</summary>
    public static Vector512<T> Beyond<T>(Vector512<T>* a, Vector512<T> zeta, int m) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var trace = Vector512<T>.Zero;
        for (int i = 0; i < m; i++) trace += a[i * m + i];
        return Vector512.GreaterThan(trace, Vector512.Create(InverseRootKernel.LargestRange<T>()) * zeta);
    }

    /// <summary>Computes roots and solutions of some lanes by eigenvectors, one after the other.</summary>
    /// <param name="lanes">All bits set in these lanes.</param>
    /// <param name="a">The matrices, lower triangles.</param>
    /// <param name="b">The right-hand sides.</param>
    /// <param name="zeta">zeta</param>
    /// <param name="factor">The multiple of the roots.</param>
    /// <param name="root">Receives the multiples of the roots, in these lanes.</param>
    /// <param name="solution">Receives the solutions, in these lanes.</param>
    /// <param name="m">The size.</param>
    public static void ByEigenvectors<T>(Vector512<T> lanes, Vector512<T>* a, Vector512<T>* b, Vector512<T> zeta, T factor,
        Vector512<T>* root, Vector512<T>* solution, int m) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int stride = Padded<T>(m), count = Vector512<T>.Count;
        using var room = new RentedMemory<T>((2L * m + 1) * stride + InverseRootKernel.EigenvectorsWorkSize<T>(m));
        T* matrix = room.Start, own = matrix + m * stride, vector = own + m * stride;
        for (int lane = 0; lane < count; lane++)
        {
            if (T.IsZero(lanes[lane])) continue;
            new Span<T>(matrix, m * stride).Clear();
            new Span<T>(vector, stride).Clear();
            for (int i = 0; i < m; i++)
            {
                vector[i] = ((T*)b)[i * count + lane];
                for (int j = 0; j <= i; j++) matrix[i * stride + j] = matrix[j * stride + i] = ((T*)a)[(i * m + j) * count + lane];
            }
            InverseRootKernel.ByEigenvectors(matrix, zeta[lane], factor, vector, own, m, vector + stride);
            for (int i = 0; i < m; i++)
            {
                ((T*)solution)[i * count + lane] = vector[i];
                for (int j = 0; j < m; j++) ((T*)root)[(i * m + j) * count + lane] = own[i * stride + j];
            }
        }
    }

    /// <summary>Solves (A + zeta I) x = b after <see cref="Reduce"/>.</summary>
    public static void Solve<T>(Vector512<T>* a, (Vector512<T> Trace, Vector512<T> Scale) form, Vector512<T> zeta, Vector512<T>* vector,
        int m, Vector512<T>* work) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T>* d = work, e = d + m, inverseH = e + m, inverses = inverseH + m, ratios = inverses + m;
        Vector512<T> c = zeta * form.Scale, before = Vector512<T>.Zero, pivot = Vector512.Max(d[0] + c, c);
        for (int i = m - 1; i >= 2; i--) Reflect(a, inverseH, vector, i, m);
        for (int i = 0; i < m; i++)
        {
            inverses[i] = Vector512<T>.One / pivot;
            ratios[i] = -(e[i] * inverses[i]);
            vector[i] = before = i == 0 ? vector[0] : MultiplyAdd(ratios[i - 1], before, vector[i]);
            if (i + 1 < m) pivot = Vector512.Max(MultiplyAdd(e[i], ratios[i], d[i + 1] + c), c);
        }
        before = Vector512<T>.Zero;
        for (int i = m - 1; i >= 0; i--) vector[i] = before = MultiplyAdd(ratios[i], before, vector[i] * inverses[i]);
        for (int i = 0; i < m; i++) vector[i] *= form.Scale;
        for (int i = 2; i < m; i++) Reflect(a, inverseH, vector, i, m);
    }

    private static void Reflect<T>(Vector512<T>* a, Vector512<T>* inverseH, Vector512<T>* vector, int i, int m) where T : unmanaged
    {
        Vector512<T>* u = a + i * m;
        var along = -(TridiagonalReductionInLanes.Dot(u, vector, i) * inverseH[i]);
        for (int k = 0; k < i; k++) vector[k] = MultiplyAdd(along, u[k], vector[k]);
    }

    private static Vector512<T> Bound<T>(Vector512<T>* d, Vector512<T>* e, int m) where T : unmanaged
    {
        Vector512<T> largest = Vector512<T>.Zero, before = largest;
        for (int i = 0; i < m; i++)
        {
            Vector512<T> after = Vector512.Abs(e[i]), sum = Vector512.Abs(d[i]) + before + after;
            largest = Vector512.ConditionalSelect(Vector512.GreaterThan(sum, largest), sum, largest);
            before = after;
        }
        return largest;
    }

    private static void SumOfInverses<T>(Vector512<T>* d, Vector512<T>* e, Vector512<T> zeta, Vector512<T> factor, Vector512<T>* root,
        int m, Vector512<T>* work) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T>* shifts = work, weights = shifts + Poles, ratios = weights + Poles, diagonal = ratios + Poles * m;
        // The lanes of each kind of sum that occurs.
        var exponents = InverseRootPoles<T>.ExponentsOf(Bound(d, e, m) / zeta);
        int* kinds = stackalloc int[Vector512<T>.Count];
        int different = 0, most = 0;
        for (int lane = 0; lane < Vector512<T>.Count; lane++)
        {
            int k = int.CreateTruncating(exponents[lane]);
            if (new Span<int>(kinds, different).Contains(k)) continue;
            kinds[different++] = k;
            most = Math.Max(most, InverseRootPoles<T>.Of(k).Shifts.Length);
        }
        for (int from = 0; from < most; from += Poles)
        {
            for (int s = 0; s < 2 * Poles; s++) shifts[s] = Vector512<T>.Zero;
            for (int kind = 0; kind < different; kind++)
            {
                var poles = InverseRootPoles<T>.Of(kinds[kind]);
                var own = Vector512.Equals(exponents, Vector512.Create(T.CreateTruncating(kinds[kind])));
                for (int s = 0; s < Poles && from + s < poles.Shifts.Length; s++)
                {
                    shifts[s] |= own & Vector512.Create(poles.Shifts[from + s]);
                    weights[s] |= own & Vector512.Create(poles.Weights[from + s]);
                }
            }
            for (int s = 0; s < Poles; s++)
            {
                Vector512<T>* ratio = ratios + s, own = diagonal + s;
                Vector512<T> c = MultiplyAdd(zeta, shifts[s], zeta), w = weights[s] * factor, pivot = Vector512.Max(d[0] + c, c);
                for (int i = 0; i < m; i++, ratio += Poles, own += Poles)
                {
                    var inverse = Vector512<T>.One / pivot;
                    *ratio = -(e[i] * inverse);
                    *own = w * inverse;
                    if (i + 1 < m) pivot = Vector512.Max(MultiplyAdd(e[i], *ratio, d[i + 1] + c), c);
                }
            }
            for (int i = m - 2; i >= 0; i--)
                for (int s = i * Poles; s < (i + 1) * Poles; s++)
                    diagonal[s] = MultiplyAdd(ratios[s], ratios[s] * diagonal[s + Poles], diagonal[s]);
            Add(ratios, diagonal, root, m, from == 0);
        }
    }

    // Four inverses, column by column: (i, j) = ratio_i (i + 1, j) above the diagonal; and below, the same.
    private static void Add<T>(Vector512<T>* ratios, Vector512<T>* diagonal, Vector512<T>* sum, int m, bool first) where T : unmanaged
    {
        for (int j = 0; j < m; j++)
        {
            Vector512<T>* own = diagonal + j * Poles, ratio = ratios + j * Poles, at = sum + j * m + j, mirrored = at;
            Vector512<T> t0 = own[0], t1 = own[1], t2 = own[2], t3 = own[3];
            for (int i = j; i >= 0; i--, at -= m, mirrored--)
            {
                var before = first ? Vector512<T>.Zero : *at;
                *at = *mirrored = before + t0 + t1 + t2 + t3;
                if (i == 0) break;
                ratio -= Poles;
                t0 = ratio[0] * t0;
                t1 = ratio[1] * t1;
                t2 = ratio[2] * t2;
                t3 = ratio[3] * t3;
            }
        }
    }

    private static void Transform<T>(Vector512<T>* a, Vector512<T>* inverseH, Vector512<T>* s, int m, Vector512<T>* q,
        Vector512<T>* product) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (m < 3) return;
        Vector512<T>* u = a + 2 * m;
        var two = Vector512.Create(T.One + T.One);
        for (int k = 0; k < m; k++) product[k] = MultiplyAdd(u[1], s[m + k], u[0] * s[k]);
        for (int i = 2; i < m; i++, u += m)
        {
            var back = -(TridiagonalReductionInLanes.Dot(u, product, i) * inverseH[i] * inverseH[i] / two);
            for (int k = i; k < m; k++) u[k] = Vector512<T>.Zero;
            for (int k = 0; k < m; k++) q[k] = MultiplyAdd(u[k], back, product[k] * inverseH[i]);
            Vector512<T>* next = u + m, joining = s + i * m;
            if (i + 1 == m)
            {
                for (int row = 0; row < i; row++) TridiagonalReductionInLanes.UpdateRow(s + row * m, u, q, u[row], q[row], m);
                for (int j = 0; j < i; j++) joining[j] = s[j * m + i];
                return;
            }
            TridiagonalReductionInLanes.UpdateAndMultiply(s, u, q, next, product, i, m, m);
            for (int j = 0; j < i; j++) joining[j] = s[j * m + i];
            for (int k = 0; k < m; k++) product[k] = MultiplyAdd(next[i], joining[k], product[k]);
        }
    }
}
