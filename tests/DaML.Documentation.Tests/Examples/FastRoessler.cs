using DaML;
using TorchSharp;
using static TorchSharp.torch;

/// <summary>The same, with its derivative.</summary>
public sealed class FastRoessler() : Dynamics(dimension: 3, timeStep: 0.05)
{
    protected override Tensor Tendency(Tensor state)
    {
        var (x, y, z) = (state.select(-1, 0), state.select(-1, 1), state.select(-1, 2));
        return stack([-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)], dim: -1);
    }

    protected override Tensor TendencyTangentLinear(Tensor state, Tensor perturbation, double time)
    {
        var (x, z) = (state.select(-1, 0), state.select(-1, 2));
        var (dx, dy, dz) = (perturbation.select(-1, 0), perturbation.select(-1, 1), perturbation.select(-1, 2));
        return stack([-dy - dz, dx + 0.2 * dy, z * dx + (x - 5.7) * dz], dim: -1);
    }

    protected override Tensor TendencyAdjoint(Tensor state, Tensor sensitivity, double time)
    {
        var (x, z) = (state.select(-1, 0), state.select(-1, 2));
        var (u, v, w) = (sensitivity.select(-1, 0), sensitivity.select(-1, 1), sensitivity.select(-1, 2));
        return stack([v + z * w, 0.2 * v - u, (x - 5.7) * w - u], dim: -1);
    }
}
