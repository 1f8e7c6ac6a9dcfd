using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// The methods whose operators are counted, for Lorenz-96 with 40 sites, all observed. Iterations have a fixed number, so that the counts
/// follow from the code alone.
/// </summary>
internal static class CountedMethods
{
    private static readonly AssimilationSystem system = new(new Lorenz96(), ObservationNetwork.Full(40))
    {
        Initial = new GaussianInitialCondition(First(), ErrorCovariance.Scalar(40, 0.001)),
    };

    private static readonly AssimilationSystem noisy =
        system with { Dynamics = new Lorenz96 { ModelError = ErrorCovariance.Scalar(40, 0.01) } };

    private static readonly TrainingOptions oneStep = new()
        { Steps = 1, Truncation = 1, ValidationInterval = 1, ValidationBurnIn = 1, ValidationCycles = 2 };

    private static readonly ResidualConvolutionOptions network = new() { Filters = 4, Blocks = 1, SubBlocks = 2 };

    /// <summary>The methods by name.</summary>
    public static IReadOnlyDictionary<string, (AssimilationMethod Method, AssimilationSystem System)> All { get; } = Make();

    private static Dictionary<string, (AssimilationMethod, AssimilationSystem)> Make()
    {
        var nearby = new Localisation(LocalisationGeometry.Circle(40), LocalisationRadius.EFolding(4));
        var background = new KnownBackground(ErrorCovariance.Full(0.2 * Correlation()));
        var inflation = Inflation.StandardDeviation(1.02);
        var rotation = EnsembleRotation.MeanPreserving;
        EnsembleGaussNewton TwoSteps(EnsembleLinearisation linearisation) =>
            new() { Linearisation = linearisation, MaximumIterations = 2, Tolerance = 0 };
        FourDimensionalVariational FourDimensional(ControlVariable control) => new()
        {
            Background = background, Window = WindowCycling.Overlapping(8, 4), Control = control,
            Minimisation = new IncrementalOptions
            {
                OuterIterations = 2, ControlTolerance = 0,
                InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 5, ResidualReduction = 0 }),
            },
        };
        return new()
        {
            ["climatology"] = (new Climatology(), system),
            ["optimal interpolation"] = (new OptimalInterpolation(), system),
            ["Kalman filter"] = (new KalmanFilter(), system with { Dynamics = new LinearAdvection(40) }),
            ["extended Kalman filter"] = (new ExtendedKalmanFilter { Inflation = Inflation.Variance(1.1) }, system),
            ["Rauch-Tung-Striebel smoother"] = (new RauchTungStriebelSmoother(), noisy),
            ["stochastic EnKF"] = (new StochasticEnsembleKalmanFilter { Inflation = Inflation.StandardDeviation(1.06) }, system),
            ["DEnKF"] = (new DeterministicEnsembleKalmanFilter { Inflation = inflation }, system),
            ["EnSRF, serial"] = (new SerialSquareRootFilter { Inflation = inflation }, system),
            ["ETKF"] = (new EnsembleTransformKalmanFilter { Members = 20, Inflation = inflation, Rotation = rotation }, system),
            ["ETKF, model error by square root"] = (new EnsembleTransformKalmanFilter
                { Members = 20, Inflation = inflation, ModelError = NoiseTreatment.SquareRoot }, noisy),
            ["ETKF, adaptive inflation"] = (new AdaptivelyInflatedFilter
                { Filter = new EnsembleTransformKalmanFilter { Members = 20 }, Inflation = new() }, system),
            ["LETKF"] = (new LocalEnsembleTransformKalmanFilter
                { Members = 7, Localisation = nearby, Inflation = inflation }, system),
            ["EnKF-N"] = (new FiniteSizeEnsembleKalmanFilter { Members = 20 }, system),
            ["EnKF-N, primal"] = (new FiniteSizeEnsembleKalmanFilter
                { Members = 20, Form = FiniteSizeForm.Primal }, system),
            ["ensemble Kalman smoother"] = (new EnsembleKalmanSmoother
                { Filter = new EnsembleTransformKalmanFilter { Members = 20, Inflation = inflation } }, system),
            ["IEnKF, transform"] = (new IterativeEnsembleKalmanSmoother
                { Members = 20, Inflation = inflation, Iteration = TwoSteps(EnsembleLinearisation.Transform) }, system),
            ["IEnKF, bundle"] = (new IterativeEnsembleKalmanSmoother
                { Members = 20, Inflation = inflation, Iteration = TwoSteps(EnsembleLinearisation.Bundle(1e-4)) }, system),
            ["IEnKS, lag 4"] = (new IterativeEnsembleKalmanSmoother
            {
                Members = 20, Inflation = inflation, Window = WindowCycling.Overlapping(4),
                Iteration = TwoSteps(EnsembleLinearisation.Transform),
            }, system),
            ["IEnKF-Q"] = (new AdditiveErrorIterativeEnsembleKalmanFilter
                { Members = 20, Inflation = inflation, Iteration = TwoSteps(EnsembleLinearisation.Transform) }, noisy),
            ["particle filter"] = (ParticleFilter.Regularised(100), system),
            ["3D-Var"] = (new ThreeDimensionalVariational { Background = background }, system),
            ["4D-Var"] = (FourDimensional(ControlVariable.BackgroundSquareRoot), system),
            ["joint estimation by ETKF"] = (new JointEstimation
            {
                Parameters = [new("forcing", 8, 0.1)],
                Filter = new EnsembleTransformKalmanFilter { Members = 20, Inflation = inflation },
            }, system),
            ["learned, residual convolution"] = (new ResidualConvolution { Training = oneStep, Network = network }, system),
            ["learned, hidden channels"] = (new ResidualConvolutionWithMemory
                { Training = oneStep, Network = network, Memory = new() { Count = 2 } }, system),
            ["learned, linear"] = (new InnovationLinear { Training = oneStep }, system),
            ["learned, ensemble"] = (new EnsembleConvolution { Members = 4, Training = oneStep, Network = network }, system),
        };
    }

    /// <summary>A method, fitted if it learns, and data of 30 cycles.</summary>
    public static (ITransformer Transformer, ITrajectoryView Data) Ready(string name)
    {
        var context = new DataAssimilationContext(seed: 7);
        var (method, of) = All[name];
        var data = context.Data.Twin(of, new() { Batch = 2, Cycles = 30 }).Materialise();
        return (context.Analysis.Method(of, method).Fit(data), data);
    }

    /// <summary>A method's operators per cycle, by name: an eighth of what cycles 13 to 20 add.</summary>
    /// <param name="name">One of <see cref="All"/>.</param>
    /// <param name="operatorsOnly">Whether the kernels over the processor's memory are left out, as on a device.</param>
    public static IReadOnlyDictionary<string, double> OperatorsPerCycle(string name, bool operatorsOnly)
    {
        using var scope = NewDisposeScope();
        var (transformer, data) = Ready(name);
        KernelMemory.OperatorsOnly = operatorsOnly;
        try
        {
            var (few, many) = (Count(transformer, data.Take(12)), Count(transformer, data.Take(20)));
            return many.ToDictionary(pair => pair.Key, pair => (pair.Value - few.GetValueOrDefault(pair.Key)) / 8.0);
        }
        finally { KernelMemory.OperatorsOnly = false; }
    }

    private static IReadOnlyDictionary<string, int> Count(ITransformer transformer, ITrajectoryView data)
    {
        using var cursor = transformer.Transform(data).OpenCursor();
        using var counter = new OperatorCounter();
        while (cursor.MoveNext()) { }
        return counter.ByName;
    }

    private static Tensor First()
    {
        var first = zeros(40, dtype: ScalarType.Float64);
        first[0] = 1;
        return first.DetachFromDisposeScope();
    }

    private static Tensor Correlation()
    {
        var distance = arange(40, dtype: ScalarType.Float64);
        var apart = (distance.unsqueeze(0) - distance.unsqueeze(1)).abs();
        return (-minimum(apart, 40 - apart).square() / 2).exp();
    }
}
