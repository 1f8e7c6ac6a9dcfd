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
        var model = context.Dynamics.Lorenz96(8);
        var network = context.Observations.Network(new Logarithm(), ErrorCovariance.Scalar(8, 1));
        var full = context.Observations.Full(model);
        // The truth itself is where the operator is not defined: seen as the view is measured.
        var data = context.Data.Twin(model, full, new() { Batch = 4 });
        var training = new TrainingOptions { Steps = 150, Truncation = 2, ValidationInterval = 150 };
        var measured = Assert.Throws<DivergenceException>(() => context.Analysis.ResidualConvolution(model, network, training: training).Fit(data));
        Assert.Matches("operator 'Logarithm' gave values that are not finite for [1-4] of [1-4] trajectories", measured.Message);
        // The truth is where it is defined, the analyses of an untrained network are not: seen in training.
        var shifted = context.Observations.Network(new Logarithm(20.0), ErrorCovariance.Scalar(8, 1e-3));
        var untrained = Assert.Throws<DivergenceException>(() => context.Analysis.ResidualConvolution(new Wild(), shifted, training: training with { BurnIn = 0 })
            .Fit(context.Data.Twin(model, shifted, new() { Batch = 4 })));
        Assert.True(untrained.Message.Contains("The training of"), untrained.Message);
        Assert.Matches("the (operator|model|network|observation operator) (of )?'", untrained.Message);
        Assert.Contains("learning rate", untrained.Message);
        Assert.DoesNotContain("More members", untrained.Message);

        var learned = context.Analysis.ResidualConvolution(model, full, training: training with { Steps = 2, ValidationInterval = 2 }).Fit(data);
        var broken = new SequentialAssimilation<StateMemory>("broken", learned.Triple with
        {
            Analyzer = new LearnedAnalyzer("broken", new Logarithm(), ErrorCovariance.Scalar(8, 1), ((LearnedAnalyzer)learned.Triple.Analyzer).Network),
        }, network, context);
        var run = Assert.Throws<DivergenceException>(() => broken.Transform(data).OpenCursor().MoveNext());
        Assert.Contains("operator 'Logarithm' gave values that are not finite for", run.Message);
        Assert.Equal((0, "analysis"), (run.Cycle, run.Stage));
    }

    [Fact]
    public void Observations_without_error_are_refused_by_name()
    {
        var context = new DataAssimilationContext(3);
        var model = context.Dynamics.Lorenz96(8);
        var certain = context.Observations.Network(new IdentityObservationOperator(8), ErrorCovariance.Diagonal(1, 1, 1, 0, 1, 1, 1, 1));
        var refused = Assert.Throws<ArgumentException>(() => context.Analysis.ResidualConvolution(model, certain).Fit(context.Data.Twin(model, certain, new() { Batch = 4 })));
        Assert.Contains("The observation error covariance R of 'full observation' must be positive definite", refused.Message);
        Assert.Contains("component 3", refused.Message);
    }

    [Fact]
    public void A_tuning_that_finds_nothing_says_why()
    {
        var context = new DataAssimilationContext(3);
        var model = context.Dynamics.Lorenz96(8);
        var network = context.Observations.Network(new Logarithm(), ErrorCovariance.Scalar(8, 1));
        var data = context.Data.Twin(model, context.Observations.Full(model), new() { Batch = 2, Cycles = 60 });
        var nothing = Assert.Throws<InvalidOperationException>(() => context.Analysis.ThreeDimensionalVariational(model, network, new() { TuningCycles = 20, TuningBurnIn = 5 }).Fit(data));
        Assert.Contains("the observation operator 'Logarithm' gave values that are not finite", nothing.Message);
    }

    [Fact]
    public void A_training_whose_scores_are_no_numbers_says_so()
    {
        // Ten steps are not enough for densities of a finite width on this system; whatever they give, it is a sentence.
        var context = new DataAssimilationContext(3);
        var model = context.Dynamics.Lorenz96(8);
        var network = context.Observations.Full(model);
        var data = context.Data.Twin(model, network, new() { Batch = 8, Cycles = 120 });
        var estimator = context.Analysis.DataAssimilationNetwork(network, 0.05, training: new() { Steps = 10, Truncation = 3, ValidationInterval = 10 });
        var failed = Record.Exception(() => estimator.Fit(data));
        Assert.True(failed is null or ArithmeticException, failed?.ToString());
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
