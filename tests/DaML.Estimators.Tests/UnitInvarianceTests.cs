using System.Reflection;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// What is learned does not depend on the unit of the state: the same experiment, with state and errors in units of u, gives the same
/// figures once they are divided by powers of u. A power of two changes no digit of any number, so that figures must be
/// the same to the bit; other units change the last digits, which a short training amplifies.
/// </summary>
public sealed class UnitInvarianceTests
{
    private const int Sites = 8;
    private const double Large = 1L << 40, Small = 1 / Large;    // 1.1e12 and 9.1e-13

    /// <summary>Every estimator, as figures that carry no unit.</summary>
    private static readonly Dictionary<string, (Type Estimator, Func<Experiment, double[]> Figures)> Cases = new()
    {
        ["residual convolution"] = (typeof(LearnedAnalysisEstimator<>),
            e => e.Score(e.Analysis.ResidualConvolution(e.System, new() { Network = Network, Training = Brief }).Fit(e.Training))),
        ["residual convolution with a trainable innovation term"] = (typeof(LearnedAnalysisEstimator<>), e =>
            e.Score(e.Analysis.ResidualConvolution(e.System,
                new() { Network = Network with { InnovationTerm = InnovationTerm.Trainable }, Training = Brief }).Fit(e.Training))),
        ["innovation only"] = (typeof(LearnedAnalysisEstimator<>), e =>
            e.Score(e.Analysis.ResidualConvolution(e.System,
                new() { Network = Network with { Inputs = AnalysisInputs.InnovationOnly }, Training = Brief }).Fit(e.Training))),
        ["random sites"] = (typeof(LearnedAnalysisEstimator<>), e =>
        {
            var observing = ObservationNetwork.Random(e.Model.Dimension, e.Unit * e.Unit, minimumDensity: 0.3);
            return e.Score(
                e.Analysis.ResidualConvolution(new AssimilationSystem(e.Model, observing), new() { Network = Network, Training = Brief })
                .Fit(e.View("training", 8, null, observing)), observing);
        }),
        ["linear in the innovation"] = (typeof(LearnedAnalysisEstimator<>), e =>
            e.Score(e.Analysis.InnovationLinear(e.System,
                new() { Network = new() { Network = Network, Columns = 4, Radius = LocalisationRadius.HalfWidth(2) },
                    Training = Brief with { LearningRate = 1e-3 } }).Fit(e.Training))),
        ["ensemble convolution"] = (typeof(LearnedAnalysisEstimator<>),
            e => e.Score(e.Analysis.EnsembleConvolution(e.System, new() { Members = 4, Network = Network, Training = Brief })
                .Fit(e.Training))),
        ["hidden channels"] = (typeof(LearnedAnalysisEstimator<>), e =>
            e.Score(e.Analysis.ResidualConvolutionWithMemory(e.System,
                new() { Memory = new() { Count = 2 }, Network = Network, Training = Brief }).Fit(e.Training))),
        ["hidden channels along the tangent linear"] = (typeof(LearnedAnalysisEstimator<>), e =>
            e.Score(e.Analysis.ResidualConvolutionWithMemory(e.System,
                new() { Memory = new() { Count = 2, Transport = ChannelTransport.TangentLinear }, Network = Network, Training = Brief })
                .Fit(e.Training))),
        ["fields"] = (typeof(LearnedAnalysisEstimator<>),
            e => e.Score(
                e.Analysis.LearnedField("layers", e.System, StateGrid.Circle,
                    random => new Layers(random, e.Context.Options.NetworkPrecision), Brief).Fit(e.Training))),
        ["emulator"] = (typeof(LearnedAnalysisEstimator<>),
            e => e.Score(e.Analysis.LearnedDynamics("emulator", e.Observing, e.Model.TimeStep,
            random => new Step(random, e.Context.Options.NetworkPrecision),
            emulator => e.Analysis.EnsembleTransformKalmanFilter(e.System with { Dynamics = emulator, Initial = e.Start },
                new() { Members = 12, Inflation = Inflation.StandardDeviation(1.1) }).Triple, training: Brief).Fit(e.Training))),
        ["data assimilation network"] = (typeof(DataAssimilationNetworkEstimator),
            e => e.Score(e.Analysis.DataAssimilationNetwork(e.Observing, e.Model.TimeStep,
            new() { MemorySize = 16, Layers = 2 }, Brief).Fit(e.Training))),
        ["data assimilation network, low rank"] = (typeof(DataAssimilationNetworkEstimator),
            e => e.Score(e.Analysis.DataAssimilationNetwork(e.Observing, e.Model.TimeStep,
            new() { MemorySize = 16, Layers = 2, Density = DensityForm.LowRank(2) }, Brief).Fit(e.Training))),
        ["data assimilation network, mixture"] = (typeof(DataAssimilationNetworkEstimator),
            e => e.Score(e.Analysis.DataAssimilationNetwork(e.Observing, e.Model.TimeStep,
            new() { MemorySize = 16, Layers = 2, Density = DensityForm.Mixture(2, DensityForm.Diagonal) }, Brief).Fit(e.Training))),
        ["uncertainty"] = (typeof(AnalyzerCovarianceEstimator<>), e =>
        {
            var learned = e.Analysis.ResidualConvolution(e.System, new() { Network = Network, Training = Brief }).Fit(e.Training);
            var uncertain = e.Analysis.WithUncertainty(learned, e.Model, new() { BurnIn = 5, Cycles = 5 })
                .Fit(e.View("calibration", 4, 10));
            var calibration = ((CovarianceAnalyzer<StateMemory>)uncertain.Triple.Analyzer).Calibration;
            return [calibration.Factor, calibration.Asymmetry, calibration.Lifted, .. e.Score(uncertain)];
        }),
        ["marginal gain"] = (typeof(LearnedAnalysisEstimator<>), e =>
        {
            var learned = e.Analysis.ResidualConvolution(e.System, new() { Network = Network, Training = Brief }).Fit(e.Training);
            var analyzer = (LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer;
            var gain = e.Context.Scores.MeanMarginalGain(analyzer, e.View("states", 2, 20));
            var regressed = e.Context.Scores.MeanMarginalGainByRegression(analyzer, e.Observing, e.View("states", 2, 20),
                new() { Derivative = StateDerivative.Differences });
            return [gain.ShareWithin(2), gain.Largest / e.Unit, regressed.ShareWithin(2), regressed.Largest / e.Unit];
        }),
        ["modes"] = (typeof(ProperOrthogonalDecompositionEstimator), e =>
        {
            var modes = new ProperOrthogonalDecompositionEstimator(Columns.Truth, new Column("modes"), new ModeSelection.Variance(0.8))
                .Fit(e.View("training", 8, 50));
            using var cursor = modes.Transform(e.View("test", 2, 1)).OpenCursor();
            cursor.MoveNext();
            return [modes.Decomposition.VarianceFraction, modes.Decomposition.ModeCount, .. e.Numbers(cursor[new Column("modes")])];
        }),
        ["linear inverse model"] = (typeof(LinearInverseModelEstimator), e =>
        {
            using var scope = NewDisposeScope();
            var model = new LinearInverseModelEstimator(Columns.Truth, new Column("next")).Fit(e.LinearView(60));
            return [.. e.Numbers(model.Dynamics.Advance(e.Unit * ones(1, 3, dtype: ScalarType.Float64), new(0, 1))),
                model.RepairedFraction];
        }),
        ["ridge autoregression"] = (typeof(RidgeAutoregressionEstimator), e =>
            e.Ahead(e.Context.Transforms.RidgeAutoregression(Columns.Truth, new Column("next"), new() { Lags = 2 }).Fit(e.LinearView(60)))),
        ["damped persistence"] = (typeof(DampedPersistenceEstimator), e =>
            e.Ahead(e.Context.Transforms.DampedPersistence(Columns.Truth, new Column("next")).Fit(e.LinearView(60)))),
        ["autoregressive emulator"] = (typeof(AutoregressiveEmulatorEstimator), e =>
            e.Ahead(e.Context.Transforms.LongShortTermMemory(Columns.Truth, new Column("next"), Lagged, new() { Hidden = 6 })
                .Fit(e.LinearView(60)))),
        ["autoregressive emulator, residual form"] = (typeof(AutoregressiveEmulatorEstimator), e =>
            e.Ahead(e.Context.Transforms.LongShortTermMemory(Columns.Truth, new Column("next"),
                Lagged with { Baseline = new() { Lags = 3 }, Normalisation = ValueNormalisation.Component },
                new() { Hidden = 6, Attention = WindowAttention.DotProduct }).Fit(e.LinearView(60)))),
        ["seasonal cycle"] = (typeof(SeasonalCycleEstimator), e =>
        {
            var cycle = new SeasonalCycleEstimator(Columns.Truth, new Column("anomaly"), new() { Harmonics = 1, Period = 1.5 })
                .Fit(e.View("training", 4, 60));
            using var cursor = cycle.Transform(e.View("test", 2, 1)).OpenCursor();
            cursor.MoveNext();
            return e.Numbers(cursor[new Column("anomaly")]);
        }),
        ["Lyapunov exponents"] = (typeof(LyapunovEstimator),
            e => [.. e.Context.Transforms.LyapunovVectors(e.Model, 20, 3).Fit(e.View("training", 2, 60)).Spectrum!.Exponents]),
        ["climatology"] = (typeof(ClimatologicalMethod), e => e.Score(e.Analysis.Climatology(e.System).Fit(e.View("training", 8, 50)))),
        ["optimal interpolation"] = (typeof(ClimatologicalMethod),
            e => e.Score(e.Analysis.OptimalInterpolation(e.System).Fit(e.View("training", 8, 50)))),
        ["3D-Var"] = (typeof(ThreeDimensionalVariational),
            e => e.Score(
                e.Analysis.ThreeDimensionalVariational(e.System,
                    new() { Background = new ClimatologicalBackground { TuningCycles = 40, TuningBurnIn = 10, ClimatologyCycles = 60 } })
                    .Fit(e.View("training", 8, 60)))),
        ["4D-Var"] = (typeof(FourDimensionalVariational),
            e => e.Score(
                e.Analysis.FourDimensionalVariational(e.System,
                    new() { Background = new ClimatologicalBackground { TuningCycles = 12, TuningBurnIn = 4, ClimatologyCycles = 60 },
                        Window = WindowCycling.Disjoint(2) }).Fit(e.View("training", 8, 60)))),
        ["tuning"] = (typeof(TuningEstimator<>), e =>
        {
            var tuned = e.Context.Analysis.Tune("inflation", TuningSearch.Grid(1.0, 1.3, 4), inflation =>
                e.Analysis.EnsembleTransformKalmanFilter(e.System with { Initial = e.Start },
                    new() { Members = 10, Inflation = Inflation.StandardDeviation(inflation) }), new() { BurnIn = 5, Threads = 1 })
                    .Tune(e.View("training", 2, 20));
            return [.. tuned.Curve.Best.Values, tuned.Curve.Best.Score / e.Unit];
        }),
        ["chain"] = (typeof(EstimatorChain<>),
            e => e.Score(new ProperOrthogonalDecompositionEstimator(Columns.Truth, new Column("modes"), new ModeSelection.Count(3))
            .Append(e.Analysis.OptimalInterpolation(e.System)).Fit(e.View("training", 8, 50)))),
        ["fixed preconditioning"] = (typeof(FixedPreconditioningEstimator), e =>
        {
            using var scope = NewDisposeScope();
            return e.Pairs().Values.to(ScalarType.Float64).ToArray<double>();
        }),
        ["learned preconditioning"] = (typeof(LearnedPreconditioningEstimator), e =>
        {
            using var scope = NewDisposeScope();
            var layout = FieldLayout.Circle(Sites);
            var pairs = e.Pairs();
            var learned = new LearnedPreconditioningEstimator("pairs", e.Context, e.Cost(), layout,
                LearnedPreconditioningEstimator.Transported(layout, pairs, new() { Features = 8, Levels = 1, Attention = false }),
                new() { Loss = HessianLoss.Divergence, Probes = 4, StatisticsBatches = 2, ValidationBatches = 1,
                    Training = new() { Steps = 12, LearningRate = 2e-3, ValidationInterval = 6 } }, pairs)
                .Fit(e.Windows());
            return [.. learned.History!.Steps.Select(step => step.Loss)];
        }),
        ["learned preconditioning that sees the observations"] = (typeof(LearnedPreconditioningEstimator), e =>
        {
            using var scope = NewDisposeScope();
            var layout = FieldLayout.Circle(Sites);
            var learned = new LearnedPreconditioningEstimator("pairs", e.Context, e.Cost(), layout,
                LearnedPreconditioningEstimator.Observed(layout, 1, 3, new() { Features = 8, Levels = 1, Attention = false }, reach: 1),
                new() { Loss = HessianLoss.RelativeFrobenius, Probes = 4, StatisticsBatches = 2, ValidationBatches = 1,
                    Training = new() { Steps = 12, LearningRate = 2e-3, ValidationInterval = 6 } },
                observations: e.Term()).Fit(e.Windows());
            return [.. learned.History!.Steps.Select(step => step.Loss)];
        }),
    };

    private static ResidualConvolutionOptions Network => new() { Filters = 4, Blocks = 1, SubBlocks = 1, KernelSize = 3 };

    private static TrainingOptions Brief =>
        new() { Steps = 12, Truncation = 3, ValidationInterval = 6, ValidationCycles = 8, ValidationBurnIn = 4 };

    private static AutoregressiveEmulatorOptions Lagged =>
        new() { Lags = 2, TrainedLeads = 3, Training = new() { Steps = 12, LearningRate = 1e-2, BatchSize = 16, ValidationInterval = 6 } };

    public static TheoryData<string, ScalarType> All
    {
        get
        {
            var data = new TheoryData<string, ScalarType>();
            foreach (string name in Cases.Keys)
                foreach (var precision in (ScalarType[])[ScalarType.Float32, ScalarType.Float64]) data.Add(name, precision);
            return data;
        }
    }

    // One that is added must be tried here.
    [Fact]
    public void Every_estimator_is_tried()
    {
        Type[] types = [.. typeof(LearnedAnalysisEstimator<>).Assembly.GetExportedTypes(),
            .. typeof(EstimatorChain<>).Assembly.GetExportedTypes(),
            .. typeof(FixedPreconditioningEstimator).Assembly.GetExportedTypes()];
        var estimators = types.Where(type => type is { IsClass: true, IsAbstract: false } && !type.IsAssignableTo(typeof(ITransformer))
            && (type.Name.Split('`')[0].EndsWith("Estimator", StringComparison.Ordinal) || Estimates(type)));
        // Methods that say what they have to learn.
        var methods = types.Where(type => type.IsAssignableTo(typeof(AssimilationMethod))
            && !(type.IsGenericType && type.Name.StartsWith("AssimilationMethod", StringComparison.Ordinal))
            && type.GetProperty("ToLearn", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly) is not null)
            .ToList();
        Assert.Equal(2, methods.Count);    // variational methods and climatological ones
        var tried = Cases.Values.SelectMany(one => Bases(one.Estimator)).ToHashSet();
        Assert.Empty(estimators.Concat(methods).Where(type => !tried.Contains(type)).Select(type => type.Name));
    }

    private static bool Estimates(Type type) =>
        type.GetInterfaces().Any(contract => contract.IsGenericType && contract.GetGenericTypeDefinition() == typeof(IEstimator<>));

    private static IEnumerable<Type> Bases(Type type)
    {
        for (var at = type; at is not null; at = at.BaseType) yield return at.IsGenericType ? at.GetGenericTypeDefinition() : at;
    }

    [Theory, MemberData(nameof(All))]
    public void The_unit_of_the_state_does_not_matter(string name, ScalarType precision)
    {
        double[] expected = Cases[name].Figures(new Experiment(1, precision));
        Assert.All(expected, figure => Assert.True(double.IsFinite(figure), $"{figure}"));
        // The logarithm of a mixture's density is one of a sum, to whose digits the unit's logarithm is added.
        if (!name.EndsWith("mixture", StringComparison.Ordinal))
            foreach (double unit in (double[])[Small, Large]) Assert.Equal(expected, Cases[name].Figures(new Experiment(unit, precision)));
        double tolerance = precision == ScalarType.Float64 ? 1e-6 : 0.02, scale = expected.Max(Math.Abs);
        foreach (double unit in (double[])[1e-12, 1e12])
        {
            double[] actual = Cases[name].Figures(new Experiment(unit, precision));
            Assert.Equal(expected.Length, actual.Length);
            foreach (var (one,
                other) in expected.Zip(actual)) Assert.True(Math.Abs(one - other) <= tolerance * scale,
                    $"unit {unit}: {other} instead of {one}");
        }
    }

    // Fault 04, at its full length: the error over the unit was 0.90 in units of 1e-5 and 5.09 in 1e-6.
    [Theory, InlineData(1e-6), InlineData(1e9)]
    public void A_learned_analysis_is_as_good_in_any_unit(double unit)
    {
        double Rmse(double u)
        {
            var e = new Experiment(u, ScalarType.Float64, ScalarType.Float32, forcing: 8);
            var system = e.System;
            var learned = e.Analysis.ResidualConvolution(system,
                new() { Training = new() { Steps = 60, Truncation = 4, ValidationInterval = 30 } }).Fit(e.Training);
            return e.Context.Scores.Evaluate(learned.Transform(e.View("test", 4, 120)), new() { BurnIn = 40 }).AnalysisRmse.Mean / u;
        }
        double one = Rmse(1);
        Assert.InRange(one, 0.2, 0.8);
        Assert.Equal(one, Rmse(unit), 0.05);
    }

    /// <summary>Lorenz-96 with all that goes with it in units of u.</summary>
    private sealed class Experiment
    {
        // Without chaos, which would make other states of other last digits within some hundred cycles.
        public Experiment(double unit, ScalarType precision, ScalarType? networkPrecision = null, double forcing = 3)
        {
            Unit = unit;
            Context = new DataAssimilationContext(new DataAssimilationOptions
                { Seed = 2, Precision = precision, NetworkPrecision = networkPrecision ?? precision });
            Model = new Lorenz(unit, forcing);
            Observing = ObservationNetwork.Full(Model.Dimension, unit * unit);
            using var mean = unit * (1 + arange(Sites, dtype: ScalarType.Float64));
            Start = new GaussianInitialCondition(mean, ErrorCovariance.Scalar(Sites, unit * unit));
        }

        public double Unit { get; }
        public DataAssimilationContext Context { get; }
        public Lorenz Model { get; }
        public ObservationNetwork Observing { get; }

        public AssimilationSystem System => new(Model, Observing);
        public GaussianInitialCondition Start { get; }
        public AnalysisCatalog Analysis => Context.Analysis;
        public ITrajectoryView Training => View("training", 8, null);

        public ITrajectoryView View(string stream, long batch, long? cycles, ObservationNetwork? observing = null) =>
            Context.Data.Twin(System with { Network = observing ?? Observing, Initial = Start },
                new() { Stream = stream, Batch = batch, Cycles = cycles });

        // Three damped components with a model error.
        public ITrajectoryView LinearView(long cycles)
        {
            var model = new LinearDynamics(tensor(new[,] { { 0.8, -0.3, 0.1 }, { 0.3, 0.7, 0 }, { 0, 0.2, 0.6 } }))
                { ModelError = ErrorCovariance.Scalar(3, 0.3 * Unit * Unit) };
            return Context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, Unit * Unit))
                { Initial = new GaussianInitialCondition(zeros(3, dtype: ScalarType.Float64), ErrorCovariance.Scalar(3, Unit * Unit)) },
                    new() { Batch = 4, Cycles = cycles });
        }

        /// <summary>Errors, spreads and the last analysis of a short test, over the unit.</summary>
        public double[] Score(ITransformer method, ObservationNetwork? observing = null)
        {
            var view = method.Transform(View("test", 2, 12, observing));
            var report = Context.Scores.Evaluate(view, new() { BurnIn = 2 });
            using var cursor = view.OpenCursor();
            cursor.MoveNext();
            return [report.AnalysisRmse.Mean / Unit, report.AnalysisRmse.StandardError / Unit, report.ForecastRmse.Mean / Unit,
                .. report.AnalysisSpread is { } spread ? (double[])[spread.Mean / Unit] : [], .. Numbers(cursor[Columns.Analysis])];
        }

        /// <summary>A forecast of three values, over the unit, and losses and validation errors where it was trained.</summary>
        public double[] Ahead(AutoregressiveModel model)
        {
            using var scope = NewDisposeScope();
            var steps = (model.Dynamics as AutoregressiveEmulator)?.History!.Steps ?? [];
            var start = Unit * linspace(-1, 1, model.Dynamics.Dimension, dtype: ScalarType.Float64).unsqueeze(0);
            return [.. Numbers(model.Run(start, 3)), .. steps.Select(step => step.Loss),
                .. steps.Select(step => step.ValidationError ?? 0)];
        }

        public double[] Numbers(Tensor state)
        {
            using var scope = NewDisposeScope();
            return [.. state.to(ScalarType.Float64).reshape(-1).ToArray<double>().Select(value => value / Unit)];
        }

        public ObservationTerm Term() => new(Observing.Operator, ErrorCovariance.Scalar(Sites, 0.01 * Unit * Unit));

        public FourDimensionalVariationalCost Cost() =>
            new(Model, [new BackgroundTerm(ErrorCovariance.Scalar(Sites, Unit * Unit))], [Term()]);

        public OnlineWindows Windows() => new(Model, Start, (state, _) => new(state, new TimeInterval(0, 0.1), 0.05,
            [new Observation(zeros([state.Values.size(0), Sites], dtype: state.Values.dtype), null, 0.1)]),
            new() { Batch = 4, SpinUp = 1, ShortestLead = 0.5, LongestLead = 1.5 });

        public FixedEigenpairs Pairs()
        {
            using var random = new RandomStream(3, "average", CPU);
            using var sequence = Windows().Open(random, Context.Precision);
            return new FixedPreconditioningEstimator(Cost()).FindEigenpairs([sequence.Next(), sequence.Next()], new ComputedEigenpairs(4));
        }
    }

    private sealed class Lorenz(double unit, double forcing) : Dynamics(Sites, 0.05)
    {
        protected override Tensor Tendency(Tensor state)
        {
            var x = state / unit;
            return ((x.roll(-1, -1) - x.roll(2, -1)) * x.roll(1, -1) - x + forcing) * unit;
        }
    }

    private sealed class Layers : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> first, last;

        public Layers(RandomStream random, ScalarType precision) : base(nameof(Layers))
        {
            (first, last) = (nn.Conv1d(2, 4, 3, padding: 1, dtype: precision), nn.Conv1d(4, 1, 3, padding: 1, dtype: precision));
            RegisterComponents();
            ModuleState.DrawWeights(this, random);
        }

        public override Tensor forward(Tensor field) => last.call(nn.functional.gelu(first.call(field)));
    }

    private sealed class Step : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> first, last;

        public Step(RandomStream random, ScalarType precision) : base(nameof(Step))
        {
            (first, last) = (nn.Linear(Sites, 12, dtype: precision), nn.Linear(12, Sites, dtype: precision));
            RegisterComponents();
            ModuleState.DrawWeights(this, random);
        }

        public override Tensor forward(Tensor states) => states + 0.1 * last.call(nn.functional.tanh(first.call(states)));
    }
}
