using System.Globalization;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Learns the analysis of a sequential assimilation whose forecast is a known model and one state (Bocquet et al. 2024):
/// a network a with x_a = x_f + a(x_f, H^T R^-1 (y - H x_f)), trained on true trajectories and their observations to make
/// the squared analysis error along the run small (eq. 4), by truncated back-propagation through time.
/// </summary>
/// <remarks>
/// It keeps the weights of the smallest error on held-out trajectories. Cancelling it gives the best found so far, and
/// writes the checkpoint where <see cref="TrainingOptions.CheckpointPath"/> names one. The view is needed with
/// <see cref="Columns.Truth"/> to learn; what is learned needs the observations only.
/// </remarks>
public sealed class LearnedAnalysisEstimator : IValidatedEstimator<SequentialAssimilation<StateMemory>>
{
    private const long StatisticsSample = 2000;

    private readonly DataAssimilationContext context;
    private readonly IDynamics dynamics;
    private readonly IObservationNetwork observing;
    private readonly Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork;
    private readonly TrainingOptions training;
    private readonly IInitialCondition? initial;

    /// <summary>Creates an estimator.</summary>
    /// <param name="name">What to call the method in messages and tables.</param>
    /// <param name="context">Seed, device, precision of networks, progress.</param>
    /// <param name="dynamics">The model M that makes the forecasts.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="createNetwork">Makes the network (forecast <c>[batch, n]</c>, H^T R^-1 innovation <c>[batch, n]</c>) ->
    /// increment <c>[batch, n]</c> from the constants of the training data and a stream to draw its weights from, on the
    /// stream's device and in the context's network precision. <see cref="ModuleState.DrawWeights"/> does the drawing.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="initial">Where an assimilation starts, in training and in use; null = independent normal numbers of the true states' mean and variance.</param>
    /// <exception cref="ArgumentException">Dimensions that differ, or a training option out of its range.</exception>
    public LearnedAnalysisEstimator(string name, DataAssimilationContext context, IDynamics dynamics, IObservationNetwork observing,
        Func<AnalysisStatistics, RandomStream, nn.Module<Tensor, Tensor, Tensor>> createNetwork,
        TrainingOptions? training = null, IInitialCondition? initial = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (observing.Operator.StateDimension != dynamics.Dimension)
            throw new ArgumentException($"The network observes states of dimension {observing.Operator.StateDimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.", nameof(observing));
        if (initial is not null && initial.Dimension != dynamics.Dimension)
            throw new ArgumentException($"The initial condition has dimension {initial.Dimension}, but {dynamics.Name} has dimension {dynamics.Dimension}.", nameof(initial));
        (Name, this.context, this.dynamics, this.observing, this.createNetwork, this.initial) = (name, context, dynamics, observing, createNetwork, initial);
        this.training = (training ?? new()).Checked();
        ColumnDefinition State(Column column) => new(column, dynamics.Dimension);
        Contract = new SchemaContract(
            [State(Columns.Truth), new(Columns.Observation, observing.Operator.ObservationDimension)],
            [State(Columns.Forecast), State(Columns.Analysis)]);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <summary>Learns, and watches the error on a tenth of the trajectories, which it does not learn from.</summary>
    /// <inheritdoc cref="Fit(ITrajectoryView, ITrajectoryView, CancellationToken)"/>
    public SequentialAssimilation<StateMemory> Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        var (learned, held) = TrajectorySubset.HoldBack(data);
        return Fit(learned, held, cancellation);
    }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">A view lacks a column or has it in another shape.</exception>
    /// <exception cref="ArgumentException">A value that is not finite; too few cycles or trajectories; a network without parameters or of another precision.</exception>
    /// <exception cref="DivergenceException">The assimilation diverged in every validation, or training itself did.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before the first step.</exception>
    /// <exception cref="ModelArchiveException">The checkpoint is damaged or belongs to another training.</exception>
    /// <exception cref="IOException">The checkpoint cannot be written; seen before the first step.</exception>
    public SequentialAssimilation<StateMemory> Fit(ITrajectoryView data, ITrajectoryView validation, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        Contract.Apply(validation.Schema, Name);
        if (validation.CycleCount <= training.ValidationBurnIn)
            throw new ArgumentException($"The validation view has {validation.CycleCount} cycles; more than the burn-in of {training.ValidationBurnIn} are needed.", nameof(validation));

        using var scope = NewDisposeScope();
        using var random = context.Random($"training/{Name}");
        using var weights = random.Derive("weights");
        var statistics = AnalysisStatistics.Measure(data, observing, Math.Max(20, StatisticsSample / data.Schema.Batch));
        var network = Checked(createNetwork(statistics, weights));
        if (network is ResidualConvolutionNetwork residual) context.Logger.LogInformation("{Method}: the network is computed by {Computation}.", Name, residual.ComputationInUse);
        var method = new AssimilationTriple<StateMemory>(
            new AnalyzerInTraining(Name, network, observing), new StatePropagater(dynamics), new StateProcoder(),
            new StateSource(initial ?? Climatology(statistics), context.Options.NetworkPrecision));

        // Two states that have nothing to do with each other differ by twice the variance: no better is diverged.
        double divergedCost = 2 * statistics.StateDeviation * statistics.StateDeviation;
        using var backpropagation = new TruncatedBackpropagation<StateMemory>(Name, method, network, data, SquaredError, divergedCost, training, random);
        var held = Assimilation(method, $"training/{Name}/validation").Transform(validation.Take(training.ValidationBurnIn + training.ValidationCycles));
        using var course = new NetworkTraining<StateMemory>(Name, network, backpropagation, () => RootMeanSquareError(held), Setting(data, statistics, network), training, context);
        var history = course.Run(cancellation);
        return Assimilation(method with { Analyzer = new LearnedAnalyzer(Name, observing.Operator, observing.Error, network, history) }, null);
    }

    private SequentialAssimilation<StateMemory> Assimilation(AssimilationTriple<StateMemory> method, string? stream) =>
        new(Name, method, observing, context, new SequentialAssimilationOptions { Stream = stream });

    private nn.Module<Tensor, Tensor, Tensor> Checked(nn.Module<Tensor, Tensor, Tensor> network)
    {
        var precision = context.Options.NetworkPrecision;
        if (!network.parameters().Any()) throw new ArgumentException($"The network {network.GetName()} of {Name} has no parameters, so there is nothing to learn; register its layers with RegisterComponents.");
        foreach (var (parameter, tensor) in network.named_parameters())
            if (tensor.dtype != precision)
                throw new ArgumentException($"The parameter '{parameter}' of {network.GetName()} must have the context's network precision, {precision}; given: {tensor.dtype}.");
        return network;
    }

    private GaussianInitialCondition Climatology(AnalysisStatistics statistics)
    {
        using var mean = full([dynamics.Dimension], statistics.StateMean, dtype: ScalarType.Float64, device: context.Device);
        return new GaussianInitialCondition(mean, ErrorCovariance.Scalar(dynamics.Dimension, statistics.StateDeviation * statistics.StateDeviation));
    }

    // Bocquet et al. (2024) eq. 4, per trajectory and component: [batch].
    internal static Tensor SquaredError(StateMemory analysis, ITrajectoryCursor cycle) =>
        (analysis.State - cycle[Columns.Truth].to(analysis.State.dtype)).square().mean([-1]);

    private double RootMeanSquareError(ITrajectoryView held) =>
        context.Scores.Evaluate(held, new ScoreOptions { BurnIn = training.ValidationBurnIn, Progress = SilentProgress.Instance }).AnalysisRmse.Mean;

    // What tells this training from another; the statistics stand for model and data, whose every change they show.
    private string Setting(ITrajectoryView data, AnalysisStatistics statistics, nn.Module network) => string.Create(CultureInfo.InvariantCulture,
        $"{Name} for {dynamics.Name}, seed {context.Options.Seed}, {data.Schema.Batch} trajectories of {data.Schema}, {statistics}, {training with { CheckpointPath = null, MaximumDuration = null }}, ") +
        string.Join(", ", network.named_parameters().Select(pair => pair.name + ColumnDefinition.Describe(pair.parameter.shape)));

    /// <summary>The analyzer while its network learns: gradients flow, and batch normalisation follows the mode of the network.</summary>
    internal sealed class AnalyzerInTraining(string name, nn.Module<Tensor, Tensor, Tensor> network, IObservationNetwork observing) : IAnalyzer<StateMemory>
    {
        private readonly ScalarType precision = network.parameters().First().dtype;

        public string Name => name;

        public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random) =>
            new(LearnedAnalyzer.Update(network, precision, observing.Operator, observing.Error, forecast.State, observation));
    }
}
