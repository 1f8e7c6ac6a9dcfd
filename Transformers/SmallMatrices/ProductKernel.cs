using System.Numerics;
using System.Runtime.Intrinsics;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>Products of small matrices in the processor's cache. Rows of B and C are padded to whole vectors and aligned to
/// them.</summary>
internal static unsafe class ProductKernel
{
    /// <summary>C_i = start + sum over k of a_ik B_k, row by row.</summary>
    /// <param name="a">The left factor's first element.</param>
    /// <param name="rowStep">The distance from one row to the next; one for a factor that is stored transposed.</param>
    /// <param name="columnStep">The distance from one column to the next.</param>
    /// <param name="b">The right factor, <c>[inner, width]</c>.</param>
    /// <param name="c">The product, <c>[rows, width]</c>; it must not share memory with a factor.</param>
    /// <param name="rows">The number of rows of the left factor.</param>
    /// <param name="inner">The number of its columns.</param>
    /// <param name="width">The padded columns of the right factor.</param>
    /// <param name="start">The initial value of every row, <c>[width]</c>, or null for zero.</param>
    public static void Multiply<T>(T* a, nint rowStep, nint columnStep, T* b, T* c, int rows, int inner, int width, T* start = null)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int lanes = Vector512<T>.Count, i = 0;
        for (; i + 3 < rows; i += 4)
        {
            T* left = a + i * rowStep, to = c + (nint)i * width;
            int k = 0;
            for (; k + lanes < width; k += 2 * lanes)
                FourRowsTwoVectors(left, rowStep, columnStep, b + k, to + k, inner, width, start is null ? null : start + k);
            if (k < width) FourRowsOneVector(left, rowStep, columnStep, b + k, to + k, inner, width, start is null ? null : start + k);
        }
        for (; i < rows; i++) OneRow(a + i * rowStep, columnStep, b, c + (nint)i * width, inner, width, start);
    }

    private static void FourRowsTwoVectors<T>(T* a, nint rowStep, nint columnStep, T* b, T* c, int inner, int width, T* start)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int lanes = Vector512<T>.Count;
        Vector512<T> c00 = start is null ? Vector512<T>.Zero : Vector512.LoadAligned(start), c01 = start is null ? Vector512<T>.Zero
            : Vector512.LoadAligned(start + lanes);
        Vector512<T> c10 = c00, c20 = c00, c30 = c00, c11 = c01, c21 = c01, c31 = c01;
        T* a1 = a + rowStep, a2 = a1 + rowStep, a3 = a2 + rowStep;
        nint at = 0;
        for (int k = 0; k < inner; k++, at += columnStep, b += width)
        {
            Vector512<T> b0 = Vector512.LoadAligned(b), b1 = Vector512.LoadAligned(b + lanes), factor = Vector512.Create(a[at]);
            c00 = MultiplyAdd(factor, b0, c00);
            c01 = MultiplyAdd(factor, b1, c01);
            factor = Vector512.Create(a1[at]);
            c10 = MultiplyAdd(factor, b0, c10);
            c11 = MultiplyAdd(factor, b1, c11);
            factor = Vector512.Create(a2[at]);
            c20 = MultiplyAdd(factor, b0, c20);
            c21 = MultiplyAdd(factor, b1, c21);
            factor = Vector512.Create(a3[at]);
            c30 = MultiplyAdd(factor, b0, c30);
            c31 = MultiplyAdd(factor, b1, c31);
        }
        c00.StoreAligned(c);
        c01.StoreAligned(c + lanes);
        c10.StoreAligned(c + width);
        c11.StoreAligned(c + width + lanes);
        c20.StoreAligned(c + 2 * width);
        c21.StoreAligned(c + 2 * width + lanes);
        c30.StoreAligned(c + 3 * width);
        c31.StoreAligned(c + 3 * width + lanes);
    }

    private static void FourRowsOneVector<T>(T* a, nint rowStep, nint columnStep, T* b, T* c, int inner, int width, T* start)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> c0 = start is null ? Vector512<T>.Zero : Vector512.LoadAligned(start), c1 = c0, c2 = c0, c3 = c0;
        T* a1 = a + rowStep, a2 = a1 + rowStep, a3 = a2 + rowStep;
        nint at = 0;
        for (int k = 0; k < inner; k++, at += columnStep, b += width)
        {
            var row = Vector512.LoadAligned(b);
            c0 = MultiplyAdd(Vector512.Create(a[at]), row, c0);
            c1 = MultiplyAdd(Vector512.Create(a1[at]), row, c1);
            c2 = MultiplyAdd(Vector512.Create(a2[at]), row, c2);
            c3 = MultiplyAdd(Vector512.Create(a3[at]), row, c3);
        }
        c0.StoreAligned(c);
        c1.StoreAligned(c + width);
        c2.StoreAligned(c + 2 * width);
        c3.StoreAligned(c + 3 * width);
    }

    private static void OneRow<T>(T* a, nint columnStep, T* b, T* c, int inner, int width, T* start)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int j = 0; j < width; j += Vector512<T>.Count)
        {
            var sum = start is null ? Vector512<T>.Zero : Vector512.LoadAligned(start + j);
            T* row = b + j;
            nint at = 0;
            for (int k = 0; k < inner; k++, at += columnStep, row += width)
                sum = MultiplyAdd(Vector512.Create(a[at]), Vector512.LoadAligned(row), sum);
            sum.StoreAligned(c + j);
        }
    }
}
