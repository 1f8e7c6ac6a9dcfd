namespace DaML;

/// <summary>A particle filter (<see cref="ParticleFilterAnalyzer"/>, <see cref="ParticlePropagater"/>).</summary>
public sealed record ParticleFilter : AssimilationMethod<ParticleMemory>
{
    /// <summary>
    /// Number of particles, at least two (default: 1000). It must grow exponentially with the number of independent observations.
    /// </summary>
    public long Members { get; init; } = 1000;

    /// <summary>How particles are drawn anew (default: systematically, which adds the least noise).</summary>
    public ResamplingScheme Resampling { get; init; } = ResamplingScheme.Systematic;

    /// <summary>
    /// The share of the particles below which the effective size has them drawn anew: zero never, one whenever the weights differ
    /// (default: a half, as is usual).
    /// </summary>
    public double EffectiveSizeRatio { get; init; } = 0.5;

    /// <summary>How copies of a particle are moved apart (default: not at all, which serves a model with an error of its own).</summary>
    public ParticleJitter Jitter { get; init; } = ParticleJitter.None;

    /// <summary>The bootstrap filter, for a model with an error of its own that tells copies of a particle apart.</summary>
    /// <param name="members">Number of particles, at least two.</param>
    public static ParticleFilter Bootstrap(long members) =>
        new() { Name = $"bootstrap particle filter (N = {members})", Members = members };

    /// <summary>The regularised filter, which moves copies of a particle apart, for models without an error.</summary>
    /// <param name="members">Number of particles, at least two.</param>
    /// <param name="jitter">The moves' size times Scott's bandwidth (default: 0.9, which suits Lorenz-63 with 800 particles).</param>
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
