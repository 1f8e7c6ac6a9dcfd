using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The loop of all sequential methods (Boudier et al. eq. 4.1): from the memory before the first cycle, propagate to the cycle's time,
/// assimilate its observation, and decode the memory before and after.
/// <code>
/// h^b_t = b(h^a_(t-1))     forecast q^b_t = c(h^b_t)
/// h^a_t = a(h^b_t, y_t)    analysis q^a_t = c(h^a_t)
/// </code>
/// It reads <see cref="Columns.Observation"/>, and <see cref="Columns.ObservationMask"/> if the view has it, and adds
/// <see cref="Columns.Forecast"/>, <see cref="Columns.Analysis"/> and, if the procoder has one, their spread; with
/// <see cref="DivergenceHandling.Isolate"/> also <see cref="Columns.Diverged"/>. All mutable state belongs to a run, so one object serves
/// many runs and threads at once.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
[Component("sequential-assimilation", 3)]
public sealed class SequentialAssimilation<TMemory> : ISequentialAssimilation where TMemory : IMemory<TMemory>
{
    private readonly DataAssimilationContext context;
    private readonly AssimilationSystem? system;
    private readonly Lazy<TMemory> start;
    private readonly Lazy<string> fingerprint;

    /// <summary>Makes a method of its record for a system. A method with something to learn is fitted before it is applied.</summary>
    /// <param name="method">The method's settings; they become <see cref="Options"/>.</param>
    /// <param name="system">The model, its observations, and its start.</param>
    /// <param name="context">The context whose seed the method's random streams follow; they are drawn on its device.</param>
    public SequentialAssimilation(AssimilationMethod<TMemory> method, AssimilationSystem system, DataAssimilationContext context)
        : this(method.Name ?? method.UsualName, method.Triple(system, context), system.Network, context, method) => this.system = system;

    /// <summary>Makes a method of a triple.</summary>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="triple">Analyzer, propagater, procoder, and the source of the memory.</param>
    /// <param name="stateDimension">n</param>
    /// <param name="observationDimension">p</param>
    /// <param name="context">The context whose seed the method's random streams follow; they are drawn on its device.</param>
    /// <param name="settings">Settings.</param>
    /// <exception cref="ArgumentException">A dimension below one, or a bound that is not above zero.</exception>
    [Saved]
    public SequentialAssimilation(string name, [Inlined] AssimilationTriple<TMemory> triple, long stateDimension, long observationDimension,
        DataAssimilationContext context, [Inlined] SequentialAssimilationOptions? settings = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        this.context = context;
        Name = name;
        Triple = triple;
        Options = settings ?? new();
        if (!(Options.DivergenceBound > 0))
            throw new ArgumentOutOfRangeException(nameof(settings), Options.DivergenceBound,
                $"The divergence bound must be above zero; given: {Options.DivergenceBound}.");
        StateDimension = Require.AtLeast(stateDimension, 1);
        ObservationDimension = Require.AtLeast(observationDimension, 1);
        ColumnDefinition Of(Column column) => new(column, StateDimension);
        List<ColumnDefinition> adds = [Of(Columns.Forecast), Of(Columns.Analysis)];
        if (triple.Procoder.HasSpread) adds.AddRange([Of(Columns.ForecastSpread), Of(Columns.AnalysisSpread)]);
        if (Options.DivergenceHandling == DivergenceHandling.Isolate) adds.Add(new ColumnDefinition(Columns.Diverged));
        Contract = new SchemaContract([new ColumnDefinition(Columns.Observation, ObservationDimension)], adds);
        start = new(() =>
        {
            using var random = Random("source");
            using var noGradients = no_grad();
            return Triple.Source.Start(1, random).Keep();
        });
        // Of the kinds and settings of model, observation and method as files would have them, without their tensors.
        fingerprint = new(() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
            ModelArchive.Describe(this).ToJsonString())))[..16]);
    }

    /// <summary>Makes a method of a triple for an observation network.</summary>
    /// <param name="name">The method's name in messages and tables.</param>
    /// <param name="triple">Analyzer, propagater, procoder, and the source of the memory.</param>
    /// <param name="network">The observation network; its operator gives the dimensions.</param>
    /// <param name="context">The context whose seed the method's random streams follow; they are drawn on its device.</param>
    /// <param name="options">Settings.</param>
    public SequentialAssimilation(string name, AssimilationTriple<TMemory> triple, IObservationNetwork network,
        DataAssimilationContext context, SequentialAssimilationOptions? options = null)
        : this(name, triple, network.Operator.StateDimension, network.Operator.ObservationDimension, context, options) { }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <summary>Analyzer, propagater, procoder, and the source of the memory.</summary>
    public AssimilationTriple<TMemory> Triple { get; }

    /// <summary>
    /// The method's settings: the record it was made of, also after it was saved and read. A record with a part that is no component, or
    /// that is none itself, is not written, and files before version 3 of this kind have none; then these are the settings that all methods
    /// share.
    /// </summary>
    public SequentialAssimilationOptions Options { get; private init; }

    /// <summary>n</summary>
    public long StateDimension { get; }

    /// <summary>p</summary>
    public long ObservationDimension { get; }

    /// <inheritdoc/>
    public TrajectorySchema GetOutputSchema(TrajectorySchema input)
    {
        var output = Contract.Apply(input, Name);
        var mask = new ColumnDefinition(Columns.ObservationMask, ObservationDimension);
        if (input.Find(Columns.ObservationMask) is { } given && !mask.Accepts(given.Shape))
            throw new SchemaException(
                $"{Name} takes the column '{Columns.ObservationMask}' in shape {ColumnDefinition.Describe(mask.Shape)}, but it has " +
                    $"shape {ColumnDefinition.Describe(given.Shape)}.");
        if (!Triple.Analyzer.TakesErrorScale) input.RequireOneError(Name);
        return output;
    }

    /// <summary>Gives the fitted method; a method with nothing to learn returns itself.</summary>
    /// <param name="data">The training data; a background covariance or a climatology needs the truth.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="SchemaException">The data lacks a column that the method or its learning needs.</exception>
    public SequentialAssimilation<TMemory> Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        GetOutputSchema(data.Schema);
        if (Options is not AssimilationMethod<TMemory> { ToLearn: not null } method) return this;
        var truth = new ColumnDefinition(Columns.Truth, StateDimension);
        new SchemaContract([truth, .. Contract.Requires], []).Apply(data.Schema, $"Fitting {Name}");
        return method.Learn(system!, data, context, cancellation);
    }

    ITransformer IEstimator<ITransformer>.Fit(ITrajectoryView data, CancellationToken cancellation) => Fit(data, cancellation);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The method must be fitted first and was not.</exception>
    public ITrajectoryView Transform(ITrajectoryView input)
    {
        RequireFitted();
        return new TrajectoryView(GetOutputSchema(input.Schema), input, source => new AssimilationRun<TMemory>(this, input, source));
    }

    /// <summary>Runs over a view with access to the memory itself: its densities, and forecasts from it.</summary>
    /// <param name="input">The view with the observations.</param>
    /// <returns>The run before its first cycle; <c>MoveNext</c> advances it.</returns>
    /// <exception cref="InvalidOperationException">The method must be fitted first and was not.</exception>
    public AssimilationRun<TMemory> Run(ITrajectoryView input)
    {
        RequireFitted();
        GetOutputSchema(input.Schema);
        return new AssimilationRun<TMemory>(this, input, input.OpenCursor());
    }

    IStepwiseRun ISequentialAssimilation.Run(ITrajectoryView input) => Run(input);

    DataAssimilationContext ISequentialAssimilation.Context => context;

    IObservationNetwork? ISequentialAssimilation.Network => system?.Network;

    double? ISequentialAssimilation.Interval => system?.Interval;

    string ISequentialAssimilation.Identity =>
        $"{Name}, {StateDimension} components, {ObservationDimension} observations, stream {Stream}, seed {context.Options.Seed}, " +
            $"settings {fingerprint.Value}";

    /// <summary>The logger of its messages.</summary>
    internal ILogger Logger => context.Logger;

    /// <summary>The context whose seed its random streams follow.</summary>
    internal DataAssimilationContext Context => context;

    /// <summary>The name that its random streams derive from.</summary>
    internal string Stream => Options.Stream ?? "assimilation/" + Name;

    // The settings with the name of the random streams filled in, so that a loaded method keeps its random numbers under any name.
    private SequentialAssimilationOptions Settings => Options with { Stream = Stream };

    // The record, if files can hold it. What is not fitted is not saved.
    [Saved("method", Since = 3)]
    private AssimilationMethod? Method
    {
        get
        {
            RequireFitted();
            return Options is AssimilationMethod method && ModelArchive.CanHold(method) ? method : null;
        }
        init => Options = value ?? Options;
    }

    /// <summary>The memory before the first cycle of one trajectory, drawn once; it belongs to the method.</summary>
    internal TMemory StartOfOne => start.Value;

    /// <summary>Opens one of the method's random streams.</summary>
    internal RandomStream Random(string purpose) => context.Random($"{Stream}/{purpose}");

    private void RequireFitted()
    {
        if (Options is AssimilationMethod<TMemory> { ToLearn: { } what })
            throw new InvalidOperationException(
                $"{Name} must learn {what} first: call Fit with a view that has the truth, and use the method that it returns.");
    }
}
