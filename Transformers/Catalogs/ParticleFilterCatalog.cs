namespace DaML;

/// <summary>Settings of a particle filter.</summary>
public sealed record ParticleFilterOptions : AssimilationMethodOptions
{
    /// <summary>Number of particles, at least two; 1000 unless said. It must grow exponentially with the number of independent observations.</summary>
    public long Members { get; init; } = 1000;

    /// <summary>What particles are drawn from at the view's start; the model's attractor unless said (1000 time steps from independent standard normal numbers).</summary>
    public IInitialCondition? Initial { get; init; }

    /// <summary>How particles are drawn anew; systematic unless said, which adds the least noise.</summary>
    public ResamplingScheme Resampling { get; init; } = ResamplingScheme.Systematic;

    /// <summary>Resample where the effective size is below this share of the particles: zero never, one whenever the weights differ. Half unless said, as is usual.</summary>
    public double EffectiveSizeRatio { get; init; } = 0.5;

    /// <summary>How copies of a particle are moved apart; not at all unless said, which a model with an error of its own does not need.</summary>
    public ParticleJitter Jitter { get; init; } = ParticleJitter.None;
}

public static partial class AnalysisCatalogExtensions
{
    /// <summary>The bootstrap particle filter, for a model with an error of its own that tells copies of a particle apart.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="members">Number of particles, at least two.</param>
    public static FittedEstimator<SequentialAssimilation<ParticleMemory>> BootstrapParticleFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members) =>
        catalog.ParticleFilter(dynamics, network, new ParticleFilterOptions { Name = $"bootstrap particle filter (N = {members})", Members = members });

    /// <summary>The regularised particle filter, which moves copies of a particle apart, for models without an error.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="members">Number of particles, at least two.</param>
    /// <param name="jitter">The moves' size times Scott's bandwidth; 0.9 unless said, which suits Lorenz-63 with 800 particles.</param>
    public static FittedEstimator<SequentialAssimilation<ParticleMemory>> RegularisedParticleFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, long members, double jitter = 0.9) =>
        catalog.ParticleFilter(dynamics, network, new ParticleFilterOptions
        {
            Name = $"regularised particle filter (N = {members})", Members = members, EffectiveSizeRatio = 0.2, Jitter = ParticleJitter.OfDuplicates(jitter),
        });

    /// <summary>A particle filter with all its settings.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="dynamics">The model, with its error covariance where it has one.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings.</param>
    public static FittedEstimator<SequentialAssimilation<ParticleMemory>> ParticleFilter(this AnalysisCatalog catalog, IDynamics dynamics,
        IObservationNetwork network, ParticleFilterOptions options)
    {
        var triple = new AssimilationTriple<ParticleMemory>(new ParticleFilterAnalyzer(network.Operator, network.Error),
            new ParticlePropagater(dynamics, options.Resampling, options.EffectiveSizeRatio, options.Jitter), new ParticleProcoder(),
            new ParticleSource(new EnsembleSource(Initial(options.Initial, dynamics), options.Members, catalog.Context.Precision)));
        return Method(catalog, options.Name ?? $"particle filter (N = {options.Members})", triple, dynamics, network, options);
    }
}
