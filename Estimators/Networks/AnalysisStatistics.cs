using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// What a network needs to know of its training data to see numbers of the order of one, and all it ever takes from them
/// beside its weights: three constants, the same at every site, so that a convolution keeps its symmetry.
/// </summary>
/// <param name="Dimension">The state's dimension n.</param>
/// <param name="StateMean">Mean of the true states over time, trajectories and sites, in the state's unit.</param>
/// <param name="StateDeviation">Their standard deviation, in the state's unit.</param>
/// <param name="InnovationDeviation">Root mean square of H^T R^-1 epsilon, what the observation error alone gives where the
/// innovation enters: 1 / sigma for R = sigma^2 I and H = I. In the inverse of the state's unit.</param>
public sealed record AnalysisStatistics(long Dimension, double StateMean, double StateDeviation, double InnovationDeviation)
{
    /// <summary>
    /// What analysis errors are measured in, 1 / <see cref="InnovationDeviation"/>: sigma for R = sigma^2 I and H = I. In the state's unit.
    /// </summary>
    internal double ErrorUnit => 1 / InnovationDeviation;

    /// <summary>
    /// Independent normal numbers of the true states' mean and variance at every site: where an assimilation may start that is told nothing
    /// else.
    /// </summary>
    /// <param name="device">Where they are drawn.</param>
    public IInitialCondition Climatology(Device device)
    {
        using var mean = full([Dimension], StateMean, dtype: ScalarType.Float64, device: device);
        return new GaussianInitialCondition(mean, ErrorCovariance.Scalar(Dimension, StateDeviation * StateDeviation));
    }

    /// <summary>A network's input in numbers of the order of one: the standardised forecast, then the scaled innovation.</summary>
    /// <param name="inputs">Whether the forecast is among them.</param>
    /// <param name="forecast"><c>[batch, n]</c>, or <c>[batch, members, n]</c> with a channel for each member.</param>
    /// <param name="scaledInnovation">H^T R^-1 (y - H x_f), <c>[batch, n]</c></param>
    /// <returns><c>[batch, channels, n]</c>, the innovation last.</returns>
    internal Tensor Channels(AnalysisInputs inputs, Tensor forecast, Tensor scaledInnovation)
    {
        var innovation = (scaledInnovation / InnovationDeviation).unsqueeze(1);
        if (inputs == AnalysisInputs.InnovationOnly) return innovation;
        var standardised = (forecast - StateMean) / StateDeviation;
        return cat([standardised.ndim == 2 ? standardised.unsqueeze(1) : standardised, innovation], 1);
    }

    /// <summary>These constants, or the reason why they cannot scale anything.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A deviation that is not above zero.</exception>
    internal AnalysisStatistics Checked()
    {
        Require.Positive(StateDeviation);
        Require.Positive(InnovationDeviation);
        return this;
    }

    /// <summary>Measures the first cycles of a view.</summary>
    /// <param name="view">A view with truth and observations.</param>
    /// <param name="observing">What was observed, and with which error.</param>
    /// <param name="cycles">How many cycles to read at most.</param>
    /// <exception cref="DivergenceException">The operator is not defined for a true state.</exception>
    /// <exception cref="ArgumentException">The view has no cycle, a value is not finite, or the true states do not vary.</exception>
    public static AnalysisStatistics Measure(ITrajectoryView view, IObservationNetwork observing, long cycles)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var cursor = view.OpenCursor();
        double count = 0, sum = 0, squares = 0, innovation = 0;
        for (long k = 0; k < cycles && cursor.MoveNext(); k++)
        {
            using var cycle = NewDisposeScope();
            var truth = Require.Finite(cursor[Columns.Truth], $"The truth of cycle {cursor.Cycle}").to(ScalarType.Float64);
            var observation = cursor.ReadObservation(view.Schema, truth, "The training view");
            count += truth.numel();
            sum += truth.sum().ToDouble();
            squares += truth.square().sum().ToDouble();
            var (h, r) = observation.Network is { } own ? (own.Operator, own.Error) : (observing.Operator, observing.Error);
            r.Invertible($"The observation error covariance R of '{h.Name}'", "learned analyses are given H^T R^-1 (y - H x)",
                "Give every observation an error variance above zero; a mask says which are missing.");
            double scaled = ScaledInnovation(h, r, truth, observation).square().sum().ToDouble();
            if (!double.IsFinite(scaled))
                throw new DivergenceException("The measurement of the training view", "innovation", cursor.Cycle, cursor.Time,
                    NonFiniteOrigin.OfOperator(h, new StateMemory(truth), observation)
                        ?? $"the adjoint of the observation operator '{h.Name}' gave values that are not finite",
                    "The true states are finite: the operator must be defined for all of them.");
            innovation += scaled;
        }
        if (count == 0) throw new ArgumentException("The training view has no cycle.");
        double mean = sum / count, deviation = Math.Sqrt(Math.Max(0, squares / count - mean * mean));
        if (!(deviation > 0))
            throw new ArgumentException($"The true states of the training view do not vary: every one of {count} values is {mean}.");
        if (!(innovation > 0))
            throw new ArgumentException(
                "The training view has no observation error at all: every H^T R^-1 (y - H x) is zero, or every observation is missing.");
        return new AnalysisStatistics(view.Schema[Columns.Truth].Shape[0], mean, deviation, Math.Sqrt(innovation / count));
    }

    /// <summary>
    /// H^T R^-1 (y - H x), zero where nothing is observed; R is that of each trajectory where the observation has an
    /// <see cref="Observation.ErrorScale"/>.
    /// </summary>
    /// <param name="observationOperator">H.</param>
    /// <param name="observationError">R.</param>
    /// <param name="state">x, <c>[batch, n]</c></param>
    /// <param name="observation">y, <c>[batch, p]</c></param>
    /// <returns><c>[batch, n]</c>, of the state's precision.</returns>
    public static Tensor ScaledInnovation(IObservationOperator observationOperator, IErrorCovariance observationError, Tensor state,
        Observation observation)
    {
        using var scope = NewDisposeScope();
        var innovation = observation.Values.to(state.dtype) - observationOperator.Apply(state);
        var weighted = observationError.ApplyInverse(innovation, observation.Mask);
        if (observation.ErrorScale is { } scale)
            weighted = weighted / scale.to(state.dtype).square().view([-1, .. Enumerable.Repeat(1L, (int)weighted.ndim - 1)]);
        return observationOperator.Adjoint(state, weighted).MoveToOuterDisposeScope();
    }
}
