using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The source of an ensemble for each trajectory, with members drawn independently.</summary>
[Component("ensemble-source")]
public sealed class EnsembleSource : IMemorySource<EnsembleMemory>
{
    private readonly IInitialCondition initial;
    private readonly ScalarType precision;

    /// <summary>Makes a source.</summary>
    /// <param name="initial">The distribution of the members.</param>
    /// <param name="members">The number of members, at least two.</param>
    /// <param name="precision">The precision that the method works in.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than two members.</exception>
    public EnsembleSource(IInitialCondition initial, long members, ScalarType precision)
    {
        this.initial = initial;
        this.precision = precision;
        Members = Require.AtLeast(members, 2);
    }

    /// <summary>The number of members.</summary>
    public long Members { get; }

    /// <inheritdoc/>
    public EnsembleMemory Start(long batch, RandomStream random)
    {
        using var draws = initial.Draw(batch * Members, random, precision);
        return new(draws.reshape(batch, Members, initial.Dimension));
    }
}
