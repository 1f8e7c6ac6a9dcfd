using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Adds to any ensemble analyzer a multiplicative inflation of the prior, which is estimated from the innovations and carried in the
/// memory, one factor rho of the variance for each trajectory (Li, Kalnay and Miyoshi 2009, Q. J. R. Meteorol. Soc. 135, 523-533; in the
/// Gaussian form of Miyoshi 2011, Mon. Wea. Rev. 139, 1519-1535). With whitened innovations d and observed anomalies Y of the ensemble
/// before inflation,
/// <code>
/// tau   = tr(Y Y^T) / (N - 1)
/// rho_o = (|d|^2 - p) / tau                     what this cycle's innovation says, E |d|^2 = rho tau + p
/// v_o   = 2 / p ((rho tau + p) / tau)^2         and how sure it is of it
/// rho  &lt;- rho + v_b / (v_b + v_o) (rho_o - rho)
/// </code>
/// The cycle's own analysis uses the factor from before its innovation, so that no observation counts twice.
/// </summary>
[Component("adaptive-inflation")]
public sealed class AdaptiveInflationAnalyzer : IInflatingAnalyzer<ProductMemory<EnsembleMemory, VectorMemory>>
{
    private readonly IAnalyzer<EnsembleMemory> inner;
    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;
    private readonly AdaptiveInflation settings;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="inner">The analyzer whose prior is inflated.</param>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <param name="settings">Settings (default: null, their defaults).</param>
    /// <exception cref="ArgumentException">The analyzer finds the inflation of its prior itself, or the settings are
    /// inconsistent.</exception>
    public AdaptiveInflationAnalyzer(IAnalyzer<EnsembleMemory> inner, [Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError, [Inlined] AdaptiveInflation? settings = null)
    {
        ObservingSystem.Check(observationOperator, observationError);
        if (inner is IFiniteSizeAnalyzer)
            throw new ArgumentException(
                $"{inner.Name} estimates the prior's inflation itself in every cycle and would undo an adaptive inflation. Leave one " +
                "of the two out.",
                nameof(inner));
        this.inner = inner;
        this.observationOperator = observationOperator;
        this.observationError = observationError;
        this.settings = (settings ?? new()).Checked();
    }

    /// <inheritdoc/>
    public string Name => inner.Name + " with adaptive inflation";

    /// <inheritdoc/>
    public IObservationOperator Observes => observationOperator;

    /// <summary>Analyses the inflated ensemble and updates the factor.</summary>
    /// <param name="forecast">The ensemble, and rho, <c>[batch, 1]</c>.</param>
    /// <param name="observation">The observation.</param>
    /// <param name="random">The stream that a stochastic analyzer draws from.</param>
    public ProductMemory<EnsembleMemory, VectorMemory> Analyze(ProductMemory<EnsembleMemory, VectorMemory> forecast,
        Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var rho = forecast.Second.Vector;
        var (mean, anomalies, observed,
            innovation) = ObservedEnsemble.Of(forecast.First.Members, observation, observationOperator, observationError);
        var inflated = mean.unsqueeze(1) + anomalies * rho.sqrt().unsqueeze(-1);
        var analysis = UnobservedPlaces.Keep(forecast.First.Members, inner.Analyze(new(inflated), observation, random).Members,
            observation);

        var tau = observed.square().sum([1, 2]).unsqueeze(-1) / (observed.size(1) - 1);
        var count = observation.Mask is null ? full_like(tau, observed.size(2)) : observation.Mask.sum([1], keepdim: true, type: tau.dtype);
        var observedRho = (innovation.square().sum([1], keepdim: true) - count) / tau;
        var variance = 2 / count * ((rho * tau + count) / tau).square();
        double prior = settings.Deviation * settings.Deviation;
        // Without observations, or without ensemble spread at them, there is no information about the factor.
        var estimate = where((tau > 0) & (count > 0), rho + prior / (prior + variance) * (observedRho - rho), rho)
            .clamp(settings.Smallest, settings.Largest);
        return new(new(analysis.alias().MoveToOuterDisposeScope()), new(estimate.MoveToOuterDisposeScope()));
    }

    double? IInflatingAnalyzer<ProductMemory<EnsembleMemory, VectorMemory>>.LargestLift => LargestLift.OfEstimatedFactors;

    ProductMemory<EnsembleMemory, VectorMemory> IInflatingAnalyzer<ProductMemory<EnsembleMemory, VectorMemory>>.Lowered(
        ProductMemory<EnsembleMemory, VectorMemory> analysis, Tensor factor) =>
        new(UnobservedPlaces.Lowered(analysis.First, factor), new(analysis.Second.Vector.alias()));

    /// <inheritdoc/>
    public IAnalyzer<ProductMemory<EnsembleMemory, VectorMemory>> For(IObservationNetwork network) =>
        new AdaptiveInflationAnalyzer(inner.For(network), network.Operator, network.Error, settings);
}
