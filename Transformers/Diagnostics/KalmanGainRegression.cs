using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The Kalman gain as an analyzer acts it out (Bocquet et al. 2024, section III B): from one forecast, analyses of many
/// observations y = H(x) + delta with delta drawn from N(0, R); the gain is the regression of the increments on the innovations,
/// <code>
/// K = argmin sum_j |a_j - mean(a) - K (delta_j - mean(delta))|^2          (eq. 9)
/// P^a H^T = K R,   H B H^T = (I - H K)^-1 H K R                           (eq. 10)
/// </code>
/// For an analyzer that is linear in the innovation (Kalman filter, ensemble transform, 3D-Var) that is its gain to round-off;
/// for a network it is the best linear account of what it does at that forecast.
/// </summary>
/// <typeparam name="TMemory">The analyzer's memory.</typeparam>
public sealed class KalmanGainRegression<TMemory> : ITransformer where TMemory : IMemory<TMemory>
{
    private const long LargestBatch = 4096;

    private readonly SequentialAssimilation<TMemory> method;
    private readonly IObservationNetwork network;
    private readonly long samples;

    /// <summary>Puts a method under regression.</summary>
    /// <param name="method">The method; it runs over the view as always, and in every cycle whose columns are read its analyzer is asked again.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="samples">Number of innovations at each forecast, more than there are observations; null = ten times as many, which a nonlinear analyzer wants.</param>
    /// <exception cref="ArgumentException">Dimensions that differ, or too few samples.</exception>
    public KalmanGainRegression(SequentialAssimilation<TMemory> method, IObservationNetwork network, long? samples = null)
    {
        long p = network.Operator.ObservationDimension, n = network.Operator.StateDimension;
        if (p != method.ObservationDimension || n != method.StateDimension)
            throw new ArgumentException($"The network observes {p} numbers of states of dimension {n}, but {method.Name} takes {method.ObservationDimension} of {method.StateDimension}.", nameof(network));
        this.samples = samples ?? 10 * p;
        if (this.samples < p + 2) throw new ArgumentOutOfRangeException(nameof(samples), samples, $"The gain for {p} observations needs at least {p + 2} samples; given: {samples}.");
        (this.method, this.network) = (method, network);
        Contract = new SchemaContract(method.Contract.Requires, [.. method.Contract.Adds, new(Gain, n, p), new(AnalysisErrorCovariance, n, p), new(BackgroundErrorCovariance, p, p)]);
    }

    /// <summary>The column of K, <c>[n, p]</c>; zero for what is not observed.</summary>
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
    public ITrajectoryView Transform(ITrajectoryView input) => new TrajectoryView(Contract.Apply(input.Schema, Name), input.CycleCount, input.StartTime, () => new Cursor(this, method.Run(input), input.Schema));

    /// <summary>K at a forecast.</summary>
    /// <param name="forecast">The memory before the observation was used.</param>
    /// <param name="time">When, for an analyzer that asks.</param>
    /// <param name="mask">Which observations there are, boolean <c>[batch, p]</c>; null = all.</param>
    /// <param name="random">Where innovations are drawn from, and what the analyzer draws.</param>
    /// <returns><c>[batch, n, p]</c></returns>
    public Tensor GainAt(TMemory forecast, double time, Tensor? mask, RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var state = method.Triple.Procoder.Decode(forecast).Mean;
        long batch = state.shape[0], n = state.shape[1], p = network.Operator.ObservationDimension, chunk = Math.Max(1, LargestBatch / batch);
        Tensor a = zeros([batch, n], dtype: state.dtype, device: state.device), d = zeros([batch, p], dtype: state.dtype, device: state.device);
        Tensor ad = zeros([batch, n, p], dtype: state.dtype, device: state.device), dd = zeros([batch, p, p], dtype: state.dtype, device: state.device);
        for (long done = 0; done < samples; done += chunk)
        {
            using var inner = NewDisposeScope();
            long count = Math.Min(chunk, samples - done);
            Tensor Repeated(Tensor tensor) => tensor.unsqueeze(1).expand([batch, count, .. tensor.shape[1..]]).reshape([batch * count, .. tensor.shape[1..]]);
            var innovations = network.Error.Sample([batch, count], random, state.dtype);                       // delta_j, [batch, count, p]
            if (mask is not null) innovations = innovations.masked_fill(mask.logical_not().unsqueeze(1), 0);
            var values = network.Operator.Apply(state).unsqueeze(1) + innovations;
            var analysis = method.Triple.Analyzer.Analyze(forecast.Map(Repeated), new Observation(values.reshape(batch * count, p), mask is null ? null : Repeated(mask), time), random);
            var increments = method.Triple.Procoder.Decode(analysis).Mean.reshape(batch, count, n) - state.unsqueeze(1);
            a.add_(increments.sum([1]));
            d.add_(innovations.sum([1]));
            ad.add_(increments.transpose(-2, -1).matmul(innovations));
            dd.add_(innovations.transpose(-2, -1).matmul(innovations));
        }
        var right = ad - a.unsqueeze(2) * d.unsqueeze(1) / samples;
        var left = dd - d.unsqueeze(2) * d.unsqueeze(1) / samples;
        // What is not observed has neither innovations nor a share in the increments: a one on the diagonal makes its gain zero.
        if (mask is not null) left = left + mask.logical_not().to(left.dtype).diag_embed();
        var factor = linalg.cholesky(KalmanUpdate.Symmetric(left));
        var solved = linalg.solve_triangular(factor, right.transpose(-2, -1), upper: false);
        return linalg.solve_triangular(factor.transpose(-2, -1), solved, upper: true).transpose(-2, -1).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>P^a H^T = K R, <c>[batch, n, p]</c>.</summary>
    /// <param name="gain">K, <c>[batch, n, p]</c></param>
    public Tensor AnalysisErrorCovarianceOf(Tensor gain)
    {
        using var scope = NewDisposeScope();
        return gain.matmul(network.Error.ToMatrix(gain.dtype, gain.device)).MoveToOuterDisposeScope();
    }

    /// <summary>H B H^T = (I - H K)^-1 H K R, <c>[batch, p, p]</c>.</summary>
    /// <param name="gain">K, <c>[batch, n, p]</c></param>
    /// <param name="state">Where H is linearised, <c>[batch, n]</c>.</param>
    public Tensor BackgroundErrorCovarianceOf(Tensor gain, Tensor state)
    {
        using var scope = NewDisposeScope();
        long batch = gain.shape[0], p = gain.shape[2];
        // Row j of H'(K e_j) is column j of H K.
        var columns = gain.transpose(-2, -1).contiguous();
        var hk = network.Operator.TangentLinear(state.unsqueeze(1).expand(batch, p, state.shape[1]), columns).transpose(-2, -1);
        var right = hk.matmul(network.Error.ToMatrix(gain.dtype, gain.device));
        return linalg.solve(eye(p, dtype: gain.dtype, device: gain.device) - hk, right).MoveToOuterDisposeScope();
    }

    private sealed class Cursor(KalmanGainRegression<TMemory> step, AssimilationRun<TMemory> run, TrajectorySchema schema) : TrajectoryCursor(run)
    {
        protected override bool Compute(long cycle)
        {
            SetOnDemand(Gain, () =>
            {
                using var random = step.method.Random($"kalman-gain/{cycle}");
                return step.GainAt(run.Forecast, Time, schema.Has(Columns.ObservationMask) ? run[Columns.ObservationMask] : null, random);
            });
            SetOnDemand(AnalysisErrorCovariance, () => step.AnalysisErrorCovarianceOf(this[Gain]));
            SetOnDemand(BackgroundErrorCovariance, () => step.BackgroundErrorCovarianceOf(this[Gain], run[Columns.Forecast]));
            return true;
        }
    }
}
