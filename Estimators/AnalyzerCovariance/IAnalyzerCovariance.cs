using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Gives the implied analysis error covariance of an analyzer at a forecast, although the analyzer carries none: x_a = x_f + P^a H^T R^-1
/// (y - H x_f) solved for P^a (Bocquet et al. 2024, section III B).
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public interface IAnalyzerCovariance<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>Computes P^a at a forecast, unprocessed: for a network it is neither quite symmetric nor certain to be positive
    /// definite.</summary>
    /// <param name="analyzer">The analyzer.</param>
    /// <param name="procoder">Gives the state that its memory stands for.</param>
    /// <param name="forecast">The memory before the observation is used.</param>
    /// <param name="observation">The observation; its time and mask count, its values do not.</param>
    /// <param name="random">The stream of the innovations, if any are drawn.</param>
    /// <returns><c>[batch, n, n]</c></returns>
    Tensor At(IAnalyzer<TMemory> analyzer, IProcoder<TMemory> procoder, TMemory forecast, Observation observation, RandomStream random);
}

/// <summary>
/// P^a as the Jacobian of the analysis with respect to H^T R^-1 (y - H x_f) at zero. It is exact and takes n products of the Jacobian
/// with a vector for each state, in batches. For a network that is linear in the innovation it is the network's covariance
/// (<see cref="InnovationLinearNetwork.Covariance"/>). It needs an <see cref="IScaledInnovationAnalyzer{TMemory}"/>. For a network
/// trained with observations at some sites only, columns of sites that were never observed have no meaning.
/// </summary>
/// <typeparam name="TMemory">The memory H; the mean of its density must be differentiable.</typeparam>
[Component("innovation-jacobian")]
public sealed class InnovationJacobian<TMemory> : IAnalyzerCovariance<TMemory> where TMemory : IMemory<TMemory>
{
    private const long LargestBatch = 4096;

    /// <inheritdoc/>
    public Tensor At(IAnalyzer<TMemory> analyzer, IProcoder<TMemory> procoder, TMemory forecast, Observation observation,
        RandomStream random)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var scaled = Require(analyzer);
        var state = procoder.Decode(forecast).Mean;
        if (analyzer is LearnedAnalyzer<StateMemory> { Network: InnovationLinearNetwork linear })
            return linear.Covariance(state.to(linear.parameters().First().dtype)).ToMatrix().MoveToOuterDisposeScope();
        long batch = state.size(0), n = state.size(1), chunk = Math.Clamp(LargestBatch / batch, 1, n);
        var directions = eye(n, dtype: state.dtype, device: state.device);
        var rows = new List<Tensor>();
        for (long first = 0; first < n; first += chunk)
        {
            using var inner = NewDisposeScope();
            long count = Math.Min(chunk, n - first);
            var repeated = forecast.Map(tensor =>
                tensor.unsqueeze(1).expand([batch, count, .. tensor.Sizes()[1..]]).reshape([batch * count, .. tensor.Sizes()[1..]]));
            var along = directions.narrow(0, first, count).unsqueeze(0).expand(batch, count, n).reshape(batch * count, n);
            var (_, derivative) = Differentiation.TangentLinear(innovation =>
                procoder.Decode(scaled.Analyze(repeated, innovation)).Mean + 0 * innovation, zeros_like(along), along,
                $"The analysis of {analyzer.Name}");
            rows.Add(derivative.reshape(batch, count, n).MoveToOuterDisposeScope());
        }
        // Row j is J e_j, column j of the Jacobian.
        return cat(rows, 1).transpose(-2, -1).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Casts the analyzer to one that can be queried.</summary>
    /// <exception cref="ArgumentException">The analyzer cannot be queried.</exception>
    internal static IScaledInnovationAnalyzer<TMemory> Require(IAnalyzer<TMemory> analyzer) =>
        analyzer as IScaledInnovationAnalyzer<TMemory>
        ?? throw new ArgumentException(
            $"{analyzer.Name} does not say how it treats a scaled innovation ({nameof(IScaledInnovationAnalyzer<TMemory>)}); give a " +
                $"{nameof(RegressedAnalyzerCovariance<TMemory>)} instead.");
}

/// <summary>
/// P^a from the regression of increments on drawn innovations, P^a H^T = K R (<see cref="KalmanGainRegression{TMemory}"/>). It serves any
/// analyzer and is its best linear description at the size of the innovations. It needs as many observations as the state has components,
/// none of them missing. It is not saved with a method; the Jacobian of a learned method is.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public sealed class RegressedAnalyzerCovariance<TMemory> : IAnalyzerCovariance<TMemory> where TMemory : IMemory<TMemory>
{
    private readonly KalmanGainRegression<TMemory> regression;
    private readonly IObservationNetwork network;

    /// <summary>Sets up the regression for a method.</summary>
    /// <param name="method">The method.</param>
    /// <param name="network">H, linear and square, and R.</param>
    /// <param name="samples">The number of innovations at each forecast (default: null, ten times the number of observations).</param>
    /// <exception cref="ArgumentException">There are fewer observations than components, the operator is not linear, or there are too few
    /// samples.</exception>
    public RegressedAnalyzerCovariance(SequentialAssimilation<TMemory> method, IObservationNetwork network, long? samples = null)
    {
        var h = network.Operator;
        if (h.ObservationDimension != h.StateDimension || !h.IsLinear)
            throw new ArgumentException(
                $"P^a can be computed from P^a H^T only if H is linear and square; {h.Name} gives {h.ObservationDimension} " +
                    $"observations of {h.StateDimension} components{(h.IsLinear ? "" : " and is not linear")}.", nameof(network));
        (regression, this.network) = (new KalmanGainRegression<TMemory>(method, network, samples), network);
    }

    /// <inheritdoc/>
    /// <remarks>It queries the method that it was given.</remarks>
    /// <exception cref="ArgumentException">An observation is missing, or the errors have a scale.</exception>
    public Tensor At(IAnalyzer<TMemory> analyzer, IProcoder<TMemory> procoder, TMemory forecast, Observation observation,
        RandomStream random)
    {
        using var scope = NewDisposeScope();
        observation.OfOneError("A regressed covariance");
        if (observation.Mask is { } mask && !mask.all().ToBoolean())
            throw new ArgumentException(
                "The covariance of an analysis can be computed from its gain only if no observation is missing; some are.",
                nameof(observation));
        var right = regression.AnalysisErrorCovarianceOf(regression.GainAt(forecast, observation.Time, null, random));   // P^a H^T
        long n = right.size(1);
        var identity = eye(n, dtype: right.dtype, device: right.device);
        // row j of H' I is H' e_j
        var h = network.Operator.TangentLinear(zeros_like(identity), identity).transpose(0, 1);
        return linalg.solve(h, right.transpose(-2, -1)).transpose(-2, -1).contiguous().MoveToOuterDisposeScope();
    }
}
