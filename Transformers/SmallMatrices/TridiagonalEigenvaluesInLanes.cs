using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// The QL method of <see cref="SymmetricEigenKernel"/> for as many tridiagonal matrices as a vector has lanes, all at once, one in each
/// lane, and for one vector instead of the eigenvectors: the same operations on its numbers in the same order, so that the results are the
/// same to the bit.
/// </summary>
internal static unsafe class TridiagonalEigenvaluesInLanes
{
    private const int Sweeps = 60;

    /// <summary>
    /// The eigenvalues of T into d, and each rotation on two numbers of z. Each lane goes on to its next eigenvalue by itself: l is that of
    /// the lane, and a sweep of all lanes goes from the largest end to the smallest l. Behind e there are 2 m + 8 vectors of working
    /// memory.
    /// </summary>
    public static void Iterate<T>(Vector512<T>* z, Vector512<T>* d, Vector512<T>* e, int m)
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

            Vector512<T> p = zero, c = one, c2 = one, c3 = one, s = zero, s2 = zero;
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
                Vector512<T> x = z[i], y = z[i + 1], minus = -s;
                z[i + 1] = MultiplyAdd(s, x, c * y);
                z[i] = MultiplyAdd(c, x, minus * y);
            }
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
}
