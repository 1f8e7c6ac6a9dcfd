using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Trajectories that run side by side, one in each lane of a vector, are those that run alone, by propagater and analyzer, to the bit:
/// neither their number nor that of the threads changes a digit.
/// </summary>
[Collection(nameof(ThreadCounts))]
public sealed class SideBySideTests
{
    private const int Cycles = 50;
    private static readonly Column[] Compared = [Columns.Forecast, Columns.Analysis, Columns.ForecastSpread, Columns.AnalysisSpread];

    // The first rows of one ensemble, so that a trajectory starts from the same members however many there are.
    private sealed class Rows(Tensor all, long first) : IMemorySource<EnsembleMemory>
    {
        public EnsembleMemory Start(long batch, RandomStream random) => new(all.narrow(0, first, batch).clone());
    }

    private static SequentialAssimilation<EnsembleMemory> Method(IAnalyzer<EnsembleMemory> analyzer, Tensor start, long first = 0,
        SequentialAssimilationOptions? options = null)
    {
        var model = new Lorenz96();
        return new("filter", new(analyzer, new EnsemblePropagater(model), new EnsembleProcoder(), new Rows(start, first)),
            ((EnsembleAnalyzer)analyzer).Observes.StateDimension, ((EnsembleAnalyzer)analyzer).Observes.ObservationDimension,
            new DataAssimilationContext(seed: 5), options);
    }

    private static ITrajectoryView Part(MemoryTrajectoryView data, long first, long count) =>
        new MemoryTrajectoryView(new[] { Columns.Observation, Columns.ObservationMask }.Where(data.Schema.Has)
            .ToDictionary(column => column, column => data[column].narrow(1, first, count)), data.Times, data.StartTime);

    private static MemoryTrajectoryView Observations(IObservationNetwork network, long batch, ScalarType precision) =>
        new DataAssimilationContext(seed: 6).Data.Twin(new AssimilationSystem(new Lorenz96(), network) { Interval = 0.1 },
            new() { Batch = batch, Cycles = Cycles, Precision = precision }).Materialise();

    private static Tensor Ensembles(long batch, long members, ScalarType precision)
    {
        using var random = new RandomStream(7, "ensembles", CPU);
        return new AttractorInitialCondition(new Lorenz96(), 100).Draw(batch * members, random, precision).reshape(batch, members, 40);
    }

    private static bool TakesAll(IAnalyzer<EnsembleMemory> analyzer, Tensor start) =>
        ((ISideBySideAnalyzer<EnsembleMemory>)analyzer).SideBySide(new EnsemblePropagater(new Lorenz96()), new(start)) is not null;

    private static void IsEachAlone(IAnalyzer<EnsembleMemory> analyzer, MemoryTrajectoryView data, Tensor start, int threads,
        IEnumerable<long> compared)
    {
        long batch = start.size(0);
        ThreadCounts.With(threads, () =>
        {
            Assert.True(TakesAll(analyzer, start));
            Assert.False(TakesAll(analyzer, start[..1]));
            using var together = Method(analyzer, start).Transform(Part(data, 0, batch)).Materialise();
            foreach (long row in compared)
            {
                using var alone = Method(analyzer, start, row).Transform(Part(data, row, 1)).Materialise();
                foreach (var column in Compared)
                    Assert.True(together[column].narrow(1, row, 1).Equals(alone[column]), $"{column} of trajectory {row}");
            }
            return 0;
        });
    }

    public static TheoryData<string, int, int, bool, bool, int> Filters => new()
    {
        { "etkf", 20, 1, false, false, 1 }, { "etkf", 20, 1, false, false, 2 }, { "etkf", 17, 2, false, false, 3 },
        { "etkf", 13, 1, true, false, 2 }, { "etkf", 10, 1, false, true, 1 }, { "prior", 7, 1, true, false, 1 },
        { "enkf-n", 20, 1, false, false, 2 }, { "enkf-n", 40, 1, false, false, 1 }, { "prior", 24, 1, false, true, 1 },
        { "letkf", 7, 1, false, false, 2 }, { "letkf", 7, 2, true, false, 1 }, { "letkf", 30, 2, false, false, 2 },
        { "letkf", 12, 1, true, true, 3 },
    };

    [Theory]
    [MemberData(nameof(Filters))]
    public void Trajectories_together_are_those_alone(string filter, int members, int stride, bool masked, bool single, int threads)
    {
        using var scope = NewDisposeScope();
        var precision = single ? ScalarType.Float32 : ScalarType.Float64;
        var h = SubsetObservationOperator.Strided(40, stride);
        var r = ErrorCovariance.Scalar(h.ObservationDimension, 0.8);
        var network = new ObservationNetwork(h, r, masked ? new RandomDensityPattern(0.5, 1) : null);
        IAnalyzer<EnsembleMemory> analyzer = filter switch
        {
            "etkf" => new EnsembleTransformKalmanFilterAnalyzer(h, r, Inflation.StandardDeviation(1.03)),
            "prior" => new EnsembleTransformKalmanFilterAnalyzer(h, r, Inflation.ForgettingFactor(0.95)),
            "letkf" => new LocalEnsembleTransformKalmanFilterAnalyzer(h, r, new(LocalisationGeometry.Circle(40),
                LocalisationRadius.EFolding(4)), Inflation.StandardDeviation(1.05)),
            _ => new FiniteSizeEnsembleKalmanFilterAnalyzer(h, r),
        };
        // One more than whole groups, of 16 lanes in single precision and of 8 in double.
        long batch = (single ? 16 : 8) * (threads + 1) + 1;
        IsEachAlone(analyzer, Observations(network, batch, precision), Ensembles(batch, members, precision), threads,
            [0, 5, batch - 2, batch - 1]);
    }

    [Fact]
    public void Any_number_of_trajectories_gives_the_same_bits()
    {
        using var scope = NewDisposeScope();
        var h = new IdentityObservationOperator(40);
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(h, ErrorCovariance.Scalar(40, 1), Inflation.StandardDeviation(1.04));
        var data = Observations(ObservationNetwork.Full(40), 65, ScalarType.Float64);
        var start = Ensembles(65, 20, ScalarType.Float64);
        Tensor Of(long count, int threads) => ThreadCounts.With(threads,
            () => Method(analyzer, start).Transform(Part(data, 0, count)).Materialise()[Columns.Analysis]);
        var all = Of(65, 2);
        foreach (var (count, threads) in new[] { (1L, 1), (7, 1), (8, 1), (17, 2), (33, 4), (65, 1), (65, 4) })
            Assert.True(all.narrow(1, 0, count).Equals(Of(count, threads)), $"{count} trajectories on {threads} threads");
    }

    [Fact]
    public void The_memories_and_the_spreads_are_those_of_the_cycle()
    {
        using var scope = NewDisposeScope();
        var h = new IdentityObservationOperator(40);
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(h, ErrorCovariance.Scalar(40, 1));
        var data = Observations(ObservationNetwork.Full(40), 9, ScalarType.Float64);
        var start = Ensembles(9, 8, ScalarType.Float64);
        ThreadCounts.With(1, () =>
        {
            using var together = Method(analyzer, start).Run(Part(data, 0, 9));
            using var alone = Method(analyzer, start, 8).Run(Part(data, 8, 1));
            for (int cycle = 0; cycle < 5; cycle++)
            {
                Assert.True(together.MoveNext() && alone.MoveNext());
                Assert.True(together.Forecast.Members[8].Equals(alone.Forecast.Members[0]));
                Assert.True(together.Analysis.Members[8].Equals(alone.Analysis.Members[0]));
                Assert.True(together[Columns.AnalysisSpread].Equals(together.AnalysisDensity.StandardDeviation));
                Assert.True(together[Columns.ForecastSpread].Equals(together.ForecastDensity.StandardDeviation));
                Assert.True(together[Columns.Analysis].Equals(together.AnalysisDensity.Mean));
                using var later = together.Predict(together.Time + 0.1).Members;
                using var laterAlone = alone.Predict(alone.Time + 0.1).Members;
                Assert.True(later[8].Equals(laterAlone[0]));
            }
            return 0;
        });
    }

    [Fact]
    public void Cycles_that_the_lanes_refuse_go_by_propagater_and_analyzer()
    {
        using var scope = NewDisposeScope();
        var h = SubsetObservationOperator.Strided(40, 2);
        var r = ErrorCovariance.Scalar(20, 1);
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(h, r, Inflation.StandardDeviation(1.5));
        using var complete = Observations(new ObservationNetwork(h, r, new RandomDensityPattern(0.9, 1)), 11, ScalarType.Float64);
        // Nothing observed of one trajectory in some cycles; everywhere, an inflation that lifts the spread beyond its bound.
        var mask = complete[Columns.ObservationMask].clone();
        mask[10, 3] = tensor(false);
        mask[11, 3] = tensor(false);
        var columns = new Dictionary<Column, Tensor>
            { [Columns.Observation] = complete[Columns.Observation], [Columns.ObservationMask] = mask };
        var data = new MemoryTrajectoryView(columns, complete.Times, complete.StartTime);
        IsEachAlone(analyzer, data, Ensembles(11, 6, ScalarType.Float64), 1, [2, 3, 10]);
    }

    [Fact]
    public void A_trajectory_that_diverges_is_isolated_and_the_others_stay_the_same()
    {
        using var scope = NewDisposeScope();
        var h = new IdentityObservationOperator(40);
        var analyzer = new EnsembleTransformKalmanFilterAnalyzer(h, ErrorCovariance.Scalar(40, 1), Inflation.StandardDeviation(1.02));
        var data = Observations(ObservationNetwork.Full(40), 9, ScalarType.Float64);
        var start = Ensembles(9, 12, ScalarType.Float64);
        var bad = start.clone();
        bad[4] *= 1e6;
        var isolating = new SequentialAssimilationOptions { DivergenceHandling = DivergenceHandling.Isolate };
        ThreadCounts.With(1, () =>
        {
            using var expected = Method(analyzer, start).Transform(Part(data, 0, 9)).Materialise();
            using var found = Method(analyzer, bad, options: isolating).Transform(Part(data, 0, 9)).Materialise();
            foreach (long row in new[] { 0L, 3, 5, 8 })
                Assert.True(found[Columns.Analysis].narrow(1, row, 1).Equals(expected[Columns.Analysis].narrow(1, row, 1)));
            Assert.True(found[Columns.Diverged][Cycles - 1, 4].ToBoolean());
            Assert.Equal(1, found[Columns.Diverged][Cycles - 1].sum().ToInt64());
            Assert.Contains("(trajectory 4)",
                Assert.Throws<DivergenceException>(() => Method(analyzer, bad).Transform(Part(data, 0, 9)).Materialise()).Message);
            return 0;
        });
    }
}
