using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Propagates a mean and a covariance: the mean by the model, the covariance by its tangent linear, P -> M P M^T + Q, with
/// Q added at each of the model's time steps. Exact for a linear model (the Kalman filter, Kalman 1960); for a nonlinear
/// one the first-order approximation of the extended Kalman filter. A step costs n model steps.
/// </summary>
/// <param name="dynamics">The model.</param>
/// <param name="covarianceGrowth">What M P M^T is multiplied by per unit of time, at least one (no growth).</param>
public sealed class GaussianPropagater(IDynamics dynamics, double covarianceGrowth = 1) : IPropagater<GaussianMemory>, IComponent
{
    private readonly double covarianceGrowth = covarianceGrowth >= 1 && double.IsFinite(covarianceGrowth) ? covarianceGrowth
        : throw new ArgumentOutOfRangeException(nameof(covarianceGrowth), covarianceGrowth, $"A covariance grows by a finite factor of at least one per unit of time (one is no growth); given: {covarianceGrowth}.");

    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("gaussian-propagater", 2, reader => new GaussianPropagater(
        reader.Part<IDynamics>("dynamics"), reader.Version == 1 ? 1 : reader.Get<double>("covarianceGrowth")));

    ComponentType IComponent.ComponentType => Type;

    /// <summary>The model.</summary>
    public IDynamics Dynamics => dynamics;

    /// <inheritdoc/>
    public double? TimeStep => dynamics.TimeStep;

    /// <inheritdoc/>
    public string Name => dynamics.Name;

    /// <inheritdoc/>
    public GaussianMemory Propagate(GaussianMemory analysis, TimeInterval interval, RandomStream random)
    {
        using var scope = NewDisposeScope();
        var (mean, covariance) = (analysis.Mean, analysis.Covariance);
        if (dynamics.ModelError is not { } error)
            (mean, covariance) = Advance(mean, covariance, interval);
        else
        {
            var modelErrorCovariance = error.ToMatrix(mean.dtype, mean.device);
            long steps = interval.Steps(dynamics.TimeStep);
            for (long step = 0; step < steps; step++)
            {
                double from = interval.From + step * dynamics.TimeStep;
                (mean, covariance) = Advance(mean, covariance, new TimeInterval(from, from + dynamics.TimeStep));
                covariance = covariance + modelErrorCovariance;
            }
        }
        return new(mean.alias().MoveToOuterDisposeScope(), covariance.alias().MoveToOuterDisposeScope());
    }

    private (Tensor Mean, Tensor Covariance) Advance(Tensor mean, Tensor covariance, TimeInterval interval)
    {
        long batch = mean.size(0), n = mean.size(1);
        // Row i of the tangent linear applied to the identity is M e_i, so together they are M^T.
        var directions = eye(n, dtype: mean.dtype, device: mean.device).expand(batch, n, n).contiguous();
        var transposed = dynamics.TangentLinear(mean.unsqueeze(1).expand(batch, n, n).contiguous(), directions, interval);
        var forecast = transposed.transpose(-2, -1).matmul(covariance).matmul(transposed);
        if (covarianceGrowth != 1) forecast = forecast * Math.Pow(covarianceGrowth, interval.Length);
        return (dynamics.Advance(mean, interval), KalmanUpdate.Symmetric(forecast));
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("dynamics", dynamics);
        writer.Set("covarianceGrowth", covarianceGrowth);
    }
}
