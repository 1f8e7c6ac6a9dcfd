using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// The estimator over memories other than one state: an ensemble, a state with a vector, a vector whose every map is learned.
/// </summary>
public sealed class LearnedTripleTests
{
    /// <summary>One gain for all members and sites, x + k H^T R^-1 (y - H x): the smallest network there is.</summary>
    private sealed class ScalarGain : nn.Module<Tensor, Tensor>
    {
        public Parameter Gain { get; }

        public ScalarGain() : base(nameof(ScalarGain))
        {
            Gain = new Parameter(zeros([1]));
            register_parameter("gain", Gain);
        }

        public override Tensor forward(Tensor scaledInnovation) => Gain * scaledInnovation;
    }

    private sealed class MemberwiseAnalyzer(nn.Module<Tensor, Tensor> network, IObservationNetwork observing) : IAnalyzer<EnsembleMemory>
    {
        public string Name => "memberwise";

        public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
        {
            var members = forecast.Members.unbind(1).Select(member =>
                member + network.call(AnalysisStatistics.ScaledInnovation(observing.Operator, observing.Error, member, observation)));
            return new(stack(members, 1));
        }
    }

    private static LearnedAnalysisEstimator<EnsembleMemory> Ensemble(SmallTwin twin, bool hasSpread,
        Action<TrainingHistory>? told = null) =>
        twin.Context.Analysis.Learned("memberwise", twin.Observing, (statistics, _) =>
        {
            var network = new ScalarGain();
            var triple = new AssimilationTriple<EnsembleMemory>(new MemberwiseAnalyzer(network, twin.Observing),
                new EnsemblePropagater(twin.Dynamics),
                new EnsembleProcoder(),
                new EnsembleSource(statistics.Climatology(twin.Context.Device), 3, twin.Context.Options.NetworkPrecision));
            return new LearnedTriple<EnsembleMemory>(network, triple, history =>
            {
                ModuleState.Freeze(network);
                told?.Invoke(history);
                return triple;
            });
        }, SmallTwin.Brief with { Steps = 120, LearningRate = 2e-2, ValidationInterval = 40 }, hasSpread);

    // Members that see the same observations come together, so this is optimal interpolation with a diagonal gain.
    [Fact]
    public void An_ensemble_is_learned_to_analyse()
    {
        var twin = new SmallTwin();
        TrainingHistory? told = null;
        var estimator = Ensemble(twin, hasSpread: true, history => told = history);
        var method = estimator.Fit(twin.Training, twin.Validation);
        Assert.Equal(120, told!.Steps.Count);
        double rmse = twin.Rmse(method);
        Assert.True(rmse < 0.6, $"{rmse}");
        Assert.Equal(told.Best!.ValidationError!.Value, rmse, 0.1);
        Assert.Equal(estimator.Contract.Adds.Select(added => added.Column), method.Contract.Adds.Select(added => added.Column));
    }

    [Fact]
    public void A_spread_that_was_not_announced_is_refused()
    {
        var twin = new SmallTwin();
        Assert.Contains("hasSpread",
            Assert.Throws<ArgumentException>(() => Ensemble(twin, hasSpread: false).Fit(twin.Training, twin.Validation)).Message);
    }

    /// <summary>Three maps of a data assimilation network (Boudier et al.), each linear.</summary>
    private sealed class ThreeMaps
        : nn.Module, IAnalyzer<VectorMemory>, IPropagater<VectorMemory>, IProcoder<VectorMemory>, IMemorySource<VectorMemory>
    {
        private readonly long size;
        private readonly Linear analyzer, propagater, procoder;

        public ThreeMaps(long size, long observations, long states, RandomStream random) : base(nameof(ThreeMaps))
        {
            this.size = size;
            analyzer = nn.Linear(size + observations, size);
            propagater = nn.Linear(size, size);
            procoder = nn.Linear(size, states);
            RegisterComponents();
            ModuleState.DrawWeights(this, random);
        }

        string IAnalyzer<VectorMemory>.Name => "linear";
        string IPropagater<VectorMemory>.Name => "linear";
        public bool HasSpread => false;
        public VectorMemory Analyze(VectorMemory forecast, Observation observation, RandomStream random) =>
            new(analyzer.call(cat([forecast.Vector, observation.Values.to(forecast.Vector.dtype)], 1)));
        public VectorMemory Propagate(VectorMemory analysis, TimeInterval interval, RandomStream random) =>
            new(propagater.call(analysis.Vector));
        public IDensity Decode(VectorMemory memory) => new DiracDensity(procoder.call(memory.Vector));
        public VectorMemory Start(long batch, RandomStream random) => new(zeros(batch, size));
    }

    [Fact]
    public void Analyzer_propagater_and_procoder_are_learned_together_with_a_cost_of_forecast_and_analysis()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        ThreeMaps? maps = null;
        Dictionary<string, Tensor>? first = null;
        var method = twin.Context.Analysis.Learned("three maps", twin.Observing, (_, random) =>
        {
            maps = new ThreeMaps(24, 12, 12, random);
            first = ModuleState.Copy(maps);
            Tensor Error(VectorMemory memory, ITrajectoryCursor cycle) =>
                (maps.Decode(memory).Mean - cycle[Columns.Truth].to(ScalarType.Float32)).square().mean([-1]);
            return new LearnedTriple<VectorMemory>(maps, new(maps, maps, maps, maps), _ =>
            {
                ModuleState.Freeze(maps);
                return new(maps, maps, maps, maps);
            })
            { Cost = (forecast, analysis, cycle) => Error(forecast, cycle) + Error(analysis, cycle) };
        }, SmallTwin.Brief with { Steps = 400, ValidationInterval = 100 }).Fit(twin.Training, twin.Validation);

        foreach (var (name, before) in first!) Assert.False(before.Equals(maps!.state_dict()[name]), name);
        var scores = twin.Context.Scores.Evaluate(method.Transform(twin.Test), new ScoreOptions { BurnIn = 60 });
        // The observations alone have an error of 1, and the climatology one of 3.6: all three maps have learned.
        Assert.True(scores.AnalysisRmse.Mean < 1.1, $"analysis {scores.AnalysisRmse.Mean}");
        Assert.True(scores.ForecastRmse.Mean < 1.5, $"forecast {scores.ForecastRmse.Mean}");
        ModuleState.Release(first);
    }
}
