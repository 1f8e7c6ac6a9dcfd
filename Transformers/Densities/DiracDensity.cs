using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The distribution with all probability at one state, for methods without an uncertainty.</summary>
public sealed class DiracDensity : IDensity
{
    /// <summary>Makes the distribution; the tensor remains the caller's.</summary>
    /// <param name="state"><c>[batch, n]</c></param>
    public DiracDensity(Tensor state) => Mean = Require.Shape(state, "A state", ColumnDefinition.AnySize, ColumnDefinition.AnySize);

    /// <inheritdoc/>
    public Tensor Mean { get; }

    /// <summary>Zeros, <c>[batch, n, n]</c>.</summary>
    public Tensor Covariance => Mean.new_zeros([Mean.size(0), Mean.size(1), Mean.size(1)]);

    /// <summary>Zeros, <c>[batch, n]</c>.</summary>
    public Tensor StandardDeviation => zeros_like(Mean);

    /// <summary>Throws: a point has no density.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Tensor LogDensity(Tensor state) =>
        throw new NotSupportedException(
            "A single state has no density: all its probability is at one point. A StateProcoder with a covariance gives it one.");

    /// <summary>The state itself, <paramref name="count"/> times.</summary>
    public Tensor Sample(long count, RandomStream random) => Mean.unsqueeze(1).repeat(1, Require.AtLeast(count, 1), 1);
}
