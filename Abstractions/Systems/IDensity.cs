using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>A probability density over states for a batch of trajectories: the output of a procoder.</summary>
public interface IDensity
{
    /// <summary>The mean, <c>[batch, n]</c>.</summary>
    Tensor Mean { get; }

    /// <summary>The covariance, <c>[batch, n, n]</c>.</summary>
    Tensor Covariance { get; }

    /// <summary>The standard deviation of each component, <c>[batch, n]</c>.</summary>
    Tensor StandardDeviation { get; }

    /// <summary>ln q(x), <c>[batch]</c>.</summary>
    /// <param name="state"><c>[batch, n]</c></param>
    /// <exception cref="NotSupportedException">
    /// The distribution has no density: it is concentrated on a point or on a lower-dimensional plane.
    /// </exception>
    Tensor LogDensity(Tensor state);

    /// <summary>Independent draws, <c>[batch, count, n]</c>.</summary>
    Tensor Sample(long count, RandomStream random);
}
