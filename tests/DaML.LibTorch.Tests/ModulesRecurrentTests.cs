using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Recurrent networks against their recurrence written out, and their gradients against central differences.</summary>
public sealed class ModulesRecurrentTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private static Tensor P(nn.Module m, string name) => m.get_parameter(name)!;

    // i, f, g, o = gates;  c' = f c + i g;  h' = o tanh c'
    private static (Tensor H, Tensor C) LstmStep(nn.Module m, string suffix, Tensor x, Tensor h, Tensor c)
    {
        var z = x.matmul(P(m, "weight_ih" + suffix).t()) + h.matmul(P(m, "weight_hh" + suffix).t());
        if (m.has_parameter("bias_ih" + suffix)) z = z + P(m, "bias_ih" + suffix) + P(m, "bias_hh" + suffix);
        var g = z.chunk(4, -1);
        var next = g[1].sigmoid() * c + g[0].sigmoid() * g[2].tanh();
        return (g[3].sigmoid() * next.tanh(), next);
    }

    // r, z = gates;  n = tanh(W x + b + r (U h + b'));  h' = (1 - z) n + z h
    private static Tensor GruStep(nn.Module m, string suffix, Tensor x, Tensor h)
    {
        var a = x.matmul(P(m, "weight_ih" + suffix).t()) + P(m, "bias_ih" + suffix);
        var b = h.matmul(P(m, "weight_hh" + suffix).t()) + P(m, "bias_hh" + suffix);
        var (u, v) = (a.chunk(3, -1), b.chunk(3, -1));
        var r = (u[0] + v[0]).sigmoid();
        var z = (u[1] + v[1]).sigmoid();
        var n = (u[2] + r * v[2]).tanh();
        return (1 - z) * n + z * h;
    }

    private static Tensor Reversed(Tensor x) => x.flip(0);

    public static TheoryData<ScalarType, bool, bool, bool> Kinds => new()
    {
        { ScalarType.Float64, false, false, true }, { ScalarType.Float64, true, true, true }, { ScalarType.Float64, true, false, false },
        { ScalarType.Float32, false, false, true }, { ScalarType.Float32, true, true, true },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Lstm_is_its_recurrence(ScalarType type, bool batchFirst, bool bidirectional, bool bias)
    {
        manual_seed(2);
        var tolerance = type == ScalarType.Float64 ? 1e-12 : 1e-5;
        using var m = nn.LSTM(3, 4, numLayers: 2, bias: bias, batchFirst: batchFirst, bidirectional: bidirectional, dtype: type);
        var directions = bidirectional ? 2 : 1;
        var x = randn(5, 2, 3, dtype: type);
        var h0 = randn(2 * directions, 2, 4, dtype: type);
        var c0 = randn(2 * directions, 2, 4, dtype: type);

        var layer = x;
        var (hs, cs) = (new List<Tensor>(), new List<Tensor>());
        for (var l = 0; l < 2; l++)
        {
            var outputs = new List<Tensor>();
            for (var d = 0; d < directions; d++)
            {
                var (h, c) = (h0[l * directions + d], c0[l * directions + d]);
                var sequence = d == 0 ? layer : Reversed(layer);
                var steps = new List<Tensor>();
                for (var t = 0; t < 5; t++)
                {
                    (h, c) = LstmStep(m, $"_l{l}" + (d == 1 ? "_reverse" : ""), sequence[t], h, c);
                    steps.Add(h);
                }
                var y = stack(steps);
                outputs.Add(d == 0 ? y : Reversed(y));
                hs.Add(h);
                cs.Add(c);
            }
            layer = cat(outputs.ToArray(), -1);
        }

        var (output, hn, cn) = m.call(batchFirst ? x.transpose(0, 1) : x, (h0, c0));
        if (batchFirst) output = output.transpose(0, 1);
        Assert.True(output.allclose(layer, tolerance, tolerance));
        Assert.True(hn.allclose(stack(hs), tolerance, tolerance));
        Assert.True(cn.allclose(stack(cs), tolerance, tolerance));

        var zero = zeros_like(h0);
        Assert.True(m.call(batchFirst ? x.transpose(0, 1) : x).Item1.allclose(m.call(batchFirst ? x.transpose(0, 1) : x, (zero, zero)).Item1));
    }

    [Theory]
    [InlineData(ScalarType.Float64, false)]
    [InlineData(ScalarType.Float64, true)]
    [InlineData(ScalarType.Float32, false)]
    public void Gru_is_its_recurrence(ScalarType type, bool bidirectional)
    {
        manual_seed(2);
        var tolerance = type == ScalarType.Float64 ? 1e-12 : 1e-5;
        using var m = nn.GRU(3, 4, bidirectional: bidirectional, dtype: type);
        var x = randn(5, 2, 3, dtype: type);
        var h0 = randn(bidirectional ? 2 : 1, 2, 4, dtype: type);
        var outputs = new List<Tensor>();
        for (var d = 0; d < h0.shape[0]; d++)
        {
            var h = h0[d];
            var sequence = d == 0 ? x : Reversed(x);
            var steps = new List<Tensor>();
            for (var t = 0; t < 5; t++) steps.Add(h = GruStep(m, "_l0" + (d == 1 ? "_reverse" : ""), sequence[t], h));
            outputs.Add(d == 0 ? stack(steps) : Reversed(stack(steps)));
        }
        var (output, _) = m.call(x, h0);
        Assert.True(output.allclose(cat(outputs.ToArray(), -1), tolerance, tolerance));
    }

    [Theory]
    [InlineData(ScalarType.Float64, 1e-12)]
    [InlineData(ScalarType.Float32, 1e-5)]
    public void Cells_are_one_step(ScalarType type, double tolerance)
    {
        using var lstm = nn.LSTMCell(3, 4, dtype: type);
        using var gru = nn.GRUCell(3, 4, dtype: type);
        var x = randn(2, 3, dtype: type);
        var h = randn(2, 4, dtype: type);
        var c = randn(2, 4, dtype: type);
        var (h1, c1) = lstm.call(x, (h, c));
        var (eh, ec) = LstmStep(lstm, "", x, h, c);
        Assert.True(h1.allclose(eh, tolerance, tolerance) && c1.allclose(ec, tolerance, tolerance));
        Assert.True(gru.call(x, h).allclose(GruStep(gru, "", x, h), tolerance, tolerance));
        Assert.True(gru.call(x).allclose(GruStep(gru, "", x, zeros_like(h)), tolerance, tolerance));
        Assert.Equal(["weight_ih", "weight_hh", "bias_ih", "bias_hh"], lstm.state_dict().Keys);
    }

    [Fact]
    public void Gradients_are_those_of_central_differences()
    {
        manual_seed(4);
        using var lstm = nn.LSTM(2, 3, numLayers: 2, bidirectional: true, dtype: float64);
        using var gru = nn.GRU(2, 3, dtype: float64);
        var x = randn(4, 2, 2, dtype: float64, requires_grad: true);
        var w = randn(4, 2, 6, dtype: float64);
        Tensor Loss()
        {
            var (y, h, c) = lstm.call(x);
            return (y * w).sum() + h.sum() + c.square().sum() + gru.call(x).Item1.square().sum();
        }
        Loss().backward();
        Gradients.Check(x, x.grad!, Loss);
        foreach (var (name, p) in lstm.named_parameters().Concat(gru.named_parameters())) Gradients.Check(p, p.grad!, Loss, name);
    }

    [Fact]
    public void Weights_follow_conversion_and_the_state()
    {
        using var a = nn.LSTM(2, 3);
        using var b = nn.LSTM(2, 3).@double();
        a.@double();
        b.load_state_dict(a.state_dict());
        var x = randn(4, 1, 2, dtype: float64);
        Assert.True(a.call(x).Item1.equal(b.call(x).Item1).all().ToBoolean());
        Assert.InRange(a.parameters().Max(p => p.abs().max().ToDouble()), 0.4, 1 / Math.Sqrt(3));
    }
}
