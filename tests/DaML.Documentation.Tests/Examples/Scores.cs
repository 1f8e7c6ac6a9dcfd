using static TorchSharp.torch;

namespace DaML.Tests;

// <score>
sealed class LargestError : IScore
{
    public string Name => "largest error";
    public IReadOnlyList<Column> Requires => [Columns.Analysis, Columns.Truth];
    public Tensor Of(ScoredCycle cycle) => (cycle.State(ScoredState.Analysis) - cycle.Truth).abs().amax([1]);
}
// </score>

static class Scoring
{
    public static ScoreReport Run(DataAssimilationContext context, IObservationNetwork network, ITrajectoryView twin,
        SequentialAssimilation<EnsembleMemory> filter, TextWriter output)
    {
        // <evaluate>
        var chiSquare = new InnovationChiSquare(network);
        var largest = new LargestError();    // below
        var crps = new EnsembleCrps(ScoredState.Analysis);
        var ranks = new RankHistogramScore(ScoredState.Forecast);
        var report = context.Scores.Evaluate(filter.Transform(twin),
            new() { BurnIn = 200, Scores = [chiSquare, largest, crps, ranks] });
        output.WriteLine(
            $"RMSE {report.AnalysisRmse}, CRPS {report[crps]}, chi-square {report[chiSquare]}, largest error " +
                $"{report[largest]}");
        output.WriteLine(
            $"flat with probability {report.Of(ranks).Probability:f2}: {report.Of(ranks).ToFigure().ToSvg()}");
        // </evaluate>
        return report;
    }

    public static ScoreReport Track(DataAssimilationContext context, IDynamics dynamics, IObservationNetwork network,
        ITrajectoryView twin, SequentialAssimilation<EnsembleMemory> filter, TextWriter output)
    {
        // <track>
        var climate =
            StateClimatology.Measure(
                context.Data.Twin(new AssimilationSystem(dynamics, network),
                    new() { Stream = "climate", Batch = 64 }), cycles: 1000);
        var bounds = TruthBounds.Of(network, climate.Mean, climate.Covariance);
        var tracked = context.Scores.Evaluate(filter.Transform(twin),
            new() { BurnIn = 200, LostTruthBound = bounds.Found, TruthBounds = bounds });
        output.WriteLine(
            $"median {tracked.AnalysisRmse.Median:f3}, tracked {tracked.Tracking!.TrackedRmse:f3}, " +
                $"{tracked.Tracking.LossesPer1000Cycles:f1} losses in 1,000 cycles");
        // </track>
        return tracked;
    }
}
