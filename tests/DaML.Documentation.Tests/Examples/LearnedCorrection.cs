using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A learned correction of fixed eigenpairs, as docs/preconditioning.md shows it.</summary>
internal static class LearnedCorrection
{
    /// <summary>The history of a short training on a small grid.</summary>
    public static TrainingHistory Run(int cells, int rank, long steps)
    {
        var context = new DataAssimilationContext(seed: 1);
        // <example>
        var model = new ShallowWater(ShallowWaterOptions.Turbulent with
            { CellsX = cells, CellsY = cells, InitialHeight = 1 });
        int heights = cells * cells;
        var term = new ObservationTerm(
            new SubsetObservationOperator(model.Dimension, [.. Enumerable.Range(0, heights).Select(i => (long)i)]),
            ErrorCovariance.Scalar(heights, 1));
        var cost = new FourDimensionalVariationalCost(model,
            [new BackgroundTerm(ErrorCovariance.Scalar(model.Dimension, 1))], [term]);

        // Heights are observed once, after two days; their values do not matter to the Hessian.
        double end = 2 * ShallowWater.Day;
        AssimilationWindow Window(State state, RandomStream random) => new(state, new(0, end), model.TimeStep,
            [new Observation(zeros([state.Values.size(0), heights], ScalarType.Float64), null, end)]);
        var start = new ShallowWaterInitialCondition(model.Options);
        var states = new OnlineWindowOptions
        {
            Batch = 8, SpinUp = 30 * ShallowWater.Day, ShortestLead = 10 * ShallowWater.Day,
            LongestLead = 30 * ShallowWater.Day,
            Perturbation = model.CorrelatedErrors(heightVariance: 1, velocityVariance: 1e-4,
                correlationLength: 300e3),
        };

        using var random = context.Random("average");
        using var sequence = new OnlineWindows(model, start, Window, states).Open(random, context.Precision);
        var pairs = new FixedPreconditioningEstimator(cost).FindEigenpairs([sequence.Next(), sequence.Next()],
            new ComputedEigenpairs(rank, EigenpairMethod.Randomised));

        // Outer loops linearise at x + dx: train on such states. Another state of the batch is the truth that is
        // observed.
        var increments = new SimulatedIncrements(pairs);
        AssimilationWindow Moved(State state, RandomStream random) =>
            Window(new State(state.Values + increments.Draw(state.Values.roll(1, 0) - state.Values, random)), random);

        var layout = FieldLayout.Of(model);                        // eta, u and v as channels of one grid
        var learned = new LearnedPreconditioningEstimator("correction", context, cost, layout,
            LearnedPreconditioningEstimator.Transported(layout, pairs),
            new() { Loss = HessianLoss.Whitened, Training = new() { Steps = steps, LearningRate = 1e-3 } }, pairs)
            .Fit(new OnlineWindows(model, start, Moved, states));
        var preconditioning = new SpectralPreconditioning(learned);
        // </example>
        Assert.Contains("learned eigenpairs", preconditioning.Name);
        return learned.History!;
    }
}
