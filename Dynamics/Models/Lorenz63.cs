using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The convection model of Lorenz (1963, J. Atmos. Sci. 20, 130-141): x' = sigma (y - x), y' = x (rho - z) - y,
/// z' = x y - beta z.
/// </summary>
/// <param name="timeStep">The length of a Runge-Kutta step.</param>
/// <param name="sigma">The Prandtl number.</param>
/// <param name="rho">The Rayleigh number relative to its critical value.</param>
/// <param name="beta">A geometric factor.</param>
[Component("lorenz-63")]
public sealed class Lorenz63(double timeStep = 0.01, double sigma = 10, double rho = 28, double beta = 8.0 / 3)
    : ParametricDynamics(3, timeStep, new("sigma", sigma), new("rho", rho), new("beta", beta))
{
    /// <inheritdoc/>
    public override string Name => "Lorenz-63";

    /// <summary>The Prandtl number.</summary>
    public double Sigma => Parameters[0].Value;

    /// <summary>The Rayleigh number relative to its critical value.</summary>
    public double Rho => Parameters[1].Value;

    /// <summary>A geometric factor.</summary>
    public double Beta => Parameters[2].Value;

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state, Tensor parameters)
    {
        var (sigma, rho, beta) = parameters.Parts();
        var (x, y, z) = state.Parts();
        return stack([sigma * (y - x), x * (rho - z) - y, x * y - beta * z], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time)
    {
        var (sigma, rho, beta) = parameters.Parts();
        var (x, y, z) = state.Parts();
        var (dx, dy, dz) = perturbation.Parts();
        return stack([sigma * (dy - dx), dx * (rho - z) - x * dz - dy, dx * y + x * dy - beta * dz], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyParameterTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time)
    {
        var (x, y, z) = state.Parts();
        var (dSigma, dRho, dBeta) = perturbation.Parts();
        return stack([dSigma * (y - x), dRho * x, -(dBeta * z)], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        var (x, y, z) = state.Parts();
        var (u, v, w) = sensitivity.Parts();
        return stack([(Rho - z) * v + y * w - Sigma * u, Sigma * u - v + x * w, -(x * v) - Beta * w], -1);
    }
}
