using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>The norm of the increments in <see cref="IncrementScaling{TMemory}"/>.</summary>
public enum IncrementNorm
{
    /// <summary>
    /// The size of the innovation that a linear analysis would need for the increment, |P^a(x)^-1 a| as in eq. 23: (P^a H^T)^+ a with the
    /// analyzer's own P^a H^T = K R by regression at every forecast. Directions with less than 1e-6 of its largest singular value are
    /// left out.
    /// </summary>
    Standardised,

    /// <summary>The Euclidean norm |a|; it needs no regression.</summary>
    Euclidean,
}

/// <summary>
/// Measures the growth of an analyzer's increments with the innovation (Bocquet et al. 2025, eq. 23): along a method's run, with the
/// innovation delta of each cycle,
/// <code>r(lambda) = |P^a(x)^-1 (a(x, lambda delta) - a(x, 0))| / |P^a(x)^-1 (a(x, delta) - a(x, 0))|</code>
/// It is lambda for every analysis that is linear in the innovation, and grows faster if large innovations count for more. It adds
/// <see cref="IncrementScalingScore.Ratios"/>, and all columns of <see cref="KalmanGainRegression{TMemory}"/>, each computed when it is
/// read.
/// </summary>
/// <typeparam name="TMemory">The analyzer's memory.</typeparam>
public sealed class IncrementScaling<TMemory> : ITransformer where TMemory : IMemory<TMemory>
{
    private const double SmallestShare = 1e-6;

    private readonly KalmanGainRegression<TMemory> regression;
    private readonly IObservationNetwork network;
    private readonly IncrementNorm norm;
    private readonly double[] scales;

    /// <summary>Puts a method's analyzer to the test.</summary>
    /// <param name="method">The method; it runs over the view as usual.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="scales">The values of lambda, above zero (default: null, <see cref="IncrementScalingScore.StandardScales"/>).</param>
    /// <param name="norm">The norm of the increments.</param>
    /// <param name="samples">The number of innovations for the regression of P^a at each forecast (default: null, ten times the number of
    /// observations).</param>
    /// <exception cref="ArgumentException">The dimensions differ, there is no value of lambda or one that is not above zero, or there are
    /// too few samples.</exception>
    public IncrementScaling(SequentialAssimilation<TMemory> method, IObservationNetwork network, IReadOnlyList<double>? scales = null,
        IncrementNorm norm = IncrementNorm.Standardised, long? samples = null)
    {
        regression = new KalmanGainRegression<TMemory>(method, network, samples);
        this.network = network;
        this.norm = norm;
        this.scales = IncrementScalingScore.Checked(scales);
        Contract = new SchemaContract(regression.Contract.Requires,
            [.. regression.Contract.Adds, new(IncrementScalingScore.Ratios, this.scales.Length)]);
        Name = $"increment scaling of {method.Name}";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">The observation errors have a scale; the analyzer is queried with errors of the covariance
    /// R.</exception>
    public TrajectorySchema GetOutputSchema(TrajectorySchema input)
    {
        input.RequireOneError(Name);
        return Contract.Apply(input, Name);
    }

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) =>
        new TrajectoryView(GetOutputSchema(input.Schema), input.CycleCount, input.StartTime,
            () => new Cursor(this, regression.Open(input)));

    private Tensor Ratios(KalmanGainRegression<TMemory>.Cursor cycle)
    {
        var forecast = cycle.Run.Forecast;
        var state = regression.Increments.StateOf(forecast);
        var mask = cycle.Mask;
        var innovation = cycle[Columns.Observation].to(state.dtype, state.device) - network.Operator.Apply(state);
        if (mask is not null) innovation = innovation.masked_fill(mask.logical_not(), 0);
        var factors = tensor([0.0, 1.0, .. scales]).to(state.dtype, state.device).reshape(1, -1, 1);
        using var random = cycle.Random("increment-scaling");
        // [batch, 2 + L, n]
        var increments = regression.Increments.Of(forecast, state, factors * innovation.unsqueeze(1), mask, cycle.Time, random);
        var changes = increments.narrow(1, 1, scales.Length + 1) - increments.narrow(1, 0, 1);
        if (norm == IncrementNorm.Standardised)
        {
            // [batch, p, n]
            var inverse = linalg.pinv(cycle[KalmanGainRegression<TMemory>.AnalysisErrorCovariance], rtol: SmallestShare);
            changes = changes.matmul(inverse.mT);
        }
        var sizes = changes.square().sum([-1]).sqrt();
        return sizes.narrow(1, 1, scales.Length) / sizes.narrow(1, 0, 1);
    }

    private sealed class Cursor(IncrementScaling<TMemory> step, KalmanGainRegression<TMemory>.Cursor regressed)
        : TrajectoryCursor(regressed)
    {
        protected override bool Compute(long cycle)
        {
            SetOnDemand(IncrementScalingScore.Ratios, () => step.Ratios(regressed));
            return true;
        }
    }
}
