using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A training that meets numbers that are not finite says where they come from, and a learned analysis in use does too.</summary>
public sealed class NonFiniteTrainingTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    [Fact]
    public void An_operator_that_is_not_defined_is_named_by_the_training_and_by_the_run()
    {
        var context = new DataAssimilationContext(3);
        var model = new Lorenz96(8);
        var network = new ObservationNetwork(new Logarithm(), ErrorCovariance.Scalar(8, 1));
        var modelSystem = new AssimilationSystem(model, network);
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension));
        // The truth itself is where the operator is not defined: seen as the view is measured.
        var data = context.Data.Twin(system, new() { Batch = 4 });
        var training = new TrainingOptions { Steps = 150, Truncation = 2, ValidationInterval = 150 };
        var measured = Assert.Throws<DivergenceException>(() =>
            context.Analysis.ResidualConvolution(modelSystem, new() { Training = training }).Fit(data));
        Assert.Matches("operator 'Logarithm' gave values that are not finite for [1-4] of [1-4] trajectories", measured.Message);
        // The truth is where it is defined, the analyses of an untrained network are not: seen in training.
        var shifted = new ObservationNetwork(new Logarithm(20.0), ErrorCovariance.Scalar(8, 1e-3));
        var shiftedSystem = new AssimilationSystem(model, shifted);
        var untrained = Assert.Throws<DivergenceException>(() =>
            context.Analysis.ResidualConvolution(new AssimilationSystem(new Wild(), shifted),
                new() { Training = training with { BurnIn = 0 } })
            .Fit(context.Data.Twin(shiftedSystem, new() { Batch = 4 })));
        Assert.True(untrained.Message.Contains("The training of"), untrained.Message);
        Assert.Matches("the (operator|model|network|observation operator) (of )?'", untrained.Message);
        Assert.Contains("learning rate", untrained.Message);
        Assert.DoesNotContain("More members", untrained.Message);

        var learned = context.Analysis.ResidualConvolution(system, new() { Training = training with { Steps = 2, ValidationInterval = 2 } })
            .Fit(data);
        var broken = new SequentialAssimilation<StateMemory>("broken", learned.Triple with
        {
            Analyzer = new LearnedAnalyzer<StateMemory>("broken", new Logarithm(), ErrorCovariance.Scalar(8, 1),
                ((LearnedAnalyzer<StateMemory>)learned.Triple.Analyzer).Network),
        }, network, context);
        var run = Assert.Throws<DivergenceException>(() => broken.Transform(data).OpenCursor().MoveNext());
        Assert.Contains("operator 'Logarithm' gave values that are not finite for", run.Message);
        Assert.Equal((0, "analysis"), (run.Cycle, run.Stage));
    }

    [Fact]
    public void Observations_without_error_are_refused_by_name()
    {
        var context = new DataAssimilationContext(3);
        var model = new Lorenz96(8);
        var system = new AssimilationSystem(model,
            new ObservationNetwork(new IdentityObservationOperator(8), ErrorCovariance.Diagonal(1, 1, 1, 0, 1, 1, 1, 1)));
        var refused = Assert.Throws<ArgumentException>(() =>
            context.Analysis.ResidualConvolution(system).Fit(context.Data.Twin(system, new() { Batch = 4 })));
        Assert.Contains("The observation error covariance R of 'full observation' must be positive definite", refused.Message);
        Assert.Contains("component 3", refused.Message);
    }

    [Fact]
    public void A_tuning_that_finds_nothing_says_why()
    {
        var context = new DataAssimilationContext(3);
        var model = new Lorenz96(8);
        var system = new AssimilationSystem(model, new ObservationNetwork(new Logarithm(), ErrorCovariance.Scalar(8, 1)));
        var data = context.Data.Twin(new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)),
            new() { Batch = 2, Cycles = 60 });
        var nothing = Assert.Throws<InvalidOperationException>(() =>
            context.Analysis.ThreeDimensionalVariational(system,
                new() { Background = new ClimatologicalBackground { TuningCycles = 20, TuningBurnIn = 5 } }).Fit(data));
        Assert.Contains("the observation operator 'Logarithm' gave values that are not finite", nothing.Message);
    }

    [Fact]
    public void A_training_whose_scores_are_no_numbers_says_so()
    {
        // No trajectory diverges, and yet no validation can be compared with another.
        var context = new DataAssimilationContext(3);
        var model = new Lorenz96(8);
        var network = ObservationNetwork.Full(model.Dimension);
        var system = new AssimilationSystem(model, network);
        var data = context.Data.Twin(system, new() { Batch = 4, Cycles = 80 });
        var estimator = context.Analysis.Learned<StateMemory>("unscored", network, (statistics, random) =>
        {
            var layers = new ResidualConvolutionNetwork(new(), statistics, context.Options.NetworkPrecision, random);
            var triple = new AssimilationTriple<StateMemory>(
                new LearnedAnalyzer<StateMemory>("unscored", network.Operator, network.Error, layers),
                new StatePropagater(model), new StateProcoder(),
                new StateSource(statistics.Climatology(context.Device), context.Options.NetworkPrecision));
            ModuleState.Train(layers, false);
            foreach (var parameter in layers.parameters()) parameter.requires_grad = true;
            return new LearnedTriple<StateMemory>(layers, triple, _ => triple) { Validation = new Numberless() };
        }, new() { Steps = 2, Truncation = 2, ValidationInterval = 2, ValidationBurnIn = 5, ValidationCycles = 20 });
        var failed = Assert.Throws<ArithmeticException>(() => estimator.Fit(data));
        Assert.Contains("The training of unscored ended without a finite validation score", failed.Message);
    }

    [Fact]
    public void The_unit_of_an_emulator_cannot_be_measured_where_networks_change()
    {
        var context = new DataAssimilationContext(3);
        var model = new Lorenz96(8);
        var network = ObservationNetwork.Full(model.Dimension);
        var system = new AssimilationSystem(model, network);
        var few = new ObservationNetwork(new SubsetObservationOperator(8, 0L, 2L), ErrorCovariance.Scalar(2, 1));
        var start = new GaussianInitialCondition(zeros(8), ErrorCovariance.Scalar(8, 1));
        var data = context.Data.Twin(system, new() { Batch = 4, Cycles = 80, NetworkAt = time => time < 1 ? network : few });
        var emulator = context.Analysis.LearnedDynamics("emulator", network, 0.05,
            _ => nn.Linear(8, 8, dtype: context.Options.NetworkPrecision),
            dynamics => context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(dynamics, network) { Initial = start },
                new() { Members = 5 }).Triple);
        Assert.Contains("Give the unit", Assert.Throws<ArgumentException>(() => emulator.Fit(data)).Message);
    }

    private sealed class Numberless : IScore
    {
        public string Name => "numberless";
        public IReadOnlyList<Column> Requires => [Columns.Analysis];
        public Tensor Of(ScoredCycle cycle) => full([cycle.Batch], double.NaN, dtype: ScalarType.Float64);
    }

    private sealed class Logarithm(double shift = 0) : ObservationOperator(8, 8)
    {
        protected override Tensor Observe(Tensor state) => (state + shift).log();
    }

    // Leaves the finite numbers at once.
    private sealed class Wild() : DiscreteDynamics(8, 0.05)
    {
        protected override Tensor Step(Tensor state, double time) => state / 0;
    }
}
