using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class TwinExperimentTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    private static TwinExperiment Twin(long seed = 1, TwinExperimentOptions? options = null, IErrorCovariance? modelError = null,
        bool random = false,
        double? interval = null, IInitialCondition? initial = null)
    {
        var context = new DataAssimilationContext(seed);
        var model = new Lorenz96() { ModelError = modelError };
        var system = new AssimilationSystem(model, random ? ObservationNetwork.Random(model.Dimension)
            : ObservationNetwork.Strided(model.Dimension, 2)) { Initial = initial };
        if (interval is { } time) system = system with { Interval = time };
        return context.Data.Twin(system, options ?? new TwinExperimentOptions { Batch = 3, Cycles = 5 });
    }

    [Fact]
    public void Its_columns_and_times_are_those_it_says()
    {
        var twin = Twin(options: new TwinExperimentOptions { Batch = 3, Cycles = 4 }, random: true, interval: 0.2);
        Assert.Equal("truth[40], observation[40], observation-mask[40]", twin.Schema.ToString());
        Assert.Equal("truth[40], observation[20]", Twin().Schema.ToString());
        Assert.Equal((0, 4, 3), (twin.StartTime, twin.CycleCount, twin.Schema.Batch));
        using var cursor = twin.OpenCursor();
        for (int cycle = 0; cycle < 4; cycle++)
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal(cycle, cursor.Cycle);
            Assert.Equal(0.2 * (cycle + 1), cursor.Time, 1e-15);
            foreach (var definition in twin.Schema.Definitions) Assert.Equal([3, .. definition.Shape], cursor[definition.Column].shape);
            Assert.Equal(ScalarType.Float64, cursor[Columns.Truth].dtype);
            Assert.Equal(ScalarType.Bool, cursor[Columns.ObservationMask].dtype);
        }
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void Reading_it_again_gives_the_same_to_the_bit_also_side_by_side()
    {
        var twin = Twin(random: true, modelError: ErrorCovariance.Scalar(40, 0.01));
        var first = Read(twin);
        Assert.Equal(first, Read(twin));
        Assert.Equal(first, Read(Twin(random: true, modelError: ErrorCovariance.Scalar(40, 0.01))));
        var parallel = new byte[4][][];
        Parallel.For(0, 4, i => parallel[i] = Read(twin));
        Assert.All(parallel, again => Assert.Equal(first, again));
    }

    private static readonly Column ErrorScale = Columns.ObservationErrorScale;

    [Theory]
    [InlineData(ErrorScaleDraw.EachTrajectory)]
    [InlineData(ErrorScaleDraw.EachCycle)]
    public void Errors_of_a_scale_of_their_own_are_those_without_one_times_the_scale(ErrorScaleDraw draw)
    {
        var options = new TwinExperimentOptions { Batch = 300, Cycles = 3 };
        var plain = Twin(options: options).Materialise();
        var view = Twin(options: options with { ErrorScale = new(0.1, 3.2, draw) });
        var scaled = view.Materialise();
        Assert.Equal("truth[40], observation[20], observation-error-scale[]", view.Schema.ToString());
        Assert.Equal(0, (plain[Columns.Truth] - scaled[Columns.Truth]).abs().max().ToDouble());
        var truth = plain[Columns.Truth].index_select(-1, arange(0, 40, 2));
        var errors = (plain[Columns.Observation] - truth) * scaled[ErrorScale].unsqueeze(-1);
        Assert.True((scaled[Columns.Observation] - truth - errors).abs().max().ToDouble() < 1e-13);

        // The logarithm is uniform: mean in the middle, standard deviation a twelfth of the range's square.
        var logarithm = scaled[ErrorScale].log();
        double range = Math.Log(32);
        Assert.InRange(scaled[ErrorScale].min().ToDouble(), 0.1, 0.12);
        Assert.InRange(scaled[ErrorScale].max().ToDouble(), 2.9, 3.2);
        Assert.Equal(Math.Log(0.1) + range / 2, logarithm.mean().ToDouble(), 0.25);
        Assert.Equal(range / Math.Sqrt(12), logarithm.std().ToDouble(), 0.1);
        Assert.Equal(draw == ErrorScaleDraw.EachTrajectory, (scaled[ErrorScale][0] == scaled[ErrorScale][2]).all().ToBoolean());
        Assert.False((scaled[ErrorScale][0, 0] == scaled[ErrorScale][0, 1]).ToBoolean());
        Assert.Equal(Read(view), Read(Twin(options: options with { ErrorScale = new(0.1, 3.2, draw) })));
    }

    [Fact]
    public void What_is_missing_stays_zero_at_any_scale()
    {
        var view = Twin(options: new TwinExperimentOptions { Batch = 5, Cycles = 3, ErrorScale = new(2, 2) }, random: true).Materialise();
        var missing = view[Columns.ObservationMask].logical_not();
        Assert.True(missing.any().ToBoolean());
        Assert.Equal(0, view[Columns.Observation][missing].abs().max().ToDouble());
        Assert.Equal(2, view[ErrorScale].min().ToDouble(), 1e-15);
    }

    [Theory]
    [InlineData(0, 1), InlineData(2, 1), InlineData(double.NaN, 1), InlineData(1, double.PositiveInfinity)]
    public void Bad_scales_are_refused(double minimum, double maximum) =>
        Assert.Contains("0 < minimum",
            Assert.Throws<ArgumentException>(() =>
                Twin(options: new TwinExperimentOptions { ErrorScale = new(minimum, maximum) })).Message);

    [Fact]
    public void Seed_and_stream_name_make_it_another_one()
    {
        var options = new TwinExperimentOptions { Batch = 3, Cycles = 5 };
        var all = new[] { Read(Twin(1)), Read(Twin(2)), Read(Twin(1, options with { Stream = "validation" })) };
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < i; j++)
                Assert.NotEqual(all[i][0], all[j][0]);
    }

    [Fact]
    public void The_truth_follows_the_model_and_each_trajectory_its_own_way()
    {
        var recorded = Twin(options: new TwinExperimentOptions { Batch = 3, Cycles = 20 }, interval: 0.1).Materialise();
        var truth = recorded[Columns.Truth];
        Assert.Equal([20, 3, 40], truth.shape);
        var model = new Lorenz96();
        for (int cycle = 1; cycle < 20; cycle++)
            Assert.Equal(truth[cycle].Bits(), model.Advance(truth[cycle - 1], new TimeInterval(0, 0.1)).Bits());
        Assert.True((truth[0, 0] - truth[0, 1]).abs().mean().ToDouble() > 1);
        var errors = recorded[Columns.Observation] - truth[TensorIndex.Ellipsis, TensorIndex.Slice(step: 2)];
        Assert.InRange(errors.var().ToDouble(), 0.88, 1.12); // 1200 numbers of variance 1
    }

    [Fact]
    public void A_truth_with_model_error_leaves_the_model_by_it()
    {
        var recorded = Twin(options: new TwinExperimentOptions { Batch = 50, Cycles = 20 }, modelError: ErrorCovariance.Scalar(40, 0.01))
            .Materialise();
        var truth = recorded[Columns.Truth];
        var departures = truth.narrow(0, 1, 19) - new Lorenz96().Advance(truth.narrow(0, 0, 19), new TimeInterval(0, 0.05));
        Assert.InRange(departures.std().ToDouble(), 0.099, 0.101);
    }

    [Fact]
    public void It_starts_where_it_is_told_and_computes_in_the_precision_it_is_told()
    {
        var start = new GaussianInitialCondition(full([40], 3, dtype: ScalarType.Float64), ErrorCovariance.Scalar(40, 1e-20));
        var twin = Twin(options: new TwinExperimentOptions { Batch = 2, Cycles = 1, Precision = ScalarType.Float32 }, initial: start);
        using var cursor = twin.OpenCursor();
        cursor.MoveNext();
        Assert.Equal(ScalarType.Float32, cursor[Columns.Truth].dtype);
        Assert.Equal(ScalarType.Float32, cursor[Columns.Observation].dtype);
        var expected = new Lorenz96().Advance(full([2, 40], 3, dtype: ScalarType.Float64), new TimeInterval(0, 0.05));
        Numbers.Close(expected, cursor[Columns.Truth].@double(), 1e-6);
    }

    [Fact]
    public void Without_end_it_runs_on_and_holds_its_memory()
    {
        var twin = Twin(options: new TwinExperimentOptions());
        Assert.Null(twin.CycleCount);
        using var cursor = twin.OpenCursor();
        for (int i = 0; i < 10; i++) cursor.MoveNext();
        long alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 300; i++) Assert.True(cursor.MoveNext());
        Assert.InRange(DisposeScopeManager.Statistics.ThreadTotalLiveCount - alive, -2, 2);
        Assert.Equal(309, cursor.Cycle);
    }

    [Fact]
    public void A_truth_that_diverges_is_reported_with_its_cycle()
    {
        var context = new DataAssimilationContext();
        var model = new LinearDynamics(1e60 * eye(2, dtype: ScalarType.Float64));
        var start = new GaussianInitialCondition(ones([2], dtype: ScalarType.Float64), ErrorCovariance.Scalar(2, 1e-6));
        var twin = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)) { Initial = start });
        using var cursor = twin.OpenCursor();
        for (int i = 0; i < 5; i++) Assert.True(cursor.MoveNext());
        var divergence = Assert.Throws<DivergenceException>(() => cursor.MoveNext());
        Assert.Equal(5, divergence.Cycle);
        Assert.Contains("linear model", divergence.Message);
        Assert.Throws<DivergenceException>(() => new AttractorInitialCondition(model, 10).Draw(2, context.Random("x"), ScalarType.Float64));
    }

    [Fact]
    public void Bad_settings_are_refused_before_anything_is_computed()
    {
        var good = new TwinExperimentOptions();
        foreach (var bad in (TwinExperimentOptions[])[
            good with { Batch = 0 }, good with { Batch = -1 }, good with { Cycles = 0 }, good with { Precision = ScalarType.Int32 },
            good with { Stream = " " }])
            Assert.ThrowsAny<ArgumentException>(() => Twin(options: bad));
        foreach (double interval in (double[])[0, -0.05, 0.07, 0.00000001, double.NaN])
            Assert.ThrowsAny<ArgumentException>(() => Twin(interval: interval));
        Assert.ThrowsAny<ArgumentException>(() => Twin(initial: new AttractorInitialCondition(new Lorenz63(), 1)));
        var context = new DataAssimilationContext();
        Assert.Contains("Lorenz-96",
            Assert.Throws<ArgumentException>(() =>
                context.Data.Twin(new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(3)))).Message);
    }

    [Fact]
    public void Draws_from_the_attractor_and_from_a_normal_distribution_are_independent_and_repeatable()
    {
        var context = new DataAssimilationContext(3);
        var attractor = new AttractorInitialCondition(new Lorenz63(), 20);
        Tensor one = attractor.Draw(400, context.Random("a"), ScalarType.Float64),
            two = attractor.Draw(400, context.Random("a"), ScalarType.Float64);
        Assert.Equal(one.Bits(), two.Bits());
        Assert.InRange(one.mean([0])[2].ToDouble(), 22.5, 24.6);                        // the climate of z, 23.5
        Assert.InRange((one * one.roll(1, 0)).mean([0])[0].ToDouble(), -12, 12);        // x of neighbours: variance 62
        var covariance = Numbers.Spd(1, 3);
        var gaussian = new GaussianInitialCondition(tensor([1.0, 2, 3]), ErrorCovariance.Full(covariance));
        var draws = gaussian.Draw(100_000, context.Random("g"), ScalarType.Float64);
        Numbers.Close(tensor([1.0, 2, 3]), draws.mean([0]), 0.01);
        Numbers.Close(covariance, draws.mT.cov(), 0.02);
        Assert.Throws<ArgumentOutOfRangeException>(() => attractor.Draw(0, context.Random("a"), ScalarType.Float64));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AttractorInitialCondition(new Lorenz63(), -1));
        Assert.Throws<ArgumentException>(() => new AttractorInitialCondition(new Lorenz96(), 1, gaussian));
        Assert.Throws<ArgumentException>(() => new GaussianInitialCondition(tensor([1.0, 2]), ErrorCovariance.Scalar(3, 1)));
        Assert.Throws<ArgumentException>(() => new GaussianInitialCondition(tensor([1.0, double.NaN]), ErrorCovariance.Scalar(2, 1)));
    }

    private static byte[][] Read(ITrajectoryView view)
    {
        using var inner = NewDisposeScope();
        using var cursor = view.OpenCursor();
        var all = new List<byte[]>();
        while (cursor.MoveNext())
            foreach (var definition in view.Schema.Definitions) all.Add(cursor[definition.Column].Bits());
        return [.. all];
    }
}
