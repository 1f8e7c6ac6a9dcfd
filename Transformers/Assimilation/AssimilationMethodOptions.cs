namespace DaML;

/// <summary>What the settings of all classical methods share, with its defaults.</summary>
public record AssimilationMethodOptions
{
    /// <summary>What to call the method in messages and tables; its usual name unless said.</summary>
    public string? Name { get; init; }

    /// <summary>The name of its random streams; the method's own unless said.</summary>
    public string? Stream { get; init; }

    /// <summary>The root-mean-square size of a state above which the method is said to have diverged; infinite unless said.</summary>
    public double DivergenceBound { get; init; } = double.PositiveInfinity;

    /// <summary>What to do about a trajectory that diverged; the run stops unless said, so that nobody overlooks it.</summary>
    public DivergenceHandling DivergenceHandling { get; init; } = DivergenceHandling.Stop;
}

/// <summary>Settings of the Kalman filter.</summary>
public sealed record KalmanFilterOptions : AssimilationMethodOptions
{
    /// <summary>Of the covariance in every cycle, by a factor; none unless said.</summary>
    public MultiplicativeInflation Inflation { get; init; } = DaML.Inflation.None;

    /// <summary>
    /// What the covariance grows by per unit of the model's time, beside what the model makes of it: a factor of at least one,
    /// against errors of linearisation. One unless said; Lorenz-96 observed every 0.05 wants 10. Unlike an inflation per
    /// cycle it does not depend on how often is observed.
    /// </summary>
    public double CovarianceGrowthPerTimeUnit { get; init; } = 1;
}

/// <summary>Settings that all ensemble filters share.</summary>
public record EnsembleFilterOptions : AssimilationMethodOptions
{
    /// <summary>Number of members, at least two; 40 unless said.</summary>
    public long Members { get; init; } = 40;

    /// <summary>
    /// What members are drawn from at the view's start; where the model's states usually start unless said: most models' attractor
    /// (1000 time steps from independent standard normal numbers). A filter of fixed inflation and fewer members than the state has components may never find
    /// a truth from there; published twin experiments start it near the truth, with the truth's own distribution. EnKF-N does find it.
    /// </summary>
    public IInitialCondition? Initial { get; init; }

    /// <summary>None unless said.</summary>
    public Inflation Inflation { get; init; } = Inflation.None;

    /// <summary>How the members get the error of a model that has one; each draws its own unless said, which serves any model and any number of members.</summary>
    public NoiseTreatment ModelError { get; init; } = NoiseTreatment.Stochastic;
}

/// <summary>Settings of the ensemble transform Kalman filter.</summary>
public sealed record EnsembleTransformKalmanFilterOptions : EnsembleFilterOptions
{
    /// <summary>None unless said.</summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;
}

/// <summary>Settings of the finite-size ensemble Kalman filter; an inflation is on the posterior, against errors that are not of sampling.</summary>
public sealed record FiniteSizeEnsembleKalmanFilterOptions : EnsembleFilterOptions
{
    /// <summary>The hyperprior.</summary>
    public FiniteSizePrior Prior { get; init; } = FiniteSizePrior.DiracJeffreys();

    /// <summary>How the cost function is minimised; the dual unless said, since it is the cheapest and finds the same mean.</summary>
    public FiniteSizeForm Form { get; init; } = FiniteSizeForm.Dual;

    /// <summary>None unless said.</summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;
}

/// <summary>Settings of 3D-Var.</summary>
public sealed record ThreeDimensionalVariationalOptions : AssimilationMethodOptions
{
    /// <summary>What the state is drawn from at the view's start; where the model's states usually start unless said: most models' attractor (1000 time steps from independent standard normal numbers).</summary>
    public IInitialCondition? Initial { get; init; }
}

/// <summary>Settings of 4D-Var.</summary>
public sealed record FourDimensionalVariationalOptions : AssimilationMethodOptions
{
    /// <summary>What the state is drawn from at the view's start; the model's attractor unless said (1000 time steps from independent standard normal numbers).</summary>
    public IInitialCondition? Initial { get; init; }

    /// <summary>How the cost is minimised, by type (default: outer and inner loops, <see cref="IncrementalOptions"/>).</summary>
    public MinimisationOptions Minimisation { get; init; } = new IncrementalOptions();

    /// <summary>What is varied; the square root of B unless said.</summary>
    public ControlVariable Control { get; init; } = ControlVariable.BackgroundSquareRoot;

    /// <summary>Those that are new unless said.</summary>
    public WindowObservations Observations { get; init; } = WindowObservations.New;

    /// <summary>Prior terms beside the background's, for instance a <see cref="ModelErrorTerm"/> for a weak constraint.</summary>
    public IReadOnlyList<IPriorTerm> Priors { get; init; } = [];

    /// <summary>Cost terms beside the observations', for instance a <see cref="DigitalFilterTerm"/>.</summary>
    public IReadOnlyList<ICostTerm> Terms { get; init; } = [];

    /// <summary>
    /// Called with the whole result of every window: costs term by term, residuals, Ritz values and condition of every inner
    /// solve. The result's tensors live until it returns. It is not saved with the method; nobody unless said.
    /// </summary>
    public Action<FourDimensionalVariationalResult>? Observer { get; init; }
}
