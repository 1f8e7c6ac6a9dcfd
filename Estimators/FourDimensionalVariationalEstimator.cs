namespace DaML;

/// <summary>Settings of a <see cref="FourDimensionalVariationalEstimator"/>, with their defaults.</summary>
public sealed record FourDimensionalVariationalEstimatorOptions : BackgroundCovarianceOptions
{
    /// <summary>The defaults: those of any background covariance, and smaller scales too, since a window forecasts better than a single time.</summary>
    public FourDimensionalVariationalEstimatorOptions() => SmallestScale = 1e-4;

    /// <summary>Terms, outer and inner loops. Name, stream, start and what is done about divergence are taken from these settings instead.</summary>
    public FourDimensionalVariationalOptions Method { get; init; } = new();
}

/// <summary>Learns 4D-Var's background error covariance.</summary>
/// <param name="context">Seed, device, precision, logger and progress.</param>
/// <param name="dynamics">The model.</param>
/// <param name="network">What is observed.</param>
/// <param name="windows">How windows follow each other, in cycles.</param>
/// <param name="options">Settings; null = their defaults.</param>
/// <exception cref="ArgumentException">Dimensions that differ, counts or scales out of order.</exception>
public sealed class FourDimensionalVariationalEstimator(DataAssimilationContext context, IDynamics dynamics, IObservationNetwork network, WindowCycling windows,
    FourDimensionalVariationalEstimatorOptions? options = null)
    : BackgroundCovarianceEstimator<WindowMemory<StateMemory>>(context, options?.Name ?? "4D-Var", dynamics, options ?? new(),
        (background, initial) => context.Analysis.FourDimensionalVariational(dynamics, network, background, windows, (options ?? new()).Method with
        {
            Name = options?.Name, Stream = options?.Stream, DivergenceBound = (options ?? new()).DivergenceBound,
            DivergenceHandling = (options ?? new()).DivergenceHandling, Initial = initial,
        }).Transformer);
