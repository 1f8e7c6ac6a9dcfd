using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Starts from an ensemble for each trajectory, its members drawn independently.</summary>
[Component("ensemble-source")]
public sealed class EnsembleSource : IMemorySource<EnsembleMemory>
{
    private readonly IInitialCondition initial;
    private readonly ScalarType precision;

    /// <summary>Makes a source.</summary>
    /// <param name="initial">What the members are drawn from.</param>
    /// <param name="members">Number of members, at least two.</param>
    /// <param name="precision">The precision the method then works in.</param>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than two members.</exception>
    public EnsembleSource(IInitialCondition initial, long members, ScalarType precision)
    {
        this.initial = initial;
        this.precision = precision;
        Members = Require.AtLeast(members, 2);
    }

    /// <summary>Number of members.</summary>
    public long Members { get; }

    /// <inheritdoc/>
    public EnsembleMemory Start(long batch, RandomStream random)
    {
        using var draws = initial.Draw(batch * Members, random, precision);
        return new(draws.reshape(batch, Members, initial.Dimension));
    }
}
