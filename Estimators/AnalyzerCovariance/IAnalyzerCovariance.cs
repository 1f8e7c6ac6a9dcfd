using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// What tells the analysis error covariance that an analyzer acts out at a forecast, though it carries none: x_a = x_f + P^a H^T R^-1 (y -
/// H x_f) read backwards (Bocquet et al. 2024, section III B).
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public interface IAnalyzerCovariance<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>P^a at a forecast as it comes: of a network neither quite symmetric nor surely positive.</summary>
    /// <param name="analyzer">The analyzer.</param>
    /// <param name="procoder">Says which state its memory stands for.</param>
    /// <param name="forecast">The memory before the observation was used.</param>
    /// <param name="observation">Of which time and mask count, not the values.</param>
    /// <param name="random">Where innovations are drawn from, if any are.</param>
    /// <returns><c>[batch, n, n]</c></returns>
    Tensor At(IAnalyzer<TMemory> analyzer, IProcoder<TMemory> procoder, TMemory forecast, Observation observation, RandomStream random);
}

/// <summary>
/// P^a as the Jacobian of the analysis with respect to H^T R^-1 (y - H x_f) where that is zero: exact, n products of the
/// Jacobian with a vector for each state, taken in batches; of a network that is linear in the innovation the covariance it
/// has (<see cref="InnovationLinearNetwork.Covariance"/>). It is for an <see cref="IScaledInnovationAnalyzer{TMemory}"/>. Of a
/// network that was trained where only some sites are observed, columns of sites that never were mean nothing.
/// </summary>
/// <typeparam name="TMemory">The memory H; the mean of its density must let derivatives through.</typeparam>
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
        if (analyzer is LearnedAnalyzer { Network: InnovationLinearNetwork linear })
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

    /// <summary>The analyzer as one that can be asked.</summary>
    /// <exception cref="ArgumentException">It cannot.</exception>
    internal static IScaledInnovationAnalyzer<TMemory> Require(IAnalyzer<TMemory> analyzer) =>
        analyzer as IScaledInnovationAnalyzer<TMemory>
        ?? throw new ArgumentException(
            $"{analyzer.Name} does not say what it makes of a scaled innovation ({nameof(IScaledInnovationAnalyzer<TMemory>)}); give a " +
                $"{nameof(RegressedAnalyzerCovariance<TMemory>)} instead.");
}

/// <summary>
/// P^a from the regression of increments on drawn innovations, P^a H^T = K R (<see cref="KalmanGainRegression{TMemory}"/>): for any
/// analyzer, whose best linear account it is at the size that innovations have. It needs as many observations as the state has
/// components, all there. It is not saved with a method; the Jacobian of a learned one is.
/// </summary>
/// <typeparam name="TMemory">The memory H.</typeparam>
public sealed class RegressedAnalyzerCovariance<TMemory> : IAnalyzerCovariance<TMemory> where TMemory : IMemory<TMemory>
{
    private readonly KalmanGainRegression<TMemory> regression;
    private readonly IObservationNetwork network;

    /// <summary>Puts a method under regression.</summary>
    /// <param name="method">The method.</param>
    /// <param name="network">H, linear and square, and R.</param>
    /// <param name="samples">Number of innovations at each forecast; null = ten times as many as there are observations.</param>
    /// <exception cref="ArgumentException">Fewer observations than components, an operator that is not linear, or too few
    /// samples.</exception>
    public RegressedAnalyzerCovariance(SequentialAssimilation<TMemory> method, IObservationNetwork network, long? samples = null)
    {
        var h = network.Operator;
        if (h.ObservationDimension != h.StateDimension || !h.IsLinear)
            throw new ArgumentException(
                $"From P^a H^T follows P^a where H is linear and square; {h.Name} gives {h.ObservationDimension} observations of " +
                    $"{h.StateDimension} components{(h.IsLinear ? "" : " and is not linear")}.", nameof(network));
        (regression, this.network) = (new KalmanGainRegression<TMemory>(method, network, samples), network);
    }

    /// <inheritdoc/>
    /// <remarks>It asks the method that it was given.</remarks>
    /// <exception cref="ArgumentException">An observation is missing, or their errors have a scale.</exception>
    public Tensor At(IAnalyzer<TMemory> analyzer, IProcoder<TMemory> procoder, TMemory forecast, Observation observation,
        RandomStream random)
    {
        using var scope = NewDisposeScope();
        observation.OfOneError("A regressed covariance");
        if (observation.Mask is { } mask && !mask.all().ToBoolean())
            throw new ArgumentException(
                "The covariance of an analysis follows from its gain only where every observation is there; some are missing.",
                nameof(observation));
        var right = regression.AnalysisErrorCovarianceOf(regression.GainAt(forecast, observation.Time, null, random));   // P^a H^T
        long n = right.size(1);
        var identity = eye(n, dtype: right.dtype, device: right.device);
        // row j of H' I is H' e_j
        var h = network.Operator.TangentLinear(zeros_like(identity), identity).transpose(0, 1);
        return linalg.solve(h, right.transpose(-2, -1)).transpose(-2, -1).contiguous().MoveToOuterDisposeScope();
    }
}
