namespace DaML.Samples;

/// <summary>What a method of the table is made for.</summary>
/// <param name="Context">Seed, device and precision.</param>
/// <param name="System">The model, what is observed of it and how often, and where truth and members start.</param>
/// <param name="Settings">The method's settings.</param>
/// <param name="IsRehearsal">Whether it is only looked at whether the method can be made: a climatology need not be measured.</param>
internal sealed record ReferenceRequest(DataAssimilationContext Context, AssimilationSystem System, NamedSettings Settings,
    bool IsRehearsal)
{
    private const long ClimatologyRuns = 64, ClimatologyCycles = 1000;

    /// <summary>Mean and covariance of a long run of the truth, of which every method that needs them takes the same.</summary>
    public GaussianInitialCondition Climatology()
    {
        if (IsRehearsal) return System.GaussianInitial("A climatology");
        using var scope = TorchSharp.torch.NewDisposeScope();
        return LongRun().ToDistribution();
    }

    /// <summary>When a method has lost its truth in this experiment; null where it is only rehearsed.</summary>
    public TruthBounds? Bounds()
    {
        if (IsRehearsal) return null;
        using var scope = TorchSharp.torch.NewDisposeScope();
        var (mean, covariance) = LongRun();
        return TruthBounds.Of(System.Network, mean, covariance);
    }

    private StateClimatology LongRun() => StateClimatology.Measure(
        Context.Data.Twin(System with { Initial = null }, new() { Stream = "reference/climatology", Batch = ClimatologyRuns }),
        ClimatologyCycles);

    /// <summary>B as the given fraction of the climatological covariance.</summary>
    public KnownBackground Background()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        return new(ErrorCovariance.Full(
            Settings.Number("backgroundScale") * Climatology().Covariance.ToMatrix(Context.Precision, Context.Device)));
    }

    /// <summary>N</summary>
    public long Members => Settings.Integer("members");

    /// <summary>A factor of the posterior anomalies, as the published figures mean it.</summary>
    public Inflation Inflation => Settings.Has("inflation") ? Inflation.StandardDeviation(Settings.Number("inflation")) : Inflation.None;

    /// <summary>Of the anomalies.</summary>
    public EnsembleRotation Rotation =>
        Settings.Choice("rotation",
            new Dictionary<string, EnsembleRotation>
                { ["none"] = EnsembleRotation.None, ["mean-preserving"] = EnsembleRotation.MeanPreserving }, EnsembleRotation.None);

    /// <summary>The iterative smoother over a window.</summary>
    public IterativeEnsembleKalmanSmoother Smoother(int lag) => new()
    {
        Members = Members, Inflation = Inflation, Rotation = Rotation, Window = WindowCycling.Overlapping(lag),
    };
}

/// <summary>A method that a table of reference scores may name.</summary>
/// <param name="Name">As the table calls it.</param>
/// <param name="Settings">The names of its settings.</param>
/// <param name="Make">Makes it.</param>
internal sealed record ReferenceMethod(string Name, IReadOnlyList<string> Settings, Func<ReferenceRequest, AssimilationMethod> Make)
{
    /// <summary>
    /// Whether an error above that of optimal interpolation means that it lost the truth; climatology and optimal interpolation never had
    /// it.
    /// </summary>
    public bool FollowsTruth { get; init; } = true;

    /// <summary>A shorter name; null where it has none.</summary>
    public string? ShortName { get; init; }
}

/// <summary>The methods that a table of reference scores may name.</summary>
internal static class ReferenceMethods
{
    private static readonly Dictionary<string, LocalisationTaper> Tapers = new()
    {
        ["Gaspari-Cohn"] = LocalisationTaper.GaspariCohn, ["Gaussian"] = LocalisationTaper.Gaussian, ["boxcar"] = LocalisationTaper.Boxcar,
        ["triangular"] = LocalisationTaper.Triangular, ["tricube"] = LocalisationTaper.Tricube,
    };

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ReferenceMethod> All { get; } =
    [
        new("climatology", [], request => new Climatology { Distribution = request.Climatology() }) { FollowsTruth = false },
        new("optimal interpolation", [], request => new OptimalInterpolation { Distribution = request.Climatology() })
            { FollowsTruth = false },
        new("3D-Var", ["backgroundScale"], request => new ThreeDimensionalVariational { Background = request.Background() }),
        new("4D-Var", ["backgroundScale", "window"], request => new FourDimensionalVariational
        {
            Background = request.Background(), Window = WindowCycling.Overlapping((int)request.Settings.Integer("window")),
        }),
        new("extended Kalman filter", ["inflationPerTime"], request => new ExtendedKalmanFilter
        {
            CovarianceGrowthPerTimeUnit = request.Settings.Number("inflationPerTime", 1),
        }),
        new("stochastic EnKF", ["members", "inflation"],
            request => new StochasticEnsembleKalmanFilter { Members = request.Members, Inflation = request.Inflation })
            { ShortName = "EnKF" },
        new("DEnKF", ["members", "inflation"],
            request => new DeterministicEnsembleKalmanFilter { Members = request.Members, Inflation = request.Inflation }),
        new("serial EnSRF", ["members", "inflation"],
            request => new SerialSquareRootFilter { Members = request.Members, Inflation = request.Inflation }),
        new("ETKF", ["members", "inflation", "rotation"], request => new EnsembleTransformKalmanFilter
        {
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation,
        }),
        new("EnKF-N", ["members", "inflation", "rotation", "certainty"], request => new FiniteSizeEnsembleKalmanFilter
        {
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation,
            Prior = FiniteSizePrior.DiracJeffreys(request.Settings.Number("certainty", 1)),
        }),
        new("IEnKF", ["members", "inflation", "rotation"], request => request.Smoother(1)),
        new("IEnKS", ["members", "inflation", "rotation", "lag"], request => request.Smoother((int)request.Settings.Integer("lag"))),
        new("IEnKS-N", ["members", "rotation", "lag", "certainty"], request => request.Smoother((int)request.Settings.Integer("lag")) with
        {
            Prior = FiniteSizePrior.DiracJeffreys(request.Settings.Number("certainty", 1)),
        }),
        new("IEnKF-Q", ["members", "inflation", "rotation"], request => new AdditiveErrorIterativeEnsembleKalmanFilter
        {
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation,
        }),
        new("LETKF", ["members", "inflation", "radius", "taper", "rotation"], request => new LocalEnsembleTransformKalmanFilter
        {
            // The radius is where the taper is exp(-1/2), as the published figures mean it, on a circle of sites.
            Localisation = new Localisation(LocalisationGeometry.Circle(request.System.Dynamics.Dimension),
                LocalisationRadius.EFolding(request.Settings.Number("radius")),
                request.Settings.Choice("taper", Tapers, LocalisationTaper.GaspariCohn)),
            Members = request.Members, Inflation = request.Inflation, Rotation = request.Rotation,
        }),
        new("particle filter", ["members", "jitter", "effectiveSize"], request => new ParticleFilter
        {
            Members = request.Members, EffectiveSizeRatio = request.Settings.Number("effectiveSize", 0.5),
            Jitter = request.Settings.Has("jitter") ? ParticleJitter.OfDuplicates(request.Settings.Number("jitter")) : ParticleJitter.None,
        }),
    ];

    /// <summary>
    /// The method of a name: as the table calls it or as <see cref="NamedMethods"/> does, which writes hyphens for spaces.
    /// </summary>
    /// <exception cref="SampleException">There is none; the message lists those there are.</exception>
    public static ReferenceMethod Find(string name) =>
        All.FirstOrDefault(method => Plain(method.Name) == Plain(name) || method.ShortName is { } brief && Plain(brief) == Plain(name))
        ?? throw new SampleException($"There is no method '{name}'; there are: {string.Join(", ", All.Select(method => method.Name))}.");

    private static string Plain(string name) => name.Replace(' ', '-').ToLowerInvariant();
}
