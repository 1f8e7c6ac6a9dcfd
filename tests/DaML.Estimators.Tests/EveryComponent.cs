using System.IO.Compression;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>One component of every kind that model files may hold, and more of those with optional parts, by name; the same in every
/// run.</summary>
internal static class EveryComponent
{
    private const ScalarType Double = ScalarType.Float64;

    private static readonly AnalysisStatistics Statistics = new(8, 2.5, 3.5, 1.25);

    private static readonly ResidualConvolutionOptions Network = new() { Filters = 3, Blocks = 1, SubBlocks = 2, KernelSize = 3 };

    /// <summary>The JSON of a component's tree and the bytes of its tensors, as a model file holds them.</summary>
    public static (string Tree, byte[] Tensors) Written(object component)
    {
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
        try
        {
            ModelArchive.Write(component, path);
            using var zip = ZipFile.OpenRead(path);
            byte[] Of(string name)
            {
                using var bytes = new MemoryStream();
                using var entry = zip.GetEntry(name)!.Open();
                entry.CopyTo(bytes);
                return bytes.ToArray();
            }
            string manifest = Encoding.UTF8.GetString(Of("manifest.json"));
            return (manifest[manifest.IndexOf("\"root\"", StringComparison.Ordinal)..], Of("tensors.safetensors"));
        }
        finally { File.Delete(path); }
    }

    /// <summary>All of them.</summary>
    /// <param name="context">The context that networks draw their weights in.</param>
    public static IEnumerable<object> All(DataAssimilationContext context)
    {
        Tensor Numbers(string name, params long[] shape) => context.Random(name).Normal(shape, Double);
        RandomStream Weights(string of) => context.Random("weights of " + of);
        TNetwork Drawn<TNetwork>(TNetwork network) where TNetwork : nn.Module
        {
            ModuleState.DrawWeights(network, Weights(network.GetName()));
            return network;
        }

        // Methods.
        foreach (var method in SavedMethodTests.Records) yield return method;

        // Models.
        var scalar = ErrorCovariance.Scalar(8, 0.3);
        var lorenz = new Lorenz96(8, 7.9, 0.04) { ModelError = scalar };
        var linear = new LinearDynamics(0.3 * Numbers("matrix", 8, 8), 0.7);
        var parametric = new JointDynamics(lorenz, new EstimatedParameter("forcing", 8,
            0.5) { Evolution = ParameterEvolution.RandomWalk(0.1) });
        yield return lorenz;
        yield return linear;
        yield return new LinearDynamics(Numbers("matrix", 3, 3)) { ModelError = ErrorCovariance.Scalar(3, 2) };
        yield return parametric;
        yield return new Lorenz63(0.02, 9, 27, 2.5);
        yield return new Lorenz63 { ModelError = ErrorCovariance.Scalar(3, 0.1) };
        yield return new Lorenz84(0.04, 7, 1.2, 0.3, 3.9);
        yield return new KuramotoSivashinsky(16, 22.3, 0.3);
        yield return new LinearAdvection(7, -2, 0.9, 0.1);
        yield return new TwoScaleLorenz96(4, 3, 17, 0.9, 9, 8, 0.004);
        var water = new ShallowWaterOptions { CellsX = 5, CellsY = 4, WindStressX = [0.1, 0.2, 0.3, 1.0 / 7], InitialHeight = 3,
            SpinUpTime = 7200 };
        yield return new ShallowWater(water);
        yield return new ShallowWaterInitialCondition(water);
        yield return new ExternalDynamics("ocean", 7, 0.3);

        // Covariances, observation networks and initial conditions.
        var half = ErrorCovariance.Scalar(4, 0.25);
        yield return scalar;
        yield return ErrorCovariance.Diagonal([0.1, 0.2, 1.0 / 3]);
        yield return ErrorCovariance.Full(eye(3, dtype: Double) * 0.7);
        yield return ErrorCovariance.Blocks(scalar, half);
        yield return ErrorCovariance.Diffusion(new() { Columns = 8, CorrelationLength = 1.3 });
        yield return ErrorCovariance.Hybrid(Numbers("states", 5, 8), scalar, 0.2);
        yield return parametric.ModelError!;
        yield return new IdentityObservationOperator(8);
        var every = SubsetObservationOperator.Strided(8, 2);
        yield return every;
        yield return new LinearObservationOperator(Numbers("H", 3, 8));
        yield return new InterpolationObservationOperator([50, 40.1], [1, 2, 3.3], (45, 1.1), (50, 3), (41, 2));
        yield return new LaggedObservationOperator(every, 2, 3);
        yield return new ElementwiseObservationOperator(8, ObservationFunction.Exponential);
        var composed = every.Then(new ElementwiseObservationOperator(4, ObservationFunction.Cube));
        yield return composed;
        var observing = new ObservationNetwork(every, half);
        yield return observing;
        yield return observing.At(Numbers("places", 4, 2));
        foreach (var pattern in (IObservationPattern[])[new RandomDensityPattern(0.2, 0.7), new RandomCountPattern(1, 3),
            new MissingAtRandomPattern(0.4)])
            yield return new ObservationNetwork(composed, half, pattern);
        yield return new JointObservationNetwork(observing, 2);
        var gaussian = new GaussianInitialCondition(Numbers("mean", 8), ErrorCovariance.Full(2 * eye(8, dtype: Double)));
        yield return gaussian;
        yield return new AttractorInitialCondition(lorenz, 0.3);
        yield return new AttractorInitialCondition(lorenz, 0.3, gaussian);
        yield return new SinusoidalInitialCondition(9, 3, 0.4);
        yield return new JointInitialCondition(gaussian, new SinusoidalInitialCondition(5));

        // What cycles a memory.
        var state = new StateSource(gaussian, ScalarType.Float32);
        var members = new EnsembleSource(gaussian, 5, Double);
        var transform = new EnsembleTransformKalmanFilterAnalyzer(every, half, Inflation.StandardDeviation(1.02),
            EnsembleRotation.MeanPreserving);
        var kalman = new KalmanFilterAnalyzer(every, half, Inflation.ForgettingFactor(0.9));
        var ensembles = new AssimilationTriple<EnsembleMemory>(transform, new EnsemblePropagater(lorenz, NoiseTreatment.SquareRoot),
            new EnsembleProcoder(), members);
        var gaussians = new AssimilationTriple<GaussianMemory>(kalman, new GaussianPropagater(linear, 1.1), new GaussianProcoder(),
            new GaussianSource(gaussian, Double));
        var states = new AssimilationTriple<StateMemory>(new UnobservingAnalyzer<StateMemory>(), new StatePropagater(lorenz),
            new StateProcoder(scalar), state);
        SequentialAssimilation<TMemory> Cycled<TMemory>(string name, AssimilationTriple<TMemory> triple,
            SequentialAssimilationOptions? options = null)
            where TMemory : IMemory<TMemory> => new(name, triple, observing, context, options);
        yield return Cycled("states", states);
        yield return Cycled("ensembles", ensembles, new() { Stream = "own", DivergenceBound = 12,
            DivergenceHandling = DivergenceHandling.Isolate });
        yield return Cycled("gaussians", gaussians);
        yield return new StateProcoder();
        foreach (var inflation in (Inflation[])[Inflation.None,
            Inflation.Additive(scalar, NoiseTreatment.SquareRoot, InflationTarget.Prior),
            Inflation.RelaxationToPriorSpread(0.3), Inflation.Variance(1.1).And(Inflation.RelaxationToPriorPerturbations(0.2))])
            yield return new StochasticEnsembleKalmanFilterAnalyzer(every, half, inflation);
        yield return new DeterministicEnsembleKalmanFilterAnalyzer(every, half, Inflation.Variance(1.1));
        yield return new SerialSquareRootFilterAnalyzer(every, half, Inflation.Variance(1.1));
        yield return new FiniteSizeEnsembleKalmanFilterAnalyzer(every, half, FiniteSizePrior.DiracJeffreys(2), FiniteSizeForm.Primal,
            Inflation.StandardDeviation(1.01), EnsembleRotation.MeanPreserving);
        yield return new FiniteSizeEnsembleKalmanFilterAnalyzer(every, half, FiniteSizePrior.Jeffreys);
        foreach (var radius in (LocalisationRadius[])[LocalisationRadius.Infinite, LocalisationRadius.EFolding(2.5)])
            yield return new LocalEnsembleTransformKalmanFilterAnalyzer(every, half,
                new Localisation(LocalisationGeometry.Circle(8), radius, LocalisationTaper.Tricube), Inflation.Variance(1.1),
                    EnsembleRotation.MeanPreserving);
        yield return new Localisation(LocalisationGeometry.Grid(2, 4, AxisEnds.Periodic), LocalisationRadius.HalfWidth(2), null,
            Numbers("positions", 4, 2).abs());
        var adaptive = new AdaptiveInflationAnalyzer(transform, every, half,
            new AdaptiveInflation { Start = 1.1, Deviation = 0.3, Smallest = 0.95, Largest = 2 });
        yield return Cycled("adaptive", new AssimilationTriple<ProductMemory<EnsembleMemory, VectorMemory>>(adaptive,
            new CarriedVectorPropagater<EnsembleMemory>(ensembles.Propagater),
                new CarriedVectorProcoder<EnsembleMemory>(new EnsembleProcoder()),
            new CarriedVectorSource<EnsembleMemory>(members, [1.1])));
        yield return new CarriedVectorPropagater<StateMemory>(states.Propagater);
        yield return new CarriedVectorProcoder<StateMemory>(states.Procoder);
        yield return new TangentLinearChannelPropagater(lorenz);
        yield return new HiddenChannelSource(state, 3);
        yield return new ClimatologyPropagater(gaussian);
        yield return new UnobservingAnalyzer<EnsembleMemory>();
        yield return new UnobservingAnalyzer<GaussianMemory>();
        foreach (var jitter in (ParticleJitter[])[ParticleJitter.None, ParticleJitter.OfAll(0.4)])
            yield return Cycled("particles", new AssimilationTriple<ParticleMemory>(new ParticleFilterAnalyzer(every, half),
                new ParticlePropagater(lorenz, ResamplingScheme.Systematic, 0.6, jitter), new ParticleProcoder(),
                    new ParticleSource(members)));
        yield return new FixedIntervalSmoother<GaussianMemory>("backward", Cycled("gaussians", gaussians),
            new RauchTungStriebelStep(linear));
        yield return new FixedIntervalSmoother<EnsembleMemory>("backward", Cycled("ensembles", ensembles), new EnsembleSmootherStep());

        yield return context.Analysis.JointEstimation(new AssimilationSystem(lorenz, observing), new()
            { Parameters = [new EstimatedParameter("forcing", 8, 0.5)], Filter = new EnsembleTransformKalmanFilter { Members = 5 } });

        // Steps of a chain.
        Column first = new("first"), second = new("second"), third = new("third");
        var forecast = new LeadTimeForecast(lorenz, first, second, 3, 1e-5);
        yield return forecast;
        yield return new FieldObservation(context, observing, first, "observing").Append(new ObservationBlocks(4));
        yield return new LyapunovVectors(context, lorenz, 3, first, new LyapunovSpectrum([1.5, 0, -1.0 / 3], [0.1, 0.2, 0.3]));
        yield return new LyapunovVectors(context, lorenz);
        yield return new JointEstimates(8, 2, true);
        yield return new JointNetworks(2);

        // Variational methods.
        var cost = new FourDimensionalVariationalCost(lorenz,
            [new BackgroundTerm(scalar, ControlVariable.Increment), new ModelErrorTerm(scalar)],
            [new ObservationTerm(every, half), new DigitalFilterTerm(0.5, scalar)]);
        var fixedPairs = new FixedEigenpairs(new RitzPairs(tensor([3.0, 2.0]).view(1, 2), Numbers("vectors", 1, 2, 8),
            tensor([0.0, 0.125]).view(1, 2), ones(1, 2, dtype: ScalarType.Bool)));
        yield return new ThreeDimensionalVariationalAnalyzer(every, half, scalar, 17, 1e-4);
        IPreconditioning Two(IPreconditioning preconditioning) =>
            new TwoLevelPreconditioning(new CovariancePreconditioning(scalar), preconditioning);
        foreach (var preconditioning in (IPreconditioning[])[new NoPreconditioning(), new RitzPreconditioning(0.2, 30),
            new RitzPreconditioning(0.2, 30, new SpectralForm { Mu = 2 }),
            new SpectralPreconditioning(new ComputedEigenpairs(4, EigenpairMethod.Randomised, 3, 2, seed: 7),
                new SpectralForm { Alpha = -0.5, Beta = 2 }),
            new SpectralPreconditioning(fixedPairs), new LimitedMemoryPreconditioning(new RecycledEigenpairs(5, true), null),
                new LimitedMemoryPreconditioning(fixedPairs, 1.5),
            Two(new QuasiNewtonPreconditioning(7)), new RegularisedInversePreconditioning(2 * eye(8, dtype: Double), 0.5)])
            yield return new IncrementalFourDimensionalVariational(cost, new IncrementalOptions
            {
                OuterIterations = 2, ControlTolerance = 1e-3, Step = OuterStep.Full, Preconditioning = preconditioning,
                InnerSolver = preconditioning is NoPreconditioning
                    ? new LanczosSolver(new() { MaximumIterations = 9 }) : new ConjugateGradientSolver(),
            });
        yield return new SplitSolver(new LanczosSolver());
        var quasiNewton = new QuasiNewtonFourDimensionalVariational(cost,
            new QuasiNewtonOptions { Memory = 5, GradientReduction = 1e-5, MaximumIterations = 40 });
        var windows = new AssimilationTriple<WindowMemory<StateMemory>>(new FourDimensionalVariationalAnalyzer(quasiNewton),
            new WindowPropagater<StateMemory>(states.Propagater), new WindowProcoder<StateMemory>(states.Procoder),
                new WindowSource<StateMemory>(state, WindowCycling.Disjoint(3)));
        yield return Cycled("windows", windows);
        WindowSource<EnsembleMemory> Overlapping(WindowCycling cycling) => new(members, cycling);
        foreach (var (analyzer, cycling) in (ValueTuple<IAnalyzer<WindowMemory<EnsembleMemory>>, WindowCycling>[])[
            (new IterativeEnsembleKalmanSmootherAnalyzer(new Lorenz96(8), every, half), WindowCycling.Instant),
            (new IterativeEnsembleKalmanSmootherAnalyzer(new Lorenz96(8), every, half,
                new EnsembleGaussNewton { Linearisation = EnsembleLinearisation.Bundle(1e-3), MaximumIterations = 4, Tolerance = 1e-2 },
                ObservationUse.Multiple(0.25, 0.75), Inflation.Variance(1.1), EnsembleRotation.MeanPreserving),
                    WindowCycling.Overlapping(4, 2)),
            (new IterativeEnsembleKalmanSmootherAnalyzer(new Lorenz96(8), every, half, null, ObservationUse.Multiple()),
                WindowCycling.Overlapping(2)),
            (new IterativeEnsembleKalmanSmootherAnalyzer(new Lorenz96(8), every, half, prior: FiniteSizePrior.DiracJeffreys(2),
                form: FiniteSizeForm.Primal), WindowCycling.Overlapping(1)),
            (new AdditiveErrorEnsembleKalmanFilterAnalyzer(lorenz, every, half, new EnsembleGaussNewton { Tolerance = 0 },
                Inflation.Variance(1.1), EnsembleRotation.MeanPreserving), WindowCycling.Overlapping(1))])
            yield return Cycled("windows of ensembles", new AssimilationTriple<WindowMemory<EnsembleMemory>>(analyzer,
                new WindowPropagater<EnsembleMemory>(ensembles.Propagater),
                new WindowProcoder<EnsembleMemory>(ensembles.Procoder), Overlapping(cycling)));

        // What learns.
        var history = new TrainingHistory([new(1, 0.5, 1e-3, 2, 0, null, 0.25), new(2, 0.25, 1e-3, 1, 1, 0.75, 0.5)],
            TrainingEnd.NoImprovement);
        var convolution = new ResidualConvolutionNetwork(Network, Statistics, ScalarType.Float32, Weights("convolution"));
        var channels = new ResidualConvolutionNetwork(Network, new HiddenChannelOptions { Count = 3 }, Statistics,
            ScalarType.Float32, Weights("channels"));
        var unet = Drawn(new UNet(FieldLayout.Circle(8), 1, new UNetOptions { Levels = 1, Features = 4, Heads = 2 }, Double));
        var covariance = new InnovationJacobian<StateMemory>();
        CovarianceAnalyzer<StateMemory> Uncertain(IAnalyzer<StateMemory> analyzer) =>
            new(analyzer, states.Procoder, covariance, 0.01, new CovarianceCalibration(1.1, 0.2, 0.3));
        var learned = new LearnedAnalyzer<StateMemory>("learned", every, half, convolution, history);
        yield return learned;
        yield return new LearnedAnalyzer<StateMemory>("field", every, half,
            new FieldNetwork(unet, Statistics, StateGrid.Circle, AnalysisInputs.InnovationOnly));
        yield return new LearnedAnalyzer<EnsembleMemory>("ensemble", every, half,
            new ResidualConvolutionNetwork(5, Network, Statistics, Double, Weights("ensemble")));
        yield return new LearnedAnalyzer<StateMemory>("columns", every, half, new InnovationLinearNetwork(new InnovationLinearOptions
        {
            Network = Network, Columns = 2, Taper = LocalisationTaper.Gaussian, Radius = LocalisationRadius.HalfWidth(2),
        }, Statistics, ScalarType.Float32, Weights("columns")), history);
        var hidden = new LearnedAnalyzer<ProductMemory<StateMemory, VectorMemory>>("hidden", every, half, channels);
        var hiddens = new AssimilationTriple<ProductMemory<StateMemory, VectorMemory>>(hidden, new TangentLinearChannelPropagater(lorenz),
            new CarriedVectorProcoder<StateMemory>(states.Procoder), new HiddenChannelSource(state, 3));
        yield return Cycled("hidden", hiddens);
        yield return Cycled("uncertain", new AssimilationTriple<CovarianceMemory<StateMemory>>(Uncertain(learned),
            new CovariancePropagater<StateMemory>(states.Propagater, states.Procoder, lorenz),
                new CovarianceProcoder<StateMemory>(states.Procoder),
            new CovarianceSource<StateMemory>(state, states.Procoder, 0.7)));
        yield return Cycled("uncertain with channels", new AssimilationTriple<CovarianceMemory<ProductMemory<StateMemory, VectorMemory>>>(
            new CovarianceAnalyzer<ProductMemory<StateMemory, VectorMemory>>(hidden, hiddens.Procoder,
                new InnovationJacobian<ProductMemory<StateMemory, VectorMemory>>(), 0.01),
            new CovariancePropagater<ProductMemory<StateMemory, VectorMemory>>(hiddens.Propagater, hiddens.Procoder, lorenz),
            new CovarianceProcoder<ProductMemory<StateMemory, VectorMemory>>(hiddens.Procoder),
            new CovarianceSource<ProductMemory<StateMemory, VectorMemory>>(hiddens.Source, hiddens.Procoder, 0.7)));

        var season = new SeasonalCycle(Numbers("season", 3, 8), 12);
        yield return new SeasonalCycleTransformer(season, SeasonalCycleDirection.Add, first, second);
        var modes = new ProperOrthogonalDecomposition(Numbers("mean", 8), eye(8, dtype: Double)[.., ..2], ones(8, dtype: Double),
            tensor([2.0, 1.0]), full(8, 0.125, dtype: Double));
        yield return new ProperOrthogonalDecompositionTransformer(modes, first,
            second).Append(new ProperOrthogonalDecompositionReconstruction(modes, second, third));
        yield return new ReconstructionOperator(modes);
        yield return new LinearInverseModel(linear, eye(8, dtype: Double), 2, 0.25, first, second);

        var layout = FieldLayout.Circle(8);
        var rising = new AssimilationWindow(new(tensor([1.0, -1.0]).unsqueeze(1).expand(2, 8)), new TimeInterval(0, 0.04), 0.04,
            [new(ones(2, 4, dtype: Double), null, 0.04)]);
        var inputs = HessianInputs.Measure(layout, [rising], null);
        yield return HessianInputs.Measure(layout, [rising], new ObservationTerm(every, half));
        yield return new LearnedEigenpairs(Drawn(new SpectralHessianNetwork(unet, 2, layout, 3, 40, 1.5, Double)), inputs, 2);
        yield return Drawn(new TransportedHessianNetwork(unet, 1, 2, layout, fixedPairs, 1.5, 2, Double));
        yield return Drawn(new ObservedHessianNetwork(unet, 1, 2, layout, 2, 0.5, 1, 3, 1.5, Double));

        var procoder = Drawn(new NetworkProcoder(6, DensityForm.Diagonal, [1, 2], [0.5, 0.25], ScalarType.Float32, CPU));
        yield return new NetworkTriple(Drawn(new NetworkAnalyzer(6, 2, MissingObservations.Read, [0.5], [2], ScalarType.Float32, CPU)),
            Drawn(new NetworkPropagater(6, 1, 0.05, ScalarType.Float32, CPU)), procoder);
        var analyzing = Drawn(new NetworkAnalyzer(6, 2, MissingObservations.Refused, [0.5, 1, 2, 3], [2, 2, 2, 2], Double,
            CPU) { History = history });
        yield return Cycled("network", new AssimilationTriple<VectorMemory>(analyzing,
            Drawn(new NetworkPropagater(6, 1, 0.05, Double, CPU)), procoder, new ZeroMemorySource(6, Double)));

        yield return new Emulator("emulator", Drawn(new ReZeroNetwork(8, 8, 2, Double, CPU)), 8, 0.05, 0.5) { History = history,
            ModelError = scalar };
        yield return new LaggedStates(first, second, 3);
        yield return new AutoregressiveEmulator("lags", 2, 1, 0.1, tensor([1.0, 2.0]),
            new LongShortTermMemoryNetwork(2, 1, new LongShortTermMemoryOptions { Hidden = 3 }, Double, Weights("lags")));
        var ridge = new AutoregressiveEmulator("ridge", 2, 1, 0.1, tensor([1.0, 2.0]), null,
            Numbers("baseline", 2, 4)) { ModelError = ErrorCovariance.Scalar(4, 1) };
        var regression = new AutoregressiveModel(ridge, 2, 1, first, second);
        yield return new AutoregressiveForecast(regression, first, third, 2);
    }
}
