using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// Products of as many small matrices as a vector has lanes, all at once: sums over k in the order of k, as in
/// <see cref="ProductKernel"/>, and so with its bits. Element (i, j) of all matrices is one vector.
/// </summary>
internal static unsafe class LaneProducts
{
    private const int Tile = 4;

    /// <summary>C_ij = start_j + sum over k of a_ik b_kj.</summary>
    /// <param name="a">The left factors' first element.</param>
    /// <param name="aRow">The distance from one row to the next, in vectors.</param>
    /// <param name="aColumn">The distance from one column to the next.</param>
    /// <param name="b">The right factors, rows of <paramref name="columns"/> vectors.</param>
    /// <param name="c">The products, rows of <paramref name="columns"/> vectors; they must not share memory with a factor.</param>
    /// <param name="rows">The number of rows of the left factors.</param>
    /// <param name="inner">The number of their columns.</param>
    /// <param name="columns">The number of columns of the right factors.</param>
    /// <param name="start">The initial value of every row, or null for zero.</param>
    public static void Multiply<T>(Vector512<T>* a, nint aRow, nint aColumn, Vector512<T>* b, Vector512<T>* c, int rows, int inner,
        int columns, Vector512<T>* start) where T : unmanaged
    {
        // Four columns of B stay in the first cache.
        for (int j = 0; j < columns; j += Tile)
            for (int i = 0; i < rows; i += Tile)
                Part(a + i * aRow, aRow, aColumn, b + j, columns, 1, c + (nint)i * columns + j, columns, Math.Min(Tile, rows - i),
                    Math.Min(Tile, columns - j), inner, start is null ? null : start + j);
    }

    /// <summary>The lower triangles of A B^T.</summary>
    /// <param name="a">A <c>[rows, inner]</c></param>
    /// <param name="b">B <c>[rows, inner]</c></param>
    /// <param name="c">The products, <c>[rows, rows]</c>; above the diagonal, values are arbitrary.</param>
    /// <param name="rows">The number of rows of A and B.</param>
    /// <param name="inner">The number of their columns.</param>
    public static void Gram<T>(Vector512<T>* a, Vector512<T>* b, Vector512<T>* c, int rows, int inner) where T : unmanaged
    {
        for (int i = 0; i < rows; i += Tile)
            for (int j = 0; j <= i; j += Tile)
                Part(a + (nint)i * inner, inner, 1, b + (nint)j * inner, 1, inner, c + (nint)i * rows + j, rows, Math.Min(Tile, rows - i),
                    Math.Min(Tile, rows - j), inner, null);
    }

    // A tile of the product, or what is left of one at an edge.
    private static void Part<T>(Vector512<T>* a, nint aRow, nint aColumn, Vector512<T>* b, nint bRow, nint bColumn, Vector512<T>* c,
        nint cRow, int rows, int columns, int inner, Vector512<T>* start) where T : unmanaged
    {
        if (rows == Tile && columns == Tile)
        {
            Whole(a, aRow, aColumn, b, bRow, bColumn, c, cRow, inner, start);
            return;
        }
        for (int i = 0; i < rows; i++)
        {
            Vector512<T> c0 = start is null ? Vector512<T>.Zero : start[0];
            Vector512<T> c1 = start is null || columns < 2 ? Vector512<T>.Zero : start[1];
            Vector512<T> c2 = start is null || columns < 3 ? Vector512<T>.Zero : start[2];
            Vector512<T> c3 = start is null || columns < 4 ? Vector512<T>.Zero : start[3];
            Vector512<T>* left = a + i * aRow, right = b, to = c + i * cRow;
            for (int k = 0; k < inner; k++, left += aColumn, right += bRow)
            {
                c0 = MultiplyAdd(left[0], right[0], c0);
                if (columns > 1) c1 = MultiplyAdd(left[0], right[bColumn], c1);
                if (columns > 2) c2 = MultiplyAdd(left[0], right[2 * bColumn], c2);
                if (columns > 3) c3 = MultiplyAdd(left[0], right[3 * bColumn], c3);
            }
            to[0] = c0;
            if (columns > 1) to[1] = c1;
            if (columns > 2) to[2] = c2;
            if (columns > 3) to[3] = c3;
        }
    }

    private static void Whole<T>(Vector512<T>* a, nint aRow, nint aColumn, Vector512<T>* b, nint bRow, nint bColumn, Vector512<T>* c,
        nint cRow, int inner, Vector512<T>* start) where T : unmanaged
    {
        Vector512<T> c00 = Vector512<T>.Zero, c01 = c00, c02 = c00, c03 = c00;
        if (start is not null) (c00, c01, c02, c03) = (start[0], start[1], start[2], start[3]);
        Vector512<T> c10 = c00, c11 = c01, c12 = c02, c13 = c03, c20 = c00, c21 = c01, c22 = c02, c23 = c03, c30 = c00, c31 = c01,
            c32 = c02, c33 = c03;
        Vector512<T>* a1 = a + aRow, a2 = a1 + aRow, a3 = a2 + aRow;
        nint at = 0;
        for (int k = 0; k < inner; k++, at += aColumn, b += bRow)
        {
            Vector512<T> b0 = b[0], b1 = b[bColumn], b2 = b[2 * bColumn], b3 = b[3 * bColumn], left = a[at];
            c00 = MultiplyAdd(left, b0, c00);
            c01 = MultiplyAdd(left, b1, c01);
            c02 = MultiplyAdd(left, b2, c02);
            c03 = MultiplyAdd(left, b3, c03);
            left = a1[at];
            c10 = MultiplyAdd(left, b0, c10);
            c11 = MultiplyAdd(left, b1, c11);
            c12 = MultiplyAdd(left, b2, c12);
            c13 = MultiplyAdd(left, b3, c13);
            left = a2[at];
            c20 = MultiplyAdd(left, b0, c20);
            c21 = MultiplyAdd(left, b1, c21);
            c22 = MultiplyAdd(left, b2, c22);
            c23 = MultiplyAdd(left, b3, c23);
            left = a3[at];
            c30 = MultiplyAdd(left, b0, c30);
            c31 = MultiplyAdd(left, b1, c31);
            c32 = MultiplyAdd(left, b2, c32);
            c33 = MultiplyAdd(left, b3, c33);
        }
        (c[0], c[1], c[2], c[3]) = (c00, c01, c02, c03);
        c += cRow;
        (c[0], c[1], c[2], c[3]) = (c10, c11, c12, c13);
        c += cRow;
        (c[0], c[1], c[2], c[3]) = (c20, c21, c22, c23);
        c += cRow;
        (c[0], c[1], c[2], c[3]) = (c30, c31, c32, c33);
    }
}
