using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Comparisons of tensors.</summary>
internal static class Numbers
{
    public static byte[] Bits(this Tensor tensor)
    {
        using var plain = tensor.detach();
        using var here = plain.cpu();
        using var whole = here.contiguous();
        return whole.bytes.ToArray();
    }

    public static void Close(Tensor expected, Tensor given, double tolerance)
    {
        Assert.Equal(expected.shape, given.shape);
        using var scope = NewDisposeScope();
        double difference = (expected - given).abs().max().ToDouble(), scale = Math.Max(1, expected.abs().max().ToDouble());
        Assert.True(difference <= tolerance * scale,
            $"difference {difference:g4} at scale {scale:g4}; at most {tolerance:g2} of it is allowed");
    }

    public static Tensor Normal(long seed, params long[] shape)
    {
        using var stream = new RandomStream(seed, "tests", CPU);
        return stream.Normal(shape, ScalarType.Float64);
    }

    /// <summary>A well-conditioned symmetric positive definite matrix.</summary>
    public static Tensor Spd(long seed, long size)
    {
        using var scope = NewDisposeScope();
        var a = Normal(seed, size, size);
        return (matmul(a, a.mT) / size + eye(size, dtype: ScalarType.Float64)).MoveToOuterDisposeScope();
    }
}
