using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The sums over deviations that a covariance and its uncertainty need, added sample by sample.</summary>
internal sealed class SampleMoments(long dimension, Device device, bool aboutMean) : IDisposable
{
    /// <summary>The sum of x x^T, <c>[n, n]</c>, in double precision.</summary>
    public Tensor Products { get; } = zeros([dimension, dimension], dtype: ScalarType.Float64, device: device).DetachFromDisposeScope();

    /// <summary>The sum of the squares of its elements.</summary>
    public Tensor Squares { get; } = zeros([dimension, dimension], dtype: ScalarType.Float64, device: device).DetachFromDisposeScope();

    /// <summary>The number of samples.</summary>
    public long Count { get; private set; }

    /// <summary>Adds samples.</summary>
    /// <param name="deviations"><c>[batch, n]</c>, in double precision.</param>
    public void Add(Tensor deviations)
    {
        using var scope = NewDisposeScope();
        var squares = deviations.square();
        Products.add_(matmul(deviations.mT, deviations));
        Squares.add_(matmul(squares.mT, squares));
        Count += deviations.size(0);
    }

    /// <summary>Computes the covariance: about the sample mean by Count - 1, about zero by Count.</summary>
    public Tensor Covariance() => Products / (aboutMean ? Count - 1 : Count);

    public void Dispose()
    {
        Products.Dispose();
        Squares.Dispose();
    }
}
