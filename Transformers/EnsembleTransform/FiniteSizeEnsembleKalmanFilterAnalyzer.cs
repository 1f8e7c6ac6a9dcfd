using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of the finite-size ensemble Kalman filter, EnKF-N (Bocquet 2011; Bocquet et al. 2015, Nonlin. Processes Geophys. 22,
/// 645-662): an ensemble transform whose prior weight zeta minimises <see cref="FiniteSizeDual"/>, or <see cref="FiniteSizePrimal"/>, in
/// every cycle, so that no inflation needs to be tuned against sampling error.
/// </summary>
[Component("finite-size-ensemble-kalman-filter", 3)]
public sealed class FiniteSizeEnsembleKalmanFilterAnalyzer : EnsembleAnalyzer, IFiniteSizeAnalyzer, IInflatingAnalyzer<EnsembleMemory>,
    ISideBySideAnalyzer<EnsembleMemory>
{
    private readonly FiniteSizePrior prior;
    private readonly FiniteSizeForm form;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="prior">The hyperprior (default: <see cref="FiniteSizePrior.DiracJeffreys"/>).</param>
    /// <param name="form">The form of the cost function, and the perturbations that follow from it (default:
    /// <see cref="FiniteSizeForm.Dual"/>).</param>
    /// <param name="inflation">The inflation of the posterior, against errors other than sampling error, such as the model's (default:
    /// none).</param>
    /// <param name="rotation">The rotation of the analysis (default: none).</param>
    /// <exception cref="ArgumentException">Operator and error covariance do not match, or the inflation multiplies the prior, which the
    /// filter itself determines.</exception>
    public FiniteSizeEnsembleKalmanFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError,
        [Inlined] FiniteSizePrior? prior = null, [Saved(Since = 3)] FiniteSizeForm form = FiniteSizeForm.Dual, Inflation? inflation = null,
        EnsembleRotation rotation = EnsembleRotation.None)
        : base(observationOperator, observationError, inflation, rotation)
    {
        this.prior = prior ?? FiniteSizePrior.DiracJeffreys();
        this.form = form;
        if (Inflation.PriorFactor != 1)
            throw new ArgumentException(
                "The finite-size filter estimates the prior's inflation itself; only an inflation of the posterior, or an additive " +
                "one, can be given.",
                nameof(inflation));
    }

    /// <inheritdoc/>
    public override string Name => "EnKF-N";

    /// <inheritdoc/>
    public override EnsembleMemory Analyze(EnsembleMemory forecast, Observation observation, RandomStream random) =>
        new(EnsembleTransform.Analyze(forecast.Members, observation, ObservationOperator, ObservationError, Weight(forecast), Inflation,
            Rotation, random));

    ICyclesSideBySide<EnsembleMemory>? ISideBySideAnalyzer<EnsembleMemory>.SideBySide(IPropagater<EnsembleMemory> propagater,
        EnsembleMemory start) =>
        EnsembleCyclesSettings.CyclesOf(propagater, start, ObservationOperator, ObservationError, Weight(start), Inflation, Rotation);

    private PriorWeight Weight(EnsembleMemory forecast) =>
        Components.PriorWeight.FiniteSize(prior, forecast.Members.size(1), form);

    /// <summary>zeta for each trajectory, <c>[batch, 1]</c>: the minimiser of the dual cost function.</summary>
    /// <param name="transform">The ensemble's transform.</param>
    /// <param name="members">N</param>
    /// <param name="prior">The hyperprior.</param>
    /// <param name="form">The form of the cost function.</param>
    public static Tensor PriorWeight(EnsembleTransform transform, long members, FiniteSizePrior prior,
        FiniteSizeForm form = FiniteSizeForm.Dual)
    {
        using var scope = NewDisposeScope();
        return Components.PriorWeight.FiniteSize(prior, members, form).Of(transform).Zeta.MoveToOuterDisposeScope();
    }

    // The prior weight that it finds is an inflation of all directions.
    double? IInflatingAnalyzer<EnsembleMemory>.LargestLift => LargestLift.OfEstimatedFactors;

    /// <inheritdoc/>
    public override IAnalyzer<EnsembleMemory> For(IObservationNetwork network) =>
        new FiniteSizeEnsembleKalmanFilterAnalyzer(network.Operator, network.Error, prior, form, Inflation, Rotation);
}
