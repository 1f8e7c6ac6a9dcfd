namespace DaML;

/// <summary>Settings of a <see cref="ThreeDimensionalVariationalEstimator"/>, with their defaults.</summary>
public sealed record ThreeDimensionalVariationalEstimatorOptions : BackgroundCovarianceOptions;

/// <summary>Learns 3D-Var's background error covariance.</summary>
/// <param name="context">Seed, device, precision, logger and progress.</param>
/// <param name="dynamics">The model.</param>
/// <param name="network">What is observed.</param>
/// <param name="options">Settings; null = their defaults.</param>
/// <exception cref="ArgumentException">Dimensions that differ, counts or scales out of order.</exception>
public sealed class ThreeDimensionalVariationalEstimator(DataAssimilationContext context, IDynamics dynamics, IObservationNetwork network,
    ThreeDimensionalVariationalEstimatorOptions? options = null)
    : BackgroundCovarianceEstimator<StateMemory>(context, options?.Name ?? "3D-Var", dynamics, options ?? new(),
        (background, initial) => context.Analysis.ThreeDimensionalVariational(dynamics, network, background, new ThreeDimensionalVariationalOptions
        {
            Name = options?.Name ?? "3D-Var", Stream = options?.Stream, DivergenceBound = (options ?? new()).DivergenceBound,
            DivergenceHandling = (options ?? new()).DivergenceHandling, Initial = initial,
        }).Transformer);
