using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var by MathNet's limited-memory quasi-Newton method: its minimum, its report, and what goes wrong.</summary>
public sealed class QuasiNewtonTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(23);
    public void Dispose() => scope.Dispose();

    private static readonly QuasiNewtonOptions Exact = new() { GradientReduction = 1e-10, MaximumIterations = 400, Memory = 20 };

    /// <summary>A Lorenz-96 window of 6 steps, half of it observed every second step, some of that missing.</summary>
    private (FourDimensionalVariationalCost Cost, AssimilationWindow Window) Lorenz(long batch = 2,
        ScalarType precision = ScalarType.Float64)
    {
        var model = new Lorenz96(12);
        using var random = context.Random("lorenz");
        var truth = new AttractorInitialCondition(model, 200).Draw(batch, random, ScalarType.Float64);
        var h = SubsetObservationOperator.Strided(12, 2);
        var observations = ((int[])[0, 2, 4, 6]).Select(step => new Observation(
            (h.Apply(model.Advance(truth, new TimeInterval(0, 0.05 * step))) + 0.5 * random.Normal([batch, 6],
                ScalarType.Float64)).to(precision),
            random.Uniform([batch, 6], ScalarType.Float64) > 0.3, 0.05 * step)).ToList();
        var background = (truth + 0.4 * random.Normal([batch, 12], ScalarType.Float64)).to(precision);
        return (new(model, [new BackgroundTerm(ErrorCovariance.Scalar(12, 0.16))], [new ObservationTerm(h, ErrorCovariance.Scalar(6,
            0.25))]),
            new(new State(background), new TimeInterval(0, 0.3), 0.05, observations));
    }

    private static FourDimensionalVariationalResult GaussNewton(FourDimensionalVariationalCost cost, AssimilationWindow window) =>
        new IncrementalFourDimensionalVariational(cost, new IncrementalOptions
        {
            OuterIterations = 60, ControlTolerance = 1e-12,
            InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 300, ResidualReduction = 1e-13 }),
        }).Minimise(window);

    [Theory, InlineData(false), InlineData(true)]
    public void On_a_linear_Gaussian_window_its_minimum_is_that_of_the_normal_equations(bool weak)
    {
        var system = new LinearGaussianSystem(3);
        using var random = context.Random("normal");
        var background = random.Normal([2, LinearGaussianSystem.N], ScalarType.Float64);
        var observations = ((int[])[1, 2, 4]).Select(step => new Observation(random.Normal([2, LinearGaussianSystem.P], ScalarType.Float64),
            random.Uniform([2, LinearGaussianSystem.P], ScalarType.Float64) > 0.3, step)).ToList();
        var window = new AssimilationWindow(new State(background), new TimeInterval(0, 4), 1, observations);
        IPriorTerm[] priors = weak ? [new BackgroundTerm(ErrorCovariance.Full(system.P0)),
            new ModelErrorTerm(ErrorCovariance.Full(system.Q))]
            : [new BackgroundTerm(ErrorCovariance.Full(system.P0))];
        var cost = new FourDimensionalVariationalCost(system.Dynamics, priors, [new ObservationTerm(system.Network.Operator,
            system.Network.Error)]);
        var result = new QuasiNewtonFourDimensionalVariational(cost, Exact).Minimise(window);
        // A v = b, the Hessian built column by column.
        var (at, quadratic) = cost.AtBackground(window);
        long m = cost.ControlDimension(window);
        var columns = stack([.. Enumerable.Range(0, (int)m).Select(i =>
            quadratic.HessianProduct(new(eye(m, dtype: ScalarType.Float64)[i].expand(2, m).contiguous())).Values)], -1);
        var expected = linalg.solve(columns, quadratic.RightSide.Values.unsqueeze(-1)).squeeze(-1);
        quadratic.Dispose();
        Compare.Close(expected, result.Control.Values, 1e-8);
        Compare.Close(cost.Run(window, new(expected)).End.Values, result.End.Values, 1e-8);
        Assert.All(result.QuasiNewton, report => Assert.Equal(QuasiNewtonStop.GradientReduced, report.Stop));
        Assert.Empty(result.OuterIterations);
    }

    [Fact]
    public void On_Lorenz_96_its_minimum_is_Gauss_Newtons()
    {
        var (cost, window) = Lorenz();
        var expected = GaussNewton(cost, window);
        var actual = new QuasiNewtonFourDimensionalVariational(cost, Exact).Minimise(window);
        Compare.Close(expected.Analysis.Values, actual.Analysis.Values, 1e-8);
        Compare.Close(expected.End.Values, actual.End.Values, 1e-8);
        Compare.Close(expected.Cost.Total, actual.Cost.Total, 1e-12);
        Compare.Close(expected.Cost["Jb"], actual.Cost["Jb"], 1e-7);
    }

    [Theory, InlineData(ScalarType.Float64, 1e-4, 1e-3), InlineData(ScalarType.Float32, 1e-3, 1e-2)]
    public void Its_report_has_every_evaluation_and_its_analysis_is_the_best(ScalarType precision, double reduction, double close)
    {
        var (cost, window) = Lorenz(precision: precision);
        var progress = new CollectedReports();
        var result = new QuasiNewtonFourDimensionalVariational(cost, new() { GradientReduction = reduction }).Minimise(window, progress);
        Assert.Equal(precision, result.Analysis.Values.dtype);
        Assert.Equal(progress.Count, result.QuasiNewton.Sum(report => report.Evaluations.Count));
        var background = cost.Background(window);
        var run = cost.Run(window, background);
        var (value, gradient) = (cost.Value(run, background), cost.Gradient(run, background));
        for (int i = 0; i < 2; i++)
        {
            var report = result.QuasiNewton[i];
            Assert.Equal(QuasiNewtonStop.GradientReduced, report.Stop);
            Assert.InRange(report.GradientReduction, 0, reduction);
            Assert.Equal(0, report.Evaluations[0].Iteration);
            Assert.Equal(report.Iterations, report.Evaluations[^1].Iteration);
            Assert.Equal(value.Total[i].ToDouble(), report.Evaluations[0].Cost, 1e-6 * report.Evaluations[0].Cost);
            Assert.Equal(gradient.Values[i].norm().ToDouble(), report.Evaluations[0].GradientNorm,
                1e-5 * report.Evaluations[0].GradientNorm);
            Assert.Equal(result.Cost.Total[i].ToDouble(), report.Best.Cost, 0.0);
            Assert.Equal(["Jb", "Jo"], report.Best.Terms.Select(term => term.Term));
            Assert.Equal(report.Best.Cost, report.Best.Terms.Sum(term => term.Value), 1e-5 * report.Best.Cost);
            Assert.Equal(result.Cost["Jo"][i].ToDouble(), report.Best.Terms[1].Value, 0.0);
            Assert.All(report.Evaluations, evaluation => Assert.True(evaluation.Cost >= report.Best.Cost * (1 - 1e-6)));
        }
        Compare.Close(GaussNewton(cost, window).Analysis.Values, result.Analysis.Values, close);
    }

    [Fact]
    public void A_trajectory_is_the_same_to_the_bit_whatever_the_others_are()
    {
        var (cost, window) = Lorenz(batch: 3);
        var method = new QuasiNewtonFourDimensionalVariational(cost);
        var all = method.Minimise(window);
        for (int i = 0; i < 3; i++)
        {
            var alone = method.Minimise(window.Trajectory(i));
            Assert.True(all.Analysis.Values[i].equal(alone.Analysis.Values[0]).all().ToBoolean());
            Assert.True(all.End.Values[i].equal(alone.End.Values[0]).all().ToBoolean());
            Assert.Equal(all.QuasiNewton[i].Evaluations.Select(each => (each.Cost, each.GradientNorm)),
                alone.QuasiNewton[0].Evaluations.Select(each => (each.Cost, each.GradientNorm)));
        }
    }

    [Fact]
    public void The_increment_itself_may_be_varied_in_any_unit_of_the_state()
    {
        // States of size 1e-5: x' = s f(x / s) by a linear model, whose unit is free.
        var system = new LinearGaussianSystem(3);
        using var random = context.Random("unit");
        Tensor background = random.Normal([1, LinearGaussianSystem.N], ScalarType.Float64),
            y = random.Normal([1, LinearGaussianSystem.P], ScalarType.Float64);
        FourDimensionalVariationalResult In(double unit, ControlVariable variable) => new QuasiNewtonFourDimensionalVariational(
            new(system.Dynamics, [new BackgroundTerm(ErrorCovariance.Full(unit * unit * system.P0), variable)],
                [new ObservationTerm(system.Network.Operator, ErrorCovariance.Full(unit * unit * system.R))]), Exact)
            .Minimise(new(new State(unit * background), new TimeInterval(0, 3), 1, [new(unit * y, null, 2)]));
        var expected = In(1, ControlVariable.BackgroundSquareRoot).Analysis.Values;
        foreach (double unit in (double[])[1e-5, 1e5])
            foreach (var variable in Enum.GetValues<ControlVariable>()) Compare.Close(expected,
                In(unit, variable).Analysis.Values / unit, 1e-8);
    }

    [Fact]
    public void It_stops_at_the_iteration_limit_with_the_best_so_far()
    {
        var (cost, window) = Lorenz();
        var result = new QuasiNewtonFourDimensionalVariational(cost, new() { GradientReduction = 1e-8,
            MaximumIterations = 3 }).Minimise(window);
        Assert.All(result.QuasiNewton, report =>
        {
            Assert.Equal(QuasiNewtonStop.IterationLimit, report.Stop);
            Assert.InRange(report.Iterations, 3, 4);
            Assert.True(report.Best.Cost < report.Evaluations[0].Cost);
            Assert.Equal(report.Evaluations.Min(each => each.Cost), report.Best.Cost);
        });
    }

    [Fact]
    public void A_perfect_background_is_the_analysis()
    {
        var model = new LinearDynamics(eye(3, dtype: ScalarType.Float64));
        var window = new AssimilationWindow(new(ones([2, 3], dtype: ScalarType.Float64)), new TimeInterval(0, 2), 1,
            [new(ones([2, 3], dtype: ScalarType.Float64), null, 1)]);
        var result = new QuasiNewtonFourDimensionalVariational(new(model, [new BackgroundTerm(ErrorCovariance.Scalar(3, 1))],
            [new ObservationTerm(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1))])).Minimise(window);
        Assert.Equal(0, result.Control.Values.abs().max().ToDouble());
        Assert.All(result.QuasiNewton, report => Assert.Equal((QuasiNewtonStop.GradientReduced, 0, 1, 0.0), (report.Stop,
            report.Iterations, report.Evaluations.Count, report.GradientReduction)));
    }

    private sealed class WrongAdjoint(long n) : DiscreteDynamics(n, 1)
    {
        protected override Tensor Step(Tensor state, double time) => state.sin();
        protected override Tensor StepAdjoint(Tensor state, Tensor sensitivity, double time) => -state.cos() * sensitivity;
    }

    private static (FourDimensionalVariationalCost Cost, AssimilationWindow Window) Around(IDynamics model, double observed = 2)
    {
        long n = model.Dimension;
        var window = new AssimilationWindow(new(0.3 * ones([1, n], dtype: ScalarType.Float64)), new TimeInterval(0, 1), 1,
            [new(observed * ones([1, n], dtype: ScalarType.Float64), null, 1)]);
        return (new(model, [new BackgroundTerm(ErrorCovariance.Scalar(n, 1))], [new ObservationTerm(new IdentityObservationOperator(n),
            ErrorCovariance.Scalar(n, 0.01))]), window);
    }

    [Fact]
    public void A_gradient_that_is_wrong_ends_with_the_background_and_a_message()
    {
        var (cost, window) = Around(new WrongAdjoint(3));
        var result = new QuasiNewtonFourDimensionalVariational(cost).Minimise(window);
        var report = result.QuasiNewton[0];
        Assert.Equal(QuasiNewtonStop.NoProgress, report.Stop);
        Assert.NotEmpty(report.Message);
        Assert.True(FiniteNumbers.All(result.End.Values));
        Assert.InRange(report.Best.Cost, 0, report.Evaluations[0].Cost);
    }

    private sealed class Explosive(long n) : DiscreteDynamics(n, 1)
    {
        // Not a number above 1.
        protected override Tensor Step(Tensor state, double time) => state + 0.1 * (1 - state).log();
    }

    [Fact]
    public void A_step_to_where_the_model_has_no_numbers_is_shortened()
    {
        var (cost, window) = Around(new Explosive(2), observed: 5);
        var result = new QuasiNewtonFourDimensionalVariational(cost, new() { GradientReduction = 1e-6 }).Minimise(window);
        Assert.True(FiniteNumbers.All(result.End.Values));
        Assert.Contains(result.QuasiNewton[0].Evaluations, each => double.IsPositiveInfinity(each.Cost)
            && double.IsPositiveInfinity(each.GradientNorm) && each.Terms.Count == 0);
        Assert.DoesNotContain(result.QuasiNewton[0].Evaluations, each => double.IsNaN(each.Cost) || double.IsNaN(each.GradientNorm));
        Assert.Equal(QuasiNewtonStop.GradientReduced, result.QuasiNewton[0].Stop);
    }

    [Fact]
    public void What_is_wrong_at_the_background_is_refused_and_cancellation_is_heard()
    {
        var (cost, _) = Around(new Explosive(2));
        var beyond = new AssimilationWindow(new(3 * ones([1, 2], dtype: ScalarType.Float64)), new TimeInterval(0, 1), 1,
            [new(ones([1, 2], dtype: ScalarType.Float64), null, 1)]);
        var method = new QuasiNewtonFourDimensionalVariational(cost);
        Assert.Contains("step 1 of the window", Assert.Throws<ArithmeticException>(() => method.Minimise(beyond)).Message);
        var second = new AssimilationWindow(new(tensor(new[] { 0.3, 0.3, 3, 3, 0.3, 0.3 }).reshape(3, 2)), new TimeInterval(0, 1), 1,
            [new(ones([3, 2], dtype: ScalarType.Float64), null, 1)]);
        Assert.Contains("1 of 3 trajectories (the first is 1)",
            Assert.Throws<ArithmeticException>(() => method.Minimise(second)).Message);
        var (lorenz, window) = Lorenz();
        Assert.Contains("must have the dimension 12", Assert.Throws<ArgumentException>(() =>
            new QuasiNewtonFourDimensionalVariational(lorenz).Minimise(beyond)).Message);
        using var source = new CancellationTokenSource();
        int evaluations = 0;
        var stopper = new Stopper(() => { if (++evaluations == 4) source.Cancel(); });
        Assert.Throws<OperationCanceledException>(() => new QuasiNewtonFourDimensionalVariational(lorenz).Minimise(window, stopper,
            source.Token));
        Assert.Equal(4, evaluations);
        foreach (var options in (QuasiNewtonOptions[])[new() { Memory = 0 }, new() { MaximumIterations = 0 },
            new() { GradientReduction = -1 }, new() { GradientReduction = 1 }, new() { GradientReduction = double.NaN }])
            Assert.Throws<ArgumentOutOfRangeException>(() => new QuasiNewtonFourDimensionalVariational(lorenz, options));
    }

    private sealed class Stopper(Action told) : IProgress<ProgressReport>
    {
        public void Report(ProgressReport value) => told();
    }

    [Fact]
    public void In_a_cycle_it_analyses_as_Gauss_Newton_does_and_hands_the_observer_its_report()
    {
        var model = new Lorenz96(12);
        var system = new AssimilationSystem(model, ObservationNetwork.Strided(model.Dimension, 2));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 8 });
        var reports = new List<QuasiNewtonReport>();
        SequentialAssimilation<WindowMemory<StateMemory>> Method(MinimisationOptions minimisation,
            Action<FourDimensionalVariationalResult>? observer = null) =>
            context.Analysis.FourDimensionalVariational(system,
                new() { Background = new KnownBackground(ErrorCovariance.Scalar(12, 0.1)), Window = WindowCycling.Overlapping(4, 2),
                    Stream = "same", Minimisation = minimisation, Observer = observer });
        using var quasi = Method(Exact, result => reports.AddRange(result.QuasiNewton)).Run(twin);
        using var incremental = Method(new IncrementalOptions
        {
            OuterIterations = 40, ControlTolerance = 1e-12, InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 200,
                ResidualReduction = 1e-13 }),
        }).Run(twin);
        while (incremental.MoveNext() && quasi.MoveNext()) Compare.Close(incremental[Columns.Analysis], quasi[Columns.Analysis], 1e-6);
        Assert.True(reports.Count >= 6, $"{reports.Count} reports");

        // Saved and read: the same to the bit.
        string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.daml");
        try
        {
            var method = Method(new QuasiNewtonOptions { Memory = 4, GradientReduction = 1e-3, MaximumIterations = 17 });
            using var expected = method.Run(twin);
            context.Model.Save(method, path);
            var read = ModelArchive.Read<SequentialAssimilation<WindowMemory<StateMemory>>>(path,
                new ComponentRegistry([.. DynamicsComponents.All, .. TransformerComponents.All]), new DataAssimilationContext(23));
            using var actual = read.Run(twin);
            while (expected.MoveNext() && actual.MoveNext())
                Assert.True(expected[Columns.Analysis].equal(actual[Columns.Analysis]).all().ToBoolean());
            var analyzer = (FourDimensionalVariationalAnalyzer)read.Triple.Analyzer;
            var options = ((QuasiNewtonFourDimensionalVariational)analyzer.Method).Options;
            Assert.Equal(new QuasiNewtonOptions { Memory = 4, GradientReduction = 1e-3, MaximumIterations = 17 }, options);
        }
        finally { File.Delete(path); }
    }
}
