using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Any torch module over fields as an analyzer, and analyses learned over two directions.</summary>
public sealed class FieldNetworkTests
{
    /// <summary>A user's module over fields: two convolutions with a rectifier between them.</summary>
    [Component("example.org/layers")]
    private sealed class Layers : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d first = nn.Conv2d(2, 8, 5, padding: 2), last = nn.Conv2d(8, 1, 1);

        public Layers([NotSaved] RandomStream? random = null) : base(nameof(Layers))
        {
            RegisterComponents();
            if (random is not null) ModuleState.DrawWeights(this, random);
        }

        public override Tensor forward(Tensor field) => last.call(nn.functional.leaky_relu(first.call(field), 0.5));
    }

    private sealed class Echo(Func<Tensor, Tensor> answer) : nn.Module<Tensor, Tensor>(nameof(Echo))
    {
        public override Tensor forward(Tensor field) => answer(field);
    }

    [Fact]
    public void A_module_is_given_standardised_channels_on_the_grid_and_its_answer_is_scaled_back()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(8, "inputs", CPU);
        var statistics = new AnalysisStatistics(15, 2, 4, 0.5);
        Tensor forecast = random.Normal([3, 15], ScalarType.Float64), innovation = random.Normal([3, 15], ScalarType.Float64);
        Tensor? seen = null;
        var network = new FieldNetwork(new Echo(field => (seen = field)[.., 1..2] * 2), statistics, StateGrid.Plane(3, 5));
        var increment = network.call(forecast, innovation);
        Assert.Equal([3, 2, 3, 5], seen!.shape);
        Assert.Equal(0, (seen[.., 0].reshape(3, 15) - (forecast - 2) / 4).abs().max().ToDouble(), 1e-15);
        Assert.Equal(0, (seen[.., 1].reshape(3, 15) - innovation / 0.5).abs().max().ToDouble(), 1e-15);
        Assert.Equal(0, (increment - innovation * 8).abs().max().ToDouble(), 1e-14);

        new FieldNetwork(new Echo(field => (seen = field).clone()), statistics, StateGrid.Line, AnalysisInputs.InnovationOnly)
            .call(forecast, innovation);
        Assert.Equal([3, 1, 15], seen.shape);
        var wrong = new FieldNetwork(new Echo(field => field), statistics, StateGrid.Plane(3, 5));
        Assert.Contains("Echo", Assert.Throws<ArgumentException>(() => wrong.call(forecast, innovation)).Message);
        Assert.Contains("given: 14", Assert.Throws<ArgumentException>(() => wrong.call(forecast[.., 1..], innovation[.., 1..])).Message);
    }

    // A field on a cylinder that is carried round, fades and is stirred by correlated errors: linear and Gaussian, so the
    // Kalman filter is the best there is, and with a constant gain after a while.
    private sealed class Cylinder
    {
        private const long Rows = 6, Columns = 8;

        public Cylinder(long seed, IReadOnlyList<ComponentType>? components = null)
        {
            using var scope = NewDisposeScope();
            Context = new DataAssimilationContext(new DataAssimilationOptions { Seed = seed, Components = components ?? [] });
            var turn = kron(eye(Rows, dtype: ScalarType.Float64), eye(Columns, dtype: ScalarType.Float64).roll(1, 0));
            double Apart(int i, int j)
            {
                double rows = i / Columns - j / Columns, columns = Math.Abs(i % Columns - j % Columns);
                columns = Math.Min(columns, Columns - columns);
                return rows * rows + columns * columns;
            }
            int n = (int)(Rows * Columns);
            var stirring = tensor(Enumerable.Range(0, n * n).Select(k => 0.25 * Math.Exp(-Apart(k / n, k % n) / 2)).ToArray()).view(n, n)
                + 0.01 * eye(n, dtype: ScalarType.Float64);
            Dynamics = new LinearDynamics(0.95 * turn) { ModelError = ErrorCovariance.Full(stirring) };
            Observing = ObservationNetwork.Full(Dynamics.Dimension);
            Initial = new GaussianInitialCondition(zeros(n, dtype: ScalarType.Float64), ErrorCovariance.Scalar(n, 2.5));
        }

        public static StateGrid Grid { get; } = StateGrid.Plane(Rows, Columns, columnEnds: AxisEnds.Periodic);
        public DataAssimilationContext Context { get; }
        public LinearDynamics Dynamics { get; }
        public ObservationNetwork Observing { get; }
        public AssimilationSystem System => new(Dynamics, Observing);
        public GaussianInitialCondition Initial { get; }

        public static TrainingOptions Training { get; } = new()
            { Steps = 200, Truncation = 4, ValidationInterval = 100, ValidationCycles = 60, ValidationBurnIn = 20 };

        public ITrajectoryView View(string stream, long batch, long? cycles = null) =>
            Context.Data.Twin(System with { Initial = Initial }, new() { Batch = batch, Cycles = cycles, Stream = stream });

        public double Rmse(ITransformer method) =>
            Context.Scores.Evaluate(method.Transform(View("test", 8, 150)), new ScoreOptions { BurnIn = 20 }).AnalysisRmse.Mean;

        public double Best => Rmse(Context.Analysis.KalmanFilter(System with { Initial = Initial }));
    }

    [Fact]
    public void On_a_plane_some_hundred_steps_come_near_the_kalman_filter()
    {
        var cylinder = new Cylinder(1);
        var system = cylinder.System with { Initial = cylinder.Initial };
        double best = cylinder.Best;
        Assert.InRange(best, 0.4, 0.6);                 // the observations' error is 1
        double Learned(LearnedAnalysisEstimator<StateMemory> estimator) =>
            cylinder.Rmse(estimator.Fit(cylinder.View("training", 16), cylinder.View("validation", 8)));
        var size = new ResidualConvolutionOptions { Filters = 6, Blocks = 1, SubBlocks = 1, KernelSize = 3, Grid = Cylinder.Grid };
        double convolution =
            Learned(cylinder.Context.Analysis.ResidualConvolution(system, new() { Network = size, Training = Cylinder.Training }));
        Assert.True(convolution < 1.06 * best, $"residual convolution {convolution}, Kalman filter {best}");
        var linear = new InnovationLinearOptions { Network = size, Columns = 4, Radius = LocalisationRadius.HalfWidth(1.9) };
        double localised =
            Learned(cylinder.Context.Analysis.InnovationLinear(system, new() { Network = linear, Training = Cylinder.Training }));
        Assert.True(localised < 1.25 * best, $"linear in the innovation {localised}, Kalman filter {best}");
    }

    [Fact]
    public void A_module_of_ones_own_learns_over_a_plane_and_comes_back_from_a_file()
    {
        var cylinder = new Cylinder(2, [ComponentType.Of<Layers>()]);
        var system = cylinder.System;
        var method = cylinder.Context.Analysis.LearnedField("own layers", system with { Initial = cylinder.Initial }, Cylinder.Grid,
            random => new Layers(random), Cylinder.Training)
            .Fit(cylinder.View("training", 16), cylinder.View("validation", 8));
        double rmse = cylinder.Rmse(method);
        Assert.True(rmse < 1.1 * cylinder.Best, $"{rmse}");
        var read = Reloaded.Of(method, cylinder.Context);
        Bits.Equal(SmallTwin.Analyzer(method).Network, SmallTwin.Analyzer(read).Network);
        Assert.Equal(rmse, cylinder.Rmse(read));
        Assert.Contains("given: 48", Assert.Throws<ArgumentException>(() =>
            cylinder.Context.Analysis.LearnedField("wrong", system, StateGrid.Plane(5, 8), random => new Layers(random))).Message);
    }
}
