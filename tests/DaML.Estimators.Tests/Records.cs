using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Records of values that models of lagged values are learned from, simulated so that what should come out is known.</summary>
internal static class Records
{
    public static readonly Column Values = new("coefficients"), Forecast = new("forecast");

    /// <summary>A1 and A2 of a stable autoregression of second order, of two components.</summary>
    public static (Tensor First, Tensor Second) SecondOrder =>
        (tensor(new[,] { { 0.9, -0.3 }, { 0.2, 0.7 } }), tensor(new[,] { { -0.3, 0.1 }, { 0.0, -0.2 } }));

    /// <summary>A view of values, <c>[cycles, batch, r]</c>, at equal distances in time from that distance on.</summary>
    public static MemoryTrajectoryView View(this DataAssimilationContext context, Tensor values, double spacing = 1, Tensor? mask = null)
    {
        var columns = new Dictionary<Column, Tensor> { [Values] = values };
        if (mask is not null) columns[Columns.MaskOf(Values)] = mask;
        return context.Data.FromMemory(columns, Times(values.shape[0], spacing));
    }

    public static double[] Times(long cycles, double spacing = 1) => [.. Enumerable.Range(1, (int)cycles).Select(k => k * spacing)];

    /// <summary>White noise, <c>[cycles, batch, r]</c>.</summary>
    public static Tensor Noise(this DataAssimilationContext context, string name, params long[] shape)
    {
        using var random = context.Random(name);
        return random.Normal(shape, ScalarType.Float64);
    }

    /// <summary>c(t) = A1 c(t - 1) + A2 c(t - 2) + e, with e of variance one; <c>[cycles, batch, 2]</c>.</summary>
    public static Tensor OfSecondOrder(this DataAssimilationContext context, string name, int cycles, long batch)
    {
        using var scope = NewDisposeScope();
        var (first, second) = SecondOrder;
        var noise = context.Noise(name, cycles + 100, batch, 2);
        var values = new List<Tensor> { noise[0], noise[1] };
        for (int k = 2; k < cycles + 100; k++) values.Add(matmul(values[^1], first.mT) + matmul(values[^2], second.mT) + noise[k]);
        return stack(values)[100..].contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Two damped components and a third that their product drives: (a, b, c) -> (0.9 a + e1, 0.8 b + e2, 0.3 c + 2 a b + e3),
    /// <c>[cycles, batch, 3]</c>; a and b have variance one, and there is little noise in c. What a linear model of several lags misses
    /// of c is known: it sees the product a cycle late.
    /// </summary>
    public static Tensor WithProducts(this DataAssimilationContext context, string name, int cycles, long batch)
    {
        using var scope = NewDisposeScope();
        var noise = context.Noise(name, cycles + 100, batch, 3) * tensor(new[] { Math.Sqrt(1 - 0.81), Math.Sqrt(1 - 0.64), 0.05 });
        var values = new List<Tensor> { noise[0] };
        for (int k = 1; k < cycles + 100; k++)
        {
            Tensor a = values[^1][.., 0], b = values[^1][.., 1], c = values[^1][.., 2];
            values.Add(stack([0.9 * a, 0.8 * b, 0.3 * c + 2 * a * b], -1) + noise[k]);
        }
        return stack(values)[100..].contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Lagged states by hand: <c>[batch, lags r]</c> at a cycle of <c>[cycles, batch, r]</c>, newest first.</summary>
    public static Tensor Lagged(Tensor values, int cycle, int lags) =>
        cat([.. Enumerable.Range(0, lags).Select(lag => values[cycle - lag])], -1);

    public static double Largest(Tensor difference) => difference.abs().max().ToDouble();
}
