using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// The twin experiment of Bocquet et al. (2024, 2025): a model, what is observed of it and how often, and a first guess
/// near which the test's truths and all ensembles start.
/// </summary>
/// <param name="Context">Seed, device, precision, progress.</param>
/// <param name="System">The model, known to every method, what is observed of it, how often, and where the test's truths and the ensembles
/// start.</param>
internal sealed record TwinSetting(DataAssimilationContext Context, AssimilationSystem System)
{
    private const double LorenzTransient = 50, KuramotoSivashinskyFirstGuessVariance = 0.001;

    /// <summary>Lorenz-96 with a first guess as good as an observation of variance one.</summary>
    /// <param name="context">Seed, device, precision, progress.</param>
    /// <param name="dimension">n</param>
    /// <param name="forcing">F</param>
    /// <param name="interval">Time between observations, a whole number of steps of 0.05, or shorter than that step.</param>
    /// <param name="errorVariance">The variance of every observation's error, R = variance I.</param>
    /// <param name="pattern">Which sites are observed in a cycle; null = all, always.</param>
    public static TwinSetting Lorenz96(DataAssimilationContext context, long dimension = 40, double forcing = 8, double interval = 0.05,
        double errorVariance = 1, IObservationPattern? pattern = null)
    {
        using var scope = NewDisposeScope();
        var dynamics = new Lorenz96(dimension, forcing, Math.Min(interval, 0.05));
        var network = new ObservationNetwork(new IdentityObservationOperator(dimension), ErrorCovariance.Scalar(dimension, errorVariance),
            pattern);
        using var random = context.Random("first guess");
        var onAttractor = dynamics.Advance(random.Normal([dimension], context.Precision), new TimeInterval(0, LorenzTransient));
        return new(context, new AssimilationSystem(dynamics, network)
        {
            Interval = interval,
            Initial = new GaussianInitialCondition(onAttractor, ErrorCovariance.Scalar(dimension, Math.Min(1, errorVariance))),
        });
    }

    /// <summary>
    /// Kuramoto-Sivashinsky as Bocquet and Farchi (2019) and DAPPER set it up: 32 pi, 128 points, step 0.5, all points observed every 1
    /// with R = I, truth and ensemble started near one state.
    /// </summary>
    /// <param name="context">Seed, device, precision, progress.</param>
    public static TwinSetting KuramotoSivashinsky(DataAssimilationContext context)
    {
        using var scope = NewDisposeScope();
        var dynamics = new KuramotoSivashinsky(timeStep: 0.5);
        using var random = context.Random("first guess");
        var onAttractor = dynamics.UsualInitialCondition().Draw(1, random, context.Precision)[0];
        return new(context, new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension))
        {
            Interval = 1,
            Initial = new GaussianInitialCondition(onAttractor,
                ErrorCovariance.Scalar(dynamics.Dimension, KuramotoSivashinskyFirstGuessVariance)),
        });
    }

    /// <summary>The system whose states start on the attractor, as those that are learned from do.</summary>
    public AssimilationSystem OnAttractor => System with { Initial = null };

    /// <summary>Trajectories without end that start on the attractor, to learn from.</summary>
    /// <param name="stream">The name of their random streams.</param>
    /// <param name="batch">Number of trajectories.</param>
    public ITrajectoryView Endless(string stream, long batch) => Context.Data.Twin(OnAttractor, new() { Stream = stream, Batch = batch });

    /// <summary>Trajectories that start at the first guess, to test on.</summary>
    /// <param name="stream">The name of their random streams.</param>
    /// <param name="batch">Number of trajectories.</param>
    /// <param name="cycles">Number of cycles.</param>
    public ITrajectoryView Test(string stream, long batch, long cycles) =>
        Context.Data.Twin(System, new() { Stream = stream, Batch = batch, Cycles = cycles });

    /// <summary>The finite-size ensemble Kalman filter, which needs no inflation ("well-tuned EnKF" in both papers).</summary>
    /// <param name="members">N</param>
    /// <param name="certainty">Of the first ensemble's covariance, see <see cref="FiniteSizePrior.DiracJeffreys"/>.</param>
    public SequentialAssimilation<EnsembleMemory> FiniteSizeFilter(long members, double certainty) =>
        Context.Analysis.FiniteSizeEnsembleKalmanFilter(System,
        new() { Members = members, Prior = FiniteSizePrior.DiracJeffreys(certainty), DivergenceHandling = DivergenceHandling.Isolate });

    /// <summary>
    /// 3D-Var with a fraction of the climatological covariance that is tuned on trajectories of its own. A millionth of the mean
    /// variance on the diagonal makes the covariance positive definite where some directions hardly vary, as the short waves of
    /// the Kuramoto-Sivashinsky equation.
    /// </summary>
    /// <param name="cycles">Cycles of 16 trajectories that the climatology is taken from; on the first half of them the fraction is
    /// tuned.</param>
    /// <param name="cancellation">Stops it.</param>
    public SequentialAssimilation<StateMemory> ThreeDimensionalVariational(long cycles, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var recorded = Endless("3D-Var", 16).Take(cycles).Materialise(cancellation: cancellation);
        var climatology = StateClimatology.Measure(recorded, cycles, cancellation);
        long n = System.Dynamics.Dimension;
        var covariance = climatology.Covariance
            + 1e-6 * climatology.Covariance.trace() / n * eye(n, dtype: ScalarType.Float64, device: climatology.Covariance.device);
        return Context.Analysis.Tune("scale", TuningSearch.GoldenSection(1e-3, 2, 0.03, SearchScale.Logarithmic), scale =>
        {
            using var background = scale * covariance;
            return Context.Analysis.ThreeDimensionalVariational(System,
                new() { Background = new KnownBackground(ErrorCovariance.Full(background)) });
        }, new TuningOptions { Cycles = cycles / 2, BurnIn = cycles / 8, Threads = 1 }).Fit(recorded, cancellation);
    }

    /// <summary>
    /// Any network that maps (forecast, H^T R^-1 innovation) to an increment, in this setting, whatever setting it was trained in.
    /// </summary>
    /// <param name="name">What to call it.</param>
    /// <param name="network">The network, with the weights it has.</param>
    public SequentialAssimilation<StateMemory> Learned(string name, nn.Module<Tensor, Tensor, Tensor> network) => new(name,
        new(new LearnedAnalyzer<StateMemory>(name, System.Network.Operator, System.Network.Error, network),
            new StatePropagater(System.Dynamics), new StateProcoder(), new StateSource(System.Initial!, Context.Options.NetworkPrecision)),
        System.Network, Context, new() { DivergenceHandling = DivergenceHandling.Isolate });

    /// <summary>
    /// The time-averaged analysis error over a test; infinite where the method diverged or lost the truth on every trajectory.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="test">The test.</param>
    /// <param name="burnIn">First cycles that are not scored.</param>
    /// <param name="lost">The error from which on the truth counts as lost: three quarters of the standard deviation of the model's states,
    /// or so.</param>
    /// <param name="cancellation">Stops it.</param>
    public (double Error, double StandardError, long Divergences) Score(ITransformer method, ITrajectoryView test, long burnIn, double lost,
        CancellationToken cancellation)
    {
        var report = Context.Scores.Evaluate(method.Transform(test),
            new() { BurnIn = burnIn, Activity = $"scoring {method.Name}", LostTruthBound = lost }, cancellation);
        return (report.AnalysisRmse.Mean, report.AnalysisRmse.StandardError, report.Divergences);
    }
}
