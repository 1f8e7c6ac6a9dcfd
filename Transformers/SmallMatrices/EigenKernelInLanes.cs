using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// <see cref="SymmetricEigenKernel"/> for as many matrices as a vector has lanes, all at once, one in each lane: the same operations on
/// its numbers in the same order, so that the results are the same to the bit. Each lane goes on to its next eigenvalue by itself.
/// </summary>
/// <remarks>Element (i, j) of all matrices lies in one vector, at (i m + j) vectors from the beginning.</remarks>
internal static unsafe class EigenKernelInLanes
{
    private const int Sweeps = 60;

    /// <summary>The size of the working memory, in vectors.</summary>
    public static int WorkSize(int size) => 4 * size + 8;

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
        var largest = Vector512<T>.Zero;
        for (int i = 0; i < m; i++)
            for (int j = 0; j <= i; j++) largest = Vector512.Max(largest, Vector512.Abs(a[i * m + j]));
        var scale = Vector512<T>.One;
        for (int lane = 0; lane < Vector512<T>.Count; lane++)
            scale = scale.WithElement(lane, SymmetricEigenKernel.ScaleOf(largest[lane]));
        for (int i = 0; i < m; i++)
            for (int j = 0; j <= i; j++) a[i * m + j] = a[j * m + i] = a[i * m + j] * scale;
        Vector512<T>* inverseH = work + m, room = work + 2 * m;
        TridiagonalReductionInLanes.Reduce(a, d, e, inverseH, m, Vector512<T>.Zero, room);
        Accumulate(a, z, inverseH, m, room, room + m);
        Iterate(z, d, e, m);
        var finite = Vector512.Equals(largest - largest, Vector512<T>.Zero);
        var lost = Vector512.Create(T.NaN);
        for (int i = 0; i < m; i++) d[i] = Vector512.ConditionalSelect(finite, d[i] / scale, lost);
        if (finite == Vector512<T>.AllBitsSet) return;
        for (int k = 0; k < m * m; k++) z[k] = Vector512.ConditionalSelect(finite, z[k], lost);
    }

    // Q^T = H_2 H_3 ... H_(m-1), from the right factor to the left; each pass prepares u^T Z of the next.
    private static void Accumulate<T>(Vector512<T>* a, Vector512<T>* z, Vector512<T>* inverseH, int m, Vector512<T>* now,
        Vector512<T>* next) where T : unmanaged
    {
        for (int k = 0; k < m * m; k++) z[k] = Vector512<T>.Zero;
        for (int k = 0; k < m; k++) z[k * m + k] = Vector512<T>.One;
        if (m < 3) return;
        for (int k = 0; k < m; k++) now[k] = a[(m - 1) * m + k];
        for (int i = m - 1; i >= 2; i--)
        {
            Vector512<T>* u = a + i * m, following = u - m; // its last coordinate but one is that of the reflection below, and zero there
            var factor = -inverseH[i];
            int k = 0;
            for (; k + 3 < m; k += 4)
            {
                Vector512<T> along0 = factor * now[k], along1 = factor * now[k + 1];
                Vector512<T> along2 = factor * now[k + 2], along3 = factor * now[k + 3];
                Vector512<T> even0 = Vector512<T>.Zero, even1 = even0, even2 = even0, even3 = even0;
                Vector512<T> odd0 = even0, odd1 = even0, odd2 = even0, odd3 = even0;
                Vector512<T>* at = z + k;
                for (int j = 0; j < i; j++, at += m)
                {
                    Vector512<T> uj = u[j], fj = following[j];
                    Vector512<T> a0 = MultiplyAdd(uj, along0, at[0]), a1 = MultiplyAdd(uj, along1, at[1]);
                    Vector512<T> a2 = MultiplyAdd(uj, along2, at[2]), a3 = MultiplyAdd(uj, along3, at[3]);
                    (at[0], at[1], at[2], at[3]) = (a0, a1, a2, a3);
                    a0 = MultiplyAdd(fj, a0, even0);
                    a1 = MultiplyAdd(fj, a1, even1);
                    a2 = MultiplyAdd(fj, a2, even2);
                    a3 = MultiplyAdd(fj, a3, even3);
                    (even0, even1, even2, even3, odd0, odd1, odd2, odd3) = (odd0, odd1, odd2, odd3, a0, a1, a2, a3);
                }
                (next[k], next[k + 1], next[k + 2], next[k + 3]) = (even0 + odd0, even1 + odd1, even2 + odd2, even3 + odd3);
            }
            for (; k < m; k++)
            {
                Vector512<T> along = factor * now[k], even = Vector512<T>.Zero, odd = even;
                Vector512<T>* at = z + k;
                for (int j = 0; j < i; j++, at += m)
                {
                    var updated = MultiplyAdd(u[j], along, *at);
                    *at = updated;
                    (even, odd) = (odd, MultiplyAdd(following[j], updated, even));
                }
                next[k] = even + odd;
            }
            Vector512<T>* swap = now;
            now = next;
            next = swap;
        }
    }

    /// <summary>
    /// The eigenvalues of T into d, and each rotation on two rows of z. Each lane goes on to its next eigenvalue by itself: l is that of
    /// the lane, and a sweep of all lanes goes from the largest end to the smallest l.
    /// </summary>
    private static void Iterate<T>(Vector512<T>* z, Vector512<T>* d, Vector512<T>* e, int m)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int lanes = Vector512<T>.Count;
        Vector512<T> zero = Vector512<T>.Zero, one = Vector512<T>.One, two = one + one, norm = zero, shifts = zero;
        for (int i = 0; i < m; i++) norm = Vector512.Max(norm, Vector512.Abs(d[i]) + Vector512.Abs(e[i]));
        var negligible = norm * Vector512.Create(T.BitIncrement(T.One) - T.One) / two;
        // begins: the lanes whose l is i; rotates: those that rotate rows i and i + 1
        Vector512<T>* begins = e + m, rotates = begins + m, local = rotates + m;
        // Of the l of each lane: d_l, d_(l+1), e_l, e_(l+1), and the largest negligible element.
        T* ownG = (T*)local, ownAfter = ownG + lanes, ownOuter = ownAfter + lanes, ownBeside = ownOuter + lanes, bounds = ownBeside + lanes,
            shifted = bounds + lanes, results = shifted + lanes;
        int* at = stackalloc int[lanes], sweeps = stackalloc int[lanes];
        for (int i = 0; i < m; i++) begins[i] = zero;
        for (int k = 0; k < 8; k++) local[k] = zero;
        for (int lane = 0; lane < lanes; lane++) (at[lane], sweeps[lane]) = (0, 0);
        local[4] = negligible;
        T all = Vector512<T>.AllBitsSet[0];
        while (true)
        {
            int lowest = m;
            for (int lane = 0; lane < lanes; lane++)
            {
                int l = at[lane];
                if (l == m) continue;
                T* off = (T*)e + l * lanes + lane, diagonal = (T*)d + l * lanes + lane;
                for (; l < m && !(T.Abs(*off) > bounds[lane]); l++, off += lanes, diagonal += lanes, sweeps[lane] = 0)
                {
                    *diagonal += shifted[lane];
                    *off = T.Zero;
                }
                at[lane] = l;
                if (l == m) continue;
                if (sweeps[lane]++ == Sweeps)
                    throw new InvalidOperationException(
                        $"The QL iteration for symmetric matrices of size {m} did not end after {Sweeps} sweeps for one eigenvalue.");
                lowest = Math.Min(lowest, l);
                ((T*)begins)[l * lanes + lane] = all;
                (ownG[lane], ownAfter[lane], ownOuter[lane], ownBeside[lane]) = (diagonal[0], diagonal[lanes], off[0], off[lanes]);
            }
            if (lowest == m) return;
            // The rotations of a lane begin at its l and end before its first negligible off-diagonal.
            Vector512<T> active = begins[lowest], inside = active;
            int end = lowest + 1;
            rotates[lowest] = inside;
            for (int i = lowest + 1; i + 1 < m; i++)
            {
                active |= begins[i];
                rotates[i] = inside = begins[i] | (inside & Vector512.GreaterThan(Vector512.Abs(e[i]), negligible));
                if (inside != zero) end = i + 1;
            }
            rotates[end] = zero;
            Vector512<T> g = local[0], outer = local[2], beside = local[3];
            Vector512<T> w = (local[1] - g) / (two * outer), root = Vector512.Sqrt(w * w + one);
            root = Vector512.ConditionalSelect(Vector512.LessThan(w, zero), -root, root);
            Vector512<T> first = outer / (w + root), second = outer * (w + root), shift = (g - first) & active, reached = zero;
            (local[6], local[7]) = (first, second);
            for (int lane = 0; lane < lanes; lane++)
            {
                if (at[lane] == m) continue;
                T* diagonal = (T*)d + at[lane] * lanes + lane;
                (diagonal[0], diagonal[lanes]) = (results[lane], results[lanes + lane]);
            }
            for (int i = lowest + 2; i < m; i++)
            {
                reached |= begins[i - 2];
                d[i] -= shift & reached;
            }
            shifts += shift;
            local[5] = shifts;

            Vector512<T> p = zero, c = one, c2 = one, c3 = one, s = zero, s2 = zero, cosine = one, sine = zero;
            Vector512<T> lastP = zero, lastC = one, lastC3 = one, lastS = zero, lastS2 = zero;
            for (int i = end - 1; i >= lowest; i--)
            {
                (c3, c2, s2) = (c2, c, s);
                var turning = rotates[i];
                p = Vector512.ConditionalSelect(rotates[i + 1], p, d[i + 1]);
                Vector512<T> ei = e[i], di = d[i], along = c * ei, straight = c * p, r = Vector512.Sqrt(MultiplyAdd(p, p, ei * ei));
                var turns = turning & Vector512.GreaterThan(r, zero);
                e[i + 1] = Vector512.ConditionalSelect(turning, s * r, e[i + 1]);
                var next = MultiplyAdd(p, di, -(ei * along)) / r;
                s = ei / r & turns;
                c = Vector512.ConditionalSelect(turns, p / r, one);
                p = Vector512.ConditionalSelect(turns, next, di);
                var turned = MultiplyAdd(s, MultiplyAdd(c, along, s * di), straight);
                d[i + 1] = Vector512.ConditionalSelect(turning, turned, d[i + 1]);
                if (begins[i] != zero)
                {
                    lastP = Vector512.ConditionalSelect(begins[i], p, lastP);
                    lastC = Vector512.ConditionalSelect(begins[i], c, lastC);
                    lastC3 = Vector512.ConditionalSelect(begins[i], c3, lastC3);
                    lastS = Vector512.ConditionalSelect(begins[i], s, lastS);
                    lastS2 = Vector512.ConditionalSelect(begins[i], s2, lastS2);
                }
                // Two rotations at a time, so that the row between them is stored once.
                if (((end - 1 - i) & 1) == 0) (cosine, sine) = (c, s);
                else RotateTwice(z + i * m, m, cosine, sine, c, s);
            }
            if (((end - lowest) & 1) == 1) Rotate(z + lowest * m, m, cosine, sine);
            p = -(lastS * lastS2 * lastC3 * beside * outer) / second;
            (local[6], local[7]) = (lastS * p, lastC * p);
            for (int lane = 0; lane < lanes; lane++)
            {
                int l = at[lane];
                if (l == m) continue;
                ((T*)begins)[l * lanes + lane] = T.Zero;
                ((T*)e)[l * lanes + lane] = results[lane];
                ((T*)d)[l * lanes + lane] = results[lanes + lane];
            }
        }
    }

    private static void Rotate<T>(Vector512<T>* lower, int m, Vector512<T> c, Vector512<T> s) where T : unmanaged
    {
        Vector512<T>* upper = lower + m;
        var minus = -s;
        for (int k = 0; k < m; k++)
        {
            Vector512<T> x = lower[k], y = upper[k];
            upper[k] = MultiplyAdd(s, x, c * y);
            lower[k] = MultiplyAdd(c, x, minus * y);
        }
    }

    // The rotation of the second and third row, then that of the first and second.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RotateTwice<T>(Vector512<T>* lower, int m, Vector512<T> c, Vector512<T> s, Vector512<T> thenC, Vector512<T> thenS)
        where T : unmanaged
    {
        Vector512<T>* middle = lower + m, upper = middle + m;
        Vector512<T> minus = -s, thenMinus = -thenS;
        for (int k = 0; k < m; k++)
        {
            Vector512<T> x = middle[k], y = upper[k], u = lower[k];
            upper[k] = MultiplyAdd(s, x, c * y);
            x = MultiplyAdd(c, x, minus * y);
            middle[k] = MultiplyAdd(thenS, u, thenC * x);
            lower[k] = MultiplyAdd(thenC, u, thenMinus * x);
        }
    }
}
