using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Scores and their standard errors where they are known exactly.</summary>
public sealed class ScoreStatisticsTests
{
    private static readonly Column Series = new("series");
    private readonly DataAssimilationContext context = new(37);

    // Every column of a cycle as figures.
    private sealed class Raw(string name = "raw") : IScore
    {
        public string Name => name;
        public IReadOnlyList<Column> Requires => [Series];
        public Tensor Of(ScoredCycle cycle) => cycle[Series].alias();
    }

    private MemoryTrajectoryView View(Tensor values) => context.Data.FromMemory(new Dictionary<Column, Tensor> { [Series] = values },
        [.. Enumerable.Range(1, (int)values.shape[0]).Select(i => (double)i)]);

    // Stationary x_t = phi x_(t-1) + sqrt(1 - phi^2) e_t of variance one, [cycles, batch, series].
    private Tensor Autoregressive(double phi, long cycles, long batch, long series, string stream)
    {
        using var random = context.Random(stream);
        using var scope = NewDisposeScope();
        var noise = random.Normal([cycles, batch, series], ScalarType.Float64);
        var x = noise[0].clone();
        var all = empty([cycles, batch, series], dtype: ScalarType.Float64);
        for (long t = 0; t < cycles; t++)
        {
            if (t > 0) x = phi * x + Math.Sqrt(1 - phi * phi) * noise[t];
            all[t] = x;
        }
        return all.MoveToOuterDisposeScope();
    }

    // The variance of the mean of n such numbers.
    private static double Exact(double phi, double n) =>
        ((1 + phi) / (1 - phi) - 2 * phi * (1 - Math.Pow(phi, n)) / (n * (1 - phi) * (1 - phi))) / n;

    [Theory]
    [InlineData(0.0, 3000, 1)]
    [InlineData(0.9, 3000, 1)]
    [InlineData(0.97, 3000, 4)]    // blocks of 32, an autocorrelation time of 66
    [InlineData(0.5, 100, 2)]      // fewer cycles than blocks
    [InlineData(-0.5, 1000, 1)]
    public void Standard_errors_of_an_autoregressive_process_are_those_known(double phi, int cycles, int batch)
    {
        const int replicates = 300;
        using var scope = NewDisposeScope();
        using var view = View(Autoregressive(phi, cycles, batch, replicates, $"ar {phi}"));
        var score = new Raw();
        var figures = context.Scores.Evaluate(view, new ScoreOptions { Scores = [score] }).Figures(score);
        Assert.Equal(replicates, figures.Count);
        var averages = Enumerable.Range(0, replicates).Select(k => figures[k]).ToList();
        double exact = Exact(phi, cycles) / batch;
        // The variance over replicates of the means themselves is the exact one (its own error is sqrt(2 / 300) = 8 %) ...
        Assert.InRange(averages.Average(average => average.Mean * average.Mean) / exact, 0.7, 1.3);
        // ... and so is what each replicate says of itself, in the mean and as confidence intervals.
        Assert.InRange(averages.Average(average => average.StandardError * average.StandardError) / exact, 0.85, 1.15);
        Assert.InRange(averages.Count(average => Math.Abs(average.Mean) < 1.96 * average.StandardError) / (double)replicates, 0.88, 0.98);
    }

    [Fact]
    public void Autocorrelation_time_and_effective_samples_are_those_known()
    {
        using var scope = NewDisposeScope();
        using var view = View(Autoregressive(0.8, 20_000, 2, 1, "time").squeeze(-1));
        var score = new Raw();
        var average = context.Scores.Evaluate(view, new ScoreOptions { Scores = [score] })[score];
        Assert.InRange(average.AutocorrelationTime, 7, 11);    // (1 + 0.8) / (1 - 0.8) = 9
        Assert.Equal(40_000, average.EffectiveSamples * average.AutocorrelationTime, 1);
    }

    [Fact]
    public void What_is_kept_of_a_series_is_bounded_and_averages_are_of_all()
    {
        using var scope = NewDisposeScope();
        var values = arange(1000, dtype: ScalarType.Float64).reshape(1000, 1).repeat(1, 3);
        values[7, 1] = double.NaN;    // nothing to score
        var score = new Raw();
        var view = new Streamed(values);
        var report = context.Scores.Evaluate(view, new ScoreOptions { Scores = [score], SeriesCycles = 12, BurnIn = 4 });
        Assert.Equal(Enumerable.Range(0, 12).Select(i => (double)i), report[score].PerCycle);
        Assert.Equal([501.5, (501.5 * 996 - 7) / 995, 501.5], report[score].PerTrajectory.Select(mean => Math.Round(mean, 9)),
            (a, b) => Math.Abs(a - b) < 1e-8);
        Assert.Equal(996, report.Cycles);
        Assert.Empty(context.Scores.Evaluate(view, new ScoreOptions { Scores = [score], SeriesCycles = 0 })[score].PerCycle);
    }

    // A view of values that a view in memory would refuse.
    private sealed class Streamed(Tensor values) : ITrajectoryView
    {
        public TrajectorySchema Schema => new(values.shape[1], new ColumnDefinition(Series));
        public long? CycleCount => values.shape[0];
        public double? StartTime => 0;
        public ITrajectoryCursor OpenCursor() => new Cursor(values);

        private sealed class Cursor(Tensor values) : TrajectoryCursor(null)
        {
            public override double Time => Cycle + 1;
            protected override bool Compute(long cycle)
            {
                if (cycle >= values.shape[0]) return false;
                Set(Series, values[cycle]);
                return true;
            }
        }
    }

    [Fact]
    public void Gaussian_CRPS_is_the_integral_that_defines_it()
    {
        using var scope = NewDisposeScope();
        foreach (var (m, s, x) in new[] { (0.0, 1.0, 0.0), (0.3, 0.7, 1.9), (-1, 2.5, -6), (0, 1e-3, 0.4) })
        {
            // integral of (F(y) - 1{y >= x})^2 by the midpoint rule on either side of x
            double low = Math.Min(x, m - 12 * s), high = Math.Max(x, m + 12 * s);
            double Integral(double from, double to, double step)
            {
                const int points = 200_000;
                var y = from + (to - from) / points * (arange(points, dtype: ScalarType.Float64) + 0.5);
                var f = 0.5 * (1 + ((y - m) / (s * Math.Sqrt(2))).erf());
                return ((f - step).square().sum() * ((to - from) / points)).ToDouble();
            }
            double expected = Integral(low, x, 0) + Integral(x, high, 1);
            Assert.Equal(expected, GaussianCrps.Of(tensor(m), tensor(s), tensor(x)).ToDouble(), 6);
        }
        Assert.Equal(0.75, GaussianCrps.Of(tensor(1.0), tensor(0.0), tensor(0.25)).ToDouble());
    }

    [Fact]
    public void Ensemble_CRPS_is_its_double_sum_and_the_fair_one_does_not_depend_on_the_number_of_members()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("crps");
        var members = random.Normal([3, 5, 4], ScalarType.Float64);
        var truth = random.Normal([3, 4], ScalarType.Float64);
        var error = (members - truth.unsqueeze(1)).abs().mean([1]);
        var pairs = (members.unsqueeze(1) - members.unsqueeze(2)).abs().sum([1, 2]);
        Compare.Close(error - pairs / 50, EnsembleCrps.Of(members, truth, EnsembleCrpsKind.Empirical), 1e-13);
        Compare.Close(error - pairs / 40, EnsembleCrps.Of(members, truth, EnsembleCrpsKind.Fair), 1e-13);

        // Weighted particles: equal weights are none, and a doubled weight is a member that is there twice.
        foreach (var kind in Enum.GetValues<EnsembleCrpsKind>())
            Compare.Close(EnsembleCrps.Of(members, truth, kind),
                EnsembleCrps.OfParticles(members, full([3, 5], 0.2, dtype: ScalarType.Float64), truth, kind), 1e-12);
        var twice = cat([members, members[TensorIndex.Colon, TensorIndex.Slice(2, 3)]], 1);
        var weights = tensor(new[] { 1.0, 1, 2, 1, 1 }).expand(3, 5) / 6;
        Compare.Close(EnsembleCrps.Of(twice, truth, EnsembleCrpsKind.Empirical),
            EnsembleCrps.OfParticles(members, weights, truth, EnsembleCrpsKind.Empirical), 1e-12);

        // Members and truth of N(0, 1): the expected score of that distribution is 1 / sqrt(pi).
        foreach (long n in new[] { 2, 3, 10 })
        {
            var fair = EnsembleCrps.Of(random.Normal([40_000, n, 1], ScalarType.Float64), random.Normal([40_000, 1], ScalarType.Float64),
                EnsembleCrpsKind.Fair);
            double standardError = fair.std().ToDouble() / 200;
            Assert.InRange(Math.Abs(fair.mean().ToDouble() - 1 / Math.Sqrt(Math.PI)) / standardError, 0, 4);
        }
        var many = EnsembleCrps.Of(random.Normal([1, 200_000, 1], ScalarType.Float64), full([1, 1], 0.6, dtype: ScalarType.Float64),
            EnsembleCrpsKind.Empirical);
        Assert.InRange(many.ToDouble() - GaussianCrps.Of(tensor(0.0), tensor(1.0), tensor(0.6)).ToDouble(), -0.005, 0.005);
    }

    [Fact]
    public void Ranks_count_from_below_and_ties_in_equal_parts()
    {
        using var scope = NewDisposeScope();
        var members = tensor(new double[,,] { { { 1, 1, 1 }, { 3, 2, 1 }, { 5, 2, 1 } } });    // three members, three components
        var ranks = RankHistogramScore.Ranks(members, tensor(new double[,] { { 4, 2, 0 } }));
        // component 0: two below; component 1: one below, two equal; component 2: none below
        Compare.Close(tensor(new[,] { { 1.0, 1 / 3.0, 1 + 1 / 3.0, 1 / 3.0 } }) / 3, ranks, 1e-14);
    }

    // Truth and members about a mean that wanders; the members' spread is a factor of the truth's.
    private sealed class Calibrated(DataAssimilationContext context, long batch, long cycles, long members, long n, double factor)
        : ITrajectoryView
    {
        public TrajectorySchema Schema =>
            new(batch, new(Columns.Truth, n), new(Columns.Analysis, n), new ColumnDefinition(Columns.AnalysisSpread, n));
        public long? CycleCount => cycles;
        public double? StartTime => 0;
        public ITrajectoryCursor OpenCursor() => new Cursor(this, context.Random("calibrated"));

        private sealed class Cursor(Calibrated view, RandomStream random) : TrajectoryCursor(null)
        {
            private Tensor members = zeros(1);
            private readonly (long Batch, long Cycles, long Members, long N, double Factor) size = view.Size;

            public override double Time => Cycle + 1;
            public override IDensity ForecastDensity => AnalysisDensity;
            public override IDensity AnalysisDensity => new EnsembleDensity(members);

            protected override bool Compute(long cycle)
            {
                if (cycle >= size.Cycles) return false;
                members.Dispose();
                var centre = Math.Sin(0.1 * cycle) + random.Normal([size.Batch, 1, size.N], ScalarType.Float64);
                members = (centre + size.Factor * random.Normal([size.Batch, size.Members, size.N], ScalarType.Float64))
                    .DetachFromDisposeScope();
                Set(Columns.Truth, (centre + random.Normal([size.Batch, 1, size.N], ScalarType.Float64)).squeeze(1));
                Set(Columns.Analysis, AnalysisDensity.Mean);
                Set(Columns.AnalysisSpread, AnalysisDensity.StandardDeviation);
                return true;
            }

            protected override void DisposeState()
            {
                members.Dispose();
                random.Dispose();
            }
        }

        private (long, long, long, long, double) Size => (batch, cycles, members, n, factor);
    }

    [Fact]
    public void An_ensemble_calibrated_by_construction_is_flat_and_has_the_ratio_one()
    {
        var ranks = new RankHistogramScore(ScoredState.Analysis);
        var ratio = new SpreadSkillRatio(ScoredState.Analysis, members: 5);
        var uncorrected = new SpreadSkillRatio(ScoredState.Analysis);
        var fair = new EnsembleCrps(ScoredState.Analysis);
        ScoreReport Evaluate(double factor) =>
            context.Scores.Evaluate(new Calibrated(context, 4, 1500, 5, 6, factor), new ScoreOptions { Scores = [ranks, ratio, fair] });

        var report = Evaluate(1);
        var histogram = report.Of(ranks);
        Assert.Equal(6, histogram.Frequencies.Count);
        Assert.Equal(1, histogram.Frequencies.Sum(), 12);
        Assert.InRange(histogram.Probability, 0.001, 1);
        Assert.All(histogram.Frequencies.Zip(histogram.StandardErrors),
            bin => Assert.InRange(Math.Abs(bin.First - 1 / 6.0) / bin.Second, 0, 4.5));
        // 36,000 independent ranks: sqrt(p (1 - p) / 36000)
        Assert.InRange(histogram.StandardErrors.Average() / Math.Sqrt(5.0 / 36 / 36_000), 0.85, 1.15);
        var one = report.Of(ratio);
        Assert.InRange(Math.Abs(one.Mean - 1) / one.StandardError, 0, 4);
        Assert.InRange(one.StandardError, 0.001, 0.02);
        Assert.Equal(4, one.PerTrajectory.Count);
        Assert.InRange(Math.Abs(report[fair].Mean - 1 / Math.Sqrt(Math.PI)) / report[fair].StandardError, 0, 4);

        var narrow = Evaluate(0.7);
        Assert.InRange(narrow.Of(ratio).Mean, 0.70 - 0.05, 0.85);
        Assert.InRange(narrow.Of(ranks).Probability, 0, 1e-6);
        Assert.True(narrow.Of(ranks).Frequencies[0] > 0.2 && narrow.Of(ranks).Frequencies[^1] > 0.2
            && narrow.Of(ranks).Frequencies[3] < 1 / 6.0);
        Assert.Contains("<svg", narrow.Of(ranks).ToFigure("ranks").ToSvg());

        // Without the correction the ratio is that of 1 to 1 + 1/5, in variance.
        var raw = context.Scores.Evaluate(new Calibrated(context, 4, 500, 5, 6, 1), new ScoreOptions { Scores = [uncorrected] })
            .Of(uncorrected);
        Assert.InRange(raw.Mean, Math.Sqrt(1 / 1.2) - 0.03, Math.Sqrt(1 / 1.2) + 0.03);
        Assert.Contains("2 figures", Assert.Throws<ArgumentException>(() => report[ratio]).Message);
        Assert.Contains("was not measured", Assert.Throws<ArgumentException>(() => report[new Raw()]).Message);
    }

    [Theory]
    [InlineData(3.841458820694124, 1, 0.05)]
    [InlineData(18.307038053275146, 10, 0.05)]
    [InlineData(2, 2, 0.36787944117144233)]    // e^-1
    [InlineData(55.758478730, 40, 0.05000000508037781)]
    [InlineData(60, 2, 9.357622968840175e-14)] // e^-30
    [InlineData(100, 4, 9.836624224615981e-21)] // 51 e^-50
    [InlineData(1, 4, 0.9097959895689501)]     // 1.5 e^-1/2
    public void Flat_histograms_have_the_probability_of_the_chi_square_distribution(double statistic, int degrees, double expected)
    {
        // Frequencies p + a, p - a in the first two of the ranks: the statistic is M 2 a^2 / p.
        double p = 1.0 / (degrees + 1), error = 1e-3, independent = p * (1 - p) / (error * error),
            a = Math.Sqrt(statistic * p / (2 * independent));
        double[] frequencies = [.. Enumerable.Range(0, degrees + 1).Select(k => k == 0 ? p + a : k == 1 ? p - a : p)];
        var histogram = new RankHistogram(frequencies, [.. frequencies.Select(_ => error)]);
        Assert.Equal(statistic, histogram.ChiSquare, 6);
        Assert.Equal(1, histogram.Probability / expected, 8);
    }

    [Fact]
    public void A_Kalman_filter_in_its_own_world_is_consistent_in_every_score()
    {
        var system = new LinearGaussianSystem(4);
        var masked = new ObservationNetwork(system.Network.Operator, system.Network.Error, new MissingAtRandomPattern(0.3));
        var maskedSystem = system.System with { Network = masked };
        var twin = context.Data.Twin(maskedSystem, new() { Batch = 4, Cycles = 600 });
        var chi = new InnovationChiSquare(masked);
        var density = new LogDensityOfTruth(ScoredState.Analysis);
        var ratio = new SpreadSkillRatio(ScoredState.Forecast);
        var method = context.Analysis.KalmanFilter(maskedSystem);
        // Take passes densities on.
        var report = context.Scores.Evaluate(method.Transform(twin).Take(500),
            new ScoreOptions { BurnIn = 20, Scores = [chi, density, ratio, new GaussianCrps(ScoredState.Analysis)] });
        Assert.InRange(Math.Abs(report[chi].Mean - 1) / report[chi].StandardError, 0, 4);
        Assert.InRange(report[chi].StandardError, 0.005, 0.05);
        Assert.InRange(Math.Abs(report.Of(ratio).Mean - 1) / report.Of(ratio).StandardError, 0, 4);

        // Both scores are those of the densities themselves, cycle by cycle: the statistics of innovations, and the expected log-density
        // -(n + n ln 2 pi + ln det P) / 2.
        var statistics = new InnovationStatistics(masked.Operator, masked.Error);
        using var run = method.Run(twin);
        double expected = 0;
        for (int cycle = 0; cycle < 500 && run.MoveNext(); cycle++)
        {
            using var scope = NewDisposeScope();
            statistics.Add(run.ForecastDensity, new Observation(run[Columns.Observation], run[Columns.ObservationMask], run.Time));
            if (cycle >= 20)
                expected += (-0.5 * (5 + 5 * Math.Log(2 * Math.PI) + run.AnalysisDensity.Covariance.logdet())).mean().ToDouble() / 480;
        }
        Assert.InRange(Math.Abs(report[density].Mean - expected) / report[density].StandardError, 0, 4);
        Assert.Equal(statistics.ChiSquares.Average(), Whole().Mean, 2);

        TimeAverage Whole()
        {
            var all = context.Scores.Evaluate(method.Transform(twin).Take(500), new ScoreOptions { Scores = [chi] });
            return all[chi];
        }
    }

    [Fact]
    public void Chi_square_of_an_ensemble_is_that_of_its_covariance()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(9);
        var network = new ObservationNetwork(system.Network.Operator, system.Network.Error, new MissingAtRandomPattern(0.4));
        var dynamicsSystem = system.System with { Network = network };
        var twin = context.Data.Twin(dynamicsSystem, new() { Batch = 3, Cycles = 40 });
        foreach (long members in new[] { 3, 9 })
        {
            var method = context.Analysis.EnsembleTransformKalmanFilter(dynamicsSystem, new() { Members = members });
            var score = new InnovationChiSquare(network);
            var report = context.Scores.Evaluate(method.Transform(twin), new ScoreOptions { Scores = [score] });
            var statistics = new InnovationStatistics(network.Operator, network.Error);
            using var run = method.Run(twin);
            while (run.MoveNext())
                statistics.Add(new GaussianDensity(run.ForecastDensity.Mean, run.ForecastDensity.Covariance),
                    new Observation(run[Columns.Observation], run[Columns.ObservationMask], run.Time));
            Assert.InRange(statistics.ChiSquares.Count, 80, 119);
            // Trajectories with nothing observed in a cycle are left out by both; averages are over trajectories that differ in their
            // number.
            double pooled = Enumerable.Range(0, 3).Sum(b => report[score].PerTrajectory[b] * Observed(b)) / Enumerable.Range(0, 3)
                .Sum(Observed);
            Assert.Equal(statistics.ChiSquares.Average(), pooled, 10);
        }

        int Observed(int b)
        {
            int count = 0;
            using var cursor = twin.OpenCursor();
            while (cursor.MoveNext()) count += cursor[Columns.ObservationMask][b].any().ToBoolean() ? 1 : 0;
            return count;
        }
    }

    [Fact]
    public void Cost_of_a_variational_analysis_is_consistent_where_B_is_right()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("variational");
        var system = new LinearGaussianSystem(3);
        var background = ErrorCovariance.Full(system.P0);
        long[] shape = [800, 3];
        var truth = random.Normal([.. shape, LinearGaussianSystem.N], ScalarType.Float64);
        var forecast = truth + background.Sample(shape, random, ScalarType.Float64);
        var observation = truth.matmul(system.H.T) + system.Network.Error.Sample(shape, random, ScalarType.Float64);
        var analyzer = new ThreeDimensionalVariationalAnalyzer(system.Network.Operator, system.Network.Error, background);
        var analysis =
            stack(Enumerable.Range(0, 800)
                .Select(t => analyzer.Analyze(new(forecast[t]), new Observation(observation[t], null, t), random).State));
        using var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
        {
            [Columns.Truth] = truth, [Columns.Forecast] = forecast, [Columns.Observation] = observation, [Columns.Analysis] = analysis,
        }, [.. Enumerable.Range(1, 800).Select(i => (double)i)]);
        var cost = new CostConsistency(system.Network, background);
        var innovations = new InnovationChiSquare(system.Network, background);
        var wrong = new CostConsistency(system.Network, ErrorCovariance.Full(4 * system.P0));
        var report = context.Scores.Evaluate(view, new ScoreOptions { Scores = [cost, innovations] });
        Assert.InRange(Math.Abs(report[cost].Mean - 1) / report[cost].StandardError, 0, 4);
        // J = 1/2 d^T (H B H^T + R)^-1 d at the minimum.
        Assert.Equal(report[innovations].PerTrajectory, report[cost].PerTrajectory, (a, b) => Math.Abs(a / b - 1) < 1e-11);
        Assert.True(context.Scores.Evaluate(view, new ScoreOptions { Scores = [wrong] })[wrong].Mean < 0.95);
        // Without a truth, too.
        using var real =
            context.Data.FromMemory(new Dictionary<Column, Tensor>
                { [Columns.Forecast] = forecast, [Columns.Observation] = observation, [Columns.Analysis] = analysis }, view.Times);
        Assert.Equal(report[cost].Mean, context.Scores.Evaluate(real, new ScoreOptions { Scores = [cost] })[cost].Mean);
        Assert.Contains("given: 4",
            Assert.Throws<ArgumentException>(() => new CostConsistency(system.Network, ErrorCovariance.Scalar(4, 1))).Message);
    }

    [Fact]
    public void Blocks_that_are_merged_hold_every_value_once_and_in_order()
    {
        foreach (int count in new[] { 1, 127, 128, 129, 1000, 4099 })
        {
            var averages = new BlockAverages(1);
            for (int i = 0; i < count; i++) averages.Add([i]);
            Assert.Equal(count, averages.Count(0));
            Assert.Equal((count - 1) / 2.0, averages.Mean(0), 1e-9);
            Assert.Equal(Enumerable.Range(0, count).Sum(i => Math.Pow(i - 3.0, 2)), averages.SquaredDeviations(0, from: 3),
                1e-6 * count * count * count);
            double[] means = averages.BlockMeans(0);
            for (int k = 0; k < means.Length; k++)
            {
                long from = k * averages.BlockLength, to = Math.Min(count, from + averages.BlockLength);
                Assert.Equal((from + to - 1) / 2.0, means[k], 1e-9);
            }
        }
    }

    [Fact]
    public void What_cannot_be_scored_is_refused_by_name()
    {
        var dynamics = new Lorenz96(8);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        var twin = context.Data.Twin(system, new() { Cycles = 5 });
        ScoreReport With(params IScore[] scores) => context.Scores.Evaluate(twin, new ScoreOptions { Scores = scores });
        Assert.Contains("needs the column 'series'", Assert.Throws<SchemaException>(() => With(new Raw())).Message);
        Assert.Contains("needs the method's densities",
            Assert.Throws<SchemaException>(() => With(new RankHistogramScore(ScoredState.Analysis))).Message);
        Assert.Contains("Two scores are called 'mine'", Assert.Throws<ArgumentException>(() =>
            With(new RootMeanSquareError(Columns.Observation, "mine"), new RootMeanSquareError(Columns.Observation, "mine"))).Message);
        var variational = context.Analysis.ThreeDimensionalVariational(system,
            new() { Background = new KnownBackground(ErrorCovariance.Scalar(8, 1)) }).Transform(twin);
        Assert.Contains("DiracDensity",
            Assert.Throws<NotSupportedException>(() =>
                context.Scores.Evaluate(variational, new ScoreOptions { Scores = [new EnsembleCrps(ScoredState.Analysis)] })).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => context.Scores.Evaluate(twin, new ScoreOptions { SeriesCycles = -1 }));
    }
}
