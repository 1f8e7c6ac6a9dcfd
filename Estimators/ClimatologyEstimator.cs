using static TorchSharp.torch;

namespace DaML;

/// <summary>What is made of a climatology once it is learned.</summary>
public enum ClimatologicalMethod
{
    /// <summary>Its mean in every cycle, whatever is observed.</summary>
    Climatology,

    /// <summary>The Kalman analysis of its mean and covariance with each cycle's observations.</summary>
    OptimalInterpolation,
}

/// <summary>Settings of a <see cref="ClimatologyEstimator"/>, with their defaults.</summary>
public sealed record ClimatologyEstimatorOptions : AssimilationMethodOptions
{
    /// <summary>How many first cycles of the training view the climatology is taken from, all its trajectories together; all there are where there are fewer.</summary>
    public long Cycles { get; init; } = 2000;
}

/// <summary>Learns mean and covariance of the truth over a long run, and makes one of the two methods of them that need nothing else.</summary>
public sealed class ClimatologyEstimator : IEstimator<SequentialAssimilation<GaussianMemory>>
{
    private readonly DataAssimilationContext context;
    private readonly ClimatologicalMethod method;
    private readonly IObservationNetwork network;
    private readonly ClimatologyEstimatorOptions options;

    /// <summary>Makes an estimator.</summary>
    /// <param name="context">Precision and device.</param>
    /// <param name="method">What is made of the climatology.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public ClimatologyEstimator(DataAssimilationContext context, ClimatologicalMethod method, IObservationNetwork network, ClimatologyEstimatorOptions? options = null)
    {
        this.context = context;
        this.method = method;
        this.network = network;
        this.options = options ??= new();
        Require.AtLeast(options.Cycles, 2, nameof(options.Cycles));
        long n = network.Operator.StateDimension;
        using var anywhere = zeros(n);
        var typical = Make(new GaussianInitialCondition(anywhere, ErrorCovariance.Scalar(n, 1)));
        (Name, Contract) = (typical.Name, typical.Contract);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">The data has no truth of the state's dimension, or no observations of the network's.</exception>
    /// <exception cref="ArgumentException">The data holds no more states than components.</exception>
    public SequentialAssimilation<GaussianMemory> Fit(ITrajectoryView data, CancellationToken cancellation = default)
    {
        new SchemaContract([new(Columns.Truth, network.Operator.StateDimension), .. Contract.Requires], []).Apply(data.Schema, $"Fitting {Name}");
        using var scope = NewDisposeScope();
        return Make(Climatology.Measure(data, options.Cycles, cancellation).ToDistribution());
    }

    private SequentialAssimilation<GaussianMemory> Make(GaussianInitialCondition climatology) => method == ClimatologicalMethod.Climatology
        ? context.Analysis.Climatology(network, climatology, options).Transformer
        : context.Analysis.OptimalInterpolation(network, climatology, options).Transformer;
}

/// <summary>The methods that are learned from a long run's mean and covariance, made from <see cref="DataAssimilationContext.Analysis"/>.</summary>
public static class ClimatologyEstimatorCatalog
{
    /// <summary>Climatology, learned from the truth of a long run.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="network">What is observed, for the dimensions of the view it is put on.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static ClimatologyEstimator Climatology(this AnalysisCatalog catalog, IObservationNetwork network, ClimatologyEstimatorOptions? options = null) =>
        new(catalog.Context, ClimatologicalMethod.Climatology, network, options);

    /// <summary>Optimal interpolation, its climatology learned from the truth of a long run.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="network">What is observed.</param>
    /// <param name="options">Settings; null = their defaults.</param>
    public static ClimatologyEstimator OptimalInterpolation(this AnalysisCatalog catalog, IObservationNetwork network, ClimatologyEstimatorOptions? options = null) =>
        new(catalog.Context, ClimatologicalMethod.OptimalInterpolation, network, options);
}
