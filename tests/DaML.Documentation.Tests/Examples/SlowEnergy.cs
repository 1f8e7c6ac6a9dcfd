using DaML;
using static TorchSharp.torch;

/// <summary>The mean energy of the state shall change slowly over the window.</summary>
public sealed class SlowEnergy(double allowedChange) : ResidualCostTerm
{
    protected override Tensor Residual(AssimilationWindow window, Tensor states) // [batch, K + 1, n]
    {
        var energy = 0.5 * states.square().mean([-1]);
        return energy.diff() / allowedChange; // a tendency divided by its standard deviation, [batch, K]
    }
}
