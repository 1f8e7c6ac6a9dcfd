using System.Globalization;

namespace DaML.Samples;

/// <summary>
/// The twin experiment that plain networks and networks with a memory are compared on: Lorenz-96, 40 sites, all observed with error
/// variance 1.
/// </summary>
/// <param name="options">Seed, device, who is told of progress.</param>
/// <param name="interval">Time from one observation to the next, in units of the model.</param>
/// <param name="batch">Training trajectories side by side.</param>
internal sealed class MemoryExperiment(DataAssimilationOptions options, double interval, long batch = 32)
{
    private const long ValidationBatch = 32;

    private readonly DataAssimilationContext context = new(options);

    public DataAssimilationContext Context => context;

    /// <summary>The system, whose states start on the attractor.</summary>
    public AssimilationSystem System { get; } = new(new Lorenz96(), ObservationNetwork.Full(40)) { Interval = interval };

    public ITrajectoryView Training => View("training", batch);

    public ITrajectoryView Validation => View("validation", ValidationBatch);

    /// <summary>Trajectories to score on, which start a standard deviation of one away from where ensembles start.</summary>
    public ITrajectoryView Test(long trajectories, long cycles) =>
        context.Data.Twin(System with { Initial = FirstGuess }, new() { Stream = "test", Batch = trajectories, Cycles = cycles });

    /// <summary>A first guess as good as an observation.</summary>
    public GaussianInitialCondition FirstGuess
    {
        get
        {
            using var random = context.Random("first guess");
            long n = System.Dynamics.Dimension;
            return new(System.Dynamics.Advance(random.Normal([n], context.Precision), new TimeInterval(0, 50)),
                ErrorCovariance.Scalar(n, 1));
        }
    }

    /// <summary>Trains a network, with a memory or without.</summary>
    public TrainedAnalysis Train(ResidualConvolutionOptions size, HiddenChannelOptions? memory, TrainingOptions training,
        CancellationToken cancellation)
    {
        if (memory is not null)
            return Trained(
                context.Analysis.ResidualConvolutionWithMemory(System, new() { Memory = memory, Network = size, Training = training })
                .Fit(Training, Validation, cancellation));
        var method = context.Analysis.ResidualConvolution(System, new() { Network = size, Training = training })
            .Fit(Training, Validation, cancellation);
        var analyzer = (LearnedAnalyzer<StateMemory>)method.Triple.Analyzer;
        return new(method, analyzer.History!, analyzer.Network.parameters().Sum(parameter => parameter.numel()));
    }

    /// <summary>Trains a network with a memory that begins as a trained one without.</summary>
    /// <param name="first">Weights of a network without.</param>
    /// <param name="memory">The hidden channels.</param>
    /// <param name="training">How it is trained.</param>
    /// <param name="cancellation">Stops it.</param>
    public TrainedAnalysis TrainFrom(ShippedWeights first, HiddenChannelOptions memory, TrainingOptions training,
        CancellationToken cancellation) =>
        Trained(context.Analysis.ResidualConvolutionWithMemory(System,
            new() { First = context.Analysis.ResidualConvolution(System, new() { Network = first.Network }).Pretrained(first.Path),
                Memory = memory, Training = training }).Fit(Training, Validation, cancellation));

    /// <summary>A network with a memory that was trained before.</summary>
    /// <param name="weights">Its weights.</param>
    public TrainedAnalysis Pretrained(ShippedWeights weights) =>
        Trained(context.Analysis.ResidualConvolutionWithMemory(System, new() { Memory = weights.Memory, Network = weights.Network })
            .Pretrained(weights.Path));

    /// <summary>The analysis error on the test.</summary>
    public double Rmse(ITransformer method, ITrajectoryView test, long burnIn, CancellationToken cancellation) =>
        context.Scores.Evaluate(method.Transform(test), new() { BurnIn = burnIn, Activity = method.Name }, cancellation).AnalysisRmse.Mean;

    /// <summary>The ensemble methods beside which costs and errors are put, by the key of their metrics.</summary>
    public IReadOnlyDictionary<string, ITransformer> Ensembles()
    {
        var system = System with { Initial = FirstGuess };
        EnsembleTransformKalmanFilter Rotated(long members, double inflation) => new()
            { Members = members, Inflation = Inflation.StandardDeviation(inflation), Rotation = EnsembleRotation.MeanPreserving };
        FiniteSizeEnsembleKalmanFilter FiniteSize(long members) =>
            new() { Members = members, Prior = FiniteSizePrior.DiracJeffreys(certainty: 2) };
        return new Dictionary<string, ITransformer>
        {
            ["etkf.20"] = context.Analysis.EnsembleTransformKalmanFilter(system, Rotated(20, 1.04)),
            ["enkf_n.20"] = context.Analysis.FiniteSizeEnsembleKalmanFilter(system, FiniteSize(20)),
            ["enkf_n.40"] = context.Analysis.FiniteSizeEnsembleKalmanFilter(system, FiniteSize(40)),
        };
    }

    /// <summary>What a method of <see cref="Ensembles"/> is called in tables.</summary>
    public static string NameOf(string key) => key.Split('.') is [var method, var members]
        ? string.Create(CultureInfo.InvariantCulture, $"{(method == "etkf" ? "ETKF" : "EnKF-N")}, {members} members") : key;

    private static TrainedAnalysis Trained(SequentialAssimilation<ProductMemory<StateMemory, VectorMemory>> method)
    {
        var analyzer = (LearnedAnalyzer<ProductMemory<StateMemory, VectorMemory>>)method.Triple.Analyzer;
        return new(method, analyzer.History!, analyzer.Network.parameters().Sum(parameter => parameter.numel()));
    }

    private ITrajectoryView View(string stream, long batch) => context.Data.Twin(System, new() { Stream = stream, Batch = batch });
}

/// <summary>A trained analysis.</summary>
/// <param name="Method">The method.</param>
/// <param name="History">How it was trained.</param>
/// <param name="Parameters">Number of its parameters.</param>
internal sealed record TrainedAnalysis(ITransformer Method, TrainingHistory History, long Parameters);
