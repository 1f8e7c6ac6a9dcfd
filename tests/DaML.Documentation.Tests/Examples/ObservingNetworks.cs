using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A preconditioner for observing networks that change, as docs/methods/learned-preconditioning.md shows it.</summary>
internal static class ObservingNetworks
{
    /// <summary>The median iterations with the learned preconditioner over those without.</summary>
    [PageExample("learned-preconditioning", 0.2, 0.89)]
    public static double Ratio()
    {
        var (none, learned) = Run(150);
        return (double)learned.Order().ElementAt(10) / none.Order().ElementAt(10);
    }

    /// <summary>
    /// The iterations to 1e-7 on unseen states and masks, without a preconditioner and with the learned one.
    /// </summary>
    private static (int[] None, int[] Learned) Run(long steps)
    {
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        // <learned-preconditioning>
        var observed = new ObservationTerm(new IdentityObservationOperator(40), ErrorCovariance.Scalar(40, 0.01));
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(ErrorCovariance.Scalar(40, 1))],
            [observed]);

        // Three times of observation, each site seen with probability 1/2, another half in each window.
        AssimilationWindow Window(State background, RandomStream random)
        {
            Tensor Mask() => random.Uniform([background.Values.size(0), 40], ScalarType.Float32) < 0.5;
            return new(background, new(0, 0.3), model.TimeStep,
                [.. new[] { 0.1, 0.2,
                    0.3 }.Select(time => new Observation(zeros_like(background.Values), Mask(), time))]);
        }

        var windows = new OnlineWindows(model, new AttractorInitialCondition(model, 5), Window,
            new() { Batch = 16, ShortestLead = 0.5, LongestLead = 1 });
        // a 1-D convolutional network
        var size = new UNetOptions { Levels = 0, KernelSize = 9 };
        var circle = FieldLayout.Circle(40);
        var learned = new LearnedPreconditioningEstimator("changing network", context, cost, circle,
            LearnedPreconditioningEstimator.Observed(circle, times: 3, scale: 10, size, reach: 4),
            new() { Probes = 8, Training = new() { Steps = steps, LearningRate = 8e-3 } }, observations: observed)
            .Fit(windows);

        var preconditioning = new SpectralPreconditioning(learned, new() { Mu = 1 });
        // </learned-preconditioning>

        using var scope = NewDisposeScope();
        using var random = context.Random("unseen");
        var window = Window(new State(new AttractorInitialCondition(model, 10).Draw(20, random, ScalarType.Float64)),
            random);
        window = new(window.Background, window.Span, window.TimeStep,
            [.. window.Observations.Select(each =>
                each with { Values = random.Normal([20, 40], ScalarType.Float64) })]);
        var control = cost.Background(window);
        var at = cost.Run(window, control);
        using var quadratic = cost.Linearise(at, control, zeros([20], dtype: ScalarType.Float64));
        var solver = new ConjugateGradientSolver(new() { MaximumIterations = 100, ResidualReduction = 1e-7 });
        int[] Iterations(IPreconditioning method) =>
            [.. solver.Solve(quadratic,
                method.Prepare(at, quadratic, [])).Trajectories.Select(report => report.Iterations)];
        return (Iterations(new NoPreconditioning()), Iterations(preconditioning));
    }
}
