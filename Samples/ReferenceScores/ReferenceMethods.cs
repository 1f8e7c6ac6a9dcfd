namespace DaML.Samples;

/// <summary>What a method of the table is made for.</summary>
/// <param name="Context">Seed, device and precision.</param>
/// <param name="Dynamics">The model.</param>
/// <param name="Network">What is observed.</param>
/// <param name="Start">Where truth and members start.</param>
/// <param name="Interval">Time between observations.</param>
/// <param name="Settings">The method's settings.</param>
/// <param name="IsRehearsal">Whether it is only looked at whether the method can be made: a climatology need not be measured.</param>
internal sealed record ReferenceRequest(DataAssimilationContext Context, IDynamics Dynamics, IObservationNetwork Network, GaussianInitialCondition Start, double Interval,
    NamedSettings Settings, bool IsRehearsal)
{
    private const long ClimatologyRuns = 64, ClimatologyCycles = 1000;

    public AnalysisCatalog Analysis => Context.Analysis;

    /// <summary>Mean and covariance of a long run of the truth, of which every method that needs them takes the same.</summary>
    public GaussianInitialCondition Climatology()
    {
        if (IsRehearsal) return Start;
        using var scope = TorchSharp.torch.NewDisposeScope();
        return LongRun().ToDistribution();
    }

    /// <summary>When a method has lost its truth in this experiment; null where it is only rehearsed.</summary>
    public TruthBounds? Bounds()
    {
        if (IsRehearsal) return null;
        using var scope = TorchSharp.torch.NewDisposeScope();
        var (mean, covariance) = LongRun();
        return TruthBounds.Of(Network, mean, covariance);
    }

    private Climatology LongRun() => DaML.Climatology.Measure(
        Context.Data.Twin(Dynamics, Network, new TwinExperimentOptions { Stream = "reference/climatology", Batch = ClimatologyRuns, Interval = Interval }), ClimatologyCycles);

    /// <summary>B as this fraction of the climatological covariance.</summary>
    public IErrorCovariance Background(double scale)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        return ErrorCovariance.Full(scale * Climatology().Covariance.ToMatrix(Context.Precision, Context.Device));
    }

    /// <summary>N</summary>
    public long Members => Settings.Integer("members");

    /// <summary>A factor of the posterior anomalies, as the published figures mean it.</summary>
    public Inflation Inflation => Settings.Has("inflation") ? Inflation.StandardDeviation(Settings.Number("inflation")) : Inflation.None;

    /// <summary>Of the anomalies.</summary>
    public EnsembleRotation Rotation => Settings.Choice("rotation", new Dictionary<string, EnsembleRotation> { ["none"] = EnsembleRotation.None, ["mean-preserving"] = EnsembleRotation.MeanPreserving }, EnsembleRotation.None);

    /// <summary>What all ensemble filters take.</summary>
    public EnsembleFilterOptions Ensemble() => new() { Members = Members, Inflation = Inflation, Initial = Start, DivergenceHandling = DivergenceHandling.Isolate };

    /// <summary>What the iterative smoothers take.</summary>
    public IterativeEnsembleKalmanSmootherOptions Smoother(int lag) => new()
    {
        Members = Members, Inflation = Inflation, Rotation = Rotation, Window = WindowCycling.Overlapping(lag), Initial = Start, DivergenceHandling = DivergenceHandling.Isolate,
    };
}

/// <summary>A method that a table of reference scores may name.</summary>
/// <param name="Name">As the table calls it.</param>
/// <param name="Settings">The names of its settings.</param>
/// <param name="Make">Makes it. It isolates trajectories that diverge.</param>
internal sealed record ReferenceMethod(string Name, IReadOnlyList<string> Settings, Func<ReferenceRequest, ITransformer> Make)
{
    /// <summary>Whether an error above that of optimal interpolation means that it lost the truth; climatology and optimal interpolation never had it.</summary>
    public bool FollowsTruth { get; init; } = true;
}

/// <summary>The methods that a table of reference scores may name.</summary>
internal static class ReferenceMethods
{
    private const DivergenceHandling Isolate = DivergenceHandling.Isolate;

    private static readonly Dictionary<string, LocalisationTaper> Tapers = new()
    {
        ["Gaspari-Cohn"] = LocalisationTaper.GaspariCohn, ["Gaussian"] = LocalisationTaper.Gaussian, ["boxcar"] = LocalisationTaper.Boxcar,
        ["triangular"] = LocalisationTaper.Triangular, ["tricube"] = LocalisationTaper.Tricube,
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ReferenceMethod> All { get; } =
    [
        new("climatology", [], request => request.Analysis.Climatology(request.Network, request.Climatology(), new AssimilationMethodOptions { DivergenceHandling = Isolate }).Transformer) { FollowsTruth = false },
        new("optimal interpolation", [], request => request.Analysis.OptimalInterpolation(request.Network, request.Climatology(), new AssimilationMethodOptions { DivergenceHandling = Isolate }).Transformer) { FollowsTruth = false },
        new("3D-Var", ["backgroundScale"], request => request.Analysis.ThreeDimensionalVariational(request.Dynamics, request.Network, request.Background(request.Settings.Number("backgroundScale")),
            new ThreeDimensionalVariationalOptions { Initial = request.Start, DivergenceHandling = Isolate }).Transformer),
        new("4D-Var", ["backgroundScale", "window"], request => request.Analysis.FourDimensionalVariational(request.Dynamics, request.Network, request.Background(request.Settings.Number("backgroundScale")),
            WindowCycling.Overlapping((int)request.Settings.Integer("window")), new FourDimensionalVariationalOptions { Initial = request.Start, DivergenceHandling = Isolate }).Transformer),
        new("extended Kalman filter", ["inflationPerTime"], request => request.Analysis.ExtendedKalmanFilter(request.Dynamics, request.Network, request.Start, new KalmanFilterOptions
        {
            CovarianceGrowthPerTimeUnit = request.Settings.Number("inflationPerTime", 1), DivergenceHandling = Isolate,
        }).Transformer),
        new("stochastic EnKF", ["members", "inflation"], request => request.Analysis.StochasticEnsembleKalmanFilter(request.Dynamics, request.Network, request.Ensemble()).Transformer),
        new("DEnKF", ["members", "inflation"], request => request.Analysis.DeterministicEnsembleKalmanFilter(request.Dynamics, request.Network, request.Ensemble()).Transformer),
        new("serial EnSRF", ["members", "inflation"], request => request.Analysis.SerialSquareRootFilter(request.Dynamics, request.Network, request.Ensemble()).Transformer),
        new("ETKF", ["members", "inflation", "rotation"], request => request.Analysis.EnsembleTransformKalmanFilter(request.Dynamics, request.Network, new EnsembleTransformKalmanFilterOptions
        {
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation, Initial = request.Start, DivergenceHandling = Isolate,
        }).Transformer),
        new("EnKF-N", ["members", "inflation", "rotation", "certainty"], request => request.Analysis.FiniteSizeEnsembleKalmanFilter(request.Dynamics, request.Network, new FiniteSizeEnsembleKalmanFilterOptions
        {
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation, Initial = request.Start, DivergenceHandling = Isolate,
            Prior = FiniteSizePrior.DiracJeffreys(request.Settings.Number("certainty", 1)),
        }).Transformer),
        new("IEnKF", ["members", "inflation", "rotation"], request => request.Analysis.IterativeEnsembleKalmanSmoother(request.Dynamics, request.Network, request.Smoother(1)).Transformer),
        new("IEnKS", ["members", "inflation", "rotation", "lag"], request =>
            request.Analysis.IterativeEnsembleKalmanSmoother(request.Dynamics, request.Network, request.Smoother((int)request.Settings.Integer("lag"))).Transformer),
        new("IEnKS-N", ["members", "rotation", "lag", "certainty"], request => request.Analysis.IterativeEnsembleKalmanSmoother(request.Dynamics, request.Network,
            request.Smoother((int)request.Settings.Integer("lag")) with { Prior = FiniteSizePrior.DiracJeffreys(request.Settings.Number("certainty", 1)) }).Transformer),
        new("IEnKF-Q", ["members", "inflation", "rotation"], request => request.Analysis.AdditiveErrorIterativeEnsembleKalmanFilter(request.Dynamics, request.Network, new AdditiveErrorEnsembleKalmanFilterOptions
        {
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation, Initial = request.Start, DivergenceHandling = Isolate,
        }).Transformer),
        new("LETKF", ["members", "inflation", "radius", "taper", "rotation"], request => request.Analysis.LocalEnsembleTransformKalmanFilter(request.Dynamics, request.Network, new LocalEnsembleTransformKalmanFilterOptions
        {
            // The radius is where the taper is exp(-1/2), as the published figures mean it, on a circle of sites.
            Localisation = new Localisation(LocalisationGeometry.Circle(request.Dynamics.Dimension), LocalisationRadius.EFolding(request.Settings.Number("radius")), request.Settings.Choice("taper", Tapers, LocalisationTaper.GaspariCohn)),
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation, Initial = request.Start, DivergenceHandling = Isolate,
        }).Transformer),
        new("particle filter", ["members", "jitter", "effectiveSize"], request => request.Analysis.ParticleFilter(request.Dynamics, request.Network, new ParticleFilterOptions
        {
            Members = request.Members, Initial = request.Start, DivergenceHandling = Isolate, EffectiveSizeRatio = request.Settings.Number("effectiveSize", 0.5),
            Jitter = request.Settings.Has("jitter") ? ParticleJitter.OfDuplicates(request.Settings.Number("jitter")) : ParticleJitter.None,
        }).Transformer),
    ];

    /// <summary>The method of a name.</summary>
    /// <exception cref="SampleException">There is none; the message lists those there are.</exception>
    public static ReferenceMethod Find(string name) => All.FirstOrDefault(method => string.Equals(method.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw new SampleException($"There is no method '{name}'; there are: {string.Join(", ", All.Select(method => method.Name))}.");
}
