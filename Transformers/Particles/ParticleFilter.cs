namespace DaML;

/// <summary>A particle filter (<see cref="ParticleFilterAnalyzer"/>, <see cref="ParticlePropagater"/>).</summary>
[Component("particle-filter-method", 2)]
public sealed record ParticleFilter : AssimilationMethod<ParticleMemory>
{
    /// <summary>
    /// The number of particles, at least two (default: 1000). It must grow exponentially with the number of independent observations.
    /// </summary>
    public long Members { get; init; } = 1000;

    /// <summary>The resampling of particles (default: systematic, which adds the least noise).</summary>
    public ResamplingScheme Resampling { get; init; } = ResamplingScheme.Systematic;

    /// <summary>
    /// The share of the particles below which the effective size triggers resampling: zero never, one whenever the weights differ
    /// (default: a half, as is usual).
    /// </summary>
    public double EffectiveSizeRatio { get; init; } = 0.5;

    /// <summary>The regularisation that separates copies of a particle (default: none, which suits a model with its own error).</summary>
    [Inlined]
    public ParticleJitter Jitter { get; init; } = ParticleJitter.None;

    /// <summary>The bootstrap filter, for a model whose own error separates copies of a particle.</summary>
    /// <param name="members">The number of particles, at least two.</param>
    public static ParticleFilter Bootstrap(long members) =>
        new() { Name = $"bootstrap particle filter (N = {members})", Members = members };

    /// <summary>The regularised filter, which separates copies of a particle, for models without an error.</summary>
    /// <param name="members">The number of particles, at least two.</param>
    /// <param name="jitter">The factor of Scott's bandwidth (default: 0.9, which suits Lorenz-63 with 800 particles).</param>
    public static ParticleFilter Regularised(long members, double jitter = 0.9) => new()
    {
        Name = $"regularised particle filter (N = {members})", Members = members, EffectiveSizeRatio = 0.2,
        Jitter = ParticleJitter.OfDuplicates(jitter),
    };

    /// <inheritdoc/>
    protected internal override string UsualName => $"particle filter (N = {Members})";

    /// <inheritdoc/>
    protected internal override AssimilationTriple<ParticleMemory> Triple(AssimilationSystem system, DataAssimilationContext context) =>
        new(
        new ParticleFilterAnalyzer(system.Network.Operator, system.Network.Error),
        new ParticlePropagater(system.Dynamics, Resampling, EffectiveSizeRatio, Jitter), new ParticleProcoder(),
        new ParticleSource(new EnsembleSource(system.InitialOrUsual, Members, context.Precision)));
}
