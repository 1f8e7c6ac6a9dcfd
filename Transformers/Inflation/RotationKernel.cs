using System.Numerics;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;
using static DaML.Components.Vectors;

namespace DaML.Components;

/// <summary>The random rotations of <see cref="RandomRotation"/> over plain memory.</summary>
internal static unsafe class RotationKernel
{
    /// <summary>Computes the rotations that follow from normal numbers <c>[batch, N, N - 1]</c>.</summary>
    public static Tensor MeanPreserving(Tensor noise) =>
        noise.dtype == ScalarType.Float64 ? MeanPreserving<double>(noise) : MeanPreserving<float>(noise);

    private static Tensor MeanPreserving<T>(Tensor noise) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long batch = noise.size(0);
        int members = (int)noise.size(1), width = Padded<T>(members);
        var result = empty([batch, members, members], dtype: noise.dtype);
        nint from = (nint)KernelMemory.Address<T>(noise), to = (nint)KernelMemory.Address<T>(result);
        SharedWork.ForEach(batch, 4.0 * members * members * members * SharedWork.Operation, (first, end) =>
        {
            using var room = new RentedMemory<T>((members + 1L) * width);
            T* basis = room.Start, along = basis + members * width;
            for (long b = first; b < end; b++)
            {
                Orthonormalise((T*)from + b * members * (members - 1), basis, along, members, width);
                Compose(basis, (T*)to + b * members * members, members, width);
            }
        });
        return result;
    }

    // The columns of [1, noise] as orthonormal rows, each with the sign of its column: the unique QR factor. Twice is enough (Giraud et
    // al. 2005).
    private static void Orthonormalise<T>(T* noise, T* basis, T* along, int members, int width)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int k = 0; k < members; k++)
        {
            T* v = basis + k * width;
            for (int i = 0; i < members; i++) v[i] = k == 0 ? T.One : noise[i * (members - 1) + k - 1];
            for (int i = members; i < width; i++) v[i] = T.Zero;
            for (int pass = 0; pass < 2; pass++)
            {
                for (int j = 0; j < k; j++) along[j] = -Dot(basis + j * width, v, width);
                for (int i = 0; i < width; i += Vector512<T>.Count)
                {
                    var sum = Vector512.LoadAligned(v + i);
                    for (int j = 0; j < k; j++)
                        sum = MultiplyAdd(Vector512.Create(along[j]), Vector512.LoadAligned(basis + j * width + i), sum);
                    sum.StoreAligned(v + i);
                }
            }
            var scale = Vector512.Create(T.One / T.Sqrt(Dot(v, v, width)));
            for (int i = 0; i < width; i += Vector512<T>.Count) (scale * Vector512.LoadAligned(v + i)).StoreAligned(v + i);
        }
    }

    // O = sum over k of v_k h_k^T, where h_0 = 1 / sqrt(N) and the others are Helmert's vectors, the factor of [1, I]:
    // zero before k - 1, sqrt((N - k) / (N - k + 1)) there, -1 / sqrt((N - k) (N - k + 1)) behind.
    private static void Compose<T>(T* basis, T* rotation, int members, int width) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T one = T.One, first = one / T.Sqrt(T.CreateTruncating(members));
        for (int i = 0; i < members; i++)
        {
            T behind = basis[i] * first;
            for (int k = 1; k < members; k++)
            {
                T left = T.CreateTruncating(members - k), root = one / T.Sqrt(left * (left + one)), value = basis[k * width + i];
                rotation[i * members + k - 1] = behind + value * left * root;
                behind -= value * root;
            }
            rotation[i * members + members - 1] = behind;
        }
    }
}
