using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The smallest model of a general circulation (Lorenz 1984, Tellus 36A, 98-110): x' = -y^2 - z^2 - a x + a F,
/// y' = x y - b x z - y + G, z' = b x y + x z - z. x is the westerly current, y and z the two phases of the wave it feeds. A
/// time unit stands for five days.
/// </summary>
/// <param name="timeStep">Length of a Runge-Kutta step; 0.05 is six hours.</param>
/// <param name="forcing">F, the symmetric thermal forcing; 8 is winter.</param>
/// <param name="asymmetry">G, the contrast between land and sea.</param>
/// <param name="damping">a, the damping of the current relative to that of the waves.</param>
/// <param name="displacement">b, the speed at which the current displaces the waves, relative to the speed at which it feeds them.</param>
[Component("lorenz-84")]
public sealed class Lorenz84(double timeStep = 0.05, double forcing = 8, double asymmetry = 1, double damping = 0.25,
    double displacement = 4)
    : ParametricDynamics(3, timeStep, new("forcing", forcing), new("asymmetry", asymmetry), new("damping", damping),
        new("displacement", displacement))
{
    /// <inheritdoc/>
    public override string Name => "Lorenz-84";

    /// <summary>F.</summary>
    public double Forcing => Parameters[0].Value;

    /// <summary>G.</summary>
    public double Asymmetry => Parameters[1].Value;

    /// <summary>a.</summary>
    public double Damping => Parameters[2].Value;

    /// <summary>b.</summary>
    public double Displacement => Parameters[3].Value;

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state, Tensor parameters)
    {
        var (x, y, z) = state.Parts();
        Tensor f = parameters.select(-1, 0), g = parameters.select(-1, 1), a = parameters.select(-1, 2), b = parameters.select(-1, 3);
        return stack([a * (f - x) - y * y - z * z, x * y - b * x * z - y + g, b * x * y + x * z - z], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time)
    {
        Tensor a = parameters.select(-1, 2), b = parameters.select(-1, 3);
        var (x, y, z) = state.Parts();
        var (dx, dy, dz) = perturbation.Parts();
        return stack([
            -2 * (y * dy + z * dz) - a * dx,
            (y - b * z) * dx + x * (dy - b * dz) - dy,
            (b * y + z) * dx + x * (b * dy + dz) - dz], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyParameterTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time)
    {
        var (x, y, z) = state.Parts();
        Tensor f = parameters.select(-1, 0), a = parameters.select(-1, 2);
        Tensor df = perturbation.select(-1, 0), dg = perturbation.select(-1, 1);
        Tensor da = perturbation.select(-1, 2), db = perturbation.select(-1, 3);
        return stack([da * (f - x) + a * df, dg - db * x * z, db * x * y], -1);
    }

    /// <inheritdoc/>
    protected override Tensor TendencyAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        double a = Parameters[2].Value, b = Parameters[3].Value;
        var (x, y, z) = state.Parts();
        var (u, v, w) = sensitivity.Parts();
        return stack([(y - b * z) * v + (b * y + z) * w - a * u, x * (v + b * w) - 2 * y * u - v, x * (w - b * v) - 2 * z * u - w], -1);
    }
}
