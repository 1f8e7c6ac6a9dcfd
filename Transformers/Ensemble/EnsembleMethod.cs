namespace DaML.Components;

/// <summary>The settings that all ensemble methods share, with their defaults.</summary>
/// <typeparam name="TMemory">The memory: an ensemble, or one within a window.</typeparam>
public abstract record EnsembleMethod<TMemory> : AssimilationMethod<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>The number of members, at least two (default: 40).</summary>
    public long Members { get; init; } = 40;

    /// <summary>The inflation, against an overconfident ensemble (default: none).</summary>
    public Inflation Inflation { get; init; } = Inflation.None;

    private protected EnsembleSource Source(AssimilationSystem system, DataAssimilationContext context) =>
        new(system.InitialOrUsual, Members, context.Precision);
}
