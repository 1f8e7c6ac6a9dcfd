using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Networks as models, and models learned through the analyses of a physical method.</summary>
public sealed class EmulatorTests
{
    private static readonly double[,] Turn = { { 0.855, -0.36 }, { 0.36, 0.855 } };

    private static (DataAssimilationContext Context, LinearDynamics Model, ObservationNetwork Observing,
        GaussianInitialCondition First) System()
    {
        var context = new DataAssimilationContext(new DataAssimilationOptions { Seed = 1, NetworkPrecision = ScalarType.Float64 });
        return (context, new LinearDynamics(tensor(Turn)) { ModelError = ErrorCovariance.Scalar(2, 0.1) },
            new ObservationNetwork(new LinearObservationOperator(tensor(new[,] { { 1.0, 0.3 }, { -0.2, 0.8 } })),
                ErrorCovariance.Scalar(2, 0.3), null),
            new GaussianInitialCondition(zeros(2, dtype: ScalarType.Float64), ErrorCovariance.Scalar(2, 0.7)));
    }

    private static Emulator Drawn(ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(3, "emulator", CPU);
        var network = new ReZeroNetwork(4, 4, 2, precision, CPU);
        ModuleState.DrawWeights(network, random);
        using (no_grad()) network.get_parameter("alphas.0")!.fill_(0.5);
        return new Emulator("drawn", network, 4, 0.5) { ModelError = ErrorCovariance.Scalar(4, 0.2) };
    }

    // Mixtures of two components are observed, the truth is never shown.
    [Theory, InlineData("stochastic"), InlineData("etkf"), InlineData("enkf-n")]
    public void A_linear_model_is_learned_through_a_filter_from_observations_alone(string filter)
    {
        using var scope = NewDisposeScope();
        var (context, model, observing, first) = System();
        var system = new AssimilationSystem(model, observing) { Initial = first };
        ITrajectoryView Blind(string stream) => new BlindView(context.Data.Twin(system, new() { Stream = stream, Batch = 64 }));
        SequentialAssimilation<EnsembleMemory> Filter(IDynamics dynamics) => filter switch
        {
            "stochastic" => context.Analysis.StochasticEnsembleKalmanFilter(system with { Dynamics = dynamics }, new() { Members = 20 }),
            "etkf" => context.Analysis.EnsembleTransformKalmanFilter(system with { Dynamics = dynamics }, new() { Members = 20 }),
            _ => context.Analysis.FiniteSizeEnsembleKalmanFilter(system with { Dynamics = dynamics }, new() { Members = 20 }),
        };

        var estimator = context.Analysis.LearnedDynamics("turn", observing, 1, random =>
        {
            var layer = new ReZeroNetwork(2, 2, 1, ScalarType.Float64, CPU);
            using (no_grad())
            {
                layer.get_parameter("last.weight")!.copy_(0.5 * eye(2));
                layer.get_parameter("last.bias")!.zero_();
            }
            return layer;
        }, emulator => Filter(emulator).Triple,
            ErrorCovariance.Scalar(2, 0.1),
            new() { Steps = 250, LearningRate = 2e-2, Truncation = 6, ValidationInterval = 125, ValidationCycles = 40,
                ValidationBurnIn = 20 });
        Assert.DoesNotContain(Columns.Truth, estimator.Contract.Requires.Select(required => required.Column));
        var learned = estimator.Fit(Blind("training"), Blind("validation"));
        var emulator = (Emulator)((EnsemblePropagater)learned.Triple.Propagater).Dynamics;
        var matrix = ((ReZeroNetwork)emulator.Network).get_parameter("last.weight")!;

        Assert.True((matrix - tensor(Turn)).abs().max().ToDouble() < 0.04, string.Join(" ", matrix.data<double>().ToArray()));

        // And it filters like the model itself, also when it was written and read.
        var test = context.Data.Twin(system, new() { Stream = "test", Batch = 64, Cycles = 150 });
        var innovation = new ForecastInnovation(observing.Operator, observing.Error);
        double Score(ITransformer method) =>
            context.Scores.Evaluate(method.Transform(test), new() { BurnIn = 30, Scores = [innovation] })[innovation].Mean;
        double Of(IDynamics dynamics) => Score(Filter(dynamics));
        var untrained = new LinearDynamics(0.5 * eye(2, dtype: ScalarType.Float64)) { ModelError = model.ModelError };
        Assert.InRange(Of(emulator) / Of(model), 0.98, 1.02);
        Assert.True(Of(untrained) > 1.1 * Of(model));
        Assert.Equal(Score(learned), Score(Reloaded.Of(learned, context)));
        Assert.NotNull(((Emulator)((EnsemblePropagater)Reloaded.Of(learned, context).Triple.Propagater).Dynamics).History);
    }

    [Fact]
    public void A_network_is_a_dynamics_like_every_other()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(4, "states", CPU);
        var emulator = Drawn();
        var state = random.Normal([3, 5, 4], ScalarType.Float64);
        var twice = emulator.Network.call(emulator.Network.call(state.view(15, 4))).view(3, 5, 4);
        Bits.Equal(twice, emulator.Advance(state, new(0, 1)));
        Assert.Throws<ArgumentException>(() => emulator.Advance(state, new(0, 0.7)));

        var (dx, dy) = (random.Normal([3, 5, 4], ScalarType.Float64), random.Normal([3, 5, 4], ScalarType.Float64));
        double forward = (emulator.TangentLinear(state, dx, new(0, 1)) * dy).sum().ToDouble(),
            backward = (emulator.Adjoint(state, dy, new(0, 1)) * dx).sum().ToDouble();
        Assert.Equal(forward, backward, 1e-12 * Math.Abs(forward) + 1e-13);

        // States keep their precision, the network its own.
        var single = Drawn(ScalarType.Float32);
        using (no_grad())
            foreach (var (name, parameter) in single.Network.named_parameters()) parameter.copy_(emulator.Network.get_parameter(name)!);
        Assert.Equal(ScalarType.Float64, single.Advance(state, new(0, 1)).dtype);
        Assert.Equal(0, (single.Advance(state, new(0, 1)) - twice).abs().max().ToDouble(), 1e-5);
    }

    [Fact]
    public void It_survives_its_file_and_a_network_that_changes_the_shape_is_refused()
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(1);
        var emulator = Drawn();
        var read = Reloaded.Of(emulator, context);
        Bits.Equal(emulator.Network, read.Network);
        Assert.Equal(("drawn", 4L, 0.5), (read.Name, read.Dimension, read.TimeStep));
        Assert.Equal(emulator.ModelError!.LogDeterminant, read.ModelError!.LogDeterminant);
        Assert.All(read.Network.parameters(), parameter => Assert.False(parameter.requires_grad));
        var wrong = new Emulator(new ReZeroNetwork(4, 3, 1, ScalarType.Float64, CPU).GetName(),
            new ReZeroNetwork(4, 3, 1, ScalarType.Float64, CPU), 4, 1);
        Assert.Contains("ReZeroNetwork",
            Assert.Throws<ArgumentException>(() => wrong.Advance(zeros(2, 4, dtype: ScalarType.Float64), new(0, 1))).Message);
    }
}
