using System.Globalization;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Learns the parts of a sequential assimilation that have parameters, whatever its memory. The ensemble-free analysis of
/// Bocquet et al. (2024) is the first of them: a forecast by a known model, one state, and a network a with
/// x_a = x_f + a(x_f, H^T R^-1 (y - H x_f)). It is trained on true trajectories and their observations to make the analysis
/// error along the run small (eq. 4), by truncated back-propagation through time.
/// </summary>
/// <remarks>
/// It keeps the weights of the smallest error on held-out trajectories. Cancelling it gives the best found so far, and
/// writes the checkpoint where <see cref="TrainingOptions.CheckpointPath"/> names one. The view is needed with
/// <see cref="Columns.Truth"/> to learn; what is learned needs the observations only.
/// </remarks>
/// <typeparam name="TMemory">The memory H.</typeparam>
public sealed class LearnedAnalysisEstimator<TMemory> : IValidatedEstimator<SequentialAssimilation<TMemory>>, ITrainingGradient
    where TMemory : IMemory<TMemory>
{
    private readonly DataAssimilationContext context;
    private readonly IObservationNetwork observing;
    private readonly Func<ITrajectoryView, TrainingConstants> measure;
    private readonly Func<TrainingConstants, RandomStream, LearnedTriple<TMemory>> create;
    private readonly TrainingOptions training;
    private readonly bool hasSpread;
    private readonly SequentialAssimilationOptions options;

    /// <summary>Creates an estimator.</summary>
    /// <param name="name">What to call the method in messages and tables.</param>
    /// <param name="context">Seed, device, precision of networks, progress.</param>
    /// <param name="observing">What is observed: H and R.</param>
    /// <param name="create">Makes networks and triple from the constants of the training data and a stream to draw weights from
    /// (<see cref="ModuleState.DrawWeights"/>), on the stream's device and in the context's network precision.</param>
    /// <param name="training">How it is trained; null = the defaults.</param>
    /// <param name="hasSpread">What the procoder that is made will say of <see cref="IProcoder{TMemory}.HasSpread"/>.</param>
    /// <param name="options">Random streams and what is done about divergence where the trained method is used (default: null, the
    /// defaults).</param>
    /// <exception cref="ArgumentException">A training option out of its range.</exception>
    public LearnedAnalysisEstimator(string name, DataAssimilationContext context, IObservationNetwork observing,
        Func<AnalysisStatistics, RandomStream, LearnedTriple<TMemory>> create, TrainingOptions? training = null, bool hasSpread = false,
        SequentialAssimilationOptions? options = null)
        : this(name, context, observing, data => TrainingConstants.OfAnalyses(data, observing),
            (constants, weights) =>
                create(constants.Statistics
                    ?? throw new ModelArchiveException($"The weights are of a data assimilation network, not of {name}."), weights),
                    training, hasSpread, options: options)
    {
    }

    /// <summary>
    /// Creates an estimator of networks that take other constants from their training data, or that learn without truth: then cost and
    /// validation must be given.
    /// </summary>
    internal LearnedAnalysisEstimator(string name, DataAssimilationContext context, IObservationNetwork observing,
        Func<ITrajectoryView, TrainingConstants> measure,
        Func<TrainingConstants, RandomStream, LearnedTriple<TMemory>> create, TrainingOptions? training, bool hasSpread,
        bool needsTruth = true,
        SequentialAssimilationOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (Name, this.context, this.observing, this.measure, this.create, this.hasSpread) = (name, context, observing, measure, create,
            hasSpread);
        this.options = options ?? new();
        this.training = (training ?? new()).Checked();
        ColumnDefinition State(Column column) => new(column, observing.Operator.StateDimension);
        Contract = new SchemaContract(
            [.. needsTruth ? (ColumnDefinition[])[State(Columns.Truth)]
                : [], new(Columns.Observation, observing.Operator.ObservationDimension)],
            [State(Columns.Forecast), State(Columns.Analysis), .. hasSpread
                ? (ColumnDefinition[])[State(Columns.ForecastSpread), State(Columns.AnalysisSpread)] : []]);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <summary>Learns, and watches the error on a tenth of the trajectories, which it does not learn from.</summary>
    /// <inheritdoc cref="Fit(ITrajectoryView, ITrajectoryView, CancellationToken)"/>
    public SequentialAssimilation<TMemory> Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        var (learned, held) = TrajectorySubset.HoldBack(data);
        return Fit(learned, held, cancellation);
    }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">A view lacks a column or has it in another shape.</exception>
    /// <exception cref="ArgumentException">A value that is not finite; too few cycles or trajectories; a network without parameters or of
    /// another precision.</exception>
    /// <exception cref="DivergenceException">The assimilation diverged in every validation, or training itself did.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before the first step.</exception>
    /// <exception cref="ModelArchiveException">The checkpoint is damaged or belongs to another training.</exception>
    /// <exception cref="IOException">The checkpoint cannot be written; seen before the first step.</exception>
    public SequentialAssimilation<TMemory> Fit(ITrajectoryView data, ITrajectoryView validation, CancellationToken cancellation = default)
    {
        Contract.Apply(data.Schema, Name);
        Contract.Apply(validation.Schema, Name);
        if (validation.CycleCount <= training.ValidationBurnIn)
            throw new ArgumentException(
                $"The validation view has {validation.CycleCount} cycles; it needs more than the burn-in of {training.ValidationBurnIn}.",
                nameof(validation));

        using var scope = NewDisposeScope();
        using var random = context.Random(training.Repetition == 0 ? $"training/{Name}" : $"training/{Name}/{training.Repetition}");
        using var weights = random.Derive("weights");
        var constants = measure(data);
        var learned = Checked(create(constants, weights));
        var (network, method) = (learned.Network, learned.InTraining);
        foreach (var trunk in network.modules().OfType<ResidualConvolutionTrunk>())
            context.Logger.LogInformation("{Method}: the network is computed by {Computation}.", Name, trunk.ComputationInUse);

        Assimilation(method, null).GetOutputSchema(data.Schema);

        // Two states that have nothing to do with each other differ by twice the variance: no better is diverged.
        double divergedCost = learned.DivergedCost
            ?? (learned.Cost is null && constants.Statistics is { } statistics ? 2 * statistics.StateDeviation * statistics.StateDeviation
                : double.PositiveInfinity);
        var unit = UnitOf(learned, constants);
        using var backpropagation = new TruncatedBackpropagation<TMemory>(Name, method, network, OnSteps(data, method),
            CostOf(learned, unit), divergedCost, training, random, unit);
        var held = Assimilation(method, $"training/{Name}/validation")
            .Transform(validation.Take(training.ValidationBurnIn + training.ValidationCycles));
        using var course = new NetworkTraining(Name, network, backpropagation, learned.Validation?.Name
            ?? "rmse", () => Error(held, learned.Validation), Setting(data, constants, learned), training, context);
        var history = course.Run(cancellation) with { Settings = SettingsOf(data, validation, constants, learned) };
        return Trained(learned.Freeze(history));
    }

    /// <summary>
    /// The method with weights that were trained before, here or elsewhere, and written by <see cref="WeightFiles.Write"/>.
    /// </summary>
    /// <param name="path">The two files' place without extension.</param>
    /// <remarks>Networks are made with the constants of the data on which the weights were trained, for states of the dimension observed
    /// here.</remarks>
    /// <exception cref="FileNotFoundException">One of the two files is missing.</exception>
    /// <exception cref="ModelArchiveException">The files are damaged, belong not together, or to a network of another
    /// architecture.</exception>
    public SequentialAssimilation<TMemory> Pretrained(string path)
    {
        using var scope = NewDisposeScope();
        var weights = WeightFiles.Read(path, context.Device);
        using var random = context.Random($"training/{Name}");
        using var overwritten = random.Derive("weights");
        var learned = Checked(create(Constants(weights.History.Settings!), overwritten));
        weights.LoadInto(learned.Network);
        return Trained(learned.Freeze(weights.History));
    }

    TrainingGradient ITrainingGradient.Gradient(ITrajectoryView data, long cycles, TrainingGradient? at)
    {
        using var scope = NewDisposeScope();
        using var random = context.Random($"training/{Name}");
        using var weights = random.Derive("weights");
        var constants = measure(data);
        var learned = Checked(create(constants, weights));
        var (network, method, precision) = (learned.Network, learned.InTraining, context.Options.NetworkPrecision);
        ModuleState.Train(network, keepsNormalisation: false);
        var memory = method.Source.Start(data.Schema.Batch, random);
        if (at is null)
        {
            using var unrecorded = no_grad();
            // layers that begin as zero hide others
            foreach (var parameter in network.parameters()) parameter.add_(0.1 * weights.Normal(parameter.Sizes(), precision));
        }
        else
        {
            ModuleState.Restore(network, at.Weights.ToDictionary(pair => pair.Key, pair => Converted(pair.Value)));
            int part = 0;
            memory = memory.Map(_ => Converted(at.Start[part++]));
        }
        var (before,
            start) = (ModuleState.Copy(network), memory.Tensors.Select(part => part.detach().clone().MoveToOuterDisposeScope()).ToList());
        using var cursor = OnSteps(data, method).Take(cycles).OpenCursor();
        var unrolling = new CycleUnrolling<TMemory>(Name, method, data.Schema, CostOf(learned, UnitOf(learned, constants)), random);
        var loss = unrolling.Along(cursor, memory, data.RequireStartTime(Name)).Loss;
        var learning = network.named_parameters().Where(pair => pair.parameter.requires_grad).ToList();
        Differentiation.BackPropagate(loss, "The cost");
        var gradients = learning.ToDictionary(pair => pair.name,
            pair => (pair.parameter.grad ?? zeros_like(pair.parameter)).detach().clone().MoveToOuterDisposeScope());
        return new(loss.ToDouble(), gradients, before, start);

        Tensor Converted(Tensor tensor) => tensor.is_floating_point() ? tensor.to(precision) : tensor;
    }

    // Measured in the unit of the errors, so that losses and gradients are of the order of one in every unit of the state.
    private static CostUnit UnitOf(LearnedTriple<TMemory> learned, TrainingConstants constants) =>
        new(learned.Cost is null ? constants.Statistics!.ErrorUnit : 1);

    private static AnalysisCost<TMemory> CostOf(LearnedTriple<TMemory> learned, CostUnit unit) =>
        learned.Cost ?? AnalysisCosts.SquaredErrorIn(unit, learned.InTraining.Procoder);

    private TrainingConstants Constants(TrainingSettings settings) =>
        new(settings.Statistics is { } statistics ? statistics with { Dimension = observing.Operator.StateDimension }
            : null, settings.Units, settings.ObservationScatter);

    private ITrajectoryView OnSteps(ITrajectoryView data, AssimilationTriple<TMemory> method) =>
        StepClock.Align(data, method.Propagater.TimeStep, context.Options.TimeTolerance);

    private SequentialAssimilation<TMemory> Trained(AssimilationTriple<TMemory> method) => new(Name, method, observing, context, options);

    private SequentialAssimilation<TMemory> Assimilation(AssimilationTriple<TMemory> method, string? stream) =>
        new(Name, method, observing, context, new SequentialAssimilationOptions { Stream = stream });

    private LearnedTriple<TMemory> Checked(LearnedTriple<TMemory> learned)
    {
        var (network, precision) = (learned.Network, context.Options.NetworkPrecision);
        if (!network.parameters().Any())
            throw new ArgumentException(
                $"The network {network.GetName()} of {Name} has no parameters, so there is nothing to learn; register its layers with " +
                    $"RegisterComponents.");
        foreach (var (parameter, tensor) in network.named_parameters())
            if (tensor.dtype != precision)
                throw new ArgumentException(
                    $"The parameter '{parameter}' of {network.GetName()} must have the context's network precision, {precision}; given: " +
                        $"{tensor.dtype}.");
        if (learned.InTraining.Procoder.HasSpread != hasSpread)
            throw new ArgumentException(
                $"The procoder of {Name} has {(hasSpread ? "no" : "a")} spread, but the estimator was made for one " +
                    $"with{(hasSpread ? "" : "out")}: its '{nameof(hasSpread)}' must be {learned.InTraining.Procoder.HasSpread}.");
        return learned;
    }

    private double Error(ITrajectoryView held, IScore? validation)
    {
        var report = context.Scores.Evaluate(held,
            new ScoreOptions
                { BurnIn = training.ValidationBurnIn, Scores = validation is null ? []
                    : [validation], Progress = SilentProgress.Instance });
        return validation is null ? report.AnalysisRmse.Mean : report[validation].Mean;
    }

    private TrainingSettings SettingsOf(ITrajectoryView data, ITrajectoryView validation, TrainingConstants constants,
        LearnedTriple<TMemory> learned) =>
        TrainingSettings.Of(context, Name, learned.InTraining.Propagater.Name, training, learned.Network,
            TrainingSettings.Describe(observing), TrainingSettings.Describe(data), TrainingSettings.Describe(validation)) with
        {
            Statistics = learned.Network is IScaledNetwork scaled ? scaled.Statistics : constants.Statistics,
            Units = constants.Units,
            ObservationScatter = constants.ObservationScatter,
        };

    // What tells this training from another; the constants stand for model and data, whose every change they show, and the description
    // for what no tensor of the network has the shape of: a localisation, the ends of a grid.
    private string Setting(ITrajectoryView data, TrainingConstants constants, LearnedTriple<TMemory> learned) =>
        string.Create(CultureInfo.InvariantCulture,
        $"{Name} for {learned.InTraining.Propagater.Name}, seed {context.Options.Seed}, {data.Schema.Batch} trajectories of " +
            $"{data.Schema}, {constants}, {training.OfEveryRun}, ") +
        TrainingSettings.Describe(learned.Network).ToJsonString() + ", " +
        TrainingSettings.Sizes(learned.Network);
}
