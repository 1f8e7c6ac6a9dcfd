using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Random rotations of ensembles.</summary>
public static class RandomRotation
{
    /// <summary>
    /// Random orthogonal matrices with O 1 = 1 and O^T 1 = 1, uniform on the rotations of the members' differences (Haar): an orthonormal
    /// basis that begins with 1 / sqrt(N) is mapped to a random one.
    /// </summary>
    /// <param name="batch">The number of matrices.</param>
    /// <param name="members">N</param>
    /// <param name="random">The stream of the draws.</param>
    /// <param name="dtype">The precision.</param>
    /// <returns><c>[batch, members, members]</c></returns>
    public static Tensor MeanPreserving(long batch, long members, RandomStream random, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var noise = random.Normal([batch, members, members - 1], dtype);
        return (members > 1 && KernelMemory.Serves(noise) ? RotationKernel.MeanPreserving(noise) : Compose(noise))
            .MoveToOuterDisposeScope();
    }

    /// <summary>Computes the rotations that follow from normal numbers <c>[batch, N, N - 1]</c>, tensor by tensor.</summary>
    internal static Tensor Compose(Tensor noise)
    {
        long batch = noise.size(0), members = noise.size(1);
        var all = noise.new_ones(1, members, 1);
        var from = Basis(all, noise.Identity(members).narrow(1, 0, members - 1).unsqueeze(0));
        return Basis(all.expand(batch, members, 1), noise).matmul(from.mT);
    }

    // Orthonormal, with first column 1 / sqrt(N); the signs make the factorisation unique, which the Haar measure needs.
    private static Tensor Basis(Tensor first, Tensor others)
    {
        var (q, r) = linalg.qr(cat([first, others], -1));
        return q * r.diagonal(0, -2, -1).sign().unsqueeze(-2);
    }
}
