using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Numbers that are not finite, and solvers that fail, end a run with the name of what they come from; isolated runs go on.
/// </summary>
public sealed class NonFiniteOriginTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(1);
    public void Dispose() => scope.Dispose();

    private const int Members = 12;

    private static readonly IErrorCovariance Unit = ErrorCovariance.Scalar(2, 1);

    public static TheoryData<string> Ensembles => ["etkf", "enkf", "denkf", "ensrf", "enkf-n", "adaptive", "ienkf", "letkf", "pf"];
    public static TheoryData<string> Singles => ["3d-var", "4d-var", "4d-var of a window", "ekf", "ienkf-q"];

    private static GaussianInitialCondition Around(double value, double variance) =>
        new(full(2, value, dtype: ScalarType.Float64), ErrorCovariance.Scalar(2, variance));

    private MemoryTrajectoryView View(int batch = 1, bool masked = false)
    {
        var columns = new Dictionary<Column, Tensor> { [Columns.Observation] = ones(4, batch, 2, dtype: ScalarType.Float64) };
        if (masked) columns[Columns.ObservationMask] = zeros(4, batch, 2, dtype: ScalarType.Bool).index_fill(2, tensor(1L), true);
        return context.Data.FromMemory(columns, [1, 2, 3, 4]);
    }

    private ITransformer Method(string name, IDynamics model, IObservationOperator h, IInitialCondition start,
        DivergenceHandling handling = DivergenceHandling.Stop)
    {
        var network = new ObservationNetwork(h, Unit);
        var system = new AssimilationSystem(model, network) { Initial = start };
        var analysis = context.Analysis;
        var etkf = new EnsembleTransformKalmanFilter { Members = Members, DivergenceHandling = handling };
        return name switch
        {
            "etkf" => analysis.EnsembleTransformKalmanFilter(system, etkf),
            "enkf" => analysis.StochasticEnsembleKalmanFilter(system, new() { Members = Members, DivergenceHandling = handling }),
            "denkf" => analysis.DeterministicEnsembleKalmanFilter(system, new() { Members = Members, DivergenceHandling = handling }),
            "ensrf" => analysis.SerialSquareRootFilter(system, new() { Members = Members, DivergenceHandling = handling }),
            "enkf-n" => analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = Members, DivergenceHandling = handling }),
            "adaptive" => analysis.AdaptivelyInflatedFilter(system, new() { Filter = etkf }),
            "ienkf" => analysis.IterativeEnsembleKalmanSmoother(system, new() { Members = Members, DivergenceHandling = handling }),
            "ienkf-q" =>
                analysis.AdditiveErrorIterativeEnsembleKalmanFilter(system, new() { Members = Members, DivergenceHandling = handling }),
            "letkf" => analysis.LocalEnsembleTransformKalmanFilter(system,
                new() { Members = Members, DivergenceHandling = handling,
                    Localisation = new Localisation(LocalisationGeometry.Line(2), LocalisationRadius.HalfWidth(3),
                        observationPositions: tensor(new double[,] { { 0 }, { 1 } })) }),
            "pf" => analysis.ParticleFilter(system, new() { Members = Members, DivergenceHandling = handling }),
            "3d-var" => analysis.ThreeDimensionalVariational(system,
                new() { Background = new KnownBackground(Unit), DivergenceHandling = handling }),
            "4d-var" => analysis.FourDimensionalVariational(system,
                new() { Background = new KnownBackground(Unit), Window = WindowCycling.Instant, DivergenceHandling = handling }),
            "4d-var of a window" =>
                analysis.FourDimensionalVariational(system,
                    new() { Background = new KnownBackground(Unit), Window = WindowCycling.Disjoint(2), DivergenceHandling = handling }),
            "ekf" => analysis.ExtendedKalmanFilter(system, new() { DivergenceHandling = handling }),
            _ => throw new ArgumentException(name),
        };
    }

    private static DivergenceException Ends(ITransformer method, ITrajectoryView view) => Assert.Throws<DivergenceException>(() =>
    {
        using var cursor = method.Transform(view).OpenCursor();
        while (cursor.MoveNext()) { }
    });

    private LinearDynamics Still => new LinearDynamics(eye(2, dtype: ScalarType.Float64));

    [Theory, MemberData(nameof(Ensembles))]
    public void An_operator_that_is_not_defined_for_some_members_is_named_with_their_number(string name)
    {
        var thrown = Ends(Method(name, Still, new Logarithm(), Around(0.5, 1)), View());
        Assert.Equal((0, "analysis", 1.0), (thrown.Cycle, thrown.Stage, thrown.Time));
        Assert.Matches(@"cycle 0 \(time 1\).*operator 'Logarithm' gave values that are not finite for \d+ of 12 members \(trajectory 0\)",
            thrown.Message);
        Assert.DoesNotContain("More members", thrown.Message);
    }

    [Theory, MemberData(nameof(Singles))]
    public void An_operator_that_is_not_defined_for_the_state_is_named(string name)
    {
        var thrown = Ends(Method(name, Still, new Logarithm(), Around(-0.5, 1e-8)), View());
        Assert.Equal((name == "4d-var of a window" ? 1 : 0, "analysis"), (thrown.Cycle, thrown.Stage));
        Assert.Contains("operator 'Logarithm' gave values that are not finite for " +
            (name == "ienkf-q" ? "12 of 12 members" : "1 of 1 trajectories"), thrown.Message);
    }

    [Theory, MemberData(nameof(Ensembles)), MemberData(nameof(Singles))]
    public void A_model_that_is_not_defined_for_its_states_is_named(string name)
    {
        var thrown = Ends(Method(name, new Rooted(), new IdentityObservationOperator(2), Around(-3, 1)), View());
        Assert.Equal(name is "ienkf" or "4d-var of a window" ? thrown.Stage : "forecast", thrown.Stage);
        Assert.Equal(0, thrown.Cycle);
        Assert.Matches("model 'Rooted' (gave|failed)", thrown.Message);
    }

    [Theory, MemberData(nameof(Ensembles)), MemberData(nameof(Singles))]
    public void What_a_mask_hides_of_the_operator_does_not_matter(string name)
    {
        // The first component, of which the logarithm is not defined, is not observed.
        var mixed = new GaussianInitialCondition(tensor(new[] { -2, 2.0 }), ErrorCovariance.Scalar(2, 1e-4));
        using var cursor = Method(name, Still, new Logarithm(), mixed).Transform(View(masked: true)).OpenCursor();
        while (cursor.MoveNext()) Assert.True(FiniteNumbers.All(cursor[Columns.Analysis]));
        Assert.Equal(3, cursor.Cycle);
    }

    [Theory]
    [InlineData("etkf")]
    [InlineData("3d-var")]
    [InlineData("4d-var")]
    [InlineData("ekf")]
    public void Isolated_the_trajectory_is_flagged_and_no_analysis_is_switched_off(string name)
    {
        // One trajectory of two starts where the logarithm is not defined; its fresh starts are not either.
        var start = new Alternating();
        ITransformer method = name == "ekf" ? Method(name, Still, new Logarithm(), Around(-0.5, 1e-8), DivergenceHandling.Isolate)
            : Method(name, Still, new Logarithm(), start, DivergenceHandling.Isolate);
        var view = View(batch: 2);
        using var cursor = method.Transform(view).OpenCursor();
        try { while (cursor.MoveNext()) Assert.True(cursor[Columns.Diverged].ToArray<bool>()[1]); }
        // a fresh start that fails as well
        catch (DivergenceException thrown) { Assert.Contains("operator 'Logarithm'", thrown.Message); }
    }

    [Fact]
    public void A_model_that_throws_for_one_trajectory_ends_the_run_or_sets_that_one_apart()
    {
        var model = new Drying();
        var h = new IdentityObservationOperator(2);
        MemoryTrajectoryView Observing(double value)
        {
            var y = zeros(6, 3, 2, dtype: ScalarType.Float64);
            y[2, 1] = value;
            return context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Observation] = y }, [1, 2, 3, 4, 5, 6]);
        }
        var view = Observing(1000);    // drives trajectory 1 beyond what the model can describe
        foreach (string name in (string[])["etkf", "3d-var", "enkf"])
        {
            var thrown = Ends(Method(name, model, h, Around(0, 1)), view);
            Assert.Equal((3, "forecast"), (thrown.Cycle, thrown.Stage));
            Assert.Contains("the model 'Drying' failed: Drying: state", thrown.Message);
            Assert.IsType<ModelStateException>(thrown.InnerException);

            using var clean = Method(name, model, h, Around(0, 1)).Transform(Observing(0)).OpenCursor();
            using var cursor = Method(name, model, h, Around(0, 1), DivergenceHandling.Isolate).Transform(view).OpenCursor();
            while (cursor.MoveNext())
            {
                Assert.True(clean.MoveNext());
                Assert.Equal([false, cursor.Cycle >= 3, false], cursor[Columns.Diverged].ToArray<bool>());
                foreach (long b in (long[])[0, 2])
                    Assert.Equal(clean[Columns.Analysis][b].ToArray<double>(), cursor[Columns.Analysis][b].ToArray<double>());
            }
            Assert.Equal(5, cursor.Cycle);
        }
    }

    [Fact]
    public void A_factorisation_that_fails_is_no_raw_text_of_libtorch()
    {
        var network = new ObservationNetwork(new IdentityObservationOperator(2), Unit);
        var system = new AssimilationSystem(Still, network) { Initial = Around(0, 1) };
        var etkf = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 4 });
        foreach (var break_ in (Func<Tensor>[])[() => linalg.cholesky(-eye(2)), () => linalg.solve(zeros(2, 2), ones(2))])
        {
            var method = new SequentialAssimilation<EnsembleMemory>("mine", etkf.Triple with { Analyzer = new Breaking(break_) }, network,
                context);
            var thrown = Ends(method, View());
            Assert.Equal((0, "analysis"), (thrown.Cycle, thrown.Stage));
            Assert.Contains("mine diverged in cycle 0 (time 1), in the analysis: the analyzer 'breaking' failed: a factorisation",
                thrown.Message);
            Assert.Contains("double precision", thrown.Message);
            Assert.DoesNotContain("linalg", thrown.Message);
            Assert.NotNull(thrown.InnerException);
        }
        // A defect is no divergence.
        var defect = new SequentialAssimilation<EnsembleMemory>("mine",
            etkf.Triple with { Analyzer = new Breaking(() => throw new InvalidOperationException("a defect")) }, network, context);
        Assert.Equal("a defect", Assert.Throws<InvalidOperationException>(() => defect.Transform(View()).OpenCursor().MoveNext()).Message);
    }

    [Fact]
    public void An_analyzer_of_ones_own_is_named_for_what_it_gives()
    {
        var network = new ObservationNetwork(new IdentityObservationOperator(2), Unit);
        var system = new AssimilationSystem(Still, network) { Initial = Around(0, 1) };
        var etkf = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 4 });
        var method = new SequentialAssimilation<EnsembleMemory>("mine", etkf.Triple with { Analyzer = new Breaking(null) }, network,
            context);
        Assert.Contains(
            "the analyzer 'breaking' gave values that are not finite for 4 of 4 members (trajectory 0, and in 1 more of 2 trajectories)",
            Ends(method, View(batch: 2)).Message);
    }

    [Fact]
    public void A_twin_experiment_names_operator_or_model()
    {
        var network = new ObservationNetwork(new Logarithm(), Unit);
        var system = new AssimilationSystem(Still, network) { Initial = Around(-1, 1e-4) };
        var still = Assert.Throws<DivergenceException>(() => context.Data.Twin(system, new() { Batch = 3 }).OpenCursor().MoveNext());
        Assert.Contains("operator 'Logarithm' gave values that are not finite for 3 of 3 trajectories", still.Message);
        var rooted = Assert.Throws<DivergenceException>(() =>
            context.Data.Twin(new AssimilationSystem(new Rooted(), network) { Initial = Around(-1, 1e-4) }, new() { Batch = 3 })
                .OpenCursor().MoveNext());
        Assert.Contains("model 'Rooted' gave values that are not finite for 3 of 3 trajectories", rooted.Message);
    }

    private sealed class Logarithm() : ObservationOperator(2, 2)
    {
        protected override Tensor Observe(Tensor state) => state.log();
    }

    private sealed class Rooted() : DiscreteDynamics(2, 1)
    {
        protected override Tensor Step(Tensor state, double time) => state.sqrt();
    }

    // Refuses a whole batch for one of its states, as the shallow-water model does.
    private sealed class Drying() : DiscreteDynamics(2, 1)
    {
        protected override Tensor Step(Tensor state, double time)
        {
            var rows = state.reshape(-1, 2).abs().amax([-1]).ToArray<double>();
            int bad = Array.FindIndex(rows, size => size > 100);
            return bad < 0 ? 0.9 * state : throw new ModelStateException("Drying", bad, 1, time, "it is dry.");
        }
    }

    private sealed class Breaking(Func<Tensor>? fails) : IAnalyzer<EnsembleMemory>
    {
        public string Name => "breaking";

        public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
        {
            fails?.Invoke();
            return new(forecast.Members / 0);
        }
    }

    // Draws of which every second half is where the logarithm is not defined.
    private sealed class Alternating : IInitialCondition
    {
        public long Dimension => 2;

        public Tensor Draw(long count, RandomStream random, ScalarType dtype)
        {
            var draws = 2 + 0.1 * random.Normal([count, 2], dtype);
            draws.narrow(0, count / 2, count - count / 2).sub_(4);
            return draws;
        }
    }

    private sealed class Roots() : ObservationOperator(2, 2)
    {
        protected override Tensor Observe(Tensor state) => state.sqrt();
    }

    [Theory, InlineData("3d-var"), InlineData("4d-var"), InlineData("4d-var of a window"), InlineData("ekf"), InlineData("etkf")]
    public void A_derivative_that_is_not_finite_under_a_mask_does_not_matter(string name)
    {
        // Only the second component, at 1, is observed; the root of the first, at -1, has neither value nor derivative.
        var start = new GaussianInitialCondition(tensor(new[] { -1.0, 1 }), ErrorCovariance.Diagonal(0, 0.01));
        using var cursor = Method(name, Still, new Roots(), start).Transform(View(masked: true)).OpenCursor();
        while (cursor.MoveNext())
        {
            Assert.True(FiniteNumbers.All(cursor[Columns.Analysis]));
            Assert.InRange(cursor[Columns.Analysis][0, 1].ToDouble(), 0.7, 1.3);
        }
    }

    [Fact]
    public void The_adjoint_of_what_is_seen_is_the_same_beside_a_derivative_that_is_not_finite()
    {
        var h = new Roots();
        var adjoint = h.Adjoint(tensor(new[,] { { -1.0, 4 }, { 9, 4 } }), tensor(new[,] { { 0.0, 1 }, { 1, 1 } }));
        Assert.Equal([0, 0.25, 1 / 6.0, 0.25], adjoint.reshape(-1).data<double>().ToArray().Select(x => Math.Round(x, 14)),
            (a, b) => Math.Abs(a - b) < 1e-13);
    }

    [Theory, MemberData(nameof(Ensembles)), MemberData(nameof(Singles))]
    public void An_isolated_trajectory_that_no_start_survives_does_not_end_the_others(string name)
    {
        // The model ends beyond 20, where an observation of a thousand leads from any start.
        var values = ones(4, 3, 2, dtype: ScalarType.Float64);
        values[1, 1] = 1000;
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Observation] = values }, [1, 2, 3, 4]);
        using var cursor = Method(name, new Bounded(), new IdentityObservationOperator(2), Around(1, 0.5), DivergenceHandling.Isolate)
            .Transform(view).OpenCursor();
        while (cursor.MoveNext())
            foreach (int b in (int[])[0, 2]) Assert.InRange(cursor[Columns.Analysis][b].abs().max().ToDouble(), 0, 5);
    }

    private sealed class Bounded() : Dynamics(2, 1)
    {
        protected override Tensor Tendency(Tensor state) => where(state.abs() > 20, full_like(state, double.NaN), zeros_like(state));
    }

    [Fact]
    public void Estimates_that_are_not_finite_are_a_divergence_to_scores()
    {
        var system = new AssimilationSystem(Still, ObservationNetwork.Full(Still.Dimension, 1)) { Initial = Around(1, 0.5) };
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 6 });
        var method = new Losing(context.Analysis.KalmanFilter(system));
        var report = context.Scores.Evaluate(method.Transform(twin));
        Assert.Equal([TrajectoryOutcome.Scored, TrajectoryOutcome.Diverged], report.Outcomes);
    }

    // Of the second trajectory nothing is left from the fourth cycle on.
    private sealed class Losing(ITransformer inner) : ITransformer
    {
        public string Name => inner.Name;
        public SchemaContract Contract => inner.Contract;
        public ITrajectoryView Transform(ITrajectoryView input) =>
            inner.Transform(input) is var view ? new TrajectoryView(view.Schema, view, source => new Cursor(source))
            : throw new InvalidOperationException();

        private sealed class Cursor(ITrajectoryCursor source) : TrajectoryCursor(source)
        {
            protected override bool Compute(long cycle)
            {
                if (cycle >= 3) Set(Columns.Analysis, Source![Columns.Analysis] * tensor(new[,] { { 1 }, { double.NaN } }));
                return true;
            }
        }
    }
}
