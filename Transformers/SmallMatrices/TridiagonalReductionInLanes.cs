using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// <see cref="TridiagonalReduction"/> for as many matrices as a vector has lanes, all at once, one in each lane: the same operations on its
/// numbers in the same order, so that the results are the same to the bit.
/// </summary>
/// <remarks>Element (i, j) of all matrices lies in one vector, at (i m + j) vectors from the beginning.</remarks>
internal static unsafe class TridiagonalReductionInLanes
{
    /// <summary>A = Q T Q^T; letters as in <see cref="TridiagonalReduction.Reduce"/>. It needs 2 m vectors as working memory.</summary>
    public static void Reduce<T>(Vector512<T>* a, Vector512<T>* d, Vector512<T>* e, Vector512<T>* inverseH, int m, Vector512<T> negligible,
        Vector512<T>* work) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T>* q = work, product = work + m, u = null;
        Vector512<T> zero = Vector512<T>.Zero, two = Vector512.Create(T.One + T.One);
        for (int i = m - 1; i >= 1; i--)
        {
            Vector512<T>* row = a + i * m;
            if (u is not null) UpdateRow(row, u, q, u[i], q[i], i + 1);
            d[i] = row[i];
            row[i] = zero;
            Vector512<T> f = row[i - 1], squares = Dot(row, row, i), root = Vector512.Sqrt(squares),
                g = Vector512.ConditionalSelect(Vector512.GreaterThan(f, zero), -root, root);
            var reflects = Vector512.GreaterThan(squares, f * f) & Vector512.GreaterThan(squares, negligible);
            e[i - 1] = Vector512.ConditionalSelect(reflects, g, f);
            inverseH[i] = Vector512.ConditionalSelect(reflects, Vector512<T>.One / (squares - f * g), zero);
            row[i - 1] = f - g;
            if (reflects != Vector512<T>.AllBitsSet)
                for (int k = 0; k < i; k++) row[k] = Vector512.BitwiseAnd(row[k], reflects);
            if (u is null) Multiply(a, row, product, i, m);
            else UpdateAndMultiply(a, u, q, row, product, i, i, m);
            u = row;
            // q = p - (u^T p / 2 h) u with p = A u / h; the reflected matrix is A - u q^T - q u^T.
            var back = -(Dot(u, product, i) * inverseH[i] * inverseH[i] / two);
            for (int k = 0; k < i; k++) q[k] = MultiplyAdd(u[k], back, product[k] * inverseH[i]);
        }
        if (u is not null) UpdateRow(a, u, q, u[0], q[0], 1);
        d[0] = a[0];
        e[m - 1] = zero;
    }

    /// <summary>
    /// The inner products in the order of <see cref="Vectors.Dot"/>: a partial sum for each lane of a row's vector, and the sum of these by
    /// pairs.
    /// </summary>
    public static Vector512<T> Dot<T>(Vector512<T>* x, Vector512<T>* y, int length) where T : unmanaged
    {
        var sum = EightSums(x, y, 0, length);
        return Vector512<T>.Count == 8 ? sum : sum + EightSums(x, y, 8, length);
    }

    private static Vector512<T> EightSums<T>(Vector512<T>* x, Vector512<T>* y, int from, int length) where T : unmanaged
    {
        Vector512<T> s0 = Vector512<T>.Zero, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
        for (int k = from; k < length; k += Vector512<T>.Count)
        {
            Vector512<T>* u = x + k, v = y + k;
            int left = length - k;
            s0 = MultiplyAdd(u[0], v[0], s0);
            if (left > 1) s1 = MultiplyAdd(u[1], v[1], s1);
            if (left > 2) s2 = MultiplyAdd(u[2], v[2], s2);
            if (left > 3) s3 = MultiplyAdd(u[3], v[3], s3);
            if (left > 4) s4 = MultiplyAdd(u[4], v[4], s4);
            if (left > 5) s5 = MultiplyAdd(u[5], v[5], s5);
            if (left > 6) s6 = MultiplyAdd(u[6], v[6], s6);
            if (left > 7) s7 = MultiplyAdd(u[7], v[7], s7);
        }
        return (s0 + s1 + (s2 + s3)) + (s4 + s5 + (s6 + s7));
    }

    /// <summary>row -= left q + right u</summary>
    public static void UpdateRow<T>(Vector512<T>* row, Vector512<T>* u, Vector512<T>* q, Vector512<T> left, Vector512<T> right, int length)
        where T : unmanaged
    {
        for (int k = 0; k < length; k++) row[k] = MultiplyAdd(-right, u[k], MultiplyAdd(-left, q[k], row[k]));
    }

    // product = A u over the leading rows
    private static void Multiply<T>(Vector512<T>* a, Vector512<T>* u, Vector512<T>* product, int rows, int m) where T : unmanaged
    {
        for (int k = 0; k < rows; k++)
        {
            Vector512<T> even = Vector512<T>.Zero, odd = Vector512<T>.Zero;
            int j = 0;
            for (; j + 1 < rows; j += 2)
            {
                even = MultiplyAdd(u[j], a[j * m + k], even);
                odd = MultiplyAdd(u[j + 1], a[(j + 1) * m + k], odd);
            }
            if (j < rows) even = MultiplyAdd(u[j], a[j * m + k], even);
            product[k] = even + odd;
        }
    }

    /// <summary>A -= u q^T + q u^T over the leading rows and columns, and product = A^T next with the updated A.</summary>
    public static void UpdateAndMultiply<T>(Vector512<T>* a, Vector512<T>* u, Vector512<T>* q, Vector512<T>* next, Vector512<T>* product,
        int rows, int columns, int m) where T : unmanaged
    {
        int k = 0;
        for (; k + 3 < columns; k += 4)
        {
            Vector512<T> u0 = -u[k], u1 = -u[k + 1], u2 = -u[k + 2], u3 = -u[k + 3];
            Vector512<T> q0 = -q[k], q1 = -q[k + 1], q2 = -q[k + 2], q3 = -q[k + 3];
            Vector512<T> even0 = Vector512<T>.Zero, even1 = even0, even2 = even0, even3 = even0;
            Vector512<T> odd0 = even0, odd1 = even0, odd2 = even0, odd3 = even0;
            Vector512<T>* at = a + k;
            int j = 0;
            for (; j < rows; j++, at += m)
            {
                Vector512<T> uj = u[j], qj = q[j], nj = next[j];
                Vector512<T> a0 = MultiplyAdd(qj, u0, MultiplyAdd(uj, q0, at[0])), a1 = MultiplyAdd(qj, u1, MultiplyAdd(uj, q1, at[1])),
                    a2 = MultiplyAdd(qj, u2, MultiplyAdd(uj, q2, at[2])), a3 = MultiplyAdd(qj, u3, MultiplyAdd(uj, q3, at[3]));
                (at[0], at[1], at[2], at[3]) = (a0, a1, a2, a3);
                a0 = MultiplyAdd(nj, a0, even0);
                a1 = MultiplyAdd(nj, a1, even1);
                a2 = MultiplyAdd(nj, a2, even2);
                a3 = MultiplyAdd(nj, a3, even3);
                (even0, even1, even2, even3, odd0, odd1, odd2, odd3) = (odd0, odd1, odd2, odd3, a0, a1, a2, a3);
            }
            (product[k], product[k + 1], product[k + 2], product[k + 3]) = (even0 + odd0, even1 + odd1, even2 + odd2, even3 + odd3);
        }
        for (; k < columns; k++)
        {
            Vector512<T> even = Vector512<T>.Zero, odd = even, uk = -u[k], qk = -q[k];
            Vector512<T>* at = a + k;
            for (int j = 0; j < rows; j++, at += m)
            {
                var updated = MultiplyAdd(q[j], uk, MultiplyAdd(u[j], qk, *at));
                *at = updated;
                (even, odd) = (odd, MultiplyAdd(next[j], updated, even));
            }
            product[k] = even + odd;
        }
    }
}
