using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// Householder's reduction of one small symmetric matrix to tridiagonal form (Bowdler, Martin, Reinsch and Wilkinson 1968, Numer. Math. 11,
/// 293-306; EISPACK's tred2), arranged for vectors: each pass over the matrix updates it and prepares the next step.
/// </summary>
/// <remarks>All matrices are padded with zeros to whole vectors a row (<see cref="Padded{T}"/>) and begin at a whole vector.</remarks>
internal static unsafe class TridiagonalReduction
{
    /// <summary>
    /// A = Q T Q^T: T's diagonal d, its off-diagonal e (e_i between i and i + 1) and the rows of Q^T. Reflection i, of the
    /// first i coordinates, is I - u u^T / h; its u takes the place of row i. What is left of a row beside the diagonal counts as zero
    /// where its squares add up to no more than <c>negligible</c>.
    /// </summary>
    public static void Reduce<T>(T* a, T* d, T* e, T* inverseH, int m, int stride, T negligible, T* work)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T* q = work, product = work + stride, u = null;
        for (int i = m - 1; i >= 1; i--)
        {
            T* row = a + i * stride;
            int width = Padded<T>(i);
            if (u is not null) UpdateRow(row, u, q, u[i], q[i], Padded<T>(i + 1));
            d[i] = row[i];
            // The reflection that maps the row's first i numbers to a multiple of the last of them.
            new Span<T>(row + i, stride - i).Clear();
            T f = row[i - 1], squares = Dot(row, row, width);
            bool reflects = squares > f * f && squares > negligible;
            if (reflects)
            {
                var g = f > T.Zero ? -T.Sqrt(squares) : T.Sqrt(squares);
                e[i - 1] = g;
                inverseH[i] = T.One / (squares - f * g);
                row[i - 1] = f - g;
            }
            else
            {
                e[i - 1] = f;
                inverseH[i] = T.Zero;
                new Span<T>(row, i).Clear();
            }
            if (u is null) Multiply(a, row, product, i, width, stride);
            else UpdateAndMultiply(a, u, q, row, product, i, width, stride);
            u = row;
            // q = p - (u^T p / 2 h) u with p = A u / h; the reflected matrix is A - u q^T - q u^T.
            new Span<T>(product + i, stride - i).Clear();
            var half = Dot(u, product, width) * inverseH[i] * inverseH[i] / (T.One + T.One);
            var factor = Vector512.Create(inverseH[i]);
            var back = Vector512.Create(-half);
            for (int k = 0; k < width; k += Vector512<T>.Count)
                MultiplyAdd(Vector512.LoadAligned(u + k), back, Vector512.LoadAligned(product + k) * factor).StoreAligned(q + k);
        }
        if (u is not null) UpdateRow(a, u, q, u[0], q[0], Padded<T>(1));
        d[0] = a[0];
        e[m - 1] = T.Zero;
    }

    /// <summary>row -= left q + right u</summary>
    public static void UpdateRow<T>(T* row, T* u, T* q, T left, T right, int width) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> l = Vector512.Create(-left), r = Vector512.Create(-right);
        for (int k = 0; k < width; k += Vector512<T>.Count)
            MultiplyAdd(r, Vector512.LoadAligned(u + k), MultiplyAdd(l, Vector512.LoadAligned(q + k), Vector512.LoadAligned(row + k)))
                .StoreAligned(row + k);
    }

    // product = A u over the leading rows
    private static void Multiply<T>(T* a, T* u, T* product, int rows, int width, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int k = 0; k < width; k += Vector512<T>.Count)
        {
            Vector512<T> even = Vector512<T>.Zero, odd = Vector512<T>.Zero;
            T* at = a + k;
            int j = 0;
            for (; j + 1 < rows; j += 2, at += 2 * stride)
            {
                even = MultiplyAdd(Vector512.Create(u[j]), Vector512.LoadAligned(at), even);
                odd = MultiplyAdd(Vector512.Create(u[j + 1]), Vector512.LoadAligned(at + stride), odd);
            }
            if (j < rows) even = MultiplyAdd(Vector512.Create(u[j]), Vector512.LoadAligned(at), even);
            (even + odd).StoreAligned(product + k);
        }
    }

    /// <summary>A -= u q^T + q u^T over the leading rows, and product = A^T next with the updated A.</summary>
    public static void UpdateAndMultiply<T>(T* a, T* u, T* q, T* next, T* product, int rows, int width, int stride)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int k = 0; k < width; k += Vector512<T>.Count)
        {
            Vector512<T> even = Vector512<T>.Zero, odd = Vector512<T>.Zero;
            Vector512<T> uk = -Vector512.LoadAligned(u + k), qk = -Vector512.LoadAligned(q + k);
            T* at = a + k;
            int j = 0;
            for (; j + 1 < rows; j += 2, at += 2 * stride)
            {
                var first = MultiplyAdd(Vector512.Create(q[j]), uk, MultiplyAdd(Vector512.Create(u[j]), qk, Vector512.LoadAligned(at)));
                var second = MultiplyAdd(Vector512.Create(q[j + 1]), uk,
                    MultiplyAdd(Vector512.Create(u[j + 1]), qk, Vector512.LoadAligned(at + stride)));
                first.StoreAligned(at);
                second.StoreAligned(at + stride);
                even = MultiplyAdd(Vector512.Create(next[j]), first, even);
                odd = MultiplyAdd(Vector512.Create(next[j + 1]), second, odd);
            }
            if (j < rows)
            {
                var first = MultiplyAdd(Vector512.Create(q[j]), uk, MultiplyAdd(Vector512.Create(u[j]), qk, Vector512.LoadAligned(at)));
                first.StoreAligned(at);
                even = MultiplyAdd(Vector512.Create(next[j]), first, even);
            }
            (even + odd).StoreAligned(product + k);
        }
    }
}
