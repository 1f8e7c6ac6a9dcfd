using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The examples of the pages of preconditioners.</summary>
internal static class PreconditionerMethods
{
    /// <summary>The iterations of a second inner loop, as with the transform of the variables.</summary>
    [PageExample("covariance-preconditioning", 12, 20)]
    public static double CovariancePreconditioning()
    {
        // <covariance-preconditioning>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 64 });
        var background = ErrorCovariance.Scalar(40, 0.5);
        var preconditioning = new CovariancePreconditioning(background);
        var iterations = new List<int>();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Background = new KnownBackground(background), Window = WindowCycling.Overlapping(length: 8, shift: 4),
            Control = ControlVariable.Increment,
            Minimisation = new IncrementalOptions
                { ControlTolerance = 0, Preconditioning = preconditioning },
            Observer = window => iterations.Add(window.OuterIterations[1].Inner.Trajectories[0].Iterations),
        });
        var scores = context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 16 });
        // </covariance-preconditioning>
        return iterations.Average();
    }

    /// <summary>The iterations of a second inner loop, fewer than the 16 of none.</summary>
    [PageExample("spectral-preconditioning", 2, 13)]
    public static double SpectralPreconditioning()
    {
        // <spectral-preconditioning>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 64 });
        var background = ErrorCovariance.Scalar(40, 0.5);
        var preconditioning = new SpectralPreconditioning(new ComputedEigenpairs(10));
        var iterations = new List<int>();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Background = new KnownBackground(background), Window = WindowCycling.Overlapping(length: 8, shift: 4),
            Minimisation = new IncrementalOptions
                { ControlTolerance = 0, Preconditioning = preconditioning },
            Observer = window => iterations.Add(window.OuterIterations[1].Inner.Trajectories[0].Iterations),
        });
        var scores = context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 16 });
        // </spectral-preconditioning>
        return iterations.Average();
    }

    /// <summary>The iterations of a second inner loop, fewer than the 16 of none.</summary>
    [PageExample("limited-memory-preconditioning", 2, 13)]
    public static double LimitedMemoryPreconditioning()
    {
        // <limited-memory-preconditioning>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 64 });
        var background = ErrorCovariance.Scalar(40, 0.5);
        var preconditioning = new LimitedMemoryPreconditioning(new RecycledEigenpairs(20));
        var iterations = new List<int>();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Background = new KnownBackground(background), Window = WindowCycling.Overlapping(length: 8, shift: 4),
            Minimisation = new IncrementalOptions
                { ControlTolerance = 0, Preconditioning = preconditioning },
            Observer = window => iterations.Add(window.OuterIterations[1].Inner.Trajectories[0].Iterations),
        });
        var scores = context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 16 });
        // </limited-memory-preconditioning>
        return iterations.Average();
    }

    /// <summary>The iterations of a second inner loop, fewer than the 16 of none.</summary>
    [PageExample("ritz-preconditioning", 2, 14.5)]
    public static double RitzPreconditioning()
    {
        // <ritz-preconditioning>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 64 });
        var background = ErrorCovariance.Scalar(40, 0.5);
        var preconditioning = new RitzPreconditioning();
        var iterations = new List<int>();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Background = new KnownBackground(background), Window = WindowCycling.Overlapping(length: 8, shift: 4),
            Minimisation = new IncrementalOptions
                { ControlTolerance = 0, Preconditioning = preconditioning },
            Observer = window => iterations.Add(window.OuterIterations[1].Inner.Trajectories[0].Iterations),
        });
        var scores = context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 16 });
        // </ritz-preconditioning>
        return iterations.Average();
    }

    /// <summary>The iterations of a second inner loop, fewer than the 16 of none.</summary>
    [PageExample("quasi-newton-preconditioning", 2, 14.5)]
    public static double QuasiNewtonPreconditioning()
    {
        // <quasi-newton-preconditioning>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 64 });
        var background = ErrorCovariance.Scalar(40, 0.5);
        var preconditioning = new QuasiNewtonPreconditioning(mostPairs: 20);
        var iterations = new List<int>();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Background = new KnownBackground(background), Window = WindowCycling.Overlapping(length: 8, shift: 4),
            Minimisation = new IncrementalOptions
            {
                ControlTolerance = 0, Preconditioning = preconditioning,
                InnerSolver = new ConjugateGradientSolver(new() { KeepDirections = true }),
            },
            Observer = window => iterations.Add(window.OuterIterations[1].Inner.Trajectories[0].Iterations),
        });
        var scores = context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 16 });
        // </quasi-newton-preconditioning>
        return iterations.Average();
    }

    /// <summary>One iteration: the Hessian of a linear model is the same for every state.</summary>
    [PageExample("regularised-inverse-preconditioning", 1, 1)]
    public static double RegularisedInversePreconditioning()
    {
        // <regularised-inverse-preconditioning>
        var context = new DataAssimilationContext(seed: 1);
        // A linear model, whose Hessian is the same for every state.
        var system = new AssimilationSystem(new LinearAdvection(40), ObservationNetwork.Strided(40, stride: 2));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 64 });
        var background = ErrorCovariance.Scalar(40, 0.5);
        // The Hessian of windows of eight steps, the last four observed, averaged over four states.
        var cost = new FourDimensionalVariationalCost(system.Dynamics, [new BackgroundTerm(background)],
            [new ObservationTerm(system.Network.Operator, system.Network.Error)]);
        using var random = context.Random("average");
        var states = new SinusoidalInitialCondition(40).Draw(4, random, ScalarType.Float64);
        var values = zeros(4, 20, ScalarType.Float64); // they do not matter to the Hessian
        var window = new AssimilationWindow(new State(states), new TimeInterval(0, 8), timeStep: 1,
            [.. Enumerable.Range(5, 4).Select(time => new Observation(values, null, time))]);
        var average = new FixedPreconditioningEstimator(cost).AverageHessian([window]);
        var preconditioning = new RegularisedInversePreconditioning(average, shift: 0);
        var iterations = new List<int>();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Background = new KnownBackground(background), Window = WindowCycling.Overlapping(length: 8, shift: 4),
            Minimisation = new IncrementalOptions { OuterIterations = 1, Preconditioning = preconditioning },
            Observer = window => iterations.Add(window.OuterIterations[0].Inner.Trajectories[0].Iterations),
        });
        var scores = context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 16 });
        // </regularised-inverse-preconditioning>
        return iterations[^1];
    }

    /// <summary>The iterations of a second inner loop, fewer than the 16 of none.</summary>
    [PageExample("two-level-preconditioning", 2, 13)]
    public static double TwoLevelPreconditioning()
    {
        // <two-level-preconditioning>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 64 });
        var background = ErrorCovariance.Scalar(40, 0.5);
        var preconditioning = new TwoLevelPreconditioning(new CovariancePreconditioning(background),
            new SpectralPreconditioning(new ComputedEigenpairs(10)));
        var iterations = new List<int>();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Background = new KnownBackground(background), Window = WindowCycling.Overlapping(length: 8, shift: 4),
            Control = ControlVariable.Increment,
            Minimisation = new IncrementalOptions
                { ControlTolerance = 0, Preconditioning = preconditioning },
            Observer = window => iterations.Add(window.OuterIterations[1].Inner.Trajectories[0].Iterations),
        });
        var scores = context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 16 });
        // </two-level-preconditioning>
        return iterations.Average();
    }

    /// <summary>The iterations of a second inner loop, fewer than the 16 of none.</summary>
    [PageExample("eigenpairs", 2, 13)]
    public static double Eigenpairs()
    {
        // <eigenpairs>
        var context = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 64 });
        var background = ErrorCovariance.Scalar(40, 0.5);
        var pairs = new ComputedEigenpairs(10, EigenpairMethod.Randomised, oversampling: 10, passes: 2);
        var preconditioning = new LimitedMemoryPreconditioning(pairs);
        var iterations = new List<int>();
        var method = context.Analysis.FourDimensionalVariational(system, new()
        {
            Background = new KnownBackground(background), Window = WindowCycling.Overlapping(length: 8, shift: 4),
            Minimisation = new IncrementalOptions
                { ControlTolerance = 0, Preconditioning = preconditioning },
            Observer = window => iterations.Add(window.OuterIterations[1].Inner.Trajectories[0].Iterations),
        });
        var scores = context.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 16 });
        // </eigenpairs>
        return iterations.Average();
    }
}
