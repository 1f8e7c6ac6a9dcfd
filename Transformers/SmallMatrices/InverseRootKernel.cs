using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// (A + zeta I)^(-1/2) of a small symmetric matrix A without negative eigenvalues, in the processor's cache, without its eigenvectors. With
/// A = Q T Q^T tridiagonal, the sum of <see cref="InverseRootPoles{T}"/> needs inverses of tridiagonal matrices alone:
/// <code>
/// (A + zeta I)^(-1/2) = Q [sum over s of zeta^(1/2) w_s (T + c_s I)^-1] Q^T,   c_s = zeta (1 + sigma_s)
/// </code>
/// All terms are positive definite. The error is of the order of round-off times zeta^(-1/2), as that of an eigensolver, and it takes a
/// third of its time. That holds while round-off of A is far below zeta. Where it is not (<see cref="IsBeyond"/>), pivots of a singular A
/// are noise, and eigenvectors serve.
/// </summary>
/// <remarks>All matrices are padded with zeros to whole vectors a row (<see cref="Padded{T}"/>) and begin at a whole vector.</remarks>
internal static unsafe class InverseRootKernel
{
    /// <summary>The size of the working memory for a matrix of this size, in numbers.</summary>
    public static int WorkSize<T>(int size) where T : unmanaged => 5 * Padded<T>(size) + 2 * size * Vector512<T>.Count;

    /// <summary>The largest trace of a matrix that is not scaled.</summary>
    public static T LargestUnscaled<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        T.CreateTruncating(typeof(T) == typeof(double) ? 2.582249878086909e120 : 1.073741824e9);

    /// <summary>The power of four, which costs no digits, by which A and zeta are multiplied where A is so large that squares might
    /// overflow.</summary>
    public static T ScaleOf<T>(T trace) where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        T.IsFinite(trace) && trace > LargestUnscaled<T>() ? T.ScaleB(T.One, -2 * (T.ILogB(trace) / 2)) : T.One;

    /// <summary>The sum of squares beside the diagonal that A + zeta I does not notice, or whose inverse might overflow.</summary>
    public static Vector512<T> NegligibleOf<T>(Vector512<T> zeta) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var small = zeta * Vector512.Create((T.BitIncrement(T.One) - T.One) / T.CreateTruncating(16));
        return Vector512.Max(small * small, Vector512.Create(T.ScaleB(T.One, typeof(T) == typeof(double) ? -600 : -90)));
    }

    /// <summary>Reduces A to tridiagonal form, which stays in A's place and in the working memory.</summary>
    /// <param name="matrix">A <c>[m, padded m]</c>, both triangles.</param>
    /// <param name="zeta">The smallest zeta that may follow; 0 = unknown.</param>
    /// <param name="size">m, at least 1</param>
    /// <param name="work"><see cref="WorkSize"/> numbers.</param>
    /// <returns>The trace of A, and the factor by which A was multiplied.</returns>
    public static (T Trace, T Scale) Reduce<T>(T* matrix, T zeta, int size, T* work) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int stride = Padded<T>(size);
        var trace = T.Zero;
        for (int i = 0; i < size; i++) trace += matrix[i * stride + i];
        var scale = ScaleOf(trace);
        if (scale != T.One)
            for (int k = 0; k < size * stride; k += Vector512<T>.Count)
                (Vector512.LoadAligned(matrix + k) * scale).StoreAligned(matrix + k);
        T* d = work, e = d + stride, inverseH = e + stride;
        var negligible = NegligibleOf(Vector512.Create(zeta * scale))[0];
        TridiagonalReduction.Reduce(matrix, d, e, inverseH, size, stride, negligible, inverseH + stride);
        return (trace, scale);
    }

    /// <summary>The eigenvalues of A, and the projections of a vector on its eigenvectors, after <see cref="Reduce"/>: the rotations of the
    /// QL method turn the one vector, and no eigenvectors. Non-finite input gives NaN everywhere.</summary>
    /// <param name="matrix">What has become of A.</param>
    /// <param name="scale">The factor by which it was multiplied.</param>
    /// <param name="vector">The vector, <c>[padded m]</c>, zero beyond m; becomes the projections.</param>
    /// <param name="values">Receives the eigenvalues, in the order of the projections.</param>
    /// <param name="size">m</param>
    /// <param name="work">As <see cref="Reduce"/> left it.</param>
    public static void Spectrum<T>(T* matrix, T scale, T* vector, T* values, int size, T* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int stride = Padded<T>(size), lanes = Vector512<T>.Count;
        T* d = work, e = d + stride, inverseH = e + stride, off = inverseH + stride, rows = off + 2 * stride;
        for (int i = size - 1; i >= 2; i--) Reflect(matrix, inverseH, vector, i, stride);
        var largest = T.Zero;
        for (int i = 0; i < size; i++) largest = T.Max(largest, T.Max(T.Abs(d[i]), T.Abs(e[i])));
        if (!T.IsFinite(largest))
        {
            new Span<T>(values, size).Fill(T.NaN);
            new Span<T>(vector, size).Fill(T.NaN);
            return;
        }
        var fit = SymmetricEigenKernel.ScaleOf(largest);
        new Span<T>(rows, size * lanes).Clear();
        for (int i = 0; i < size; i++) (values[i], off[i], rows[i * lanes]) = (d[i] * fit, e[i] * fit, vector[i]);
        SymmetricEigenKernel.Iterate(rows, values, off, size, lanes);
        for (int i = 0; i < size; i++) (values[i], vector[i]) = (values[i] / (fit * scale), rows[i * lanes]);
    }

    /// <summary>Computes a multiple of the root after <see cref="Reduce"/>. Non-finite input gives NaN everywhere.</summary>
    /// <param name="matrix">What has become of A.</param>
    /// <param name="form">What <see cref="Reduce"/> gave.</param>
    /// <param name="zeta">zeta, far above the smallest numbers (at least 1e-80, and 1e-5 in single precision)</param>
    /// <param name="factor">The multiple.</param>
    /// <param name="root">Receives it, <c>[m, padded m]</c>.</param>
    /// <param name="size">m</param>
    /// <param name="work">As <see cref="Reduce"/> left it.</param>
    public static void Root<T>(T* matrix, (T Trace, T Scale) form, T zeta, T factor, T* root, int size, T* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int stride = Padded<T>(size);
        zeta *= form.Scale;
        T* d = work, e = d + stride, inverseH = e + stride, room = inverseH + stride, pivots = room + 2 * stride;
        factor = T.IsFinite(form.Trace) ? factor * T.Sqrt(form.Scale) * T.Sqrt(zeta) : T.NaN;
        SumOfInverses(d, e, zeta, factor, root, size, stride, pivots);
        Transform(matrix, inverseH, root, size, stride, room, room + stride);
    }

    /// <summary>Whether A is so large beside zeta that poles do not serve: its trace exceeds 2^44 zeta, in single precision 2^15
    /// zeta.</summary>
    public static bool IsBeyond<T>(T trace, T zeta) where T : unmanaged, IBinaryFloatingPointIeee754<T> => trace > LargestRange<T>() * zeta;

    /// <summary>The largest trace beside zeta for which poles serve.</summary>
    public static T LargestRange<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        T.ScaleB(T.One, typeof(T) == typeof(double) ? 44 : 15);

    /// <summary>The size of the working memory of <see cref="ByEigenvectors"/>, in numbers.</summary>
    public static int EigenvectorsWorkSize<T>(int size) where T : unmanaged =>
        (2 * size + 1) * Padded<T>(size) + SymmetricEigenKernel.WorkSize<T>(size);

    /// <summary>Computes the root and the solution by eigenvectors.</summary>
    /// <param name="matrix">A <c>[m, padded m]</c>, both triangles; overwritten.</param>
    /// <param name="zeta">zeta &gt; 0</param>
    /// <param name="factor">The multiple of the root.</param>
    /// <param name="vector">b, <c>[padded m]</c>, zero beyond m; becomes (A + zeta I)^-1 b.</param>
    /// <param name="root">Receives the multiple of the root, <c>[m, padded m]</c>.</param>
    /// <param name="size">m</param>
    /// <param name="work"><see cref="EigenvectorsWorkSize"/> numbers.</param>
    public static void ByEigenvectors<T>(T* matrix, T zeta, T factor, T* vector, T* root, int size, T* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int stride = Padded<T>(size), lanes = Vector512<T>.Count;
        T* vectors = work, scaled = vectors + size * stride, values = scaled + size * stride;
        SymmetricEigenKernel.Solve(matrix, vectors, values, size, values + stride);
        for (int k = 0; k < size; k++)
        {
            T* v = vectors + k * stride;
            T shifted = T.Max(values[k], T.Zero) + zeta;
            values[k] = Dot(v, vector, stride) / shifted;
            var share = Vector512.Create(factor / T.Sqrt(shifted));
            for (int i = 0; i < stride; i += lanes) (share * Vector512.LoadAligned(v + i)).StoreAligned(scaled + k * stride + i);
        }
        ProductKernel.Multiply(scaled, 1, stride, vectors, root, size, size, stride);
        ProductKernel.Multiply(values, 0, 1, vectors, vector, 1, size, stride);
    }

    /// <summary>Solves (A + zeta I) x = b after <see cref="Reduce"/>.</summary>
    /// <param name="matrix">What has become of A.</param>
    /// <param name="form">What <see cref="Reduce"/> gave.</param>
    /// <param name="zeta">zeta</param>
    /// <param name="vector">b, <c>[padded m]</c>, zero beyond m; becomes x.</param>
    /// <param name="size">m</param>
    /// <param name="work">As <see cref="Reduce"/> left it.</param>
    public static void Solve<T>(T* matrix, (T Trace, T Scale) form, T zeta, T* vector, int size, T* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int stride = Padded<T>(size);
        T* d = work, e = d + stride, inverseH = e + stride, inverses = inverseH + stride, ratios = inverses + stride;
        T c = zeta * form.Scale, before = T.Zero, pivot = T.Max(d[0] + c, c);
        for (int i = size - 1; i >= 2; i--) Reflect(matrix, inverseH, vector, i, stride);
        for (int i = 0; i < size; i++)
        {
            inverses[i] = T.One / pivot;
            ratios[i] = -(e[i] * inverses[i]);
            vector[i] = before = i == 0 ? vector[0] : T.MultiplyAddEstimate(ratios[i - 1], before, vector[i]);
            if (i + 1 < size) pivot = T.Max(T.MultiplyAddEstimate(e[i], ratios[i], d[i + 1] + c), c);
        }
        before = T.Zero;
        for (int i = size - 1; i >= 0; i--)
            vector[i] = before = T.MultiplyAddEstimate(ratios[i], before, vector[i] * inverses[i]);
        var scale = Vector512.Create(form.Scale);
        for (int k = 0; k < stride; k += Vector512<T>.Count) (Vector512.LoadAligned(vector + k) * scale).StoreAligned(vector + k);
        for (int i = 2; i < size; i++) Reflect(matrix, inverseH, vector, i, stride);
    }

    // H_i b; Q^T b = H_2 H_3 ... H_(m-1) b
    private static void Reflect<T>(T* matrix, T* inverseH, T* vector, int i, int stride) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T* u = matrix + i * stride;
        int width = Padded<T>(i);
        var along = Vector512.Create(-(Dot(u, vector, width) * inverseH[i]));
        for (int k = 0; k < width; k += Vector512<T>.Count)
            MultiplyAdd(along, Vector512.LoadAligned(u + k), Vector512.LoadAligned(vector + k)).StoreAligned(vector + k);
    }

    // The largest row sum of |T|, which no eigenvalue exceeds.
    private static T Bound<T>(T* d, T* e, int m) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T largest = T.Zero, before = T.Zero;
        for (int i = 0; i < m; i++)
        {
            T after = T.Abs(e[i]), sum = T.Abs(d[i]) + before + after;
            if (sum > largest) largest = sum;
            before = after;
        }
        return largest;
    }

    // S = factor sum over s of w_s (T + c_s I)^-1; as many poles at a time as a vector has lanes
    private static void SumOfInverses<T>(T* d, T* e, T zeta, T factor, T* root, int m, int stride, T* pivots)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int lanes = Vector512<T>.Count;
        Vector512<T>* ratios = (Vector512<T>*)pivots, diagonal = ratios + m;
        var exponent = InverseRootPoles<T>.ExponentsOf(Vector512.Create(Bound(d, e, m) / zeta))[0];
        var poles = InverseRootPoles<T>.Of(int.CreateTruncating(exponent));
        T[] shifts = poles.Shifts, weights = poles.Weights;
        new Span<T>(root, m * stride).Clear();
        Span<T> some = stackalloc T[lanes];
        for (int from = 0; from < shifts.Length; from += lanes)
        {
            int count = Math.Min(lanes, shifts.Length - from);
            some.Clear();
            shifts.AsSpan(from, count).CopyTo(some);
            Vector512<T> z = Vector512.Create(zeta), c = MultiplyAdd(z, Vector512.Create<T>(some), z);
            some.Clear();
            weights.AsSpan(from, count).CopyTo(some);
            var w = Vector512.Create<T>(some) * factor;
            // T + c I = L D L^T: the ratios e_i / D_i; then the diagonal of the inverse, from its end.
            var pivot = Vector512.Max(Vector512.Create(d[0]) + c, c);
            for (int i = 0; i < m; i++)
            {
                var inverse = Vector512<T>.One / pivot;
                var off = Vector512.Create(e[i]);
                ratios[i] = -(off * inverse);
                diagonal[i] = w * inverse;
                if (i + 1 < m) pivot = Vector512.Max(MultiplyAdd(off, ratios[i], Vector512.Create(d[i + 1]) + c), c);
            }
            for (int i = m - 2; i >= 0; i--) diagonal[i] = MultiplyAdd(ratios[i], ratios[i] * diagonal[i + 1], diagonal[i]);
            for (int s = 0; s < count; s++) Add((T*)ratios + s, (T*)diagonal + s, root, m, stride);
        }
        for (int i = 1; i < m; i++)
            for (int j = 0; j < i; j++) root[i * stride + j] = root[j * stride + i];
    }

    // The upper triangle of one inverse: (i, j) = ratio_i (i + 1, j) above the diagonal.
    private static void Add<T>(T* ratios, T* diagonal, T* sum, int m, int stride) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int lanes = Vector512<T>.Count;
        for (int k = 0; k < stride; k += lanes)
        {
            var inverse = Vector512<T>.Zero;
            for (int i = Math.Min(m, k + lanes) - 1; i >= 0; i--)
            {
                inverse = Vector512.Create(ratios[i * lanes]) * inverse;
                if (i >= k)
                {
                    var here = Vector512.Equals(Vector512<T>.Indices, Vector512.Create(T.CreateTruncating(i - k)));
                    inverse = Vector512.ConditionalSelect(here, Vector512.Create(diagonal[i * lanes]), inverse);
                }
                T* at = sum + i * stride + k;
                (Vector512.LoadAligned(at) + inverse).StoreAligned(at);
            }
        }
    }

    // Q S Q^T = H_(m-1) ... H_2 S H_2 ... H_(m-1). Rows join when a reflection first acts on them; each pass prepares S u of the next.
    private static void Transform<T>(T* a, T* inverseH, T* s, int m, int stride, T* q, T* product)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (m < 3) return;
        T* u = a + 2 * stride;
        for (int k = 0; k < stride; k += Vector512<T>.Count)
            MultiplyAdd(Vector512.Create(u[1]), Vector512.LoadAligned(s + stride + k),
                Vector512.Create(u[0]) * Vector512.LoadAligned(s + k)).StoreAligned(product + k);
        for (int i = 2; i < m; i++, u += stride)
        {
            var half = Dot(u, product, Padded<T>(i)) * inverseH[i] * inverseH[i] / (T.One + T.One);
            Vector512<T> share = Vector512.Create(inverseH[i]), back = Vector512.Create(-half);
            for (int k = 0; k < stride; k += Vector512<T>.Count)
                MultiplyAdd(Vector512.LoadAligned(u + k), back, Vector512.LoadAligned(product + k) * share).StoreAligned(q + k);
            T* next = u + stride, joining = s + i * stride;
            if (i + 1 == m)
            {
                for (int row = 0; row < i; row++) TridiagonalReduction.UpdateRow(s + row * stride, u, q, u[row], q[row], stride);
                for (int j = 0; j < i; j++) joining[j] = s[j * stride + i];
                return;
            }
            TridiagonalReduction.UpdateAndMultiply(s, u, q, next, product, i, stride, stride);
            for (int j = 0; j < i; j++) joining[j] = s[j * stride + i];
            var last = Vector512.Create(next[i]);
            for (int k = 0; k < stride; k += Vector512<T>.Count)
                MultiplyAdd(last, Vector512.LoadAligned(joining + k), Vector512.LoadAligned(product + k)).StoreAligned(product + k);
        }
    }
}
