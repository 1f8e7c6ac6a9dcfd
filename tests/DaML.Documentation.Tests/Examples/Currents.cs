using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The example of docs/shallow-water.md.</summary>
public static class Currents
{
    /// <summary>M'^T W M' dx over two days.</summary>
    public static Tensor Product(ShallowWater model, Tensor state, Tensor dx, Func<Tensor, Tensor> weigh)
    {
        // <example>
        using var window = model.Linearise(state, new TimeInterval(0, 2 * ShallowWater.Day));
        var product = window.Adjoint(weigh(window.TangentLinear(dx)));   // dx: [n], or [k, n] for k vectors at once
        // </example>
        return product;
    }
}
