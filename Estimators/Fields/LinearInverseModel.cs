using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A linear inverse model (Penland and Magorian 1993): the dynamics dc/dt in discrete form, c(t + tau) = G c(t) + noise of covariance Q,
/// ready for every filter, with the climatology that it preserves. As a transformer it adds its forecast of each cycle from the
/// coefficients one step earlier.
/// </summary>
[Component("linear-inverse-model")]
public sealed class LinearInverseModel : ITransformer
{
    private readonly LeadTimeForecast forecast;
    private readonly Column coefficients;

    /// <summary>Creates the model.</summary>
    /// <param name="dynamics">G with the model error Q of one step.</param>
    /// <param name="climatologicalCovariance">C(0), <c>[r, r]</c>; copied.</param>
    /// <param name="lag">The number of cycles in one step of the dynamics.</param>
    /// <param name="repairedFraction">The fraction of the trace of Q that was added to make it positive definite.</param>
    /// <param name="coefficients">The column it reads, <c>[r]</c>.</param>
    /// <param name="forecast">The column it adds, <c>[r]</c>.</param>
    public LinearInverseModel(LinearDynamics dynamics, Tensor climatologicalCovariance, int lag, double repairedFraction,
        Column coefficients, Column forecast)
    {
        (Dynamics, Lag, RepairedFraction, this.coefficients) = (dynamics, lag, repairedFraction, coefficients);
        Require.Shape(climatologicalCovariance, "The climatological covariance", dynamics.Dimension, dynamics.Dimension);
        ClimatologicalCovariance = Require.Finite(climatologicalCovariance, "The climatological covariance").detach().clone().contiguous()
            .DetachFromDisposeScope();
        this.forecast = new LeadTimeForecast(dynamics, coefficients, forecast, lag);
    }

    /// <inheritdoc/>
    public string Name => "linear inverse model";

    /// <inheritdoc/>
    public SchemaContract Contract => forecast.Contract;

    /// <summary>The model as a dynamics: c(t + tau) = G c(t), with the model error Q.</summary>
    public LinearDynamics Dynamics { get; }

    /// <summary>C(0), the covariance of the anomalies, <c>[r, r]</c>: G and Q preserve it. It belongs to the model.</summary>
    public Tensor ClimatologicalCovariance { get; }

    /// <summary>The number of cycles of the training data in one step.</summary>
    public int Lag { get; }

    /// <summary>The fraction of the trace of Q that was added to make it positive definite; 0 if nothing was added.</summary>
    public double RepairedFraction { get; }

    private Column Forecast => forecast.Output;

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) => forecast.Transform(input);
}
