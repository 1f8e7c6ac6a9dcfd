namespace DaML.Samples;

/// <summary>What the demo asks of its pipeline beside the context's options.</summary>
/// <param name="ModelFile">Where the learned analysis is saved.</param>
/// <param name="Checkpoint">Where training is taken down now and then, so that it can be continued.</param>
/// <param name="Steps">Number of optimiser steps.</param>
/// <param name="TrainingTime">How long to train at most.</param>
/// <param name="BurnIn">Test cycles that are not scored.</param>
/// <param name="Cycles">Test cycles that are.</param>
internal sealed record DemoSettings(string ModelFile, string Checkpoint, long Steps, TimeSpan TrainingTime, long BurnIn, long Cycles);

/// <summary>What the pipeline gave.</summary>
/// <param name="Learned">The learned analysis.</param>
/// <param name="Test">The twin experiment it was tested on.</param>
/// <param name="Scores">The scores of each method by its name.</param>
internal sealed record DemoOutcome(SequentialAssimilation<StateMemory> Learned, ITrajectoryView Test,
    IReadOnlyDictionary<string, ScoreReport> Scores);

/// <summary>The demo's pipeline; the README quotes what stands between the marks, word for word.</summary>
internal static class DemoPipeline
{
    public static DemoOutcome Run(DataAssimilationOptions options, DemoSettings settings, CancellationToken cancellation)
    {
        // <readme>
        var context = new DataAssimilationContext(options);    // seed, device, who is told of progress
        var lorenz96 = new Lorenz96(dimension: 40, forcing: 8, timeStep: 0.05);
        var system = new AssimilationSystem(lorenz96, ObservationNetwork.Full(dimension: 40, errorVariance: 1));

        // A first guess as good as an observation: where the test's truths and the ensembles start.
        var onAttractor = lorenz96.Advance(context.Random("first guess").Normal([40], context.Precision), new TimeInterval(0, 50));
        var guessed = system with { Initial = new GaussianInitialCondition(onAttractor, ErrorCovariance.Scalar(40, 1)) };

        // Twin experiments generate themselves on the fly; their random numbers follow from the seed and the stream's name.
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 32 });
        var validation = context.Data.Twin(system, new() { Stream = "validation", Batch = 32 });
        var test = context.Data.Twin(guessed, new() { Stream = "test", Batch = 4, Cycles = settings.BurnIn + settings.Cycles });

        // An estimator learns and gives a transformer: 3D-Var its covariance B, the network its weights.
        var variational = context.Analysis.ThreeDimensionalVariational(system, new()
            { Background = new ClimatologicalBackground { ClimatologyCycles = 500, TuningCycles = 250 } }).Fit(training, cancellation);
        var effort = new TrainingOptions
            { Steps = settings.Steps, Truncation = 8, MaximumDuration = settings.TrainingTime, CheckpointPath = settings.Checkpoint };
        var learned = context.Analysis.ResidualConvolution(system, new() { Training = effort }).Fit(training, validation, cancellation);
        context.Model.Save(learned, settings.ModelFile);

        EnsembleTransformKalmanFilter Rotated(long members, double inflation) => new()
            { Members = members, Inflation = Inflation.StandardDeviation(inflation), Rotation = EnsembleRotation.MeanPreserving };
        FiniteSizeEnsembleKalmanFilter FiniteSize(long members) =>
            new() { Members = members, Prior = FiniteSizePrior.DiracJeffreys(certainty: 2) };
        var methods = new Dictionary<string, ITransformer>
        {
            ["3D-Var"] = variational,
            ["learned"] = learned,
            ["learned, reloaded"] = context.Model.Load<ITransformer>(settings.ModelFile),
            ["ETKF, 20 members"] = context.Analysis.EnsembleTransformKalmanFilter(guessed, Rotated(20, inflation: 1.04)),
            ["ETKF, 40 members"] = context.Analysis.EnsembleTransformKalmanFilter(guessed, Rotated(40, inflation: 1.02)),
            ["EnKF-N, 20 members"] = context.Analysis.FiniteSizeEnsembleKalmanFilter(guessed, FiniteSize(20)),
            ["EnKF-N, 40 members"] = context.Analysis.FiniteSizeEnsembleKalmanFilter(guessed, FiniteSize(40)),
        };

        var scores = new Dictionary<string, ScoreReport>();
        foreach (var (name, method) in methods)
            scores[name] = context.Scores.Evaluate(method.Transform(test),
                new() { BurnIn = settings.BurnIn, Activity = name }, cancellation);
        // </readme>

        return new DemoOutcome(learned, test, scores);
    }
}
