using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The analysis of a particle filter: Bayes' rule on the particles, w_i p(y | x_i) normalised (Gordon et al. 1993), in logarithms, so
/// that weights far below the smallest number do no harm. The particles do not move.
/// </summary>
[Component("particle-filter")]
public sealed class ParticleFilterAnalyzer : IAnalyzer<ParticleMemory>
{
    // The logarithm of a weight that is zero for all purposes, and yet finite.
    private const double Nothing = -1e5;

    private readonly IObservationOperator observationOperator;
    private readonly IErrorCovariance observationError;

    /// <summary>Makes an analyzer.</summary>
    /// <param name="observationOperator">H, which may be nonlinear.</param>
    /// <param name="observationError">R, of the operator's observation dimension.</param>
    /// <exception cref="ArgumentException">Operator and error covariance do not match.</exception>
    public ParticleFilterAnalyzer([Saved("operator")] IObservationOperator observationOperator,
        [Saved("error")] IErrorCovariance observationError)
    {
        ObservingSystem.Check(observationOperator, observationError);
        this.observationOperator = observationOperator;
        this.observationError = observationError;
    }

    /// <inheritdoc/>
    public string Name => "particle filter";

    /// <inheritdoc/>
    public IObservationOperator Observes => observationOperator;

    /// <inheritdoc/>
    /// <remarks>
    /// If the observation is impossible for every particle (its distance overflows), no weights exist: they become not a number, which
    /// the loop reports as a divergence.
    /// </remarks>
    public ParticleMemory Analyze(ParticleMemory forecast, Observation observation, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var innovations = observation.Values.unsqueeze(1) - observationOperator.Apply(forecast.Members);
        var logWeights = forecast.LogWeights - 0.5 * observationError.Whiten(innovations, observation.Mask).square().sum(-1);
        var normalised = (logWeights - logWeights.logsumexp(1, keepdim: true)).clamp_min(Nothing);
        return new(forecast.Members.alias().MoveToOuterDisposeScope(), normalised.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public IAnalyzer<ParticleMemory> For(IObservationNetwork network) => new ParticleFilterAnalyzer(network.Operator, network.Error);
}
