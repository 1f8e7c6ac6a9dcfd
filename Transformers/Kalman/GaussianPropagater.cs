using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Propagates a mean and a covariance: the mean by the model, the covariance by its tangent linear, P -> M P M^T + Q, with Q added at
/// each of the model's time steps. With P = W^T W and Q = V^T V, the root is W M^T, and with Q the triangle of a QR factorisation of W
/// M^T above V. Exact for a linear model (the Kalman filter, Kalman 1960); for a nonlinear one the first-order approximation of the
/// extended Kalman filter. A step costs as much as n model steps.
/// </summary>
/// <param name="dynamics">The model.</param>
/// <param name="covarianceGrowth">The factor of M P M^T per unit of time, at least one (no growth).</param>
[Component("gaussian-propagater", 2)]
public sealed class GaussianPropagater(IDynamics dynamics, [Saved(Since = 2)] double covarianceGrowth = 1) : IPropagater<GaussianMemory>
{
    private readonly double covarianceGrowth = covarianceGrowth >= 1 && double.IsFinite(covarianceGrowth) ? covarianceGrowth
        : throw new ArgumentOutOfRangeException(nameof(covarianceGrowth), covarianceGrowth,
            "The factor by which a covariance grows per unit of time must be finite and at least one (no growth); given: " +
            $"{covarianceGrowth}.");

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
        var (mean, root) = (analysis.Mean, analysis.Root);
        if (dynamics.ModelError is not { } error)
            (mean, root) = Advance(mean, root, interval);
        else
        {
            long batch = mean.size(0), n = mean.size(1);
            var modelError = error.Root(mean.dtype, mean.device).expand(batch, n, n);
            long steps = interval.Steps(dynamics.TimeStep);
            for (long step = 0; step < steps; step++)
            {
                double from = interval.From + step * dynamics.TimeStep;
                (mean, root) = Advance(mean, root, new TimeInterval(from, from + dynamics.TimeStep));
                (_, root) = linalg.qr(cat([root, modelError], 1), linalg.QRMode.R);
            }
        }
        return GaussianMemory.OfRoot(mean.alias().MoveToOuterDisposeScope(), root.alias().MoveToOuterDisposeScope());
    }

    /// <summary>
    /// The root of the model's error alone over an interval, accumulated along the model's run from the mean, <c>[batch, n, n]</c>; null
    /// if the model has no error.
    /// </summary>
    internal Tensor? ErrorRoot(Tensor mean, TimeInterval interval)
    {
        if (dynamics.ModelError is not { } error) return null;
        using var scope = NewDisposeScope();
        long batch = mean.size(0), n = mean.size(1), steps = interval.Steps(dynamics.TimeStep);
        var modelError = error.Root(mean.dtype, mean.device).expand(batch, n, n);
        var root = modelError;
        for (long step = 1; step < steps; step++)
        {
            double from = interval.From + (step - 1) * dynamics.TimeStep, to = from + dynamics.TimeStep;
            mean = dynamics.Advance(mean, new TimeInterval(from, to));
            var along = dynamics.TangentLinear(mean.unsqueeze(1).expand(root.Sizes()).contiguous(), root.contiguous(),
                new TimeInterval(to, to + dynamics.TimeStep));
            (_, root) = linalg.qr(cat([along, modelError], 1), linalg.QRMode.R);
        }
        return root.alias().MoveToOuterDisposeScope();
    }

    // Each row of the root is a perturbation of the mean.
    private (Tensor Mean, Tensor Root) Advance(Tensor mean, Tensor root, TimeInterval interval)
    {
        var along = dynamics.TangentLinear(mean.unsqueeze(1).expand(root.Sizes()).contiguous(), root, interval);
        if (covarianceGrowth != 1) along = along * Math.Sqrt(Math.Pow(covarianceGrowth, interval.Length));
        return (dynamics.Advance(mean, interval), along);
    }
}
