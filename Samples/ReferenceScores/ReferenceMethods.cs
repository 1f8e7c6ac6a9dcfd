namespace DaML.Samples;

/// <summary>What a method of the table is made for.</summary>
/// <param name="Context">Seed, device and precision.</param>
/// <param name="Dynamics">The model.</param>
/// <param name="Network">What is observed.</param>
/// <param name="Start">Where truth and members start.</param>
/// <param name="Interval">Time between observations.</param>
/// <param name="Settings">The method's settings.</param>
internal sealed record ReferenceRequest(DataAssimilationContext Context, IDynamics Dynamics, IObservationNetwork Network, GaussianInitialCondition Start, double Interval, NamedSettings Settings)
{
    public AnalysisCatalog Analysis => Context.Analysis;

    /// <summary>N</summary>
    public long Members => Settings.Integer("members");

    /// <summary>A factor of the posterior anomalies, as the published figures mean it.</summary>
    public Inflation Inflation => Settings.Has("inflation") ? Inflation.StandardDeviation(Settings.Number("inflation")) : Inflation.None;

    /// <summary>Of the anomalies.</summary>
    public EnsembleRotation Rotation => Settings.Choice("rotation", new Dictionary<string, EnsembleRotation> { ["none"] = EnsembleRotation.None, ["mean-preserving"] = EnsembleRotation.MeanPreserving }, EnsembleRotation.None);
}

/// <summary>A method that a table of reference scores may name.</summary>
/// <param name="Name">As the table calls it.</param>
/// <param name="Settings">The names of its settings.</param>
/// <param name="Make">Makes it. It isolates trajectories that diverge.</param>
internal sealed record ReferenceMethod(string Name, IReadOnlyList<string> Settings, Func<ReferenceRequest, ITransformer> Make)
{
    /// <summary>Whether an error above that of the observations means that it lost the truth; climatology never had it.</summary>
    public bool FollowsTruth { get; init; } = true;
}

/// <summary>The methods that a table of reference scores may name.</summary>
internal static class ReferenceMethods
{
    private const DivergenceHandling Isolate = DivergenceHandling.Isolate;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ReferenceMethod> All { get; } =
    [
        new("extended Kalman filter", ["inflationPerTime"], request => request.Analysis.KalmanFilter(request.Dynamics, request.Network, request.Start, new KalmanFilterOptions
        {
            // The covariance grows by this factor in a unit of time.
            Inflation = Inflation.Variance(Math.Pow(request.Settings.Number("inflationPerTime", 1), request.Interval)), DivergenceHandling = Isolate,
        }).Transformer),
        new("stochastic EnKF", ["members", "inflation"], request => request.Analysis.StochasticEnsembleKalmanFilter(request.Dynamics, request.Network, new EnsembleFilterOptions
        {
            Members = request.Members, Inflation = request.Inflation, Initial = request.Start, DivergenceHandling = Isolate,
        }).Transformer),
        new("ETKF", ["members", "inflation", "rotation"], request => request.Analysis.EnsembleTransformKalmanFilter(request.Dynamics, request.Network, new EnsembleTransformKalmanFilterOptions
        {
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation, Initial = request.Start, DivergenceHandling = Isolate,
        }).Transformer),
        new("EnKF-N", ["members", "inflation", "rotation", "certainty"], request => request.Analysis.FiniteSizeEnsembleKalmanFilter(request.Dynamics, request.Network, new FiniteSizeEnsembleKalmanFilterOptions
        {
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation, Initial = request.Start, DivergenceHandling = Isolate,
            Prior = FiniteSizePrior.DiracJeffreys(request.Settings.Number("certainty", 1)),
        }).Transformer),
    ];

    /// <summary>The method of a name.</summary>
    /// <exception cref="SampleException">There is none; the message lists those there are.</exception>
    public static ReferenceMethod Find(string name) => All.FirstOrDefault(method => string.Equals(method.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new SampleException($"There is no method '{name}'; there are: {string.Join(", ", All.Select(method => method.Name))}.");
}
