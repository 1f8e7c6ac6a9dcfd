namespace DaML.Components;

/// <summary>Settings shared by the methods that know only a climatology.</summary>
public abstract record ClimatologicalMethod : AssimilationMethod<GaussianMemory>
{
    /// <summary>
    /// Mean and covariance of the state over a long time (default: null, learned from the truth of the view that the method is fitted on).
    /// </summary>
    public GaussianInitialCondition? Distribution { get; init; }

    /// <summary>
    /// The number of first cycles that a climatology is learned from, over all trajectories together (default: 2000, or all if there are
    /// fewer).
    /// </summary>
    public long Cycles { get; init; } = 2000;

    /// <inheritdoc/>
    protected internal override string? ToLearn => Distribution is null ? "its climatology" : null;

    /// <inheritdoc/>
    protected internal override AssimilationTriple<GaussianMemory> Triple(AssimilationSystem system, DataAssimilationContext context)
    {
        Require.AtLeast(Cycles, 2, nameof(Cycles));
        long n = system.Network.Operator.StateDimension;
        if (Distribution is { } known && known.Dimension != n)
            throw new ArgumentException(
                $"The network observes states of dimension {n}, but the climatology has dimension {known.Dimension}.", nameof(system));
        using var anywhere = TorchSharp.torch.zeros(n);
        // If it is still to be learned, any climatology gives the columns.
        var climatology = Distribution ?? new GaussianInitialCondition(anywhere, ErrorCovariance.Scalar(n, 1));
        return new(Analyzer(system.Network), new ClimatologyPropagater(climatology), new GaussianProcoder(),
            new GaussianSource(climatology, context.Precision));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The data holds no more states than the state has components.</exception>
    protected internal override SequentialAssimilation<GaussianMemory> Learn(AssimilationSystem system, ITrajectoryView data,
        DataAssimilationContext context, CancellationToken cancellation)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        return (this with { Distribution = StateClimatology.Measure(data, Cycles, cancellation).ToDistribution() }).For(system, context);
    }

    private protected abstract IAnalyzer<GaussianMemory> Analyzer(IObservationNetwork network);
}
