using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>
/// The eigenproblem of small dense symmetric matrices, as ensemble methods solve it in every cycle. On the CPU, outside gradients and up
/// to <see cref="LargestKernelSize"/>, the library's own kernel solves it, with a result that is the same to the bit whatever the number
/// of threads; otherwise <c>linalg.eigh</c> does.
/// </summary>
public static class SymmetricEigenproblem
{
    /// <summary>The size up to which the kernel is used; above it, the system's blocked LAPACK is faster.</summary>
    public const int LargestKernelSize = 128;

    /// <summary>Solves A = V diag(lambda) V^T.</summary>
    /// <param name="symmetric">A, <c>[..., m, m]</c>, single or double precision; the lower triangle is read.</param>
    /// <returns>The eigenvalues in ascending order <c>[..., m]</c> and the eigenvectors as columns <c>[..., m, m]</c>.</returns>
    /// <exception cref="ArgumentException">The matrices are not square.</exception>
    /// <remarks>A matrix with non-finite values has NaN eigenvalues and eigenvectors if the kernel is used.</remarks>
    public static (Tensor Values, Tensor Vectors) Solve(Tensor symmetric)
    {
        long[] shape = symmetric.Sizes();
        if (shape.Length < 2 || shape[^1] != shape[^2] || shape[^1] < 1)
            throw new ArgumentException($"An eigenproblem needs square matrices [..., m, m]; given: {ColumnDefinition.Describe(shape)}.",
                nameof(symmetric));
        if (shape[^1] > LargestKernelSize || !KernelMemory.Serves(symmetric)) return linalg.eigh(symmetric);
        using var scope = NewDisposeScope();
        var matrices = symmetric.contiguous();
        var values = empty(shape[..^1], dtype: symmetric.dtype);
        var rows = empty(shape, dtype: symmetric.dtype);
        if (symmetric.dtype == ScalarType.Float64) Solve<double>(matrices, values, rows);
        else Solve<float>(matrices, values, rows);
        return scope.MoveToOuter(values, rows.mT);
    }

    private static unsafe void Solve<T>(Tensor matrices, Tensor values, Tensor rows) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int m = (int)matrices.size(-1), stride = Padded<T>(m);
        long count = matrices.numel() / ((long)m * m);
        if (count == 0) return;
        nint from = (nint)KernelMemory.Address<T>(matrices), toValues = (nint)KernelMemory.Address<T>(values),
            toRows = (nint)KernelMemory.Address<T>(rows);
        SharedWork.ForEach(count, 8.0 * m * m * m * SharedWork.Operation, (first, end) =>
        {
            using var room = new RentedMemory<T>(2L * m * stride + stride + SymmetricEigenKernel.WorkSize<T>(m));
            T* a = room.Start, z = a + m * stride, d = z + m * stride;
            Span<int> order = stackalloc int[m];
            for (long b = first; b < end; b++)
            {
                T* matrix = (T*)from + b * m * m;
                for (int i = 0; i < m; i++)
                {
                    T* row = a + i * stride;
                    for (int j = 0; j <= i; j++) row[j] = a[j * stride + i] = matrix[i * m + j];
                    for (int j = m; j < stride; j++) row[j] = T.Zero;
                }
                SymmetricEigenKernel.Solve(a, z, d, m, d + stride);
                for (int i = 0; i < m; i++) order[i] = i;
                new Span<T>(d, m).Sort(order);
                for (int i = 0; i < m; i++)
                {
                    ((T*)toValues)[b * m + i] = d[i];
                    new Span<T>(z + order[i] * stride, m).CopyTo(new Span<T>((T*)toRows + (b * m + i) * m, m));
                }
            }
        });
    }
}
