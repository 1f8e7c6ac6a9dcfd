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

    private sealed record Place(DataAssimilationContext Context, Lorenz96 Model, ObservationNetwork Network, IInitialCondition Start, MemoryTrajectoryView View)
    {
        public AnalysisCatalog Analysis => Context.Analysis;

        public static Place On(string device, bool modelError = false)
        {
            var here = new DataAssimilationContext(seed: 3);
            var start = new SameDraws(0.3);
            var twin = here.Data.Twin(new Lorenz96(Sites), here.Observations.Random(new Lorenz96(Sites), 0.7), new TwinExperimentOptions { Batch = Batch, Cycles = Cycles, Initial = start });
            using var recorded = twin.Materialise();
            var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 3, Device = device });
            var model = context.Dynamics.Lorenz96(Sites, modelError: modelError ? ErrorCovariance.Scalar(Sites, 0.01) : null);
            var view = new MemoryTrajectoryView(recorded.Schema.Definitions.ToDictionary(definition => definition.Column, definition => recorded[definition.Column].clone().to(context.Device)),
                [.. Enumerable.Range(1, Cycles).Select(cycle => cycle * model.TimeStep)], 0);
            return new(context, model, context.Observations.Random(model, 0.7), start, view);
        }

        public EnsembleFilterOptions Ensemble(Inflation? inflation = null, long members = 10) => new() { Members = members, Initial = Start, Inflation = inflation ?? Inflation.StandardDeviation(1.05) };

        public IErrorCovariance Background()
        {
            var apart = (arange(Sites, dtype: ScalarType.Float64).unsqueeze(0) - arange(Sites, dtype: ScalarType.Float64).unsqueeze(1)).abs();
            return ErrorCovariance.Full(0.2 * (-minimum(apart, Sites - apart).square() / 2).exp());
        }

        public GaussianInitialCondition Gaussian() => new(Start.Draw(1, Context.Random("mean"), ScalarType.Float64).squeeze(0), ErrorCovariance.Scalar(Sites, 0.1));
    }

    private static Dictionary<string, Func<Place, ITransformer>> WithoutDraws { get; } = new()
    {
        ["ETKF, few members"] = at => at.Analysis.EnsembleTransformKalmanFilter(at.Model, at.Network, new EnsembleTransformKalmanFilterOptions { Members = 10, Initial = at.Start }).Transformer,
        ["ETKF, many members"] = at => at.Analysis.EnsembleTransformKalmanFilter(at.Model, at.Network, new EnsembleTransformKalmanFilterOptions { Members = 40, Initial = at.Start }).Transformer,
        ["EnKF-N, dual"] = at => at.Analysis.FiniteSizeEnsembleKalmanFilter(at.Model, at.Network, new FiniteSizeEnsembleKalmanFilterOptions { Members = 10, Initial = at.Start }).Transformer,
        ["EnKF-N, primal"] = at => at.Analysis.FiniteSizeEnsembleKalmanFilter(at.Model, at.Network, new FiniteSizeEnsembleKalmanFilterOptions { Members = 10, Initial = at.Start, Form = FiniteSizeForm.Primal }).Transformer,
        ["EnKF-N, exact Hessian"] = at => at.Analysis.FiniteSizeEnsembleKalmanFilter(at.Model, at.Network, new FiniteSizeEnsembleKalmanFilterOptions { Members = 10, Initial = at.Start, Form = FiniteSizeForm.PrimalExactHessian }).Transformer,
        ["DEnKF"] = at => at.Analysis.DeterministicEnsembleKalmanFilter(at.Model, at.Network, at.Ensemble()).Transformer,
        ["serial EnSRF"] = at => at.Analysis.SerialSquareRootFilter(at.Model, at.Network, at.Ensemble()).Transformer,
        ["LETKF"] = at => at.Analysis.LocalEnsembleTransformKalmanFilter(at.Model, at.Network, new LocalEnsembleTransformKalmanFilterOptions
        {
            Members = 10, Initial = at.Start, Localisation = new(LocalisationGeometry.Circle(Sites), LocalisationRadius.EFolding(4)), Inflation = Inflation.StandardDeviation(1.05),
        }).Transformer,
        ["relaxation"] = at => at.Analysis.DeterministicEnsembleKalmanFilter(at.Model, at.Network, at.Ensemble(Inflation.RelaxationToPriorSpread(0.3))).Transformer,
        ["adaptive inflation"] = at => at.Analysis.AdaptiveInflation(at.Analysis.DeterministicEnsembleKalmanFilter(at.Model, at.Network, at.Ensemble(Inflation.None)), at.Network).Transformer,
        ["IEnKF"] = at => at.Analysis.IterativeEnsembleKalmanSmoother(at.Model, at.Network, new IterativeEnsembleKalmanSmootherOptions { Members = 10, Initial = at.Start, Inflation = Inflation.StandardDeviation(1.05) }).Transformer,
        ["IEnKS-N"] = at => at.Analysis.IterativeEnsembleKalmanSmoother(at.Model, at.Network, new IterativeEnsembleKalmanSmootherOptions
        {
            Members = 10, Initial = at.Start, Window = WindowCycling.Overlapping(3), Prior = FiniteSizePrior.DiracJeffreys(),
        }).Transformer,
        ["extended Kalman filter"] = at => at.Analysis.ExtendedKalmanFilter(at.Model, at.Network, at.Gaussian(), new KalmanFilterOptions { CovarianceGrowthPerTimeUnit = 10 }).Transformer,
        ["optimal interpolation"] = at => at.Analysis.OptimalInterpolation(at.Network, at.Gaussian()).Transformer,
        ["3D-Var"] = at => at.Analysis.ThreeDimensionalVariational(at.Model, at.Network, at.Background(), new ThreeDimensionalVariationalOptions { Initial = at.Start }).Transformer,
        ["4D-Var"] = at => at.Analysis.FourDimensionalVariational(at.Model, at.Network, at.Background(), WindowCycling.Overlapping(3), new FourDimensionalVariationalOptions { Initial = at.Start }).Transformer,
    };

    private static Dictionary<string, Func<Place, ITransformer>> WithDraws { get; } = new()
    {
        ["stochastic EnKF"] = at => at.Analysis.StochasticEnsembleKalmanFilter(at.Model, at.Network, at.Ensemble(members: 40)).Transformer,
        ["ETKF, rotated"] = at => at.Analysis.EnsembleTransformKalmanFilter(at.Model, at.Network, new EnsembleTransformKalmanFilterOptions { Members = 30, Initial = at.Start, Rotation = EnsembleRotation.MeanPreserving }).Transformer,
        ["additive inflation"] = at => at.Analysis.DeterministicEnsembleKalmanFilter(at.Model, at.Network, at.Ensemble(Inflation.Additive(ErrorCovariance.Scalar(Sites, 0.01)), 30)).Transformer,
        ["isolating particle filter"] = at => at.Analysis.ParticleFilter(at.Model, at.Network, new ParticleFilterOptions
        {
            Members = 200, Initial = at.Start, Jitter = ParticleJitter.OfDuplicates(0.1), DivergenceHandling = DivergenceHandling.Isolate,
        }).Transformer,
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
        double additive = Rmse(at => at.Analysis.AdditiveErrorIterativeEnsembleKalmanFilter(at.Model, at.Network,
            new AdditiveErrorEnsembleKalmanFilterOptions { Members = 30, Initial = at.Start }).Transformer, stochastic);
        Assert.True(additive < 1, $"IEnKF-Q: {additive}");
    }

    [CudaFact]
    public void Scores_and_diagnostics_are_those_of_the_processor()
    {
        IScore[] scores = [new GaussianCrps(ScoredState.Analysis), new EnsembleCrps(ScoredState.Forecast), new LogDensityOfTruth(ScoredState.Analysis),
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
        foreach (var (expected, actual) in Figures(here).Zip(Figures(there))) Assert.Equal(expected, actual, 1e-6 * Math.Max(1, Math.Abs(expected)));

        var filter = (SequentialAssimilation<EnsembleMemory>)WithoutDraws["ETKF, many members"](there);
        using var cursor = there.Context.Transforms.KalmanGain(filter, there.Network).Transformer.Transform(there.View).OpenCursor();
        Assert.True(cursor.MoveNext());
        foreach (var definition in there.Context.Transforms.KalmanGain(filter, there.Network).Transformer.Contract.Adds)
            Assert.True(cursor[definition.Column].isfinite().all().ToBoolean(), definition.Column.ToString());
    }
}
