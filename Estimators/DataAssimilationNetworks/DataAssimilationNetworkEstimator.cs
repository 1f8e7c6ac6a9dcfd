using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Learns all three transformations of a sequential assimilation together from trajectories and observations alone: a data assimilation
/// network (Boudier et al.). Analyzer a : H x Y -> H, propagater b : H -> H and procoder c : H -> pdf over X are networks over a memory H
/// = R^m, trained to minimise the sampled, time-averaged cross-entropy of prior and posterior (eq. 4.3). It does not use the model or the
/// observation operator.
/// </summary>
/// <remarks>
/// <para>Truncated back-propagation through time (section 4.2) on an endless view, N_iter = <see cref="TrainingOptions.Truncation"/>
/// cycles deep (one in the paper), with the memory carried from step to step. Direct optimisation (section 5.1) is the same with the
/// view's first T cycles and a truncation of T: each step then begins again and goes through all of them, which costs memory in
/// proportion to T and overfits if there are few data.</para>
/// <para>The weights of the smallest cross-entropy on hold-out trajectories are kept.</para>
/// </remarks>
public sealed class DataAssimilationNetworkEstimator : IValidatedEstimator<SequentialAssimilation<VectorMemory>>, ITrainingGradient
{
    private const long StatisticsSample = 4000;

    private readonly DataAssimilationContext context;
    private readonly IObservationNetwork observing;
    private readonly double timeStep;
    private readonly DataAssimilationNetworkOptions network;
    private readonly LearnedAnalysisEstimator<VectorMemory> estimator;

    /// <summary>Creates an estimator.</summary>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="context">Seed, device, precision of networks, progress.</param>
    /// <param name="observing">The observation network; only its dimensions are used.</param>
    /// <param name="timeStep">The time of one application of the propagater; observations lie a whole number of these apart.</param>
    /// <param name="network">The network's size (default: null, its defaults).</param>
    /// <param name="training">The training settings (default: null, <see cref="DefaultTraining"/>).</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public DataAssimilationNetworkEstimator(string name, DataAssimilationContext context, IObservationNetwork observing, double timeStep,
        DataAssimilationNetworkOptions? network = null, TrainingOptions? training = null)
    {
        (this.context, this.observing, this.timeStep) = (context, observing, Require.Positive(timeStep));
        this.network = (network ?? new()).Checked();
        estimator = new(name, context, observing, Constants, Create, training ?? DefaultTraining, hasSpread: true);
    }

    /// <summary>Eight cycles deep, at a learning rate of 1e-3, which suits small systems. The paper has one cycle and 1e-4.</summary>
    public static TrainingOptions DefaultTraining { get; } = new() { Truncation = 8, LearningRate = 1e-3, Steps = 8000 };

    /// <inheritdoc/>
    public string Name => estimator.Name;

    /// <inheritdoc/>
    public SchemaContract Contract => estimator.Contract;

    /// <summary>Learns, and validates by the cross-entropy on a hold-out of a tenth of the trajectories.</summary>
    /// <inheritdoc cref="Fit(ITrajectoryView, ITrajectoryView, CancellationToken)"/>
    public SequentialAssimilation<VectorMemory> Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        RequireFittingStart();
        return estimator.Fit(data, cancellation);
    }

    /// <inheritdoc/>
    /// <inheritdoc cref="LearnedAnalysisEstimator{TMemory}.Fit(ITrajectoryView, ITrajectoryView, CancellationToken)" path="/exception"/>
    public SequentialAssimilation<VectorMemory> Fit(ITrajectoryView data, ITrajectoryView validation,
        CancellationToken cancellation = default)
    {
        RequireFittingStart();
        return estimator.Fit(data, validation, cancellation);
    }

    /// <summary>
    /// Makes the method with weights that were trained before, here or elsewhere: those of a <see cref="NetworkTriple"/>, written by
    /// <see cref="WeightFiles.Write"/>.
    /// </summary>
    /// <param name="path">The path of the two files without extension.</param>
    /// <inheritdoc cref="LearnedAnalysisEstimator{TMemory}.Pretrained" path="/exception"/>
    public SequentialAssimilation<VectorMemory> Pretrained(string path) => estimator.Pretrained(path);

    TrainingGradient ITrainingGradient.Gradient(ITrajectoryView data, long cycles, TrainingGradient? at) =>
        ((ITrainingGradient)estimator).Gradient(data, cycles, at);

    private void RequireFittingStart()
    {
        if (network.WarmStart is { } start
            && (start.StateDimension, start.ObservationDimension) != (observing.Operator.StateDimension,
                observing.Operator.ObservationDimension))
            throw new ArgumentException(
                $"{Name} starts from {start.Name}, which is for states of dimension {start.StateDimension} and " +
                    $"{start.ObservationDimension} observations; this system has {observing.Operator.StateDimension} and " +
                    $"{observing.Operator.ObservationDimension}.");
    }

    private TrainingConstants Constants(ITrajectoryView data) =>
        new(Units: network.WarmStart is { } start ? NetworkTriple.Of(start).Units
            : SystemStatistics.Measure(data, Math.Max(20, StatisticsSample / data.Schema.Batch)));

    private LearnedTriple<VectorMemory> Create(TrainingConstants constants, RandomStream weights)
    {
        var parts = network.WarmStart is { } start ? NetworkTriple.Of(start).Copy() : Fresh(Fitting(constants), weights);
        parts.Learn(network.Learns);
        var method = parts.Method(new ZeroMemorySource(parts.Analyzer.MemorySize, context.Options.NetworkPrecision));
        parts.Computation = network.Computation;
        context.Logger.LogInformation("{Method}: the networks are computed by {Computation}.", Name, parts.ComputationInUse);
        var cost = new CrossEntropy(network.PriorWeight, network.PosteriorWeight);
        return new LearnedTriple<VectorMemory>(parts, method, history =>
        {
            ModuleState.Freeze(parts);
            parts.Analyzer.History = history;
            return method;
        })
        {
            Cost = new NetworkTripleCost(parts, cost).Of,
            Validation = cost,
        };
    }

    // Shipped weights may belong to another system.
    private SystemStatistics Fitting(TrainingConstants constants)
    {
        if (constants.Units is not { } units) throw new ModelArchiveException($"The weights are of a learned analysis, not of a {Name}.");
        var (n, p) = (observing.Operator.StateDimension, observing.Operator.ObservationDimension);
        return (units.StateMean.Length, units.ObservationMean.Length) == (n, p) ? units
            : throw new ModelArchiveException(
                $"The weights are for states of dimension {units.StateMean.Length} and {units.ObservationMean.Length} observations; " +
                    $"{Name} has {n} and {p}.");
    }

    private NetworkTriple Fresh(SystemStatistics units, RandomStream weights)
    {
        var (precision, device) = (context.Options.NetworkPrecision, weights.Device);
        var analyzer = new NetworkAnalyzer(network.MemorySize, network.Layers, network.MissingObservations, units.ObservationMean,
            units.ObservationDeviation, precision, device);
        var propagater = new NetworkPropagater(network.MemorySize, network.Layers, timeStep, precision, device);
        var procoder = new NetworkProcoder(network.MemorySize, network.Density, units.StateMean, units.StateDeviation, precision, device);
        foreach (var (part,
            name) in new (nn.Module, string)[] { (analyzer, "analyzer"), (propagater, "propagater"), (procoder, "procoder") })
        {
            using var stream = weights.Derive(name);
            ModuleState.DrawWeights(part, stream);
        }
        if (network.FirstWeights == FirstWeights.RunningAverages)
            FirstWeightsOfNetworks.SetRunningAverages(analyzer.Network.Last, propagater.Network.Last, procoder.Layer,
                units.ObservationMean.Length);
        return new(analyzer, propagater, procoder);
    }
}
