using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Observations at the initial time, at irregular times, and at times of few digits.</summary>
public sealed class ObservationTimeTests : IDisposable
{
    private const int Cycles = 12;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    public static TheoryData<string> Methods => ["EnKF", "ETKF", "IEnKS", "3D-Var", "4D-Var", "4D-Var over instants", "particles", "lead"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Times_of_few_digits_give_what_exact_times_give(string method) // fault 05
    {
        const double hour = 1 / 24.0;
        double[] exact = [.. Enumerable.Range(1, Cycles).Select(i => 100 + i * hour)];
        double[][] expected = Run(method, exact, start: 100);
        Assert.Equal(expected, Run(method, [.. exact.Select(time => Math.Round(time, 6))], start: 100));
        Assert.Equal(expected, Run(method, [.. exact.Select(time => (double)(float)time)], start: 100));
        Assert.Equal(expected, Run(method, [.. exact.Select(time => Math.Round(time, 2))], start: 100, tolerance: 0.2));
        Assert.Contains("TimeTolerance",
            Assert.Throws<ArgumentException>(() => Run(method, [.. exact.Select(time => Math.Round(time, 2))], start: 100)).Message);
    }

    [Fact]
    public void The_prior_meets_an_observation_at_the_initial_time() // fault 06
    {
        var context = new DataAssimilationContext(1);
        var model = new LinearDynamics(tensor(new double[,] { { 0.5 } }));
        var prior = new GaussianInitialCondition(zeros(1, dtype: ScalarType.Float64), ErrorCovariance.Scalar(1, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)) { Initial = prior };
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Observation] = ones(2, 1, 1, dtype: ScalarType.Float64) }, [0, 1], startTime: 0);
        using var run = context.Analysis.KalmanFilter(system).Run(view);
        Assert.True(run.MoveNext());
        Assert.Equal(0.5, run[Columns.Analysis].ToDouble(), 14);   // N(0, 1), y = 1, R = 1
        Assert.Equal(0, run[Columns.Forecast].ToDouble(), 14);
        Assert.True(run.MoveNext());
        Assert.Equal(0.25, run[Columns.Forecast].ToDouble(), 14);
        // P = 1/2 / 4, K = P / (P + 1) = 1/9
        Assert.Equal(0.25 + 0.75 / 9, run[Columns.Analysis].ToDouble(), 14);
    }

    [Theory]
    [InlineData("EnKF")]
    [InlineData("ETKF")]
    [InlineData("IEnKS")]
    [InlineData("4D-Var")]
    [InlineData("4D-Var over instants")]
    [InlineData("3D-Var")]
    public void Every_method_takes_an_observation_at_the_initial_time(string method)
    {
        double[] times = [.. Enumerable.Range(0, Cycles).Select(i => i / 24.0)];
        double[][] states = Run(method, times, start: 0);
        Assert.All(states, state => Assert.All(state, value => Assert.True(double.IsFinite(value))));
    }

    [Fact]
    public void Irregular_times_are_the_steps_between_them()
    {
        var context = new DataAssimilationContext(1);
        var model = new LinearDynamics(tensor(new double[,] { { 0.5 } }), timeStep: 0.25);
        var prior = new GaussianInitialCondition(ones(1, dtype: ScalarType.Float64), ErrorCovariance.Scalar(1, 1));
        double[] times = [0.25, 1, 1.75, 6.75];
        long[] steps = [1, 3, 3, 20];
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Observation] = ones(4, 1, 1, dtype: ScalarType.Float64) }, times);
        using var run =
            context.Analysis.KalmanFilter(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)) { Initial = prior })
            .Run(view);
        double x = 1, p = 1;
        foreach (long count in steps)
        {
            Assert.True(run.MoveNext());
            double m = Math.Pow(0.5, count);
            (x, p) = (m * x, m * p * m);
            Assert.Equal(x, run[Columns.Forecast].ToDouble(), 14);
            double k = p / (p + 1);
            (x, p) = (x + k * (1 - x), (1 - k) * p);
            Assert.Equal(x, run[Columns.Analysis].ToDouble(), 14);
        }
    }

    [Fact]
    public void A_window_takes_observations_at_times_of_few_digits_and_NaN_under_a_mask()
    {
        var background = new State(zeros(1, 2, dtype: ScalarType.Float64));
        var values = tensor(new[] { 1, double.NaN }).reshape(1, 2);
        var mask = tensor(new[] { true, false }).reshape(1, 2);
        var window = new AssimilationWindow(background, new TimeInterval(0, 0.166667), 1 / 24.0, [new Observation(values, mask, 0.083333)]);
        Assert.Equal(4, window.Steps);
        Assert.Equal(2, window.StepOf(window.Observations[0].Time));
        Assert.Equal([1.0, 0.0], window.Observations[0].Values.ToArray<double>());
        Assert.Contains("must be finite",
            Assert.Throws<ArgumentException>(() =>
                new AssimilationWindow(background, new TimeInterval(0, 0.166667), 1 / 24.0,
                    [new Observation(values, null, 0.083333)])).Message);
    }

    private static double[][] Run(string method, double[] times, double start, double tolerance = TimeInterval.DefaultTolerance)
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 3, TimeTolerance = tolerance });
        var model = new Lorenz63(timeStep: 1 / 24.0);
        var initial = new GaussianInitialCondition(tensor(new[] { 1.0, 2, 20 }), ErrorCovariance.Scalar(3, 1));
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)) { Initial = initial };
        var observations = (arange(times.Length * 3, dtype: ScalarType.Float64) * 0.7).sin().mul(5).reshape(times.Length, 1, 3);
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Observation] = observations, [Columns.Analysis] = observations.clone() }, times, start);
        var b = ErrorCovariance.Scalar(3, 2);
        var inputs = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Observation] = observations.clone() }, times, start);
        ITrajectoryView output = method switch
        {
            "EnKF" => context.Analysis.StochasticEnsembleKalmanFilter(system, new() { Members = 8 }).Transform(inputs),
            "ETKF" => context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 8 }).Transform(inputs),
            "IEnKS" => context.Analysis.IterativeEnsembleKalmanSmoother(system,
                new() { Members = 8, Window = WindowCycling.Overlapping(3) }).Transform(inputs),
            "3D-Var" => context.Analysis.ThreeDimensionalVariational(system, new() { Background = new KnownBackground(b) })
                .Transform(inputs),
            "4D-Var" => context.Analysis.FourDimensionalVariational(system,
                new() { Background = new KnownBackground(b), Window = WindowCycling.Overlapping(3) }).Transform(inputs),
            "4D-Var over instants" =>
                context.Analysis.FourDimensionalVariational(system,
                    new() { Background = new KnownBackground(b), Window = WindowCycling.Instant }).Transform(inputs),
            "particles" => context.Analysis.ParticleFilter(system, new() { Members = 30 }).Transform(inputs),
            _ => new LeadTimeForecast(model, Columns.Analysis, Columns.Forecast, 2, tolerance).Transform(view),
        };
        var states = new List<double[]>();
        using var cursor = output.OpenCursor();
        while (cursor.MoveNext()) states.Add(cursor[Columns.Forecast].ToArray<double>());
        return [.. states];
    }
}
