namespace DaML;

/// <summary>
/// The built-in methods by name, with settings that suit Lorenz-96: the names that dependency injection, configuration and command lines
/// use. To change a setting, use <c>with</c> after a cast, or make the record anew.
/// </summary>
public static class NamedMethods
{
    /// <summary>All of them.</summary>
    public static IReadOnlyDictionary<string, AssimilationMethod> All { get; } =
        new Dictionary<string, AssimilationMethod>(StringComparer.OrdinalIgnoreCase)
    {
        ["climatology"] = new Climatology(),
        ["optimal-interpolation"] = new OptimalInterpolation(),
        ["3d-var"] = new ThreeDimensionalVariational { Background = new ClimatologicalBackground() },
        ["4d-var"] = new FourDimensionalVariational
            { Background = new ClimatologicalBackground(), Window = WindowCycling.Overlapping(8, 4) },
        ["enkf"] = new StochasticEnsembleKalmanFilter { Inflation = Inflation.StandardDeviation(1.06) },
        ["denkf"] = new DeterministicEnsembleKalmanFilter { Inflation = Inflation.StandardDeviation(1.01) },
        ["etkf"] = new EnsembleTransformKalmanFilter
            { Members = 20, Inflation = Inflation.StandardDeviation(1.04), Rotation = EnsembleRotation.MeanPreserving },
        ["enkf-n"] = new FiniteSizeEnsembleKalmanFilter { Members = 20 },
        ["ienkf"] = new IterativeEnsembleKalmanSmoother
            { Inflation = Inflation.StandardDeviation(1.01), Rotation = EnsembleRotation.MeanPreserving },
        ["ienks"] = new IterativeEnsembleKalmanSmoother
        {
            Inflation = Inflation.StandardDeviation(1.01), Rotation = EnsembleRotation.MeanPreserving,
            Window = WindowCycling.Overlapping(10),
        },
        ["ienkf-q"] = new AdditiveErrorIterativeEnsembleKalmanFilter
        {
            Members = 20, Inflation = Inflation.StandardDeviation(1.1), Rotation = EnsembleRotation.MeanPreserving,
        },
        ["particle-filter"] = ParticleFilter.Regularised(1000),
        ["residual-convolution"] = new ResidualConvolution(),
    };
}
