using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The analysis of the finite-size ensemble Kalman filter, EnKF-N, in its dual form (Bocquet 2011; Bocquet et al. 2015,
/// Nonlin. Processes Geophys. 22, 645-662): an ensemble transform whose prior weight zeta minimises
/// <see cref="FiniteSizeDual"/> anew in every cycle, so that no inflation has to be tuned against sampling error. The
/// perturbations are updated as in DAPPER, without the small rank-one term of the primal Hessian.
/// </summary>
public sealed class FiniteSizeEnsembleKalmanFilterAnalyzer : IFiniteSizeAnalyzer, IComponent
{
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly FiniteSizePrior prior;
    private readonly Inflation inflation;
    private readonly EnsembleRotation rotation;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="prior">The hyperprior; <see cref="FiniteSizePrior.DiracJeffreys"/> unless said.</param>
    /// <param name="inflation">On the posterior, against errors that are not of sampling (of the model); none unless said.</param>
    /// <param name="rotation">None unless said.</param>
    /// <exception cref="ArgumentException">Operator and error covariance do not fit each other, or an inflation that multiplies the prior, which the filter itself decides.</exception>
    public FiniteSizeEnsembleKalmanFilterAnalyzer(IObservationOperator observationOperator, IErrorCovariance observationError,
        FiniteSizePrior? prior = null, Inflation? inflation = null, EnsembleRotation rotation = EnsembleRotation.None)
    {
        ObservingSystem.Check(observationOperator, observationError);
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.prior = prior ?? FiniteSizePrior.DiracJeffreys();
        this.inflation = (inflation ?? Inflation.None).With(rotation);
        this.rotation = rotation;
        if (this.inflation.PriorFactor != 1)
            throw new ArgumentException("The finite-size filter finds the prior's inflation itself; only one of the posterior, or an additive one, can be given.", nameof(inflation));
    }

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("finite-size-ensemble-kalman-filter", 2, reader =>
        new FiniteSizeEnsembleKalmanFilterAnalyzer(reader.Part<IObservationOperator>("operator"), reader.Part<IErrorCovariance>("error"),
            FiniteSizePrior.Load(reader), Inflation.Load(reader), reader.Get<EnsembleRotation>("rotation")));

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public string Name => "EnKF-N";

    /// <inheritdoc/>
    public EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random)
    {
        var weight = DaML.PriorWeight.FiniteSize(prior, forecast.Members.shape[1]);
        return new(EnsembleTransform.Analyze(forecast.Members, observation, observationOperator, observationError, weight, inflation, rotation, random));
    }

    /// <summary>zeta for each trajectory, <c>[batch, 1]</c>: the minimiser of the dual cost function.</summary>
    /// <param name="transform">The ensemble's transform.</param>
    /// <param name="members">N</param>
    /// <param name="prior">The hyperprior.</param>
    /// <remarks>A function of one variable for each trajectory: it is minimised on the processor, for one transfer of 2 N numbers a trajectory.</remarks>
    public static Tensor PriorWeight(EnsembleTransform transform, long members, FiniteSizePrior prior)
    {
        using var scope = NewDisposeScope();
        var eigenvalues = transform.Eigenvalues;
        int batch = (int)eigenvalues.shape[0], rank = (int)eigenvalues.shape[1];
        double[] values = stack([eigenvalues, transform.SquaredProjections]).to(ScalarType.Float64, CPU).contiguous().data<double>().ToArray();
        var zeta = new double[batch];
        for (int b = 0; b < batch; b++)
        {
            var lambda = values.AsSpan(b * rank, rank);
            var (epsilon, nu) = prior.Coefficients(lambda, members);
            zeta[b] = FiniteSizeDual.Minimise(lambda, values.AsSpan((batch + b) * rank, rank), epsilon, nu);
        }
        return tensor(zeta, batch, 1).to(eigenvalues.dtype, eigenvalues.device).MoveToOuterDisposeScope();
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("operator", observationOperator);
        writer.Part("error", observationError);
        prior.Save(writer);
        inflation.Save(writer);
        writer.Set("rotation", rotation);
    }
}
