using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The implied Kalman gain of an analyzer (Bocquet et al. 2024, section III B): from one forecast it computes analyses of many
/// observations y = H(x) + delta with delta drawn from N(0, R). The gain is the regression of the increments on the innovations,
/// <code>
/// K = argmin sum_j |a_j - mean(a) - K (delta_j - mean(delta))|^2          (eq. 9)
/// P^a H^T = K R,   H B H^T = (I - H K)^-1 H K R                           (eq. 10)
/// </code>
/// For an analyzer that is linear in the innovation (Kalman filter, ensemble transform, 3D-Var) this is its gain to round-off; for a
/// network it is the best linear description of its action at that forecast. The analyzer's increment at zero innovation is not part of
/// the gain and is given separately, as its bias b (eq. 6, <see cref="AnalysisBiasScore"/>).
/// </summary>
/// <typeparam name="TMemory">The analyzer's memory.</typeparam>
public sealed class KalmanGainRegression<TMemory> : ITransformer where TMemory : IMemory<TMemory>
{
    private const long LargestBatch = 4096;

    private readonly SequentialAssimilation<TMemory> method;
    private readonly IObservationNetwork network;
    private readonly AnalyzerIncrements<TMemory> increments;
    private readonly long samples;

    /// <summary>Sets up the regression for a method.</summary>
    /// <param name="method">The method; it runs over the view as usual, and its analyzer is called again in every cycle whose columns are
    /// read.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="samples">The number of innovations at each forecast, more than there are observations (default: null, ten times as
    /// many, which suits a nonlinear analyzer).</param>
    /// <exception cref="ArgumentException">The dimensions differ, or there are too few samples.</exception>
    public KalmanGainRegression(SequentialAssimilation<TMemory> method, IObservationNetwork network, long? samples = null)
    {
        long p = network.Operator.ObservationDimension, n = network.Operator.StateDimension;
        if (p != method.ObservationDimension || n != method.StateDimension)
            throw new ArgumentException(
                $"The network observes {p} numbers of states of dimension {n}, but {method.Name} takes {method.ObservationDimension} of " +
                    $"{method.StateDimension}.", nameof(network));
        ObservingSystem.Check(network.Operator, network.Error);
        this.samples = samples ?? 10 * p;
        if (this.samples < p + 2)
            throw new ArgumentOutOfRangeException(nameof(samples), samples,
                $"The gain for {p} observations needs at least {p + 2} samples; given: {samples}.");
        (this.method, this.network, increments) = (method, network, new(method, network));
        Contract = new SchemaContract(method.Contract.Requires,
            [.. method.Contract.Adds, new(Gain, n, p), new(AnalysisErrorCovariance, n, p), new(BackgroundErrorCovariance, p, p),
                new(AnalysisBiasScore.Bias)]);
    }

    /// <summary>The column of K, <c>[n, p]</c>; zero for missing observations.</summary>
    public static Column Gain { get; } = new("kalman-gain");

    /// <summary>The column of P^a H^T = K R, <c>[n, p]</c>.</summary>
    public static Column AnalysisErrorCovariance { get; } = new("analysis-error-covariance");

    /// <summary>The column of H B H^T, <c>[p, p]</c>.</summary>
    public static Column BackgroundErrorCovariance { get; } = new("background-error-covariance");

    /// <inheritdoc/>
    public string Name => $"Kalman gain of {method.Name}";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">The observation errors have a scale; the gain is that for innovations from N(0, R).</exception>
    public TrajectorySchema GetOutputSchema(TrajectorySchema input)
    {
        input.RequireOneError(Name);
        return Contract.Apply(input, Name);
    }

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) =>
        new TrajectoryView(GetOutputSchema(input.Schema), input.CycleCount, input.StartTime, () => Open(input));

    /// <summary>Computes K at a forecast.</summary>
    /// <param name="forecast">The memory before the observation is used.</param>
    /// <param name="time">The time, for an analyzer that asks for it.</param>
    /// <param name="mask">The observations that exist, boolean <c>[batch, p]</c>; null = all.</param>
    /// <param name="random">The stream of the innovations and of the analyzer's own draws.</param>
    /// <returns><c>[batch, n, p]</c></returns>
    public Tensor GainAt(TMemory forecast, double time, Tensor? mask, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var state = increments.StateOf(forecast);
        long batch = state.size(0), n = state.size(1), p = network.Operator.ObservationDimension, chunk = Math.Max(1, LargestBatch / batch);
        Tensor a = state.new_zeros([batch, n]),
            d = state.new_zeros([batch, p]);
        Tensor ad = state.new_zeros([batch, n, p]),
            dd = state.new_zeros([batch, p, p]);
        for (long done = 0; done < samples; done += chunk)
        {
            using var inner = NewDisposeScope();
            long count = Math.Min(chunk, samples - done);
            var innovations = network.Error.Sample([batch, count], random, state.dtype);                       // delta_j, [batch, count, p]
            if (mask is not null) innovations = innovations.masked_fill(mask.logical_not().unsqueeze(1), 0);
            var answers = increments.Of(forecast, state, innovations, mask, time, random);
            a.add_(answers.sum([1]));
            d.add_(innovations.sum([1]));
            ad.add_(answers.mT.matmul(innovations));
            dd.add_(innovations.mT.matmul(innovations));
        }
        var right = ad - a.unsqueeze(2) * d.unsqueeze(1) / samples;
        var left = dd - d.unsqueeze(2) * d.unsqueeze(1) / samples;
        // A missing observation has neither innovations nor a share in the increments; a one on the diagonal makes its gain zero.
        if (mask is not null) left = left + mask.logical_not().to(left.dtype).diag_embed();
        var factor = linalg.cholesky(KalmanUpdate.Symmetric(left));
        var solved = linalg.solve_triangular(factor, right.mT, upper: false);
        return linalg.solve_triangular(factor.mT, solved, upper: true).mT.contiguous()
            .MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Computes b = |a(x, 0)| / sqrt(n), the distance by which the analyzer moves a forecast that the observations confirm (eq. 6),
    /// <c>[batch]</c>.
    /// </summary>
    /// <param name="forecast">The memory before the observation is used.</param>
    /// <param name="time">The time, for an analyzer that asks for it.</param>
    /// <param name="mask">The observations that exist, boolean <c>[batch, p]</c>; null = all.</param>
    /// <param name="random">The stream that the analyzer draws from.</param>
    public Tensor BiasAt(TMemory forecast, double time, Tensor? mask, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var state = increments.StateOf(forecast);
        var none = state.new_zeros([state.size(0), 1, network.Operator.ObservationDimension]);
        return increments.Of(forecast, state, none, mask, time, random).square().mean([1, 2]).sqrt().MoveToOuterDisposeScope();
    }

    /// <summary>Computes P^a H^T = K R, <c>[batch, n, p]</c>.</summary>
    /// <param name="gain">K, <c>[batch, n, p]</c></param>
    public Tensor AnalysisErrorCovarianceOf(Tensor gain)
    {
        using var scope = NewDisposeScope();
        return gain.matmul(network.Error.ToMatrix(gain.dtype, gain.device)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes H B H^T = (I - H K)^-1 H K R, <c>[batch, p, p]</c>.</summary>
    /// <param name="gain">K, <c>[batch, n, p]</c></param>
    /// <param name="state">The state at which H is linearised, <c>[batch, n]</c>.</param>
    public Tensor BackgroundErrorCovarianceOf(Tensor gain, Tensor state)
    {
        using var scope = NewDisposeScope();
        long batch = gain.size(0), p = gain.size(2);
        // Row j of H'(K e_j) is column j of H K.
        var columns = gain.mT.contiguous();
        var hk = network.Operator.TangentLinear(state.unsqueeze(1).expand(batch, p, state.size(1)), columns).mT;
        var right = hk.matmul(network.Error.ToMatrix(gain.dtype, gain.device));
        return linalg.solve(gain.Identity(p) - hk, right).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the method for diagnostics that query its analyzer beyond the columns.</summary>
    internal Cursor Open(ITrajectoryView input) => Over(method.Run(input), input.Schema);

    /// <summary>Starts the regression along a run of the method.</summary>
    internal Cursor Over(AssimilationRun<TMemory> run, TrajectorySchema schema) => new(this, run, schema);

    /// <summary>The method's increments.</summary>
    internal AnalyzerIncrements<TMemory> Increments => increments;

    internal sealed class Cursor(KalmanGainRegression<TMemory> step, AssimilationRun<TMemory> run, TrajectorySchema schema)
        : TrajectoryCursor(run)
    {
        /// <summary>The method's run.</summary>
        public AssimilationRun<TMemory> Run => run;

        /// <summary>The observations that exist.</summary>
        public Tensor? Mask => schema.Has(Columns.ObservationMask) ? run[Columns.ObservationMask] : null;

        /// <summary>A stream of this cycle's own.</summary>
        public RandomStream Random(string purpose) => step.method.Random($"{purpose}/{Cycle}");

        protected override bool Compute(long cycle)
        {
            SetOnDemand(Gain, () =>
            {
                using var random = Random("kalman-gain");
                return step.GainAt(run.Forecast, Time, Mask, random);
            });
            SetOnDemand(AnalysisErrorCovariance, () => step.AnalysisErrorCovarianceOf(this[Gain]));
            SetOnDemand(BackgroundErrorCovariance, () => step.BackgroundErrorCovarianceOf(this[Gain], run[Columns.Forecast]));
            SetOnDemand(AnalysisBiasScore.Bias, () =>
            {
                using var random = Random("analysis-bias");
                return step.BiasAt(run.Forecast, Time, Mask, random);
            });
            return true;
        }
    }
}
