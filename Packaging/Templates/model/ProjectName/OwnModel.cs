using DaML;
using DaML.Components;
using static TorchSharp.torch;

namespace OwnModels;

/// <summary>The Roessler system (1976): x' = -y - z, y' = x + a y, z' = b + z (x - c). Write your own equations here.</summary>
/// <remarks>
/// States are [..., 3]; batch and members are the dimensions before. The base class brings the integrator and, by automatic
/// differentiation, the tangent linear and the adjoint.
/// </remarks>
[Component("own-models/roessler")]
public sealed class OwnModel(double a = 0.2, double b = 0.2, double c = 5.7) : Dynamics(dimension: 3, timeStep: 0.05)
{
    /// <summary>How fast the spiral in x and y grows (default: 0.2).</summary>
    public double A { get; } = a;

    /// <summary>The constant tendency of z (default: 0.2).</summary>
    public double B { get; } = b;

    /// <summary>The value of x above which z grows (default: 5.7).</summary>
    public double C { get; } = c;

    /// <inheritdoc/>
    protected override Tensor Tendency(Tensor state)
    {
        var (x, y, z) = (state.select(-1, 0), state.select(-1, 1), state.select(-1, 2));
        return stack([-y - z, x + A * y, B + z * (x - C)], dim: -1);
    }
}
