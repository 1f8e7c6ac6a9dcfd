using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// Eigenvalues and eigenvectors of one small symmetric matrix in the processor's cache: Householder's reduction to tridiagonal form and
/// the QL method with explicit shifts (Bowdler, Martin, Reinsch and Wilkinson 1968, Numer. Math. 11, 293-306; EISPACK's tred2 and tql2),
/// arranged for vectors: eigenvectors are rows, so that a rotation combines two contiguous rows, each pass over the matrix updates it and
/// prepares the next step, and a sweep's rotations pass through a column of vectors in registers. Errors are of the order of round-off
/// times the matrix' norm.
/// </summary>
/// <remarks>All matrices are padded with zeros to whole vectors a row (<see cref="Padded{T}"/>) and begin at a whole vector.</remarks>
internal static unsafe class SymmetricEigenKernel
{
    private const int Sweeps = 60; // two per eigenvalue are usual

    /// <summary>The size of the working memory for a matrix of this size, in numbers.</summary>
    public static int WorkSize<T>(int size) where T : unmanaged => 4 * Padded<T>(size);

    /// <summary>Solves one problem. Non-finite input gives NaN everywhere.</summary>
    /// <param name="matrix">A <c>[m, padded m]</c>, both triangles; overwritten.</param>
    /// <param name="vectors">Receives the eigenvectors as rows, <c>[m, padded m]</c>.</param>
    /// <param name="values">Receives the eigenvalues, <c>[padded m]</c>, in no particular order.</param>
    /// <param name="size">m, at least 1</param>
    /// <param name="work"><see cref="WorkSize"/> numbers.</param>
    public static void Solve<T>(T* matrix, T* vectors, T* values, int size, T* work) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int stride = Padded<T>(size);
        new Span<T>(values, stride).Clear();
        var largest = Largest(matrix, size * stride);
        if (!T.IsFinite(largest))
        {
            new Span<T>(values, size).Fill(T.NaN);
            new Span<T>(vectors, size * stride).Fill(T.NaN);
            return;
        }
        var scale = ScaleOf(largest);
        if (scale != T.One) Scale(matrix, size * stride, scale);
        T* offDiagonal = work;
        T* inverseH = work + stride, room = work + 2 * stride;
        T vanishing = InverseRootKernel.NegligibleOf(Vector512<T>.Zero)[0];
        TridiagonalReduction.Reduce(matrix, values, offDiagonal, inverseH, size, stride, vanishing, room);
        Accumulate(matrix, vectors, inverseH, size, stride, room, room + stride);
        Iterate(vectors, values, offDiagonal, size, stride);
        if (scale != T.One)
            for (int i = 0; i < size; i++) values[i] /= scale;
    }

    /// <summary>The power of two, which costs no digits, by which a matrix with this largest element is multiplied, so that squares neither
    /// overflow nor vanish.</summary>
    public static T ScaleOf<T>(T largest) where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        largest == T.Zero || !T.IsFinite(largest) ? T.One
            : T.ScaleB(T.One, Math.Min(-T.ILogB(largest), typeof(T) == typeof(double) ? 1000 : 120));

    // NaN takes precedence.
    private static T Largest<T>(T* numbers, int count) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var largest = Vector512<T>.Zero;
        for (int i = 0; i < count; i += Vector512<T>.Count)
            largest = Vector512.Max(largest, Vector512.Abs(Vector512.LoadAligned(numbers + i)));
        var result = T.Zero;
        for (int k = 0; k < Vector512<T>.Count; k++) result = T.Max(result, largest[k]);
        return result;
    }

    private static void Scale<T>(T* numbers, int count, T factor) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < count; i += Vector512<T>.Count) (Vector512.LoadAligned(numbers + i) * factor).StoreAligned(numbers + i);
    }

    // Q^T = H_2 H_3 ... H_(m-1), from the right factor to the left; each pass prepares u^T Z of the next.
    private static void Accumulate<T>(T* a, T* z, T* inverseH, int m, int stride, T* now, T* next)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        new Span<T>(z, m * stride).Clear();
        for (int i = 0; i < m; i++) z[i * stride + i] = T.One;
        if (m < 3) return;
        new Span<T>(a + (m - 1) * stride, stride).CopyTo(new Span<T>(now, stride));
        for (int i = m - 1; i >= 2; i--)
        {
            T* u = a + i * stride, following = u - stride; // its last coordinate but one is that of the reflection below, and zero there
            var factor = Vector512.Create(-inverseH[i]);
            for (int k = 0; k < stride; k += Vector512<T>.Count)
            {
                var along = factor * Vector512.LoadAligned(now + k);
                Vector512<T> even = Vector512<T>.Zero, odd = Vector512<T>.Zero;
                T* at = z + k;
                int j = 0;
                for (; j + 1 < i; j += 2, at += 2 * stride)
                {
                    var first = MultiplyAdd(Vector512.Create(u[j]), along, Vector512.LoadAligned(at));
                    var second = MultiplyAdd(Vector512.Create(u[j + 1]), along, Vector512.LoadAligned(at + stride));
                    first.StoreAligned(at);
                    second.StoreAligned(at + stride);
                    even = MultiplyAdd(Vector512.Create(following[j]), first, even);
                    odd = MultiplyAdd(Vector512.Create(following[j + 1]), second, odd);
                }
                if (j < i)
                {
                    var first = MultiplyAdd(Vector512.Create(u[j]), along, Vector512.LoadAligned(at));
                    first.StoreAligned(at);
                    even = MultiplyAdd(Vector512.Create(following[j]), first, even);
                }
                (even + odd).StoreAligned(next + k);
            }
            T* swap = now;
            now = next;
            next = swap;
        }
    }

    /// <summary>
    /// Computes the eigenvalues of T into d, and applies each rotation to two rows of z. An off-diagonal below round-off of the norm
    /// counts as zero.
    /// </summary>
    public static void Iterate<T>(T* z, T* d, T* e, int m, int stride) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T norm = T.Zero, shifts = T.Zero, two = T.One + T.One;
        for (int i = 0; i < m; i++) norm = T.Max(norm, T.Abs(d[i]) + T.Abs(e[i]));
        var negligible = norm * (T.BitIncrement(T.One) - T.One) / two;
        for (int l = 0; l < m; l++)
        {
            for (int sweep = 0; T.Abs(e[l]) > negligible; sweep++)
            {
                if (sweep == Sweeps)
                    throw new InvalidOperationException(
                        $"The QL iteration for a symmetric matrix of size {m} did not end after {Sweeps} sweeps for one eigenvalue.");
                int end = l + 1;
                while (T.Abs(e[end]) > negligible) end++;
                // The shift: the eigenvalue of the leading 2 x 2 block that is closer to its first diagonal element.
                T g = d[l], w = (d[l + 1] - g) / (two * e[l]), root = T.Sqrt(w * w + T.One);
                if (w < T.Zero) root = -root;
                d[l] = e[l] / (w + root);
                T second = d[l + 1] = e[l] * (w + root), shift = g - d[l], beside = e[l + 1];
                for (int i = l + 2; i < m; i++) d[i] -= shift;
                shifts += shift;

                T p = d[end], c = T.One, c2 = c, c3 = c, s = T.Zero, s2 = s;
                for (int i = end - 1; i >= l; i--)
                {
                    (c3, c2, s2) = (c2, c, s);
                    T ei = e[i], di = d[i], along = c * ei, straight = c * p;
                    T r = T.Sqrt(T.MultiplyAddEstimate(p, p, ei * ei));
                    e[i + 1] = s * r;
                    if (r > T.Zero)
                    {
                        // p' = c d_i - s g, its division beside those of c and s and not behind them
                        T numerator = T.MultiplyAddEstimate(p, di, -(ei * along));
                        s = ei / r;
                        c = p / r;
                        p = numerator / r;
                    }
                    else (s, c, p) = (T.Zero, T.One, di);
                    d[i + 1] = T.MultiplyAddEstimate(s, T.MultiplyAddEstimate(c, along, s * di), straight);
                    Rotate(z + i * stride, z + (i + 1) * stride, c, s, stride);
                }
                p = -s * s2 * c3 * beside * e[l] / second;
                e[l] = s * p;
                d[l] = c * p;
            }
            d[l] += shifts;
            e[l] = T.Zero;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rotate<T>(T* lower, T* upper, T c, T s, int width) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> cosine = Vector512.Create(c), sine = Vector512.Create(s);
        for (int k = 0; k < width; k += Vector512<T>.Count)
        {
            Vector512<T> x = Vector512.LoadAligned(lower + k), y = Vector512.LoadAligned(upper + k);
            MultiplyAdd(sine, x, cosine * y).StoreAligned(upper + k);
            MultiplyAdd(cosine, x, -sine * y).StoreAligned(lower + k);
        }
    }
}
