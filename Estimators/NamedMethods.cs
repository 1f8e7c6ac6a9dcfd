namespace DaML;

/// <summary>
/// The built-in methods by name, with settings that suit Lorenz-96 with 40 components: the names that dependency injection, configuration
/// and command lines use. A localisation and the parameters to estimate belong to a model; another model needs its own. To change a
/// setting, use <c>with</c> after a cast, or make the record anew.
/// </summary>
public static class NamedMethods
{
    private static EnsembleTransformKalmanFilter Transform { get; } = new() { Members = 20, Rotation = EnsembleRotation.MeanPreserving };

    /// <summary>All of them.</summary>
    public static IReadOnlyDictionary<string, AssimilationMethod> All { get; } =
        new Dictionary<string, AssimilationMethod>(StringComparer.OrdinalIgnoreCase)
    {
        ["climatology"] = new Climatology(),
        ["optimal-interpolation"] = new OptimalInterpolation(),
        ["3d-var"] = new ThreeDimensionalVariational { Background = new ClimatologicalBackground() },
        ["4d-var"] = new FourDimensionalVariational
            { Background = new ClimatologicalBackground(), Window = WindowCycling.Overlapping(8, 4) },
        ["kalman-filter"] = new KalmanFilter(),
        ["extended-kalman-filter"] = new ExtendedKalmanFilter { CovarianceGrowthPerTimeUnit = 10 },
        ["rts"] = new RauchTungStriebelSmoother(),
        ["enkf"] = new StochasticEnsembleKalmanFilter { Inflation = Inflation.StandardDeviation(1.06) },
        ["denkf"] = new DeterministicEnsembleKalmanFilter { Inflation = Inflation.StandardDeviation(1.01) },
        ["etkf"] = Transform with { Inflation = Inflation.StandardDeviation(1.04) },
        ["serial-ensrf"] = new SerialSquareRootFilter { Members = 20, Inflation = Inflation.StandardDeviation(1.04) },
        ["letkf"] = new LocalEnsembleTransformKalmanFilter
        {
            Members = 7, Localisation = new Localisation(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4)),
            Inflation = Inflation.StandardDeviation(1.04), Rotation = EnsembleRotation.MeanPreserving,
        },
        ["enkf-n"] = new FiniteSizeEnsembleKalmanFilter { Members = 20 },
        ["adaptive-etkf"] = new AdaptivelyInflatedFilter { Filter = Transform },
        ["enks"] = new EnsembleKalmanSmoother
            { Filter = new EnsembleTransformKalmanFilter { Members = 20, Inflation = Inflation.StandardDeviation(1.04) } },
        ["joint-etkf"] = new JointEstimation
        {
            Parameters = [new EstimatedParameter("forcing", 8, 1)],
            Filter = Transform with { Members = 50, Inflation = Inflation.StandardDeviation(1.02) },
        },
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
        ["residual-convolution-with-memory"] = new ResidualConvolutionWithMemory(),
        ["innovation-linear"] = new InnovationLinear(),
        ["ensemble-convolution"] = new EnsembleConvolution { Members = 10 },
    };
}
