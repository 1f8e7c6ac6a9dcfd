using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// The convection model of Lorenz (1963, J. Atmos. Sci. 20, 130-141): x' = sigma (y - x), y' = x (rho - z) - y,
/// z' = x y - beta z.
/// </summary>
/// <param name="timeStep">Length of a Runge-Kutta step.</param>
/// <param name="sigma">Prandtl number.</param>
/// <param name="rho">Rayleigh number relative to its critical value.</param>
/// <param name="beta">Geometric factor.</param>
public sealed class Lorenz63(double timeStep = 0.01, double sigma = 10, double rho = 28, double beta = 8.0 / 3) : Dynamics(3, timeStep), IComponent
{
    /// <summary>How the component is written and read.</summary>
    public static ComponentType Type { get; } = new("lorenz-63", 1, reader =>
        new Lorenz63(reader.Get<double>("timeStep"), reader.Get<double>("sigma"), reader.Get<double>("rho"), reader.Get<double>("beta"))
        {
            ModelError = reader.OptionalPart<IErrorCovariance>("modelError"),
        });

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public override string Name => "Lorenz-63";

    /// <summary>Prandtl number.</summary>
    public double Sigma { get; } = Finite(sigma, nameof(sigma));

    /// <summary>Rayleigh number relative to its critical value.</summary>
    public double Rho { get; } = Finite(rho, nameof(rho));

    /// <summary>Geometric factor.</summary>
    public double Beta { get; } = Finite(beta, nameof(beta));

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state)
    {
        Tensor x = state.select(-1, 0), y = state.select(-1, 1), z = state.select(-1, 2);
        return stack([Sigma * (y - x), x * (Rho - z) - y, x * y - Beta * z], -1);
    }

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Set("timeStep", TimeStep);
        writer.Set("sigma", Sigma);
        writer.Set("rho", Rho);
        writer.Set("beta", Beta);
        writer.OptionalPart("modelError", ModelError);
    }

    private static double Finite(double value, string name) => double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(name, value, $"'{name}' must be a finite number; given: {value}.");
}
