using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class SequentialAssimilationTests
{
    private readonly DataAssimilationContext context = new(17);
    private readonly Lorenz96 dynamics = new(8);
    private readonly ObservationNetwork network;

    public SequentialAssimilationTests() => network = ObservationNetwork.Full(dynamics.Dimension);

    private TwinExperiment Twin(long batch = 2, long cycles = 12, IObservationNetwork? other = null, string stream = "twin") =>
        context.Data.Twin(new AssimilationSystem(dynamics, other ?? network), new() { Batch = batch, Cycles = cycles, Stream = stream });

    public static TheoryData<string> Methods =>
        ["kalman", "stochastic", "etkf", "enkf-n", "3d-var", "gaussian 3d-var", "inflations", "adaptive", "denkf", "serial", "extended",
            "climatology", "oi",
        "ienkf", "ienks", "ienks-n", "ienkf-q", "particles", "4d-var", "weak 4d-var"];

    private ITransformer Method(string name, DataAssimilationContext? other = null)
    {
        var system = new AssimilationSystem(dynamics, network);
        var catalog = (other ?? context).Analysis;
        var start = new GaussianInitialCondition(full(8, 3.0, dtype: ScalarType.Float64), ErrorCovariance.Scalar(8, 4));
        return name switch
        {
            "kalman" => catalog.KalmanFilter(system with { Initial = start }, new() { Inflation = Inflation.Variance(1.1) }),
            "stochastic" =>
                catalog.StochasticEnsembleKalmanFilter(system, new() { Members = 12, Inflation = Inflation.StandardDeviation(1.05) }),
            "etkf" => catalog.EnsembleTransformKalmanFilter(system,
                new() { Members = 12, Inflation = Inflation.ForgettingFactor(0.9), Rotation = EnsembleRotation.MeanPreserving }),
            "enkf-n" => catalog.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 12 }),
            "inflations" =>
                catalog.EnsembleTransformKalmanFilter(
                    new AssimilationSystem(new Lorenz96(8) { ModelError = ErrorCovariance.Scalar(8, 0.01) }, network),
                    new() { Members = 6, ModelError = NoiseTreatment.SquareRootDependent,
                        Inflation = Inflation.RelaxationToPriorSpread(0.3).And(Inflation.Additive(ErrorCovariance.Scalar(8, 0.01)))
                            .And(Inflation.ForgettingFactor(0.95)) }),
            "adaptive" =>
                catalog.AdaptivelyInflatedFilter(system,
                    new() { Filter = new EnsembleTransformKalmanFilter { Members = 12 },
                        Inflation = new AdaptiveInflation { Start = 1.05, Largest = 3 } }),
            "denkf" => catalog.DeterministicEnsembleKalmanFilter(system,
                new() { Members = 12, Inflation = Inflation.StandardDeviation(1.02) }),
            "serial" => catalog.SerialSquareRootFilter(system,
                new() { Members = 12, Inflation = Inflation.Variance(1.05, InflationTarget.Prior) }),
            "extended" => catalog.ExtendedKalmanFilter(system with { Initial = start }, new() { CovarianceGrowthPerTimeUnit = 5 }),
            "climatology" => catalog.Climatology(system, new() { Distribution = start }),
            "oi" => catalog.OptimalInterpolation(system, new() { Distribution = start }),
            "ienkf" => catalog.IterativeEnsembleKalmanSmoother(system,
                new() { Members = 12, Inflation = Inflation.StandardDeviation(1.05), Rotation = EnsembleRotation.MeanPreserving }),
            "ienkf-q" =>
                catalog.AdditiveErrorIterativeEnsembleKalmanFilter(
                    new AssimilationSystem(new Lorenz96(8) { ModelError = ErrorCovariance.Scalar(8, 0.01) }, network),
                    new() { Members = 6, Inflation = Inflation.StandardDeviation(1.02), Rotation = EnsembleRotation.MeanPreserving }),
            "ienks" => catalog.IterativeEnsembleKalmanSmoother(system,
                new() { Members = 12, Window = WindowCycling.Overlapping(4, 2),
                    Iteration = new() { Linearisation = EnsembleLinearisation.Bundle(), MaximumIterations = 3 },
                    ObservationUse = ObservationUse.Multiple(0.25, 0.75) }),
            "ienks-n" =>
                catalog.IterativeEnsembleKalmanSmoother(system,
                    new() { Members = 12, Window = WindowCycling.Disjoint(3), Prior = FiniteSizePrior.DiracJeffreys(2),
                        Form = FiniteSizeForm.PrimalExactHessian }),
            "particles" =>
                catalog.ParticleFilter(system,
                    new() { Members = 50, Resampling = ResamplingScheme.Residual, EffectiveSizeRatio = 0.9,
                        Jitter = ParticleJitter.OfAll(0.8) }),
            "3d-var" => catalog.ThreeDimensionalVariational(system,
                new() { Background = new KnownBackground(ErrorCovariance.Scalar(8, 0.5)) }),
            "4d-var" => catalog.FourDimensionalVariational(system,
                new() { Background = new KnownBackground(ErrorCovariance.Scalar(8, 0.5)), Window = WindowCycling.Disjoint(3),
                    Minimisation = new IncrementalOptions
                        { Preconditioning = new SpectralPreconditioning(new ComputedEigenpairs(2, EigenpairMethod.Randomised, 1, 3, 7),
                            new() { Mu = 1.5 }) } }),
            "weak 4d-var" =>
                catalog.FourDimensionalVariational(system with { Initial = start },
                    new() { Background = new KnownBackground(ErrorCovariance.Scalar(8, 0.5)), Window = WindowCycling.Overlapping(4, 2),
                        Control = ControlVariable.Increment, Observations = WindowObservations.All,
                        Priors = [new ModelErrorTerm(ErrorCovariance.Scalar(8, 0.01))],
                        Terms = [new DigitalFilterTerm(0.2, ErrorCovariance.Scalar(8, 2))],
                        Minimisation = new IncrementalOptions
                            { OuterIterations = 2, ControlTolerance = 0, Step = OuterStep.Full,
                                InnerSolver = new LanczosSolver(new InnerSolverOptions
                { MaximumIterations = 9, ResidualReduction = 1e-3, Norm = ResidualNorm.Preconditioned }),
                    Preconditioning = new RitzPreconditioning(0.2, 5) } }),
            "gaussian 3d-var" => new SequentialAssimilation<StateMemory>("3D-Var with a spread", new(
                new ThreeDimensionalVariationalAnalyzer(network.Operator, network.Error,
                    ErrorCovariance.Full(0.5 * eye(8, dtype: ScalarType.Float64))),
                new StatePropagater(dynamics), new StateProcoder(ErrorCovariance.Scalar(8, 0.5)),
                new StateSource(start, ScalarType.Float64)), network, other ?? context,
                new SequentialAssimilationOptions { Stream = "mine", DivergenceBound = 1000 }),
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };
    }

    private static double[] Read(ITrajectoryView view)
    {
        var values = new List<double>();
        using var cursor = view.OpenCursor();
        while (cursor.MoveNext())
            foreach (var definition in view.Schema.Definitions)
            {
                using var copy = cursor[definition.Column].to_type(ScalarType.Float64).contiguous();
                values.AddRange(copy.data<double>().ToArray());
            }
        return [.. values];
    }

    [Theory, MemberData(nameof(Methods))]
    public void The_same_seed_gives_the_same_bits_and_another_seed_others(string name)
    {
        var view = Method(name).Transform(Twin());
        var first = Read(view);
        Assert.Equal(first, Read(view));
        Assert.Equal(first, Read(Method(name, new DataAssimilationContext(17)).Transform(Twin())));
        Assert.NotEqual(first, Read(Method(name).Transform(Twin(stream: "another"))));
        if (name is not ("kalman" or "extended" or "climatology" or "oi"))
            Assert.NotEqual(first, Read(Method(name, new DataAssimilationContext(18)).Transform(Twin())));
    }

    [Theory, MemberData(nameof(Methods))]
    public void Two_threads_at_once_get_what_one_gets(string name)
    {
        var view = Method(name).Transform(Twin());
        var expected = Read(view);
        var results = new double[4][];
        var threads = Enumerable.Range(0, 4).Select(i => new Thread(() => results[i] = Read(view))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.All(results, result => Assert.Equal(expected, result));
    }

    [Theory, MemberData(nameof(Methods))]
    public void A_saved_method_is_the_same_to_the_bit(string name)
    {
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.model");
        try
        {
            var method = Method(name);
            context.Model.Save(method, path);
            var registry = new ComponentRegistry(DynamicsComponents.All.Concat(TransformerComponents.All));
            var loaded = ModelArchive.Read<ITransformer>(path, registry, new DataAssimilationContext(17));
            Assert.Equal(method.Name, loaded.Name);
            Assert.Equal(method.Contract.Adds, loaded.Contract.Adds);
            Assert.Equal(Read(method.Transform(Twin())), Read(loaded.Transform(Twin())));
        }
        finally { File.Delete(path); }
    }

    [Theory, MemberData(nameof(Methods))]
    public void Adds_a_spread_only_where_the_method_has_one(string name)
    {
        var schema = Method(name).GetOutputSchema(Twin().Schema);
        Assert.Equal(!(name is "3d-var" or "4d-var" or "weak 4d-var"), schema.Has(Columns.AnalysisSpread));
        Assert.Equal(!(name is "3d-var" or "4d-var" or "weak 4d-var"), schema.Has(Columns.ForecastSpread));
        Assert.True(schema.Has(Columns.Forecast) && schema.Has(Columns.Analysis) && schema.Has(Columns.Truth));
    }

    [Fact]
    public void First_forecast_starts_at_the_views_start_and_later_ones_at_the_cycle_before()
    {
        var system = new AssimilationSystem(dynamics, network) { Interval = 0.15 };
        using var scope = NewDisposeScope();
        var method = context.Analysis.ThreeDimensionalVariational(system,
            new() { Background = new KnownBackground(ErrorCovariance.Scalar(8, 0.5)) });
        using var run = method.Run(context.Data.Twin(system, new() { Cycles = 2 }));
        using var random = context.Random("assimilation/3D-Var/source");
        var start = new AttractorInitialCondition(dynamics, 50).Draw(1, random, ScalarType.Float64);
        Assert.True(run.MoveNext());
        Assert.True(dynamics.Advance(start, new TimeInterval(0, 0.15)).equal(run[Columns.Forecast]).all().ToBoolean());
        var analysis = run.Analysis.State.clone();
        Assert.True(run.MoveNext());
        Assert.True(dynamics.Advance(analysis, new TimeInterval(0.15, 0.3)).equal(run[Columns.Forecast]).all().ToBoolean());
    }

    [Fact]
    public void Predictions_continue_the_analysis_and_disturb_nothing()
    {
        using var scope = NewDisposeScope();
        var noisy = new Lorenz96(8) { ModelError = ErrorCovariance.Scalar(8, 0.01) };
        var system = new AssimilationSystem(noisy, network);
        var method = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 10 });
        var twin = Twin(1, 6);
        var undisturbed = Read(method.Transform(twin));
        var columns = new List<double>();
        using var run = method.Run(twin);
        Assert.Throws<InvalidOperationException>(() => run.Analysis);
        while (run.MoveNext())
        {
            var later = run.Predict(run.Time + 0.5);
            Assert.True(later.Members.equal(run.Predict(run.Time + 0.5).Members).all().ToBoolean());
            Assert.True(run.Predict(run.Time).Members.equal(run.Analysis.Members).all().ToBoolean());
            Assert.Equal(0, Compare.Difference(run.AnalysisDensity.Mean, run[Columns.Analysis]));
            Assert.Equal(0, Compare.Difference(run.ForecastDensity.StandardDeviation, run[Columns.ForecastSpread]));
            foreach (var definition in method.GetOutputSchema(twin.Schema).Definitions)
                columns.AddRange(run[definition.Column].contiguous().data<double>().ToArray());
        }
        Assert.Equal(undisturbed, columns);

        var perfect = context.Analysis.ThreeDimensionalVariational(new AssimilationSystem(dynamics, network),
            new() { Background = new KnownBackground(ErrorCovariance.Scalar(8, 0.5)) }).Run(twin);
        perfect.MoveNext();
        Assert.True(dynamics.Advance(perfect.Analysis.State, new TimeInterval(0, 1)).equal(perfect.Predict(perfect.Time + 1).State).all()
            .ToBoolean());
        perfect.Dispose();
    }

    [Theory, MemberData(nameof(Methods))]
    public void Values_the_mask_calls_missing_do_not_matter(string name)
    {
        var thinned = ObservationNetwork.Random(dynamics.Dimension, 1, 0.3, 0.8);
        using var recorded = Twin(2, 8, thinned).Materialise();
        var poisoned = new PoisonedView(recorded, (values, mask) => where(mask!, values, full_like(values, double.NaN)));
        var method = Method(name);
        using var clean = method.Transform(recorded).OpenCursor();
        using var dirty = method.Transform(poisoned).OpenCursor();
        while (clean.MoveNext() && dirty.MoveNext()) Assert.True(clean[Columns.Analysis].equal(dirty[Columns.Analysis]).all().ToBoolean());
        Assert.Equal(7, clean.Cycle);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void An_observation_that_is_no_number_is_refused_with_its_cycle(double value)
    {
        using var recorded = Twin(2, 8).Materialise();
        int seen = 0;
        var poisoned = new PoisonedView(recorded, (values, _) =>
        {
            if (seen++ == 3) values[1, 5] = value;
            return values;
        });
        using var cursor = Method("etkf").Transform(poisoned).OpenCursor();
        for (int i = 0; i < 3; i++) Assert.True(cursor.MoveNext());
        var refused = Assert.Throws<ArgumentException>(() => cursor.MoveNext());
        Assert.Contains("cycle 3", refused.Message);
        Assert.Contains("1 of its 16 values", refused.Message);
        Assert.Throws<InvalidOperationException>(() => cursor.MoveNext());
    }

    [Fact]
    public void Divergence_is_reported_with_its_cycle()
    {
        // An unobserved direction grows tenfold a cycle from 1: sqrt(10^12 / 2) = 7e5 in cycle 5, overflow of its square in the 150s, of
        // itself in the 300s.
        var growing = new LinearDynamics(tensor(new[,] { { 10.0, 0 }, { 0, 0.5 } }));
        var start = new GaussianInitialCondition(ones(2, dtype: ScalarType.Float64), ErrorCovariance.Scalar(2, 1e-6));
        var system = new AssimilationSystem(growing,
            new ObservationNetwork(new SubsetObservationOperator(2, 1), ErrorCovariance.Scalar(1, 1), null)) { Initial = start };
        var data = new Dictionary<Column, Tensor> { [Columns.Observation] = zeros(400, 1, 1, dtype: ScalarType.Float64) };
        using var view = context.Data.FromMemory(data, [.. Enumerable.Range(1, 400).Select(i => (double)i)]);
        var bounded = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 3, DivergenceBound = 5e5 });
        var diverged = Assert.Throws<DivergenceException>(() => Read(bounded.Transform(view)));
        Assert.Equal(5, diverged.Cycle);
        Assert.InRange(diverged.Norm, 6e5, 8e5);
        Assert.Contains("ETKF (N = 3) diverged in cycle 5 (time 6)", diverged.Message);

        var unbounded = context.Analysis.StochasticEnsembleKalmanFilter(system, new() { Members = 3 });
        var overflow = Assert.Throws<DivergenceException>(() => Read(unbounded.Transform(view)));
        Assert.InRange(overflow.Cycle, 150, 310);
        var kalman = context.Analysis.KalmanFilter(system);
        Assert.InRange(Assert.Throws<DivergenceException>(() => Read(kalman.Transform(view))).Cycle, 100, 310);
    }

    [Fact]
    public void Wrong_dimensions_are_refused_as_the_pipeline_is_composed()
    {
        var system = new AssimilationSystem(dynamics, network);
        var method = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 5 });
        var strided = context.Data.Twin(new AssimilationSystem(dynamics, ObservationNetwork.Strided(dynamics.Dimension, 2)));
        var refused = Assert.Throws<SchemaException>(() => context.Pipeline(strided).Append(method));
        Assert.Contains("'observation' of shape [8]", refused.Message);
        Assert.Contains("[4]", refused.Message);
        Assert.Throws<SchemaException>(() => method.Transform(strided));
        var other = new Lorenz96(10);
        Assert.Contains("dimension 10", Assert.Throws<ArgumentException>(() => new AssimilationSystem(other, network)).Message);
        var wrongStart = new AttractorInitialCondition(other, 1);
        Assert.Contains("dimension 10", Assert.Throws<ArgumentException>(() =>
            context.Analysis.EnsembleTransformKalmanFilter(system with { Initial = wrongStart })).Message);
        var mask = Twin().Schema.With([new ColumnDefinition(Columns.ObservationMask, 3)]);
        Assert.Contains("observation-mask", Assert.Throws<SchemaException>(() => method.GetOutputSchema(mask)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Inflation.StandardDeviation(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Inflation.ForgettingFactor(1.2));
    }

    [Fact]
    public void Classical_methods_append_as_estimators()
    {
        var twin = Twin();
        var fitted = context.Pipeline(twin)
            .Append(context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(dynamics, network), new() { Members = 5 }))
            .Fit(twin);
        var method = fitted.Find<SequentialAssimilation<EnsembleMemory>>();
        Assert.Equal("ETKF (N = 5)", method.Name);
        Assert.Equal(Read(method.Transform(twin)), Read(fitted.Transform(twin)));
    }

    [Fact]
    public void A_single_precision_memory_takes_double_precision_observations()
    {
        var method = new SequentialAssimilation<EnsembleMemory>("single", new(
            new EnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error), new EnsemblePropagater(dynamics),
            new EnsembleProcoder(),
            new EnsembleSource(new AttractorInitialCondition(dynamics, 10), 6, ScalarType.Float32)), network, context);
        using var run = method.Run(Twin());
        Assert.True(run.MoveNext());
        Assert.Equal(ScalarType.Float32, run[Columns.Analysis].dtype);
        Assert.Equal(ScalarType.Float64, run[Columns.Observation].dtype);
    }

    // A view whose observations are changed on their way.
    private sealed class PoisonedView(ITrajectoryView source, Func<Tensor, Tensor?, Tensor> change) : ITrajectoryView
    {
        public TrajectorySchema Schema => source.Schema;
        public long? CycleCount => source.CycleCount;
        public double? StartTime => source.StartTime;
        public ITrajectoryCursor OpenCursor() => new Cursor(source.OpenCursor(), source.Schema.Has(Columns.ObservationMask), change);

        private sealed class Cursor(ITrajectoryCursor source, bool masked, Func<Tensor, Tensor?, Tensor> change) : TrajectoryCursor(source)
        {
            protected override bool Compute(long cycle)
            {
                Set(Columns.Observation, change(Source![Columns.Observation].clone(), masked ? Source[Columns.ObservationMask] : null));
                return true;
            }
        }
    }
}
