using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Networks whose operator, places, errors and number of observations change from cycle to cycle: every method does as if each cycle were a
/// problem of its own.
/// </summary>
public sealed class ChangingNetworkTests
{
    private const int N = 8, Cycles = 5, Batch = 2, Most = 5;

    private readonly DataAssimilationContext context = new(31);
    private readonly Lorenz96 model = new(N);
    private readonly GaussianInitialCondition start;
    private readonly ObservationNetwork[] networks;

    public ChangingNetworkTests()
    {
        using var scope = NewDisposeScope();
        start = new GaussianInitialCondition(2 + arange(N, dtype: ScalarType.Float64) / 4, ErrorCovariance.Scalar(N, 0.5));
        using var random = context.Random("networks");
        networks = [.. Enumerable.Range(0, Cycles).Select(k =>
        {
            long p = k == 0 ? Most : 2 + k % 3;
            return new ObservationNetwork(new LinearObservationOperator(random.Normal([p, N], ScalarType.Float64)),
                ErrorCovariance.Diagonal([.. Enumerable.Range(1, (int)p).Select(i => 0.2 * i + 0.1 * k)]));
        })];
    }

    // Sites that move on, and so do their errors.
    private ObservationNetwork[] Sites => [.. Enumerable.Range(0, Cycles).Select(k =>
        new ObservationNetwork(
            new SubsetObservationOperator(N, [.. Enumerable.Range(0, k == 0 ? Most : 3).Select(i => (long)((2 * i + k) % N)).Order()]),
            ErrorCovariance.Scalar(k == 0 ? Most : 3, 0.3 + 0.1 * k)))];

    private ITrajectoryView View(ObservationNetwork[] of) =>
        context.Data.Twin(new AssimilationSystem(model, of[0]) { Initial = start },
            new() { Batch = Batch, Cycles = Cycles, NetworkAt = time => of[(int)Math.Round(time / 0.05) - 1] });

    private static GaussianInitialCondition Prior => new(full(N, 2.5, dtype: ScalarType.Float64), ErrorCovariance.Scalar(N, 1));

    // The loop by hand, in which every cycle has a method of its own, made for its network.
    private void Same<TMemory>(ObservationNetwork[] of, Func<IObservationNetwork, SequentialAssimilation<TMemory>> make)
        where TMemory : IMemory<TMemory>
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var method = make(of[0]);
        using RandomStream starting = method.Random("source"), propagation = method.Random("propagater"),
            analysing = method.Random("analyzer");
        var memory = method.Triple.Source.Start(Batch, starting);
        using var run = method.Run(View(of));
        while (run.MoveNext())
        {
            int k = (int)run.Cycle;
            long p = of[k].Operator.ObservationDimension;
            var one = make(of[k]).Triple;
            var forecast = one.Propagater.Propagate(memory, new TimeInterval(0.05 * k, run.Time), propagation);
            memory = one.Analyzer.Analyze(forecast,
                new Observation(run[Columns.Observation].narrow(1, 0, p).clone(), run[Columns.ObservationMask].narrow(1, 0, p).clone(),
                    run.Time), analysing);
            var density = one.Procoder.Decode(memory);
            Near(density.Mean, run[Columns.Analysis]);
            if (one.Procoder.HasSpread) Near(density.StandardDeviation, run[Columns.AnalysisSpread]);
        }
    }

    private static void Near(Tensor expected, Tensor actual, double tolerance = 1e-12) =>
        Assert.True((expected - actual).abs().max().ToDouble() <= tolerance * (1 + expected.abs().max().ToDouble()),
            $"{(expected - actual).abs().max().ToDouble()}");

    private AssimilationSystem System(IObservationNetwork network) => new(model, network) { Initial = Prior };

    [Fact] public void The_extended_Kalman_filter() => Same(networks, network => context.Analysis.ExtendedKalmanFilter(System(network)));
    [Fact] public void Optimal_interpolation() =>
        Same(networks, network => context.Analysis.OptimalInterpolation(System(network), new() { Distribution = Prior }));
    [Fact] public void The_stochastic_filter() =>
        Same(networks,
            network => context.Analysis.StochasticEnsembleKalmanFilter(System(network),
                new() { Members = 12, Inflation = Inflation.StandardDeviation(1.03) }));
    [Fact] public void The_deterministic_filter() =>
        Same(networks,
            network => context.Analysis.DeterministicEnsembleKalmanFilter(System(network),
                new() { Members = 12, Inflation = Inflation.StandardDeviation(1.03) }));
    [Fact] public void The_serial_filter() =>
        Same(networks,
            network => context.Analysis.SerialSquareRootFilter(System(network),
                new() { Members = 12, Inflation = Inflation.StandardDeviation(1.03) }));
    [Fact] public void Three_D_Var() =>
        Same(networks,
            network => context.Analysis.ThreeDimensionalVariational(System(network),
                new() { Background = new KnownBackground(ErrorCovariance.Scalar(N, 0.7)) }));

    [Fact] public void The_transform_filter() =>
        Same(networks,
            network => context.Analysis.EnsembleTransformKalmanFilter(System(network),
                new() { Members = 12, Rotation = EnsembleRotation.MeanPreserving }));

    // no overload stands in the way of the type that is not named
    [Fact] public void The_finite_size_filter() =>
        Same(networks, network => context.Analysis.FiniteSizeEnsembleKalmanFilter(System(network), new() { Members = 12 }));

    [Fact] public void Adaptive_inflation() =>
        Same(networks,
            network => context.Analysis.AdaptivelyInflatedFilter(System(network),
                new() { Filter = new EnsembleTransformKalmanFilter { Members = 12 } }));

    [Fact] public void The_particle_filter() =>
        Same(networks, network => context.Analysis.ParticleFilter(System(network), new() { Members = 30 }));

    [Fact] public void The_local_filter_where_the_operator_says_the_places() => Same(Sites, Local);

    [Fact]
    public void The_local_filter_where_the_network_says_the_places()
    {
        // Between the sites, by interpolation.
        ObservationNetwork Between(int k)
        {
            using var scope = NewDisposeScope();
            var matrix = zeros(Most, N, dtype: ScalarType.Float64);
            for (int i = 0; i < Most; i++) matrix[i, (i + k) % N] = matrix[i, (i + k + 1) % N] = 0.5;
            return new ObservationNetwork(new LinearObservationOperator(matrix), ErrorCovariance.Scalar(Most, 0.4))
                .At(tensor(Enumerable.Range(0, Most).Select(i => (i + k + 0.5) % N).ToArray()));
        }
        ObservationNetwork[] moving = [.. Enumerable.Range(0, Cycles).Select(Between)];
        Same(moving,
            network => context.Analysis.LocalEnsembleTransformKalmanFilter(System(network),
                new() { Members = 6,
                    Localisation = new Localisation(LocalisationGeometry.Circle(N), LocalisationRadius.HalfWidth(3),
                        observationPositions: network.Places) }));
        using var places = tensor(new[] { 1.0, 2 });
        Assert.Contains("5 observations", Assert.Throws<ArgumentException>(() => moving[0].At(places)).Message);
    }

    private SequentialAssimilation<EnsembleMemory> Local(IObservationNetwork network) =>
        context.Analysis.LocalEnsembleTransformKalmanFilter(System(network),
            new() { Members = 6, Localisation = new Localisation(LocalisationGeometry.Circle(N), LocalisationRadius.HalfWidth(3)) });

    [Fact] public void Four_D_Var_in_windows_of_a_cycle() =>
        Same(networks,
            network => context.Analysis.FourDimensionalVariational(System(network),
                new() { Background = new KnownBackground(ErrorCovariance.Scalar(N, 0.7)), Window = WindowCycling.Overlapping(1) }));

    [Fact] public void The_iterative_filter() =>
        Same(networks,
            network => context.Analysis.IterativeEnsembleKalmanSmoother(System(network),
                new() { Members = 12, Window = WindowCycling.Overlapping(1) }));

    [Fact] public void The_iterative_filter_with_model_error()
    {
        var noisy = new Lorenz96(N) { ModelError = ErrorCovariance.Scalar(N, 0.01) };
        Same(networks,
            network => context.Analysis.AdditiveErrorIterativeEnsembleKalmanFilter(new AssimilationSystem(noisy, network)
                { Initial = Prior }, new() { Members = 12 }));
    }

    // Windows of two cycles on a linear model: the analysis of all observations stacked, by matrices.
    [Fact]
    public void A_window_holds_observations_of_several_networks()
    {
        using var scope = NewDisposeScope();
        using var random = context.Random("linear");
        var m = 0.3 * random.Normal([N, N], ScalarType.Float64) + 0.8 * eye(N, dtype: ScalarType.Float64);
        var linear = new LinearDynamics(m);
        var view = context.Data.Twin(new AssimilationSystem(linear, networks[0]) { Initial = start },
            new() { Batch = Batch, Cycles = 2, NetworkAt = time => networks[(int)Math.Round(time) - 1] });
        using var cursor = view.OpenCursor();
        List<Tensor> h = [], y = [], r = [];
        for (int k = 0; k < 2; k++)
        {
            Assert.True(cursor.MoveNext());
            Assert.Same(networks[k], cursor.Network);
            long p = networks[k].Operator.ObservationDimension;
            h.Add(((LinearObservationOperator)networks[k].Operator)
                .TangentLinear(zeros(N, N, dtype: ScalarType.Float64), Power(m, k + 1).mT.contiguous()).mT);
            y.Add(cursor[Columns.Observation].narrow(1, 0, p).clone());
            r.Add(networks[k].Error.ToMatrix(ScalarType.Float64, CPU).diagonal());
        }
        Tensor H = cat(h, 0), R = cat(r, 0).diag(), Y = cat(y, 1), B = Prior.Covariance.ToMatrix(ScalarType.Float64, CPU),
            xb = Prior.Mean.unsqueeze(0);
        var gain = B.matmul(H.mT).matmul(linalg.inv(H.matmul(B).matmul(H.mT) + R));
        var smoothed = xb + (Y - xb.matmul(H.mT)).matmul(gain.mT);
        var expected = smoothed.matmul(Power(m, 2).mT);

        var variational =
            context.Analysis.FourDimensionalVariational(new AssimilationSystem(linear, networks[0])
                { Initial = new GaussianInitialCondition(Prior.Mean, ErrorCovariance.Scalar(N, 1e-24)) },
                    new() { Background = new KnownBackground(Prior.Covariance), Window = WindowCycling.Disjoint(2),
                        Minimisation = new IncrementalOptions
                            { InnerSolver = new ConjugateGradientSolver(new() { MaximumIterations = 60, ResidualReduction = 1e-13 }) } });
        using var run = variational.Run(view);
        while (run.MoveNext()) { if (run.Cycle == 1) Near(expected, run[Columns.Analysis], 1e-8); }
    }

    private static Tensor Power(Tensor matrix, int power) => power == 1 ? matrix : matrix.matmul(Power(matrix, power - 1));

    // The view in memory, in part and scored keeps its networks; scores heed them.
    [Fact]
    public void Views_keep_their_networks()
    {
        using var scope = NewDisposeScope();
        var view = View(networks);
        var filter = context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(model, networks[0]) { Initial = Prior },
            new() { Members = 12 });
        double[] Analyses(ITrajectoryView of)
        {
            using var cursor = filter.Transform(of).OpenCursor();
            while (cursor.MoveNext()) { if (cursor.Cycle == 3) return cursor[Columns.Analysis].reshape(-1).ToArray<double>(); }
            return [];
        }
        using var recorded = view.Materialise();
        double[] expected = Analyses(view);
        Assert.Equal(expected, Analyses(recorded));
        Assert.Equal(expected, Analyses(view.Take(4)));
        // The same columns without what observed them, and with it said again.
        using var bare =
            context.Data.FromMemory(new Dictionary<Column, Tensor>
                { [Columns.Observation] = recorded[Columns.Observation].clone(),
                    [Columns.ObservationMask] = recorded[Columns.ObservationMask].clone() }, recorded.Times);
        Assert.NotEqual(expected, Analyses(bare));
        Assert.Equal(expected, Analyses(bare.ObservedBy((cycle, _) => networks[cycle])));
        var chi = new InnovationChiSquare(networks[0]);
        Assert.True(double.IsFinite(context.Scores.Evaluate(filter.Transform(recorded), new() { Scores = [chi] })[chi].Mean));
    }

    [Fact]
    public void State_and_parameters_are_estimated_with_the_networks_of_the_cycles()
    {
        // Sites that are masked, and networks that have only the others.
        using var scope = NewDisposeScope();
        long[][] seen = [[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2], [0], [0, 1, 2, 3, 4], [0, 1]];
        ObservationNetwork Of(long[] sites) =>
            new ObservationNetwork(new SubsetObservationOperator(N, sites), ErrorCovariance.Scalar(sites.Length, 0.5));
        var all = Of(seen[0]);
        var mask = zeros(Cycles, Batch, N, dtype: ScalarType.Bool);
        for (int k = 0; k < Cycles; k++) mask[k].narrow(-1, 0, seen[k].Length).fill_(true);
        using var random = context.Random("joint");
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
        {
            [Columns.Observation] = random.Normal([Cycles, Batch, N], ScalarType.Float64), [Columns.ObservationMask] = mask,
        }, [.. Enumerable.Range(1, Cycles).Select(k => 0.05 * k)]);
        var method = context.Analysis.JointEstimation(System(all),
            new() { Parameters = [new EstimatedParameter("forcing", 8, 0.5)], Filter = new ExtendedKalmanFilter() });
        var networks = seen.Select(Of).ToArray();
        using ITrajectoryCursor expected = method.Transform(view).OpenCursor(),
            found = method.Transform(view.ObservedBy((cycle, _) => networks[cycle])).OpenCursor();
        while (expected.MoveNext() && found.MoveNext())
        {
            Near(expected[Columns.Analysis], found[Columns.Analysis]);
            Near(expected[Columns.Parameters], found[Columns.Parameters]);
            Assert.Same(networks[found.Cycle], found.Network);    // of the state again
        }
    }

    [Fact]
    public void A_network_without_errors_is_refused_by_windows_too()
    {
        var certain = new ObservationNetwork(new IdentityObservationOperator(N), ErrorCovariance.Scalar(N, 0));
        var view = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, 1)) { Initial = start },
            new() { Batch = 1, Cycles = 2 }).ObservedBy((_, _) => certain);
        ITransformer[] methods = [
            context.Analysis.FourDimensionalVariational(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, 1))
                { Initial = Prior },
                    new() { Background = new KnownBackground(ErrorCovariance.Scalar(N, 1)), Window = WindowCycling.Disjoint(2) }),
            context.Analysis.IterativeEnsembleKalmanSmoother(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, 1))
                { Initial = Prior }, new() { Members = 5 }) ];
        foreach (var method in methods)
        {
            using var run = method.Transform(view).OpenCursor();
            Assert.Contains("must be positive definite, since an analysis weights observations by R^-1",
                Assert.Throws<ArgumentException>(() => run.MoveNext()).Message);
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var filter = context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(model, networks[1]) { Initial = Prior },
            new() { Members = 12 });
        var narrow = context.Data.Twin(new AssimilationSystem(model, networks[1]) { Initial = start }, new() { Batch = 1, Cycles = 2 });
        Assert.Contains($"{Most} observations, more than the 3", Message(narrow.ObservedBy((_, _) => networks[0])));
        var other = new ObservationNetwork(new IdentityObservationOperator(3), ErrorCovariance.Scalar(3, 1));
        Assert.Contains("dimension 3", Message(narrow.ObservedBy((_, _) => other)));
        Assert.Throws<ArgumentException>(() =>
            context.Data.Twin(new AssimilationSystem(model, networks[1]) { Initial = start },
                new() { Batch = 1, Cycles = 2, NetworkAt = _ => networks[0] }).Materialise());

        var own = new SequentialAssimilation<EnsembleMemory>("own", filter.Triple with { Analyzer = new Stubborn() }, N, 3, context);
        using var run = own.Run(narrow.ObservedBy((_, _) => networks[1]));
        Assert.Contains("stubborn assumes the same observation network in every cycle",
            Assert.Throws<NotSupportedException>(() => run.MoveNext()).Message);

        string Message(ITrajectoryView view)
        {
            using var attempt = filter.Run(view);
            return Assert.Throws<ArgumentException>(() => attempt.MoveNext()).Message;
        }
    }

    private sealed class Stubborn : IAnalyzer<EnsembleMemory>
    {
        public string Name => "stubborn";
        public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random) =>
            forecast.Map(tensor => tensor.alias());
    }
}
