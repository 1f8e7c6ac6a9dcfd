using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Adds the error covariance of a method's analyses to a view, and nothing else, under a name of your choice. The method runs over the
/// view's observations independently of any other method, so that the covariances of several methods can be compared along one trajectory
/// (Bocquet et al. 2024, section IV C). The covariance is computed only in the cycles in which it is read.
/// </summary>
/// <typeparam name="TMemory">The method's memory.</typeparam>
public sealed class AnalysisCovariance<TMemory> : ITransformer where TMemory : IMemory<TMemory>
{
    private readonly SequentialAssimilation<TMemory> method;
    private readonly KalmanGainRegression<TMemory>? regression;
    private readonly IObservationOperator? observed;
    private readonly Column into;

    /// <summary>Adds the covariance of the method's own density, P^a: an ensemble's, a Kalman filter's.</summary>
    /// <param name="method">The method.</param>
    /// <param name="into">The column to add, <c>[n, n]</c>.</param>
    public AnalysisCovariance(SequentialAssimilation<TMemory> method, Column into) : this(method, into, method.StateDimension) { }

    /// <summary>
    /// Adds the implied covariance of the analysis in the space of observations, H P^a H^T = H K R with K by
    /// <see cref="KalmanGainRegression{TMemory}"/>. The regression leaves some asymmetry, of which the symmetric part is kept. It is P^a
    /// if H is the identity.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="network">H and R, of the method's observations.</param>
    /// <param name="into">The column to add, <c>[p, p]</c>.</param>
    /// <param name="samples">The number of innovations at each forecast (default: null, ten times the number of observations).</param>
    /// <exception cref="ArgumentException">The dimensions differ, or there are too few samples.</exception>
    public AnalysisCovariance(SequentialAssimilation<TMemory> method, IObservationNetwork network, Column into, long? samples = null)
        : this(method, into, method.ObservationDimension)
    {
        regression = new KalmanGainRegression<TMemory>(method, network, samples);
        observed = network.Operator;
    }

    private AnalysisCovariance(SequentialAssimilation<TMemory> method, Column into, long size)
    {
        (this.method, this.into) = (method, into);
        Contract = new SchemaContract(method.Contract.Requires, [new(into, size, size)]);
    }

    /// <inheritdoc/>
    public string Name => $"analysis covariance of {method.Name}";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    /// <exception cref="SchemaException">The method does not accept the view; or the observation errors have a scale and the covariance
    /// comes from a regression, whose innovations are from N(0, R).</exception>
    public TrajectorySchema GetOutputSchema(TrajectorySchema input)
    {
        var output = Contract.Apply(input, Name);
        method.GetOutputSchema(input);
        if (regression is not null) input.RequireOneError(Name);
        return output;
    }

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) =>
        new TrajectoryView(GetOutputSchema(input.Schema), input, source => Open(input, source));

    private Cursor Open(ITrajectoryView input, ITrajectoryCursor source)
    {
        var run = new AssimilationRun<TMemory>(method, input, source);
        Column[] own = [.. method.Contract.Adds.Select(added => added.Column).Where(input.Schema.Has)];
        return new Cursor(this, source, own, run, regression?.Over(run, input.Schema));
    }

    private Tensor Regressed(KalmanGainRegression<TMemory>.Cursor cycle)
    {
        var state = cycle[Columns.Forecast];
        // Row i of the transpose is column i of P^a H^T, mapped by H'.
        var columns = cycle[KalmanGainRegression<TMemory>.AnalysisErrorCovariance].mT.contiguous();
        return KalmanUpdate.Symmetric(observed!.TangentLinear(state.unsqueeze(1).expand(columns.Sizes()), columns));
    }

    // The method reads the view; columns that the method writes and the view already has stay the view's.
    private sealed class Cursor(AnalysisCovariance<TMemory> step, ITrajectoryCursor view, Column[] own, AssimilationRun<TMemory> run,
        KalmanGainRegression<TMemory>.Cursor? regressed)
        : TrajectoryCursor((ITrajectoryCursor?)regressed ?? run)
    {
        protected override bool Compute(long cycle)
        {
            foreach (var column in own) SetOnDemand(column, () => view[column]);
            SetOnDemand(step.into, () => regressed is not null ? step.Regressed(regressed) : run.AnalysisDensity.Covariance);
            return true;
        }
    }
}
