using MathNet.Numerics.LinearAlgebra;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Ridge regression on lags against an independent solution and on systems that are known.</summary>
public sealed class RidgeAutoregressionTests
{
    private readonly DataAssimilationContext context = new(7);

    // The least-squares problem with rows sqrt(penalty samples) I beneath, by MathNet's QR decomposition, in units of the deviations.
    [Theory, InlineData(0.0, 3, 1), InlineData(0.0, 1, 4), InlineData(0.01, 3, 1), InlineData(0.3, 2, 5), InlineData(2.0, 4, 3)]
    public void It_is_the_solution_of_the_augmented_least_squares_problem(double penalty, int lags, long batch)
    {
        using var scope = NewDisposeScope();
        const int cycles = 60, r = 2;
        var values = context.OfSecondOrder("qr", cycles, batch) * tensor(new[] { 3.0, 0.02 });
        var model = Fit(context.View(values, 0.5), new() { Lags = lags, Penalty = penalty });

        double[] deviations = values.flatten(0, 1).square().mean([0]).sqrt().ToArray<double>();
        int samples = (int)batch * (cycles - lags), unknowns = lags * r;
        var left = Matrix<double>.Build.Dense(samples + unknowns, unknowns);
        var right = Matrix<double>.Build.Dense(samples + unknowns, r);
        int row = 0;
        for (int trajectory = 0; trajectory < batch; trajectory++)
            for (int cycle = lags - 1; cycle < cycles - 1; cycle++, row++)
                for (int component = 0; component < r; component++)
                {
                    double Scaled(int at) => values[at, trajectory, component].ToDouble() / deviations[component];
                    for (int lag = 0; lag < lags; lag++) left[row, lag * r + component] = Scaled(cycle - lag);
                    right[row, component] = Scaled(cycle + 1);
                }
        for (int k = 0; k < unknowns; k++) left[samples + k, k] = Math.Sqrt(penalty * samples);
        var solution = left.QR().Solve(right);   // [unknowns, r]

        var expected = zeros(unknowns, unknowns, dtype: ScalarType.Float64);
        for (int to = 0; to < r; to++)
            for (int from = 0; from < unknowns; from++) expected[to, from] = solution[from, to] * deviations[to] / deviations[from % r];
        for (int k = 0; k < unknowns - r; k++) expected[r + k, k] = 1;   // the companion matrix hands the values on
        var matrix = ((LinearDynamics)model.Dynamics).Matrix;
        Assert.Equal(expected.shape, matrix.shape);
        Assert.True(Records.Largest((matrix - expected) / expected.abs().clamp_min(1e-3)) < 1e-10,
            $"{(matrix - expected).abs().max().ToDouble():g3}");
        Assert.Equal((0.5, lags, 1, 2L), (model.Dynamics.TimeStep, model.Window, model.Leads, model.ValueCount));
    }

    // Least squares without a penalty is unbiased for long records, with coefficients' covariance (Gamma^-1 x S) / samples: Gamma
    // that of a
    // window, S = I that of the noise.
    [Fact]
    public void An_autoregression_of_second_order_is_recovered_to_the_sampling_error()
    {
        using var scope = NewDisposeScope();
        const int trials = 16, cycles = 1602;
        var (first, second) = Records.SecondOrder;
        var truth = cat([first, second], 1);
        double[] errors = [.. Enumerable.Range(0, trials)
            .Select(trial => (Top(Fit(context.View(context.OfSecondOrder($"trial{trial}", cycles, 2)),
            new() { Lags = 2, Penalty = 0 })) - truth).square().sum().ToDouble())];
        var record = context.OfSecondOrder("long", 20000, 2);
        var windows = cat([record[1..], record[..19999]], -1).flatten(0, 1);
        double expected = 2 * linalg.inv(matmul(windows.mT, windows) / windows.shape[0]).trace().ToDouble() / (2 * (cycles - 2));
        // 16 trials of 8 coefficients: a mean square good to a sixth.
        Assert.InRange(errors.Average() / expected, 0.5, 1.6);
    }

    [Fact]
    public void Its_forecast_goes_on_from_the_last_values()
    {
        using var scope = NewDisposeScope();
        var values = context.OfSecondOrder("forecast", 200, 2);
        using var view = context.View(values);
        var model = Fit(view, new() { Lags = 3 });
        using var forecasts = model.Transform(view).Materialise();
        Assert.Equal(197, forecasts.CycleCount);
        var top = Top(model);
        for (int k = 0; k < 197; k += 49)
            Assert.True(Records.Largest(forecasts[Records.Forecast][k] - matmul(Records.Lagged(values, k + 2, 3), top.mT)) < 1e-13);
        // No penalty: no linear forecast of these lags has a smaller error in the mean over the record.
        var best = Fit(view, new() { Lags = 3, Penalty = 0 });
        using var least = best.Transform(view).Materialise();
        double Error(MemoryTrajectoryView forecast) => (forecast[Records.Forecast] - forecast[Records.Values]).square().mean().ToDouble();
        Assert.True(Error(least) <= Error(forecasts));
        Assert.True(Error(forecasts) < values.square().mean().ToDouble());
    }

    [Fact]
    public void It_survives_its_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        using var view = context.View(context.OfSecondOrder("saved", 100, 2), 0.25);
        var model = Fit(view);
        var read = Reloaded.Of(model, context);
        Assert.Equal((model.Window, model.Leads, model.ValueCount, model.Dynamics.TimeStep),
            (read.Window, read.Leads, read.ValueCount, read.Dynamics.TimeStep));
        Bits.Equal(((LinearDynamics)model.Dynamics).Matrix, ((LinearDynamics)read.Dynamics).Matrix);
        using MemoryTrajectoryView before = model.Transform(view).Materialise(), after = read.Transform(view).Materialise();
        Bits.Equal(before[Records.Forecast], after[Records.Forecast]);
    }

    [Fact]
    public void What_cannot_be_learned_from_is_refused_by_name()
    {
        using var scope = NewDisposeScope();
        var noise = context.Noise("bad", 50, 1, 2);
        Refused("cycle 31 (time 33.5) comes 2.5 after the one before, where 1 is usual",
            context.Data.FromMemory(new Dictionary<Column, Tensor> { [Records.Values] = noise },
                [.. Enumerable.Range(0, 50).Select(k => k + (k > 30 ? 2.5 : 1))]));
        Refused("windows of 4 cycles and the 1 after them, so it needs at least 5 cycles; given: 4", context.View(noise[..4]));
        Refused("without a penalty needs at least 16 samples for 8 coefficients each; given: 15", context.View(noise[..19]),
            new() { Penalty = 0 });
        Fit(context.View(noise[..20]), new() { Penalty = 0 });
        Refused("component 1 of the column 'coefficients' is zero", context.View(noise * tensor(new[] { 1.0, 0 })));
        var growing = pow(1.1, arange(50, dtype: ScalarType.Float64)).reshape(50, 1, 1) * tensor(new[] { 1.0, -0.5 }) + 0.01 * noise;
        Refused("unstable: its largest eigenvalue has modulus 1.", context.View(growing), new() { Lags = 1 });
        Refused("in cycle 20 that",
            new WatchedView(context.View(noise), _ => { }, (cycle, _, value) => cycle == 20 ? value * double.NaN : value));
        var mask = ones(50, 1, 2, dtype: ScalarType.Bool);
        mask[11, 0, 0] = false;
        Refused("lacks 1 values in cycle 11 (time 12)", context.View(noise, mask: mask));
        Refused("this view is endless", context.Data.Twin(new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3))),
            column: Columns.Truth);
        Assert.Throws<SchemaException>(() => new RidgeAutoregressionEstimator(new Column("others"), Records.Forecast)
            .Fit(context.View(noise)));
        foreach (var options in (RidgeAutoregressionOptions[])[new() { Lags = 0 }, new() { Penalty = -1 }, new() { Penalty = double.NaN }])
            Assert.Throws<ArgumentOutOfRangeException>(() => new RidgeAutoregressionEstimator(Records.Values, Records.Forecast, options));

        void Refused(string message, ITrajectoryView view, RidgeAutoregressionOptions? options = null, Column? column = null) =>
            Assert.Contains(message, Assert.Throws<ArgumentException>(() =>
                new RidgeAutoregressionEstimator(column ?? Records.Values, Records.Forecast, options).Fit(view)).Message);
    }

    private static Tensor Top(AutoregressiveModel model) => ((LinearDynamics)model.Dynamics).Matrix[..2];

    private static AutoregressiveModel Fit(ITrajectoryView view, RidgeAutoregressionOptions? options = null) =>
        new RidgeAutoregressionEstimator(Records.Values, Records.Forecast, options).Fit(view);
}
