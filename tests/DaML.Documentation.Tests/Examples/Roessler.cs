using DaML;
using TorchSharp;
using static TorchSharp.torch;

/// <summary>The Roessler system (1976): x' = -y - z, y' = x + a y, z' = b + z (x - c).</summary>
public sealed class Roessler() : Dynamics(dimension: 3, timeStep: 0.05)
{
    protected override Tensor Tendency(Tensor state)
    {
        var (x, y, z) = (state.select(-1, 0), state.select(-1, 1), state.select(-1, 2));
        return stack([-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)], dim: -1);
    }
}
