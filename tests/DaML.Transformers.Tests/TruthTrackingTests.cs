using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The median over trajectories, the error while the truth is tracked, and how often and how long it is lost.</summary>
public sealed class TruthTrackingTests
{
    private readonly DataAssimilationContext context = new(5);

    // One component; each row the analysis errors of a trajectory.
    private MemoryTrajectoryView View(params double[][] errors)
    {
        using var scope = NewDisposeScope();
        int batch = errors.Length, cycles = errors[0].Length;
        var analysis = tensor(errors.SelectMany(row => row).ToArray(), batch, cycles).mT.unsqueeze(-1).contiguous();
        return context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Truth] = zeros_like(analysis), [Columns.Analysis] = analysis },
                [.. Enumerable.Range(1, cycles).Select(i => (double)i)]);
    }

    [Fact]
    public void Losses_begin_above_one_bound_and_end_below_the_other()
    {
        using var view = View(
            [9, 1, 1, 5, 3, 2, 1, 1, 6, 1],      // lost in the burn-in; at cycle 3 for three cycles (3 is between the bounds), at 8 for one
            [9, 9, 9, 9, 9, 9, 9, 9, 9, 9],      // never tracked
            [1, 1, 3, 3, 1, 1, 1, 1, 1, 8]);     // 3 is no loss; lost at the end
        var report = context.Scores.Evaluate(view, new() { BurnIn = 1, TruthBounds = new(Lost: 4, Found: 2) });
        var tracking = report.Tracking!;
        Assert.Equal((1L, 2L), (tracking.NeverTracked, tracking.LostAtEnd));
        Assert.Equal(4, tracking.Losses);                            // two, one, one
        Assert.Equal(2 + 1 + 9 + 1, tracking.LostCycles);            // at an error of 2 it is found again
        Assert.Equal(27 - 13, tracking.TrackedCycles);
        Assert.Equal((1 + 1 + 2 + 1 + 1 + 1 + (1 + 3 + 3 + 1 + 1 + 1 + 1 + 1)) / 14.0, tracking.TrackedRmse, 14);
        Assert.Equal(4000.0 / 27, tracking.LossesPer1000Cycles, 12);
        Assert.Equal(13 / 4.0, tracking.MeanLossLength, 14);
        Assert.Equal(13 / 27.0, tracking.LostShare, 14);
        Assert.Equal(0, report.Divergences);                         // bounds leave nothing out of the averages
    }

    [Fact]
    public void The_median_over_trajectories_is_not_moved_by_one_that_is_lost()
    {
        using var view = View([0.2, 0.2], [0.22, 0.22], [0.18, 0.18], [4, 4]);
        var report = context.Scores.Evaluate(view);
        Assert.Equal(1.15, report.AnalysisRmse.Mean, 12);
        Assert.Equal(0.21, report.AnalysisRmse.Median, 12);
        Assert.Null(report.Tracking);
        var bounded = context.Scores.Evaluate(view, new() { LostTruthBound = 1 });
        Assert.Equal((1L, 1L), (bounded.LostTruths, bounded.Divergences));
        Assert.Equal(0.2, bounded.AnalysisRmse.Mean, 12);
        Assert.Equal(0.21, bounded.AnalysisRmse.Median, 12);         // over all that did not diverge
        Assert.Equal(new TruthBounds(1, 1), bounded.Tracking!.Bounds);
        Assert.Equal(1, bounded.Tracking.NeverTracked);
    }

    [Fact]
    public void What_diverged_counts_for_neither()
    {
        using var scope = NewDisposeScope();
        var analysis = ones(4, 2, 1, dtype: ScalarType.Float64);
        analysis[TensorIndex.Ellipsis, 1, TensorIndex.Colon] = 50;
        var flag = zeros(4, 2, dtype: ScalarType.Bool);
        flag[3, 1] = true;
        using var view =
            context.Data.FromMemory(new Dictionary<Column, Tensor>
                { [Columns.Truth] = zeros_like(analysis), [Columns.Analysis] = analysis, [Columns.Diverged] = flag }, [1, 2, 3, 4]);
        var report = context.Scores.Evaluate(view, new() { TruthBounds = new(4, 2) });
        Assert.Equal((1L, 0L), (report.Divergences, report.LostTruths));
        Assert.Equal((1.0, 0L, 4L), (report.AnalysisRmse.Median, report.Tracking!.Losses, report.Tracking.TrackedCycles));
    }

    // Independent components of variance 9, half of them observed with errors of variance 1: 1 / (1/9 + 1) there, 9 elsewhere.
    [Fact]
    public void The_bounds_suit_the_network()
    {
        using var scope = NewDisposeScope();
        Tensor mean = zeros(4, dtype: ScalarType.Float64), covariance = 9 * eye(4, dtype: ScalarType.Float64);
        TruthBounds Of(IObservationOperator h) =>
            TruthBounds.Of(new ObservationNetwork(h, ErrorCovariance.Scalar(h.ObservationDimension, 1)), mean, covariance);
        var (lost, found) = Of(new IdentityObservationOperator(4));
        Assert.Equal(Math.Sqrt(0.9), found, 12);
        Assert.Equal((3 + found) / 2, lost, 12);
        var half = Of(new SubsetObservationOperator(4, 0L, 2L));
        Assert.Equal(Math.Sqrt((0.9 + 9) / 2), half.Found, 12);
        Assert.Throws<ArgumentException>(() =>
            TruthBounds.Of(new ObservationNetwork(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1)), mean, covariance));
    }

    [Fact]
    public void Bounds_out_of_order_are_refused()
    {
        using var view = View([1, 1]);
        foreach (var bounds in (TruthBounds[])[new(1, 2), new(1, 0), new(double.NaN, 1)])
            Assert.Throws<ArgumentOutOfRangeException>(() => context.Scores.Evaluate(view, new() { TruthBounds = bounds }));
    }

    // A function of figures a hundred orders of magnitude below one has the standard error of the same figures in another unit.
    [Fact]
    public void The_standard_error_of_a_ratio_does_not_depend_on_the_unit()
    {
        TimeAverage Ratio(double unit)
        {
            using var scope = NewDisposeScope();
            using var random = context.Random("ratio");
            Tensor truth = unit * random.Normal([40, 2, 3], ScalarType.Float64),
                analysis = unit * random.Normal([40, 2, 3], ScalarType.Float64),
                spread = unit * (1 + random.Normal([40, 2, 3], ScalarType.Float64).abs());
            using var view =
                context.Data.FromMemory(new Dictionary<Column, Tensor>
                    { [Columns.Truth] = truth, [Columns.Analysis] = analysis, [Columns.AnalysisSpread] = spread },
                        [.. Enumerable.Range(1, 40).Select(i => (double)i)]);
            var score = new SpreadSkillRatio(ScoredState.Analysis);
            return context.Scores.Evaluate(view, new() { Scores = [score] }).Of(score);
        }
        var expected = Ratio(1);
        foreach (double unit in (double[])[1e-12, 1e12])
        {
            Assert.Equal(1, Ratio(unit).Mean / expected.Mean, 1e-12);
            Assert.Equal(1, Ratio(unit).StandardError / expected.StandardError, 1e-6);
        }
    }
}
