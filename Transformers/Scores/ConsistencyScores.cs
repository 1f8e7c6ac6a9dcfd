using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The ratio of the innovations to their prediction: d^T S^-1 d / p with d = y - H(x_b), S = H B H^T + R and p the number of observations
/// that exist. Its mean is one if the covariances are right, above one if they are too small (Talagrand 1999; Ménard and Chang 2000). It
/// needs no truth. For a linear operator it is 2 J_min / p, with J_min the smallest value of the variational cost function.
/// </summary>
public sealed class InnovationChiSquare : Score
{
    private readonly IObservationNetwork network;
    private readonly IErrorCovariance? background;

    /// <summary>Makes a score.</summary>
    /// <param name="network">H, linearised at the forecast, and R.</param>
    /// <param name="background">B of a method with a fixed background covariance (default: null, the covariance of the method's forecast
    /// density, without an inflation inside the analyzer).</param>
    /// <exception cref="ArgumentException">The dimensions of B and of the state differ.</exception>
    public InnovationChiSquare(IObservationNetwork network, IErrorCovariance? background = null)
        : base("innovation chi-square", background is null ? [Columns.Observation] : [Columns.Observation, Columns.Forecast])
    {
        CostConsistency.Check(network, background);
        this.network = network;
        this.background = background;
    }

    /// <inheritdoc/>
    public override bool NeedsDensities => background is null;

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle)
    {
        var observation = cycle.Observation.OfOneError(Name);
        var network = observation.Network ?? this.network;
        if (background is null)
        {
            var density = cycle.Density(ScoredState.Forecast);
            return Of(PredictedInnovations.Whitened(density, observation, network), PredictedInnovations.States(density));
        }
        var state = cycle.State(ScoredState.Forecast);
        var root = background.Root(state.dtype, state.device).expand(state.size(0), background.Dimension, background.Dimension);
        return Of(PredictedInnovations.Whitened(state, root, observation, network), state);

        Tensor Of((Tensor Observed, Tensor Innovation) white, Tensor states) =>
            PredictedInnovations.Finite(PredictedInnovations.Of(white.Observed, white.Innovation).Distance, Name, cycle, states,
                observation, network)
                / CostConsistency.Existing(observation);
    }
}

/// <summary>
/// The consistency of a variational method's cost function: 2 J(x_a) / p at its analysis, with J(x) = 1/2 |x - x_b|^2 in B^-1 + 1/2 |y -
/// H(x)|^2 in R^-1 and p the number of observations that exist. Its mean is one if B and R are right and the analysis is the minimum
/// (Talagrand 1999): then J = 1/2 d^T (H B H^T + R)^-1 d.
/// </summary>
public sealed class CostConsistency : Score
{
    private readonly IObservationNetwork network;
    private readonly IErrorCovariance background;

    /// <summary>Makes a score.</summary>
    /// <param name="network">H and R.</param>
    /// <param name="background">B</param>
    /// <exception cref="ArgumentException">The dimensions of B and of the state differ.</exception>
    public CostConsistency(IObservationNetwork network, IErrorCovariance background)
        : base("2 J / p", Columns.Observation, Columns.Forecast, Columns.Analysis)
    {
        Check(network, background);
        background.Invertible("The background error covariance B", "the score weighs increments by B^-1",
            "Leave constant components out, or give them a variance.");
        this.network = network;
        this.background = background;
    }

    /// <inheritdoc/>
    public override Tensor Of(ScoredCycle cycle)
    {
        var observation = cycle.Observation.OfOneError(Name);
        var network = observation.Network ?? this.network;
        var analysis = cycle.State(ScoredState.Analysis);
        var departure = background.Whiten(analysis - cycle.State(ScoredState.Forecast)).square().sum(1);
        var residual = network.Error.Whiten(observation.Values - network.Operator.Apply(analysis), observation.Mask).square().sum(1);
        PredictedInnovations.Finite(residual, Name, cycle, analysis, observation, network);
        return (departure + residual) / Existing(observation);
    }

    /// <summary>p of each trajectory; not a number if it is zero.</summary>
    internal static Tensor Existing(Observation observation)
    {
        if (observation.Mask is null)
            return observation.Values.new_full([observation.Values.size(0)], observation.Values.size(1));
        var count = observation.Mask.sum(1).to(observation.Values.dtype);
        return where(count == 0, full_like(count, double.NaN), count);
    }

    internal static void Check(IObservationNetwork network, IErrorCovariance? background)
    {
        if (background is not null && background.Dimension != network.Operator.StateDimension)
            throw new ArgumentException(
                $"The background error covariance must have the dimension of the state, {network.Operator.StateDimension} " +
                    $"({network.Operator.Name}); given: {background.Dimension}.", nameof(background));
        network.Error.Invertible($"The observation error covariance R of '{network.Operator.Name}'",
            "the score weights observations by R^-1",
            "Give every observation an error variance above zero.");
    }
}
