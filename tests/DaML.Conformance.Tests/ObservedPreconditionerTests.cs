using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A learned preconditioner that sees which sites are observed, for two differently observed trajectories of Lorenz-96.</summary>
public sealed class ObservedPreconditionerConformance : PreconditionerContract
{
    private static readonly Lorenz96 Model = new(12);
    private static readonly ObservationTerm Observed = new(new IdentityObservationOperator(12), ErrorCovariance.Scalar(12, 0.1));
    private static readonly FourDimensionalVariationalCost Cost = new(Model,
        [new BackgroundTerm(ErrorCovariance.Scalar(12, 1))], [Observed]);

    // Contracts are checked without gradients, so it learns before.
    private readonly LearnedEigenpairs learned = Learn();

    protected override long Dimension => 12;

    private static LearnedEigenpairs Learn()
    {
        var layout = FieldLayout.Circle(12);
        return new LearnedPreconditioningEstimator("observed", new DataAssimilationContext(seed: 2), Cost, layout,
            LearnedPreconditioningEstimator.Observed(layout, times: 2, scale: 3, new() { Features = 8, Levels = 0 }, reach: 2),
            new() { Probes = 4, Training = new() { Steps = 20, LearningRate = 1e-2, ValidationInterval = 10 } }, observations: Observed)
            .Fit(new(Model, new AttractorInitialCondition(Model, 5), Window, new() { Batch = 4, ShortestLead = 0.5, LongestLead = 1 }));
    }

    protected override IPreconditioner CreatePreconditioner()
    {
        using var random = new RandomStream(3, "conformance", CPU);
        var window = Window(new State(new AttractorInitialCondition(Model, 5).Draw(2, random, ScalarType.Float64)), random);
        var control = Cost.Background(window);
        var at = Cost.Run(window, control);
        using var quadratic = Cost.Linearise(at, control, zeros([2], dtype: ScalarType.Float64));
        return new SpectralPreconditioning(learned, new() { Mu = 1 }).Prepare(at, quadratic, []);
    }

    private static AssimilationWindow Window(State background, RandomStream random)
    {
        Tensor Mask() => random.Uniform(background.Values.Sizes(), ScalarType.Float64) < 0.5;
        return new(background, new(0, 0.2), Model.TimeStep,
            [.. new[] { 0.1, 0.2 }.Select(time => new Observation(zeros_like(background.Values), Mask(), time))]);
    }
}
