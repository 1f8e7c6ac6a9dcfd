namespace DaML;

/// <summary>The three transformations of a data assimilation network.</summary>
[Flags]
public enum TripleParts
{
    /// <summary>a : H x Y -> H</summary>
    Analyzer = 1,

    /// <summary>b : H -> H</summary>
    Propagater = 2,

    /// <summary>c : H -> pdf over X</summary>
    Procoder = 4,

    /// <summary>All three.</summary>
    All = Analyzer | Propagater | Procoder,
}

/// <summary>
/// The size of a data assimilation network. The default sizes learn small systems within minutes; for the paper's, see
/// <see cref="Reference"/>.
/// </summary>
public sealed record DataAssimilationNetworkOptions
{
    /// <summary>
    /// The setting of Boudier et al. section 5 for Lorenz-95 of 40 sites: m = 40 x 20, to compare with 20 members, and 20 layers; 27
    /// million parameters.
    /// </summary>
    public static DataAssimilationNetworkOptions Reference { get; } = new()
        { MemorySize = 800, Layers = 20, FirstWeights = FirstWeights.Drawn };

    /// <summary>m, the size of the memory H = R^m.</summary>
    public long MemorySize { get; init; } = 64;

    /// <summary>The number of layers of analyzer and propagater each, the last included.</summary>
    public long Layers { get; init; } = 4;

    /// <summary>The form of the procoder's density.</summary>
    public DensityForm Density { get; init; } = DensityForm.Triangular;

    /// <summary>The analyzer's treatment of missing observations.</summary>
    public MissingObservations MissingObservations { get; init; } = MissingObservations.Refused;

    /// <summary>
    /// The initial weights of analyzer and propagater. <see cref="Reference"/> uses the paper's; the default learns systems of many
    /// components in a small fraction of the steps.
    /// </summary>
    public FirstWeights FirstWeights { get; init; } = FirstWeights.RunningAverages;

    /// <summary>The weight w_b of the prior in the cost (1 in the paper).</summary>
    public double PriorWeight { get; init; } = 1;

    /// <summary>The weight w_a of the posterior in the cost (1 in the paper).</summary>
    public double PosteriorWeight { get; init; } = 1;

    /// <summary>
    /// The way of computing the cycles of a training step (default: automatic: in one piece on the processor, in single precision, from
    /// complete observations one time step apart, else by plain operators).
    /// </summary>
    public NetworkComputation Computation { get; init; } = NetworkComputation.Automatic;

    /// <summary>The parts that learn; the others remain as they start, which makes sense if they come from
    /// <see cref="WarmStart"/>.</summary>
    public TripleParts Learns { get; init; } = TripleParts.All;

    /// <summary>
    /// A network, trained on another system or earlier, whose weights and units are the start (default: null, weights from the seed). Of
    /// the options above only cost and <see cref="Learns"/> then count.
    /// </summary>
    public SequentialAssimilation<VectorMemory>? WarmStart { get; init; }

    /// <summary>Gives these options, or throws with the reason why they are invalid.</summary>
    /// <exception cref="ArgumentException">A count is below one, the weights score nothing, no part learns, or the warm start is no
    /// network.</exception>
    internal DataAssimilationNetworkOptions Checked()
    {
        Require.AtLeast(MemorySize, 1);
        Require.AtLeast(Layers, 1);
        Density.Checked();
        _ = new CrossEntropy(PriorWeight, PosteriorWeight);
        Require.Defined(MissingObservations);
        Require.Defined(FirstWeights);
        Computation.RequireFusedOrPlain("a data assimilation network");
        if ((Learns & TripleParts.All) == 0 || (Learns & ~TripleParts.All) != 0)
            throw new ArgumentOutOfRangeException(nameof(Learns), Learns,
                $"'{nameof(Learns)}' must name at least one of analyzer, propagater and procoder; given: {Learns}.");
        if (WarmStart is not null && NetworkTriple.Find(WarmStart) is null)
            throw new ArgumentException(
                $"'{nameof(WarmStart)}' must be a data assimilation network; {WarmStart.Name} has the parts " +
                    $"{WarmStart.Triple.Analyzer.GetType().Name}, {WarmStart.Triple.Propagater.GetType().Name} and " +
                        $"{WarmStart.Triple.Procoder.GetType().Name}.");
        return this;
    }
}
