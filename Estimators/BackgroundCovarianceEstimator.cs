using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Settings of an estimator that learns a background error covariance, with their defaults.</summary>
public record BackgroundCovarianceOptions : AssimilationMethodOptions
{
    /// <summary>What the state is drawn from at the view's start; the climatology that was learned unless said.</summary>
    public IInitialCondition? Initial { get; init; }

    /// <summary>How many first cycles of the training view the climatology is taken from, all its trajectories together; all there are where there are fewer.</summary>
    public long ClimatologyCycles { get; init; } = 2000;

    /// <summary>How many first cycles of the training view the scale is tuned on, its burn-in included; all there are where there are fewer.</summary>
    public long TuningCycles { get; init; } = 500;

    /// <summary>How many cycles of a tuning run are left out of its score.</summary>
    public long TuningBurnIn { get; init; } = 100;

    /// <summary>The smallest fraction of the climatological covariance that is tried.</summary>
    public double SmallestScale { get; init; } = 1e-3;

    /// <summary>The largest fraction of the climatological covariance that is tried.</summary>
    public double LargestScale { get; init; } = 2;
}

/// <summary>
/// Learns the background error covariance of a variational method: the sample covariance of the truth over a long run, times
/// the scale with the least analysis error on a piece of the training view. The scale is found by a
/// <see cref="TuningEstimator{TTransformer}"/> on a logarithmic grid refined by golden sections.
/// </summary>
/// <typeparam name="TMemory">The method's memory.</typeparam>
public abstract class BackgroundCovarianceEstimator<TMemory> : IEstimator<SequentialAssimilation<TMemory>> where TMemory : IMemory<TMemory>
{
    private const double LogarithmicTolerance = 0.03;

    private readonly DataAssimilationContext context;
    private readonly long dimension;
    private readonly BackgroundCovarianceOptions options;
    private readonly Func<IErrorCovariance, IInitialCondition?, SequentialAssimilation<TMemory>> make;

    private protected BackgroundCovarianceEstimator(DataAssimilationContext context, string name, IDynamics dynamics, BackgroundCovarianceOptions options,
        Func<IErrorCovariance, IInitialCondition?, SequentialAssimilation<TMemory>> make)
    {
        this.context = context;
        this.options = options;
        this.make = make;
        Name = name;
        dimension = dynamics.Dimension;
        Require.AtLeast(options.ClimatologyCycles, 2, nameof(options.ClimatologyCycles));
        Require.AtLeast(options.TuningBurnIn, 0, nameof(options.TuningBurnIn));
        Require.AtLeast(options.TuningCycles, options.TuningBurnIn + 1, nameof(options.TuningCycles));
        Require.Positive(options.SmallestScale, nameof(options.SmallestScale));
        if (!(options.LargestScale > options.SmallestScale) || !double.IsFinite(options.LargestScale))
            throw new ArgumentOutOfRangeException(nameof(options), options.LargestScale, $"The largest scale must be finite and above the smallest, {options.SmallestScale}; given: {options.LargestScale}.");
        // What is fitted needs and adds what any method of this kind and network does.
        Contract = make(ErrorCovariance.Scalar(dimension, 1), options.Initial).Contract;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">The data has no truth of the model's dimension, or no observations of the network's.</exception>
    /// <exception cref="ArgumentException">The data holds no more states than components, or ends within the burn-in.</exception>
    public SequentialAssimilation<TMemory> Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        var needed = new SchemaContract([new(Columns.Truth, dimension), .. Contract.Requires], []);
        needed.Apply(data.Schema, $"Fitting {Name}");
        using var recorded = data.Take(Math.Max(options.ClimatologyCycles, options.TuningCycles)).Materialise(
            [Columns.Truth, Columns.Observation, .. data.Schema.Has(Columns.ObservationMask) ? [Columns.ObservationMask] : Array.Empty<Column>()],
            cancellation: cancellation);
        if (recorded.CycleCount <= options.TuningBurnIn)
            throw new ArgumentException($"Fitting {Name} needs more cycles than its burn-in of {options.TuningBurnIn}; the data has {recorded.CycleCount}.", nameof(data));

        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (mean, covariance) = Climatology.Measure(recorded, options.ClimatologyCycles, cancellation);
        var initial = options.Initial ?? new GaussianInitialCondition(mean, ErrorCovariance.Full(covariance));
        return new TuningEstimator<SequentialAssimilation<TMemory>>(context,
            [new("scale", TuningSearch.GoldenSection(options.SmallestScale, options.LargestScale, LogarithmicTolerance, SearchScale.Logarithmic))],
            values => Method(covariance, values[0], initial).AsEstimator(),
            new TuningOptions { Cycles = options.TuningCycles, BurnIn = options.TuningBurnIn, ScoreName = "rmse" }).Fit(recorded, cancellation);
    }

    private SequentialAssimilation<TMemory> Method(Tensor covariance, double scale, IInitialCondition initial)
    {
        using var background = scale * covariance;
        return make(ErrorCovariance.Full(background), initial);
    }
}
