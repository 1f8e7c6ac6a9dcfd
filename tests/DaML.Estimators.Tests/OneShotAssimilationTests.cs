using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Models whose step gives several days at once take daily observations in by blocks.</summary>
public sealed class OneShotAssimilationTests
{
    private const int R = 3, D = 3;
    private readonly DataAssimilationContext context = new(seed: 5);

    // c(t + 1) = A1 c(t) + A2 c(t - 1), and the same three steps at once; both with states of three values.
    private static (AutoregressiveEmulator Daily, AutoregressiveEmulator OneShot) Models()
    {
        using var scope = NewDisposeScope();
        var first = tensor(new[,] { { 0.9, -0.3, 0.1 }, { 0.3, 0.8, 0 }, { 0, 0.2, 0.7 } });
        var top = cat([first, -0.2 * eye(R, dtype: ScalarType.Float64), zeros([R, R], ScalarType.Float64)], 1);
        var step = cat([top, eye(2 * R, 3 * R, dtype: ScalarType.Float64)], 0);
        var (second, third) = (matmul(top, step), matmul(matmul(top, step), step));
        var units = ones(R, dtype: ScalarType.Float64);
        return (new("daily", 1, 1, 1, units, null, top), new("three days at one shot", 1, D, 1, units, null, cat([top, second, third], 0)));
    }

    private AutoregressiveModel ModelOf(AutoregressiveEmulator emulator) => new(emulator, R, emulator.Leads, new("c"), new("f"));

    private static ObservationNetwork Daily() =>
        new(new SubsetObservationOperator(R, 0, 2), ErrorCovariance.Diagonal(0.3, 0.1), new MissingAtRandomPattern(0.3));

    private MemoryTrajectoryView Observations(long cycles)
    {
        using var random = context.Random("observations");
        return context.Data.FromMemory(new Dictionary<Column, Tensor>
        {
            [Columns.Observation] = random.Normal([cycles, 2, 2], ScalarType.Float64),
            [Columns.ObservationMask] = random.Uniform([cycles, 2, 2], ScalarType.Float64) > 0.3,
        }, [.. Enumerable.Range(1, (int)cycles).Select(i => (double)i)]);
    }

    [Fact]
    public void A_filter_of_blocks_is_the_daily_filter_at_the_end_of_each()
    {
        using var scope = NewDisposeScope();
        var (daily, oneShot) = Models();
        var (one, several) = (ModelOf(daily), ModelOf(oneShot));
        var start = new GaussianInitialCondition(zeros(D * R, ScalarType.Float64), ErrorCovariance.Scalar(D * R, 2));
        var view = Observations(12);
        var each = context.Analysis.KalmanFilter(new AssimilationSystem(daily, one.Observed(Daily())) { Initial = start })
            .Transform(one.Gathered.Transform(view));
        var blocks = context.Analysis.KalmanFilter(new AssimilationSystem(oneShot, several.Observed(Daily())) { Initial = start })
            .Transform(several.Gathered.Transform(view));
        Assert.Equal(4, blocks.CycleCount);
        using ITrajectoryCursor a = each.OpenCursor(), b = blocks.OpenCursor();
        for (int block = 0; block < 4; block++)
        {
            for (int day = 0; day < D; day++) Assert.True(a.MoveNext());
            Assert.True(b.MoveNext());
            Assert.Equal(a.Time, b.Time);
            Assert.InRange((a[Columns.Analysis] - b[Columns.Analysis]).abs().max().ToDouble(), 0, 1e-10);
            Assert.InRange((a[Columns.AnalysisSpread] - b[Columns.AnalysisSpread]).abs().max().ToDouble(), 0, 1e-10);
        }
    }

    [Fact]
    public void Windows_of_4DVar_take_blocks_too()
    {
        using var scope = NewDisposeScope();
        var (daily, oneShot) = Models();
        var (one, several) = (ModelOf(daily), ModelOf(oneShot));
        var view = Observations(6);
        var start = new GaussianInitialCondition(zeros(D * R, ScalarType.Float64), ErrorCovariance.Scalar(D * R, 0));
        Tensor Last(AutoregressiveModel model, int cycles)
        {
            var exact = new IncrementalOptions { InnerSolver = new ConjugateGradientSolver(new() { ResidualReduction = 1e-12 }) };
            var method =
                context.Analysis.FourDimensionalVariational(new AssimilationSystem(model.Dynamics, model.Observed(Daily()))
                    { Initial = start },
                        new() { Background = new KnownBackground(ErrorCovariance.Scalar(D * R, 2)), Window = WindowCycling.Disjoint(cycles),
                            Minimisation = exact });
            using var cursor = method.Transform(model.Gathered.Transform(view)).OpenCursor();
            Tensor? analysis = null;
            while (cursor.MoveNext()) analysis = cursor[Columns.Analysis].clone();
            return analysis!;
        }
        Assert.InRange((Last(one, 6) - Last(several, 2)).abs().max().ToDouble(), 0, 1e-8);
    }

    [Fact]
    public void The_operator_observes_the_newest_values_with_its_exact_derivatives_and_is_saved()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("states");
        var each = new ElementwiseObservationOperator(R, ObservationFunction.Square);
        var h = new LaggedObservationOperator(each, 2, 4);
        var z = random.Normal([5, 4 * R], ScalarType.Float64);
        Assert.Equal(z[.., ..(2 * R)].square().ToArray2(), h.Apply(z).ToArray2());
        Assert.NotEmpty(ObservationOperatorConformance.Check(h));
        Assert.NotEmpty(ObservationOperatorConformance.Check(new LaggedObservationOperator(new SubsetObservationOperator(R, 1), 1, 1)));
        Assert.Equal(h.Apply(z).ToArray2(), Reloaded.Of(h, context).Apply(z).ToArray2());
        Assert.Equal(7, Reloaded.Of(new ObservationBlocks(7), context).Transform(Observations(7)).Schema[Columns.Observation].Shape[0] / 2);
        Assert.Contains("4 values", Assert.Throws<ArgumentException>(() => new LaggedObservationOperator(each, 5, 4)).Message);
        var five = new ObservationNetwork(new IdentityObservationOperator(5), ErrorCovariance.Scalar(5, 1));
        Assert.Contains("dimension 5", Assert.Throws<ArgumentException>(() => ModelOf(Models().Daily).Observed(five)).Message);
    }

    [Fact]
    public void Blocks_hold_the_newest_observations_first_and_leave_what_fills_none()
    {
        using var scope = NewDisposeScope();
        var view = Observations(8);
        var blocks = new ObservationBlocks(3).Transform(view);
        Assert.Equal(2, blocks.CycleCount);
        using ITrajectoryCursor days = view.OpenCursor(), cursor = blocks.OpenCursor();
        var (values, masks) = (new List<Tensor>(), new List<Tensor>());
        while (days.MoveNext())
        {
            values.Add(days[Columns.Observation].clone());
            masks.Add(days[Columns.ObservationMask].clone());
        }
        for (int block = 0; cursor.MoveNext(); block++)
        {
            Assert.Equal(3.0 * (block + 1), cursor.Time);
            Tensor Block(IReadOnlyList<Tensor> daily) => cat([daily[3 * block + 2], daily[3 * block + 1], daily[3 * block]], -1);
            Assert.Equal(Block(values).ToArray2(), cursor[Columns.Observation].ToArray2());
            Assert.True(Block(masks).eq(cursor[Columns.ObservationMask]).all().ToBoolean());
        }
        using var scaled = context.Data.FromMemory(new Dictionary<Column, Tensor>
        {
            [Columns.Observation] = zeros([4, 2, 2], ScalarType.Float64),
            [Columns.ObservationErrorScale] = ones([4, 2], ScalarType.Float64),
        }, [1, 2, 3, 4]);
        Assert.Contains("that are the same in every cycle",
            Assert.Throws<SchemaException>(() => new ObservationBlocks(2).Transform(scaled)).Message);
        Assert.Contains("at least 9 cycles; given: 8",
            Assert.Throws<ArgumentException>(() => new ObservationBlocks(9).Transform(view)).Message);
    }
}

file static class Values
{
    public static double[] ToArray2(this Tensor tensor) => tensor.contiguous().ToArray<double>();
}
