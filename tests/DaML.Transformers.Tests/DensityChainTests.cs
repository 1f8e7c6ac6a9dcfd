using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A method's densities go along through the steps behind it, as long as these stay in its state space.</summary>
public sealed class DensityChainTests
{
    private readonly DataAssimilationContext context = new(31);

    /// <summary>Gives a column another's values plus a shift.</summary>
    private sealed class Shifted(Column from, Column into, double by)
        : CycleTransformer($"shift of {into}",
            new SchemaContract([new(from, ColumnDefinition.AnySize)], [new(into, ColumnDefinition.AnySize)]))
    {
        protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle) => [cycle[from] + by];
    }

    private (ITrajectoryView View, ObservationNetwork Network, SequentialAssimilation<EnsembleMemory> Filter) Ensemble(int members)
    {
        var model = new Lorenz63();
        var network = new ObservationNetwork(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1));
        var start = new AttractorInitialCondition(model, 10);
        var filter = new SequentialAssimilation<EnsembleMemory>("etkf", new(
            new EnsembleTransformKalmanFilterAnalyzer(network.Operator, network.Error), new EnsemblePropagater(model),
            new EnsembleProcoder(), new EnsembleSource(start, members, ScalarType.Float64)), network, context);
        var system = new AssimilationSystem(model, network) { Interval = 0.1, Initial = start };
        return (context.Data.Twin(system, new() { Batch = 3, Cycles = 30 }), network, filter);
    }

    private static double[] All(ScoreReport report, IReadOnlyList<IScore> scores) =>
        [.. scores.SelectMany(score => Enumerable.Range(0, report.Figures(score).Count)
            .SelectMany(figure => report.Figures(score)[figure].PerTrajectory.Append(report.Figures(score)[figure].StandardError)))];

    [Fact]
    public void Scores_of_densities_are_the_same_to_the_bit_behind_appended_steps_and_Take()
    {
        var (twin, network, filter) = Ensemble(6);
        IScore[] scores = [new CrossEntropy(), new LogLikelihood(network), new InnovationChiSquare(network),
            new EnsembleCrps(ScoredState.Forecast), new RankHistogramScore(ScoredState.Analysis),
            new LogDensityOfTruth(ScoredState.Analysis)];
        double[] Of(ITrajectoryView view) => All(context.Scores.Evaluate(view, new() { Scores = scores }), scores);
        double[] expected = Of(filter.Transform(twin));
        Assert.DoesNotContain(expected, double.IsNaN);
        var kept = new Shifted(Columns.Analysis, new Column("shifted"), 1);
        var chain = filter.Append(kept).Append(new Shifted(new Column("shifted"), new Column("again"), 2));
        foreach (var view in (ITrajectoryView[])[chain.Transform(twin), filter.Transform(twin).Take(30),
            chain.Transform(twin.Take(30)).Take(1000), kept.Transform(filter.Transform(twin).Take(30)),
            filter.Transform(twin).ObservedBy((_, _) => null),
            new FixedIntervalSmoother<EnsembleMemory>("smoother", filter, new EnsembleSmootherStep()).Transform(twin)])
            Assert.Equal(expected, Of(view));
    }

    [Fact]
    public void A_step_that_leaves_the_state_space_passes_no_densities_on()
    {
        var (twin, _, filter) = Ensemble(6);
        foreach (var column in (Column[])[Columns.Truth, Columns.Observation, Columns.Forecast, Columns.Analysis])
        {
            var view = filter.Append(new Shifted(column, column, 1)).Transform(twin);
            foreach (var cycle in view.Take(2)) Assert.True(cycle.ForecastDensity is null && cycle.AnalysisDensity is null);
            string message = Assert.Throws<SchemaException>(() =>
                context.Scores.Evaluate(view, new() { Scores = [new CrossEntropy()] })).Message;
            Assert.Contains("'cross-entropy' needs the method's densities", message);
            Assert.Contains("a step after the method changes", message);
        }
        foreach (var cycle in twin.Take(2)) Assert.Null(cycle.ForecastDensity);
        // A second method behind the first has its own.
        var twice = filter.Append(new Shifted(Columns.Observation, Columns.Observation, 0)).Append(filter);
        foreach (var cycle in twice.Transform(twin).Take(2))
            Assert.Equal(cycle[Columns.Analysis].ToArray<double>(), cycle.AnalysisDensity!.Mean.ToArray<double>());
    }
}
