using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The shallow-water model as its tensor form alone: Runge-Kutta steps and automatic derivatives.</summary>
internal sealed class PlainShallowWater(ShallowWater model) : Dynamics(model.Dimension, model.TimeStep)
{
    protected override Tensor Tendency(Tensor state) => model.TimeDerivative(state);
}

/// <summary>States of shallow water for tests.</summary>
internal static class ShallowWaters
{
    /// <summary>Rough states that are far from any balance: heights of 20 m, currents of 0.3 m/s.</summary>
    public static Tensor Random(ShallowWater model, long seed, params long[] leading)
    {
        var x = Numbers.Normal(seed, [.. leading, model.Dimension]);
        return model.State(20 * model.Height(x), 0.3 * model.VelocityX(x), 0.3 * model.VelocityY(x));
    }

    /// <summary>Agreement of each field, relative to that field's largest value: heights and currents have different units.</summary>
    public static void CloseByField(ShallowWater model, Tensor expected, Tensor given, double tolerance)
    {
        Assert.Equal(expected.shape, given.shape);
        using var scope = NewDisposeScope();
        foreach (var (name,
            field) in ((string, Func<Tensor, Tensor>)[])[("eta", model.Height), ("u", model.VelocityX), ("v", model.VelocityY)])
        {
            double difference = (field(expected) - field(given)).abs().max().ToDouble(), scale = field(expected).abs().max().ToDouble();
            Assert.True(difference <= tolerance * scale,
                $"{name}: difference {difference:g4} at scale {scale:g4}; at most {tolerance:g2} of it is allowed");
        }
    }
}
