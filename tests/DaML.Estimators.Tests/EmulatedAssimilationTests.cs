using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Emulators of lagged values under filters and 4D-Var.</summary>
public sealed class EmulatedAssimilationTests(ITestOutputHelper output)
{
    private const double Variance = 0.25;
    private readonly DataAssimilationContext context = new(13);

    public static TheoryData<string> Methods => ["etkf", "enkf-n", "4d-var"];

    // An emulator that is linear is the linear model of its companion matrix, whatever the method.
    [Theory, MemberData(nameof(Methods))]
    public void A_linear_emulator_is_assimilated_with_as_the_linear_model_it_is(string method)
    {
        using var scope = NewDisposeScope();
        using var training = context.View(context.OfSecondOrder("training", 300, 4));
        var ridge = new RidgeAutoregressionEstimator(Records.Values, Records.Forecast, new() { Lags = 2 }).Fit(training);
        var matrix = ((LinearDynamics)ridge.Dynamics).Matrix;
        var units = tensor(new[] { 2.0, 0.5 });
        var emulator = new AutoregressiveEmulator("linear", 1, 1, 1, units, null, matrix[..2] / units.unsqueeze(1) * units.repeat(2));
        var model = new AutoregressiveModel(emulator, 2, 1, Records.Values, Records.Forecast);
        using var twin = context.Data.Twin(new AssimilationSystem(ridge.Dynamics, Observing(ridge)) { Initial = Start(4) },
            new() { Batch = 3, Cycles = 12 }).Materialise();
        using MemoryTrajectoryView expected = Method(method, ridge.Dynamics, Observing(ridge)).Transform(twin).Materialise(),
            actual = Method(method, emulator, Observing(model)).Transform(twin).Materialise();
        var difference = actual[Columns.Analysis] - expected[Columns.Analysis];
        Assert.True(Records.Largest(difference) < 1e-8 * Records.Largest(expected[Columns.Analysis]));
    }

    // The truth is a run of the emulator itself, with errors of its newest values, which are observed.
    [Theory, InlineData("etkf", 1), InlineData("enkf-n", 1), InlineData("4d-var", 1), InlineData("etkf", 2), InlineData("4d-var", 2)]
    public void Assimilation_through_a_nonlinear_emulator_is_better_than_none(string method, int leads)
    {
        using var scope = NewDisposeScope();
        const int r = 3, window = 3;
        using var random = context.Random("weights");
        var network = new LongShortTermMemoryNetwork(r, leads, new() { Hidden = 6, Attention = WindowAttention.DotProduct },
            ScalarType.Float64, random);
        var last = network.get_parameter("output.weight")!;
        using (no_grad()) last.copy_(0.4 * random.Normal(last.shape, ScalarType.Float64));
        ModuleState.Freeze(network);
        // The linear part fades slowly: 0.9 a value, the second value of a shot by 0.81.
        var baseline = cat([.. Enumerable.Range(1, leads).Select(lead => Math.Pow(0.9, lead) * eye(r, dtype: ScalarType.Float64))], 0);
        var emulator = new AutoregressiveEmulator("nonlinear", window, leads, 1, ones(r, dtype: ScalarType.Float64), network, baseline)
            .WithModelError(ErrorCovariance.Blocks(ErrorCovariance.Scalar(leads * r, 0.1),
                ErrorCovariance.Scalar((window - leads) * r, 0)));
        var observing = Observing(new AutoregressiveModel(emulator, r, leads, Records.Values, Records.Forecast));
        var system = new AssimilationSystem(emulator, observing) { Initial = Start(window * r) };
        using var twin = context.Data.Twin(system, new() { Batch = 8, Cycles = 40 }).Materialise();

        // Without observations the emulator runs on from a guess of the start.
        var guesses = Start(window * r).Draw(8, random, ScalarType.Float64);
        double none = 0, with = 0;
        using var analyses = Method(method, emulator, observing).Transform(twin).Materialise();
        Assert.True(analyses[Columns.Analysis].isfinite().all().ToBoolean());
        for (int cycle = 0; cycle < 40; cycle++)
        {
            guesses = emulator.Advance(guesses, new(cycle * leads, (cycle + 1) * leads));
            if (cycle < 10) continue;
            var truth = twin[Columns.Truth][cycle];
            none += (guesses - truth).square().mean().ToDouble();
            with += (analyses[Columns.Analysis][cycle] - truth).square().mean().ToDouble();
        }
        output.WriteLine($"{with / 30:g4} with, {none / 30:g4} without");
        Assert.True(with < 0.1 * none, $"{with:g4} with, {none:g4} without");
        Assert.InRange(with / 30, 0, Variance);   // and better than the observations
    }

    private ITransformer Method(string method, IDynamics dynamics, IObservationNetwork observing)
    {
        var start = Start(dynamics.Dimension);
        var system = new AssimilationSystem(dynamics, observing) { Initial = start };
        return method switch
        {
            "etkf" => context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 30 }),
            "enkf-n" => context.Analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 30 }),
            _ => context.Analysis.FourDimensionalVariational(system,
                new() { Background = new KnownBackground(ErrorCovariance.Scalar(dynamics.Dimension, 0.5)),
                    Window = WindowCycling.Overlapping(3, 1) }),
        };
    }

    private static ObservationNetwork Observing(AutoregressiveModel model) =>
        new(new SubsetObservationOperator(model.Dynamics.Dimension, [.. Enumerable.Range(0, (int)model.ValueCount).Select(i => (long)i)]),
            ErrorCovariance.Scalar(model.ValueCount, Variance), null);

    private static GaussianInitialCondition Start(long dimension)
    {
        using var mean = zeros(dimension, dtype: ScalarType.Float64);
        return new GaussianInitialCondition(mean, ErrorCovariance.Scalar(dimension, 1));
    }
}
