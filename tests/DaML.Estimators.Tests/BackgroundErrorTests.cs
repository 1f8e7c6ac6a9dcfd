using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Background and model error covariances estimated from a training view, against sums over its states.</summary>
public sealed class BackgroundErrorTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(31);
    public void Dispose() => scope.Dispose();

    private static readonly Column Coefficients = new("coefficients");

    private (ITrajectoryView View, Tensor Values) Series(long cycles = 40, long batch = 2, long size = 2, double spacing = 1,
        double unit = 1)
    {
        using var random = context.Random("series");
        var values = unit * (random.Normal([cycles, batch, size], ScalarType.Float64) + tensor(new[] { 0.5, -1, 2 }).narrow(0, 0,
            size)) * tensor(new[] { 1.0, 3, 0.2 }).narrow(0, 0, size);
        return (context.Data.FromMemory(new Dictionary<Column, Tensor> { [Coefficients] = values },
            [.. Enumerable.Range(1, (int)cycles).Select(k => k * spacing)]), values);
    }

    // z' = (A z, newest lags): the companion matrix of a model of three lags of two coefficients.
    private LinearDynamics Companion(long seed = 5)
    {
        using var random = new RandomStream(seed, "companion", CPU);
        var matrix = zeros([6, 6], dtype: ScalarType.Float64);
        matrix.narrow(0, 0, 2).copy_(0.3 * random.Normal([2, 6], ScalarType.Float64));
        matrix.narrow(0, 2, 4).narrow(1, 0, 4).copy_(eye(4, dtype: ScalarType.Float64));
        return new LinearDynamics(matrix);
    }

    // [cycles - 2, batch, 6], the newest first.
    private static Tensor Lagged(Tensor values) => cat([values[2..], values[1..^1], values[..^2]], -1);

    private static void Close(Tensor expected, Tensor actual, double tolerance = 1e-12) =>
        Assert.InRange((expected - actual).abs().max().ToDouble(), 0, tolerance * expected.abs().max().ToDouble());

    private static Tensor Matrix(IErrorCovariance covariance) => covariance.ToMatrix(ScalarType.Float64, CPU);

    [Theory, InlineData(1), InlineData(2), InlineData(5)]
    public void Forecast_errors_of_a_state_of_lags_are_the_mean_square_of_forecast_minus_state(int lead)
    {
        var (view, values) = Series();
        var model = Companion();
        var z = Lagged(values);
        var power = model.Matrix.matrix_power(lead);
        var errors = (z[..^lead].matmul(power.T) - z[lead..]).reshape(-1, 6);
        var expected = errors.T.matmul(errors) / errors.size(0);
        var b = new ForecastErrors(lead).Estimate(model, view, Coefficients);
        Close(expected, Matrix(b));
        // Lags that the forecast has not reached are exact.
        for (int i = Math.Min(2 * lead, 6); i < 6; i++) Assert.Equal(0, Matrix(b)[i].abs().max().ToDouble());
        Close(2.5 * expected, Matrix(new ForecastErrors(lead) { Scale = 2.5 }.Estimate(model, view, Coefficients)));
    }

    [Fact]
    public void A_column_of_whole_states_gives_the_same_as_one_of_coefficients()
    {
        var (view, values) = Series();
        var whole = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Coefficients] = Lagged(values) },
            [.. Enumerable.Range(3, 38).Select(k => (double)k)]);
        var model = Companion();
        foreach (var source in (BackgroundErrors[])[new ForecastErrors(2), new StateStatistics()])
            Close(Matrix(source.Estimate(model, view, Coefficients)), Matrix(source.Estimate(model, whole, Coefficients)), 1e-14);
        Close(Matrix(ForecastErrors.ModelError(model, view, Coefficients)), Matrix(ForecastErrors.ModelError(model, whole, Coefficients,
            newest: 2)), 1e-14);
    }

    [Fact]
    public void State_statistics_are_the_sample_covariance()
    {
        var (view, values) = Series();
        Close(Lagged(values).reshape(-1, 6).T.cov(), Matrix(new StateStatistics().Estimate(Companion(), view, Coefficients)));
        var small = new LinearDynamics(eye(2, dtype: ScalarType.Float64));
        Close(0.1 * values.reshape(-1, 2).T.cov(), Matrix(new StateStatistics { Scale = 0.1 }.Estimate(small, view, Coefficients)));
    }

    [Fact]
    public void The_initial_condition_alone_leaves_the_lags_without_error()
    {
        var (view, _) = Series();
        var (all, newest) = (new StateStatistics().Estimate(Companion(), view, Coefficients),
            new StateStatistics { Control = WindowControl.InitialCondition(2) }.Estimate(Companion(), view, Coefficients));
        var expected = zeros_like(Matrix(all));
        expected.narrow(0, 0, 2).narrow(1, 0, 2).copy_(Matrix(all).narrow(0, 0, 2).narrow(1, 0, 2));
        Close(expected, Matrix(newest), 1e-14);
        Assert.NotNull(newest.Singularity);
        using var random = context.Random("draws");
        Assert.Equal(0, newest.Sample([50], random, ScalarType.Float64).narrow(1, 2, 4).abs().max().ToDouble());
        Close(Matrix(all), Matrix(WindowControl.WholeWindow.Restrict(all)), 0);
        Assert.Same(all, WindowControl.InitialCondition(6).Restrict(all));
        Assert.Contains("has 6", Assert.Throws<ArgumentException>(() => WindowControl.InitialCondition(7).Restrict(all)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => WindowControl.InitialCondition(0));
        Close(Matrix(newest), Matrix(Reloaded.Of(newest, context)), 0);
    }

    [Fact]
    public void Model_error_is_that_of_one_step_in_the_newest_block_alone_and_recovers_a_known_one()
    {
        var model = Companion();
        var q = ErrorCovariance.Blocks(ErrorCovariance.Full(tensor(new[,] { { 1, 0.4 }, { 0.4, 0.5 } })), ErrorCovariance.Scalar(4, 0));
        var noisy = new LinearDynamics(model.Matrix) { ModelError = q };
        var system = new AssimilationSystem(noisy, ObservationNetwork.Full(noisy.Dimension))
            { Interval = 1, Initial = new GaussianInitialCondition(zeros(6), ErrorCovariance.Scalar(6, 1)) };
        var twin = context.Data.Twin(system, new() { Batch = 50, Cycles = 200 });
        var estimated = ForecastErrors.ModelError(model, twin, Columns.Truth, newest: 2);
        // 9950 errors: standard error of a variance is a hundredth of it.
        Assert.InRange((Matrix(estimated) - Matrix(q)).abs().max().ToDouble(), 0, 0.06);
        Assert.Equal(0, Matrix(estimated).narrow(0, 2, 4).abs().max().ToDouble());
        Assert.Contains("a whole number of cycles", Assert.Throws<ArgumentException>(() =>
            ForecastErrors.ModelError(new LinearDynamics(model.Matrix, 0.5), Series().View, Coefficients)).Message);
    }

    [Fact]
    public void Shrinkage_is_what_the_samples_say_of_their_correlations()
    {
        var (view, values) = Series(cycles: 8, batch: 1, size: 3);
        var model = new LinearDynamics(eye(3, dtype: ScalarType.Float64));
        var x = values.reshape(8, 3);
        var s = x.T.cov();
        var d = s.diagonal().diag();
        Close(0.3 * d + 0.7 * s, Matrix(new StateStatistics { Shrinkage = CovarianceShrinkage.Of(0.3) }.Estimate(model, view,
            Coefficients)));
        Close(d, Matrix(new StateStatistics { Shrinkage = CovarianceShrinkage.Of(1) }.Estimate(model, view, Coefficients)));
        // Schaefer and Strimmer's formula, sample by sample.
        var u = (x - x.mean([0])) / s.diagonal().sqrt();
        var w = u.unsqueeze(-1) * u.unsqueeze(-2);                  // [samples, 3, 3]
        var uncertain = (w - w.mean([0])).square().sum(dim: 0) / (8 * 7.0);
        var correlations = u.T.cov();
        double Off(Tensor matrix) => (matrix.sum() - matrix.diagonal().sum()).ToDouble();
        double best = Math.Clamp(Off(uncertain) / Off(correlations.square()), 0, 1);
        Assert.InRange(best, 0.05, 1);
        Close(best * d + (1 - best) * s, Matrix(new StateStatistics { Shrinkage = CovarianceShrinkage.Estimated }.Estimate(model, view,
            Coefficients)));
        foreach (double wrong in (double[])[-0.1, 1.1, double.NaN]) Assert.Throws<ArgumentOutOfRangeException>(() =>
            CovarianceShrinkage.Of(wrong));
    }

    [Fact]
    public void Nothing_depends_on_the_unit_of_the_state()
    {
        foreach (var source in (BackgroundErrors[])[new ForecastErrors(2) { Shrinkage = CovarianceShrinkage.Estimated },
            new StateStatistics { Shrinkage = CovarianceShrinkage.Estimated }])
        {
            Tensor In(double unit) => Matrix(source.Estimate(Companion(), Series(unit: unit).View, Coefficients)) / (unit * unit);
            Close(In(1), In(1e4), 1e-10);
            Close(In(1), In(1e-4), 1e-10);
        }
    }

    [Fact]
    public void Fewer_samples_than_components_give_a_covariance_by_its_root()
    {
        var (view, _) = Series(cycles: 9, batch: 1);
        var b = new ForecastErrors(3).Estimate(Companion(), view, Coefficients);
        Assert.NotNull(b.Singularity);
        var root = b.Root(ScalarType.Float64, CPU);
        Close(Matrix(b), root.T.matmul(root), 1e-10);
        Assert.Null(new ForecastErrors(3) { Shrinkage = CovarianceShrinkage.Of(0.2) }.Estimate(Companion(), view,
            Coefficients).Singularity);
        Assert.Contains("singular", Assert.Throws<ArgumentException>(() => new BackgroundTerm(b, ControlVariable.Increment)).Message);
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        var (view, values) = Series();
        var model = Companion();
        string Refused(Action wrong) => Assert.ThrowsAny<ArgumentException>(wrong).Message;
        Refused(() => new ForecastErrors(0).Estimate(model, view, Coefficients));
        Refused(() => new ForecastErrors { Scale = 0 }.Estimate(model, view, Coefficients));
        Assert.Throws<SchemaException>(() => new StateStatistics().Estimate(model, view, new Column("none")));
        Assert.Contains("divides it", Refused(() => new StateStatistics().Estimate(new LinearDynamics(eye(3, dtype: ScalarType.Float64)),
            view, Coefficients)));
        Assert.Contains("two samples or more", Refused(() => new ForecastErrors(5).Estimate(model, Series(cycles: 7).View, Coefficients)));
        Refused(() => new ForecastErrors(1).Estimate(new LinearDynamics(model.Matrix, 2), view, Coefficients)); // half a step
        var gap = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Coefficients] = values },
            [.. Enumerable.Range(1, 40).Select(k => k + (k > 20 ? 1.0 : 0))]);
        Assert.Contains("a gap", Refused(() => new StateStatistics().Estimate(model, gap, Coefficients)));
        var missing = values.clone();
        missing[7, 0, 1] = double.NaN;
        Assert.Contains("must be finite", Refused(() => new StateStatistics().Estimate(model,
            context.Data.FromMemory(new Dictionary<Column, Tensor> { [Coefficients] = missing }, [.. Enumerable.Range(1, 40).Select(k =>
                (double)k)]), Coefficients)));
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => new StateStatistics().Estimate(model, view, Coefficients, source.Token));
    }

    [Fact]
    public void A_model_whose_step_gives_several_days_has_its_error_in_all_of_them()
    {
        // Three days at once, from the last: c(t + k) = A_k c(t).
        using var random = context.Random("one shot");
        var (view, values) = Series();
        var a = 0.4 * random.Normal([6, 2], ScalarType.Float64);
        var model = new AutoregressiveEmulator("three days", 1, 3, 1, ones(2, dtype: ScalarType.Float64), null, a);
        Assert.Equal((6, 3.0), (model.Dimension, model.TimeStep));
        var q = ForecastErrors.ModelError(model, view, Coefficients);
        var coming = values[2..^3].matmul(a.T).reshape(35, 2, 3, 2).flip(2).reshape(35, 2, 6);
        var errors = (coming - Lagged(values)[3..]).reshape(-1, 6);
        Close(errors.T.matmul(errors) / errors.size(0), Matrix(q));
        Assert.Null(q.Singularity);
    }

    [Fact]
    public void A_long_short_term_memory_is_linearised_by_its_Jacobian_and_its_window_has_the_right_gradient()
    {
        using var random = context.Random("lstm");
        var network = new LongShortTermMemoryNetwork(2, 1, new() { Hidden = 8 }, ScalarType.Float64, random);
        using (no_grad()) foreach (var parameter in network.parameters()) parameter.add_(0.3 * random.Normal(parameter.shape,
            ScalarType.Float64));
        var model = new AutoregressiveEmulator("lstm", 3, 1, 1, tensor(new[] { 1.0, 3 }), network);
        var (view, _) = Series();
        var b = new ForecastErrors { Shrinkage = CovarianceShrinkage.Estimated,
            Control = WindowControl.InitialCondition(2) }.Estimate(model, view, Coefficients);
        var x = random.Normal([2, 6], ScalarType.Float64);
        var v = random.Normal([2, 6], ScalarType.Float64);
        using (var linear = model.Linearise(x, new TimeInterval(0, 4)))
        {
            Assert.IsNotType<StepwiseLinearisation>(linear);
            Close(model.TangentLinear(x, v, new TimeInterval(0, 4)), linear.TangentLinear(v));
        }
        var h = new SubsetObservationOperator(6, 0, 1);
        var window = new AssimilationWindow(new(x), new TimeInterval(0, 4), 1, [new(random.Normal([2, 2], ScalarType.Float64), null, 2),
            new(random.Normal([2, 2], ScalarType.Float64), null, 4)]);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(b), new ModelErrorTerm(ForecastErrors.ModelError(model,
            view, Coefficients))],
            [new ObservationTerm(h, ErrorCovariance.Scalar(2, 0.1))]);
        var check = cost.CheckGradient(window);
        Assert.True(check.IsRight, check.ToString());
        Close(new IncrementalOptions { OuterIterations = 60, ControlTolerance = 1e-12,
            InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 200, ResidualReduction = 1e-13 }) }
                .Of(cost).Minimise(window).Analysis.Values,
            new QuasiNewtonOptions { GradientReduction = 1e-10, MaximumIterations = 400 }.Of(cost).Minimise(window).Analysis.Values, 1e-7);
    }

    [Fact]
    public void Views_that_never_end_masked_values_and_leads_of_part_of_a_step_are_refused()
    {
        var lorenz = new Lorenz96();
        var endless =
            context.Data.Twin(
                new AssimilationSystem(lorenz, new ObservationNetwork(new IdentityObservationOperator(40), ErrorCovariance.Scalar(40, 1))));
        foreach (BackgroundErrors errors in (BackgroundErrors[])[new ForecastErrors(), new StateStatistics()])
            Assert.Contains("this view is endless; use Take",
                Assert.Throws<ArgumentException>(() => errors.Estimate(lorenz, endless, Columns.Truth)).Message);

        var (view, values) = Series();
        var present = ones_like(values, dtype: ScalarType.Bool);
        present[7, 1, 0] = false;
        var masked = context.Data.FromMemory(
            new Dictionary<Column, Tensor> { [Coefficients] = values, [Columns.MaskOf(Coefficients)] = present },
            [.. Enumerable.Range(1, 40).Select(k => (double)k)]);
        using var matrix = 0.5 * eye(2, dtype: ScalarType.Float64);
        Assert.Contains("lacks 1 of its 4 in cycle 7", Assert.Throws<ArgumentException>(() =>
            new StateStatistics().Estimate(new LinearDynamics(matrix), masked, Coefficients)).Message);

        var threeDays = new AutoregressiveEmulator("three days", 1, 3, 1, ones(2, dtype: ScalarType.Float64), null,
            zeros(6, 2, dtype: ScalarType.Float64));
        Assert.Contains("that time is 0.333 steps. Give a Lead that is one step or several long: one step takes 3 cycles.",
            Assert.Throws<ArgumentException>(() => new ForecastErrors().Estimate(threeDays, view, Coefficients)).Message);
        Assert.Equal(6, new ForecastErrors(3).Estimate(threeDays, view, Coefficients).Dimension);
    }
}
