using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class AnalyzerCovarianceTests
{
    private readonly DataAssimilationContext context = new(5);

    // A damped rotation with a model error, observed by an invertible operator: the Kalman filter soon has its steady covariances.
    private (LinearDynamics Model, ObservationNetwork Observing) Linear()
    {
        var matrix = tensor(new[,] { { 0.9, -0.4, 0.1 }, { 0.4, 0.8, 0 }, { 0, 0.2, 0.7 } }, dtype: ScalarType.Float64);
        var model = new LinearDynamics(matrix)
            { ModelError =
                ErrorCovariance.Full(tensor(new[,] { { 0.5, 0.1, 0 }, { 0.1, 0.3, 0 }, { 0, 0, 0.2 } }, dtype: ScalarType.Float64)) };
        var h = new LinearObservationOperator(tensor(new[,] { { 1.0, 0.3, 0 }, { 0, 1, 0.5 }, { 0.2, 0, 2 } }, dtype: ScalarType.Float64));
        return (model,
            new ObservationNetwork(h,
                ErrorCovariance.Full(tensor(new[,] { { 1, 0.2, 0 }, { 0.2, 0.5, 0 }, { 0, 0, 2 } }, dtype: ScalarType.Float64))));
    }

    private static GaussianInitialCondition Around(long n) => new(zeros(n, dtype: ScalarType.Float64), ErrorCovariance.Scalar(n, 1));

    private static void Near(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double distance = (expected - actual).abs().max().ToDouble();
        Assert.True(distance <= tolerance, $"{distance}");
    }

    // P^a of the filter itself, found again from what its analyzer does to observations.
    [Fact]
    public void Of_a_Kalman_filter_it_is_the_filters_covariance()
    {
        using var scope = NewDisposeScope();
        var (model, observing) = Linear();
        var system = new AssimilationSystem(model, observing) { Initial = Around(3) };
        var filter = context.Analysis.KalmanFilter(system);
        var acted = new RegressedAnalyzerCovariance<GaussianMemory>(filter, observing);
        using var random = context.Random("acted");
        using var run = filter.Run(context.Data.Twin(system, new() { Batch = 2, Cycles = 4 }));
        while (run.MoveNext())
            Near(run.Analysis.Covariance,
                acted.At(filter.Triple.Analyzer, filter.Triple.Procoder, run.Forecast,
                    new Observation(run[Columns.Observation], null, run.Time), random), 1e-10);
    }

    // 3D-Var with the filter's steady forecast covariance is the filter, so its one acted covariance must come out calibrated
    // and score as the filter does; told a covariance four times too large, the factor must be a quarter.
    [Fact]
    public void A_covariance_that_is_right_gets_the_factor_one_and_scores_as_the_Kalman_filter()
    {
        using var scope = NewDisposeScope();
        var (model, observing) = Linear();
        var system = new AssimilationSystem(model, observing);
        ITrajectoryView View(string stream) =>
            context.Data.Twin(system with { Initial = Around(3) }, new() { Stream = stream, Batch = 100, Cycles = 130 });
        var filter = context.Analysis.KalmanFilter(system with { Initial = Around(3) });
        Tensor steady;
        using (var run = filter.Run(View("steady").Take(60)))
        {
            while (run.Cycle < 59) run.MoveNext();
            steady = run.Forecast.Covariance[0].clone();
        }
        var variational = context.Analysis.ThreeDimensionalVariational(system,
            new() { Background = new KnownBackground(ErrorCovariance.Full(steady)) });
        var acted = new RegressedAnalyzerCovariance<StateMemory>(variational, observing, samples: 10);
        var options = new AnalyzerCovarianceOptions { EigenvalueFloor = 1e-6, BurnIn = 30, Cycles = 100 };
        var calibrated = context.Analysis.WithUncertainty(variational, acted, model, options).Fit(View("training"));
        var calibration = Calibration(calibrated);
        Assert.Equal(1, calibration.Factor, 0.03);
        Assert.True(calibration.Asymmetry < 1e-8 && calibration.Lifted == 0);
        Assert.Equal(calibration.Factor / 4,
            Calibration(context.Analysis.WithUncertainty(variational, new Scaled(acted, 4), model, options).Fit(View("training"))).Factor,
            1e-10);

        var score = new LogDensityOfTruth(ScoredState.Analysis);
        var ahead = new LogDensityOfTruth(ScoredState.Forecast);
        ScoreReport Of(ITransformer method) =>
            context.Scores.Evaluate(method.Transform(View("test")), new() { BurnIn = 30, Scores = [score, ahead] });
        var (expected, actual) = (Of(filter), Of(calibrated));
        Assert.Equal(expected.AnalysisRmse.Mean, actual.AnalysisRmse.Mean, 1e-6);
        Assert.Equal(expected[score].Mean, actual[score].Mean, 5e-3);
        // M P^a M^T + Q with the factor that was fitted.
        Assert.Equal(expected[ahead].Mean, actual[ahead].Mean, 5e-3);
    }

    private sealed class Scaled(IAnalyzerCovariance<StateMemory> inner, double factor) : IAnalyzerCovariance<StateMemory>
    {
        public Tensor At(IAnalyzer<StateMemory> analyzer, IProcoder<StateMemory> procoder, StateMemory forecast, Observation observation,
            RandomStream random) =>
            factor * inner.At(analyzer, procoder, forecast, observation, random);
    }

    // K by finite differences of the analysis in the observations; with R = s^2 I and H = I, P^a = s^2 K.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_a_network_it_is_the_derivative_of_the_analysis_in_the_observations(bool remembers)
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(networkPrecision: ScalarType.Float64);
        var system = twin.System;
        if (remembers)
            Compare(twin.Context.Analysis.ResidualConvolutionWithMemory(system,
                new() { Memory = new() { Count = 2 }, Network = SmallTwin.Network, Training = SmallTwin.Brief })
                .Fit(twin.Training, twin.Validation), m => m.First.State);
        else Compare(twin.Estimator().Fit(twin.Training, twin.Validation), m => m.State);

        void Compare<TMemory>(SequentialAssimilation<TMemory> method, Func<TMemory, Tensor> stateOf) where TMemory : IMemory<TMemory>
        {
            using var random = context.Random("jacobian");
            using var run = method.Run(twin.Test.Take(5));
            while (run.Cycle < 4) run.MoveNext();
            var covariance = new InnovationJacobian<TMemory>();
            var at = stateOf(run.Forecast);
            var acted = covariance.At(method.Triple.Analyzer, method.Triple.Procoder, run.Forecast, new Observation(at, null, run.Time),
                random);
            const double h = 1e-5;
            for (int j = 0; j < 12; j += 5)
            {
                var step = zeros_like(at);
                step[.., j] = h;
                Tensor After(Tensor observed) =>
                    stateOf(method.Triple.Analyzer.Analyze(run.Forecast, new Observation(observed, null, run.Time), random));
                Near((After(at + step) - After(at - step)) / (2 * h), acted[.., .., j], 1e-8);
            }
            Assert.True(acted.diagonal(0, 1, 2).mean().ToDouble() > 0.01);
        }
    }

    // What such a network says of itself and its Jacobian by automatic differentiation are the same matrix.
    [Fact]
    public void Of_a_network_linear_in_the_innovation_it_is_the_covariance_it_has()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("linear");
        var network = new InnovationLinearNetwork(new(), new AnalysisStatistics(40, 2.3, 3.6, 1), ScalarType.Float64, random);
        var analyzer = new LearnedAnalyzer<StateMemory>("linear", new IdentityObservationOperator(40), ErrorCovariance.Scalar(40, 1),
            network);
        var forecast = new StateMemory(random.Normal([2, 40], ScalarType.Float64));
        var observation = new Observation(forecast.State, null, 0);
        var (jacobian, procoder) = (new InnovationJacobian<StateMemory>(), new StateProcoder());
        var direct = jacobian.At(analyzer, procoder, forecast, observation, random);
        Near(direct, jacobian.At(new Veiled(analyzer), procoder, forecast, observation, random), 1e-12);
        Assert.True(direct.abs().max().ToDouble() > 1e-4);
    }

    private sealed class Veiled(LearnedAnalyzer<StateMemory> inner) : IScaledInnovationAnalyzer<StateMemory>
    {
        public string Name => inner.Name;
        public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random) =>
            inner.Analyze(forecast, observation, random);
        public StateMemory Analyze(StateMemory forecast, Tensor scaledInnovation) => inner.Analyze(forecast, scaledInnovation);
    }

    [Fact]
    public void Analyses_stay_as_they_are_and_the_whole_is_saved_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        var method = twin.Estimator(SmallTwin.Brief with { Steps = 80, Truncation = 8, ValidationInterval = 40 })
            .Fit(twin.Training, twin.Validation);
        var uncertain = twin.Context.Analysis.WithUncertainty(method, twin.Dynamics, new() { Cycles = 20, BurnIn = 20 }).Fit(twin.Training);
        var view = twin.Test.Take(24);
        var read = Reloaded.Of(uncertain, twin.Context);
        Assert.Equal(Calibration(uncertain), Calibration(read));
        using (var plain = method.Run(view))
        using (var with = uncertain.Run(view))
        using (var again = read.Run(view))
            while (plain.MoveNext() && with.MoveNext() && again.MoveNext())
            {
                Bits.Equal(plain[Columns.Analysis].to(ScalarType.Float64), with[Columns.Analysis]);
                Bits.Equal(with.Analysis.Covariance, again.Analysis.Covariance);
                Bits.Equal(with[Columns.AnalysisSpread], with.Analysis.Covariance.diagonal(0, 1, 2).sqrt());
                if (with.Cycle == 20) Assert.Equal([20, 4, 12], with.AnalysisDensity.Sample(4, twin.Context.Random("draw")).shape);
            }
        var spread = twin.Context.Scores.Evaluate(uncertain.Transform(view),
            new() { BurnIn = 12, Scores = [new SpreadSkillRatio(ScoredState.Analysis)] });
        Assert.InRange(spread.Of(new SpreadSkillRatio(ScoredState.Analysis)).Mean, 0.6, 1.6);
    }

    [Fact]
    public void What_is_not_symmetric_or_not_positive_is_said()
    {
        using var scope = NewDisposeScope();
        var matrix = tensor(new[, ,] { { { 2, 1.0 }, { 3, 2 } }, { { 2, 0.5 }, { 0.5, 1 } } }, dtype: ScalarType.Float64);
        var (positive, asymmetry, lifted) = CovarianceAnalyzer<StateMemory>.Positive(matrix, 0.1);
        // Eigenvalues 4 and 0 of the first, symmetrised; the least becomes 0.1 of the mean 2.
        Near(tensor(new[,] { { 2.1, 1.9 }, { 1.9, 2.1 } }, dtype: ScalarType.Float64), positive[0], 1e-12);
        Near(matrix[1], positive[1], 1e-12);
        Near(tensor([Math.Sqrt(8) / (2 * Math.Sqrt(18)), 0]), asymmetry, 1e-12);
        Near(tensor([0.2 / 4, 0]), lifted, 1e-12);
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var method = twin.Estimator(SmallTwin.Brief with { Steps = 2, ValidationInterval = 2 }).Fit(twin.Training, twin.Validation);
        var analysis = twin.Context.Analysis;
        Assert.Contains("smallest eigenvalue, relative to the mean size",
            Assert.Throws<ArgumentOutOfRangeException>(() =>
                analysis.WithUncertainty(method, twin.Dynamics, new() { EigenvalueFloor = 0 })).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => analysis.WithUncertainty(method, twin.Dynamics, new() { Cycles = 0 }));
        Assert.Contains("dimension 10", Assert.Throws<ArgumentException>(() => analysis.WithUncertainty(method, new Lorenz96(10))).Message);
        Assert.Contains("the view has no cycle after it",
            Assert.Throws<ArgumentException>(() => analysis.WithUncertainty(method, twin.Dynamics).Fit(twin.Test.Take(30))).Message);
        var variational = analysis.ThreeDimensionalVariational(system,
            new() { Background = new KnownBackground(ErrorCovariance.Scalar(12, 1)) });
        Assert.Contains(nameof(RegressedAnalyzerCovariance<StateMemory>),
            Assert.Throws<ArgumentException>(() => analysis.WithUncertainty(variational, twin.Dynamics)).Message);
        var strided = ObservationNetwork.Strided(twin.Dynamics.Dimension, 2);
        Assert.Contains("6 observations",
            Assert.Throws<ArgumentException>(() => new RegressedAnalyzerCovariance<StateMemory>(variational, strided)).Message);
        using var scope = NewDisposeScope();
        using var random = context.Random("missing");
        var missing = new Observation(zeros(1, 12, dtype: ScalarType.Float64), tensor(new[] { false }).expand(1, 12), 0);
        Assert.Contains("missing",
            Assert.Throws<ArgumentException>(() =>
                new RegressedAnalyzerCovariance<StateMemory>(variational, twin.Observing)
                    .At(variational.Triple.Analyzer, variational.Triple.Procoder, new(zeros(1, 12, dtype: ScalarType.Float64)), missing,
                        random)).Message);
    }

    private static CovarianceCalibration Calibration<TMemory>(SequentialAssimilation<CovarianceMemory<TMemory>> method)
        where TMemory : IMemory<TMemory> => ((CovarianceAnalyzer<TMemory>)method.Triple.Analyzer).Calibration;
}
