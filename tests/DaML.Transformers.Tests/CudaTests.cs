using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Every family of methods on a CUDA device: over the same observations and from the same start, the processor's analyses to
/// round-off where nothing is drawn, and as good as the processor's where something is.
/// </summary>
public sealed class CudaTests : IDisposable
{
    private const int Sites = 24, Cycles = 12, Batch = 3;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    /// <summary>The same draws on every device, whose own generators differ.</summary>
    private sealed class SameDraws(double deviation) : IInitialCondition
    {
        public long Dimension => Sites;

        public Tensor Draw(long count, RandomStream random, ScalarType dtype)
        {
            using var inner = NewDisposeScope();
            using var here = new RandomStream(5, "same draws", CPU);
            var first = new AttractorInitialCondition(new Lorenz96(Sites), 5).Draw(1, here, dtype);
            return (first + deviation * here.Normal([count, Sites], dtype)).to(random.Device).MoveToOuterDisposeScope();
        }
    }

    private sealed record Place(DataAssimilationContext Context, Lorenz96 Model, ObservationNetwork Network, IInitialCondition Start,
        MemoryTrajectoryView View)
    {
        public AnalysisCatalog Analysis => Context.Analysis;

        public AssimilationSystem System => new(Model, Network) { Initial = Start };

        public static Place On(string device, bool modelError = false)
        {
            var here = new DataAssimilationContext(seed: 3);
            var start = new SameDraws(0.3);
            var twin = here.Data.Twin(new AssimilationSystem(new Lorenz96(Sites), ObservationNetwork.Random(Sites, 0.7))
                { Initial = start }, new() { Batch = Batch, Cycles = Cycles });
            using var recorded = twin.Materialise();
            var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 3, Device = device });
            var model = new Lorenz96(Sites) { ModelError = modelError ? ErrorCovariance.Scalar(Sites, 0.01) : null };
            var view = new MemoryTrajectoryView(
                recorded.Schema.Definitions.ToDictionary(definition => definition.Column,
                    definition => recorded[definition.Column].clone().to(context.Device)),
                [.. Enumerable.Range(1, Cycles).Select(cycle => cycle * model.TimeStep)], 0);
            return new(context, model, ObservationNetwork.Random(model.Dimension, 0.7), start, view);
        }

        public IErrorCovariance Background()
        {
            var apart = (arange(Sites, dtype: ScalarType.Float64).unsqueeze(0) - arange(Sites, dtype: ScalarType.Float64).unsqueeze(1))
                .abs();
            return ErrorCovariance.Full(0.2 * (-minimum(apart, Sites - apart).square() / 2).exp());
        }

        public GaussianInitialCondition Gaussian() =>
            new(Start.Draw(1, Context.Random("mean"), ScalarType.Float64).squeeze(0), ErrorCovariance.Scalar(Sites, 0.1));
    }

    private static Dictionary<string, Func<Place, ITransformer>> WithoutDraws { get; } = new()
    {
        ["ETKF, few members"] = at => at.Analysis.EnsembleTransformKalmanFilter(at.System, new() { Members = 10 }),
        ["ETKF, many members"] = at => at.Analysis.EnsembleTransformKalmanFilter(at.System, new() { Members = 40 }),
        ["EnKF-N, dual"] = at => at.Analysis.FiniteSizeEnsembleKalmanFilter(at.System, new() { Members = 10 }),
        ["EnKF-N, primal"] = at =>
            at.Analysis.FiniteSizeEnsembleKalmanFilter(at.System, new() { Members = 10, Form = FiniteSizeForm.Primal }),
        ["EnKF-N, exact Hessian"] = at =>
            at.Analysis.FiniteSizeEnsembleKalmanFilter(at.System, new() { Members = 10, Form = FiniteSizeForm.PrimalExactHessian }),
        ["DEnKF"] = at =>
            at.Analysis.DeterministicEnsembleKalmanFilter(at.System, new() { Members = 10, Inflation = Inflation.StandardDeviation(1.05) }),
        ["serial EnSRF"] = at =>
            at.Analysis.SerialSquareRootFilter(at.System, new() { Members = 10, Inflation = Inflation.StandardDeviation(1.05) }),
        ["LETKF"] = at =>
            at.Analysis.LocalEnsembleTransformKalmanFilter(at.System,
                new() { Members = 10, Localisation = new(LocalisationGeometry.Circle(Sites), LocalisationRadius.EFolding(4)),
                    Inflation = Inflation.StandardDeviation(1.05) }),
        ["relaxation"] = at =>
            at.Analysis.DeterministicEnsembleKalmanFilter(at.System,
                new() { Members = 10, Inflation = Inflation.RelaxationToPriorSpread(0.3) }),
        ["adaptive inflation"] = at =>
            at.Analysis.AdaptivelyInflatedFilter(at.System, new() { Filter = new DeterministicEnsembleKalmanFilter { Members = 10 } }),
        ["IEnKF"] = at =>
            at.Analysis.IterativeEnsembleKalmanSmoother(at.System, new() { Members = 10, Inflation = Inflation.StandardDeviation(1.05) }),
        ["IEnKS-N"] = at =>
            at.Analysis.IterativeEnsembleKalmanSmoother(at.System,
                new() { Members = 10, Window = WindowCycling.Overlapping(3), Prior = FiniteSizePrior.DiracJeffreys() }),
        ["extended Kalman filter"] = at =>
            at.Analysis.ExtendedKalmanFilter(at.System with { Initial = at.Gaussian() }, new() { CovarianceGrowthPerTimeUnit = 10 }),
        ["optimal interpolation"] = at => at.Analysis.OptimalInterpolation(at.System, new() { Distribution = at.Gaussian() }),
        ["3D-Var"] = at => at.Analysis.ThreeDimensionalVariational(at.System, new() { Background = new KnownBackground(at.Background()) }),
        ["4D-Var"] = at =>
            at.Analysis.FourDimensionalVariational(at.System,
                new() { Background = new KnownBackground(at.Background()), Window = WindowCycling.Overlapping(3) }),
    };

    private static Dictionary<string, Func<Place, ITransformer>> WithDraws { get; } = new()
    {
        ["stochastic EnKF"] = at =>
            at.Analysis.StochasticEnsembleKalmanFilter(at.System, new() { Members = 40, Inflation = Inflation.StandardDeviation(1.05) }),
        ["ETKF, rotated"] = at =>
            at.Analysis.EnsembleTransformKalmanFilter(at.System, new() { Members = 30, Rotation = EnsembleRotation.MeanPreserving }),
        ["additive inflation"] = at =>
            at.Analysis.DeterministicEnsembleKalmanFilter(at.System,
                new() { Members = 30, Inflation = Inflation.Additive(ErrorCovariance.Scalar(Sites, 0.01)) }),
        ["isolating particle filter"] = at =>
            at.Analysis.ParticleFilter(at.System,
                new() { Members = 200, Jitter = ParticleJitter.OfDuplicates(0.1), DivergenceHandling = DivergenceHandling.Isolate }),
    };

    private static Tensor Analyses(Func<Place, ITransformer> make, Place at)
    {
        using var inner = NewDisposeScope();
        using var cursor = make(at).Transform(at.View).OpenCursor();
        var all = new List<Tensor>();
        while (cursor.MoveNext())
        {
            Assert.Equal(at.Context.Device.type, cursor[Columns.Analysis].device_type);
            all.Add(cat([cursor[Columns.Forecast], cursor[Columns.Analysis]], -1).cpu().clone());
        }
        return stack(all).MoveToOuterDisposeScope();
    }

    [CudaFact]
    public void Analyses_are_those_of_the_processor()
    {
        Place here = Place.On("cpu"), there = Place.On("cuda");
        var failures = new List<string>();
        foreach (var (name, make) in WithoutDraws)
        {
            double apart = (Analyses(make, here) - Analyses(make, there)).abs().max().ToDouble();
            if (!(apart < 1e-6)) failures.Add($"{name}: {apart}");
        }
        Assert.Empty(failures);
    }

    [CudaFact]
    public void Methods_that_draw_follow_the_truth_there()
    {
        Place here = Place.On("cpu"), there = Place.On("cuda");
        double Rmse(Func<Place, ITransformer> make, Place at) => at.Context.Scores.Evaluate(make(at).Transform(at.View)).AnalysisRmse.Mean;
        foreach (var (name, make) in WithDraws)
            Assert.True(Rmse(make, there) < 1.5 * Rmse(make, here) + 0.05, name);
        Place stochastic = Place.On("cuda", modelError: true);
        double additive = Rmse(at => at.Analysis.AdditiveErrorIterativeEnsembleKalmanFilter(at.System, new() { Members = 30 }), stochastic);
        Assert.True(additive < 1, $"IEnKF-Q: {additive}");
    }

    [CudaFact]
    public void Scores_and_diagnostics_are_those_of_the_processor()
    {
        IScore[] scores = [new GaussianCrps(ScoredState.Analysis), new EnsembleCrps(ScoredState.Forecast),
            new LogDensityOfTruth(ScoredState.Analysis),
            new RankHistogramScore(ScoredState.Forecast), new SpreadSkillRatio(ScoredState.Analysis)];
        List<double> Figures(Place at)
        {
            var method = (SequentialAssimilation<EnsembleMemory>)WithoutDraws["ETKF, many members"](at);
            var report = at.Context.Scores.Evaluate(method.Transform(at.View), new ScoreOptions { BurnIn = 2, Scores = scores });
            List<double> figures = [report.AnalysisRmse.Mean, report.ForecastRmse.Mean, report.AnalysisSpread!.Mean];
            foreach (var score in scores)
            {
                var of = report.Figures(score);
                for (int i = 0; i < of.Count; i++) figures.Add(of[i].Mean);
            }
            return figures;
        }
        Place here = Place.On("cpu"), there = Place.On("cuda");
        foreach (var (expected,
            actual) in Figures(here).Zip(Figures(there))) Assert.Equal(expected, actual, 1e-6 * Math.Max(1, Math.Abs(expected)));

        var filter = (SequentialAssimilation<EnsembleMemory>)WithoutDraws["ETKF, many members"](there);
        using var cursor = there.Context.Transforms.KalmanGain(filter, there.Network).Transform(there.View).OpenCursor();
        Assert.True(cursor.MoveNext());
        foreach (var definition in there.Context.Transforms.KalmanGain(filter, there.Network).Contract.Adds)
            Assert.True(cursor[definition.Column].isfinite().all().ToBoolean(), definition.Column.ToString());
    }
}
