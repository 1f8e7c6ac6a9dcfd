using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Long short-term memories against other implementations of the same weights, and how they begin.</summary>
public sealed class LongShortTermMemoryNetworkTests
{
    /// <summary>A network, a window and its output by numpy; how they were made stands beside them, in reference.py.</summary>
    private sealed record Reference(string Name, long Values, long Leads, int Hidden, int Layers, bool Attention, int? Inputs,
        Dictionary<string, Table> Weights, Table Window, Table Output);

    private sealed record Table(long[] Shape, double[] Values)
    {
        public Tensor ToTensor(ScalarType precision) => tensor(Values).reshape(Shape).to_type(precision);
    }

    private static readonly Dictionary<string, Reference> References = JsonSerializer.Deserialize<Reference[]>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Data", "long-short-term-memory", "reference.json")),
        JsonSerializerOptions.Web)!.ToDictionary(one => one.Name);

    public static TheoryData<string, ScalarType> All
    {
        get
        {
            var data = new TheoryData<string, ScalarType>();
            foreach (string name in References.Keys)
                foreach (var precision in (ScalarType[])[ScalarType.Float32, ScalarType.Float64]) data.Add(name, precision);
            return data;
        }
    }

    [Theory, MemberData(nameof(All))]
    public void It_gives_what_numpy_gives_with_the_same_weights(string name, ScalarType precision)
    {
        using var scope = NewDisposeScope();
        var reference = References[name];
        using var network = Of(reference, precision);
        var output = network.call(reference.Window.ToTensor(precision));
        Assert.Equal(precision, output.dtype);
        Assert.Equal(reference.Output.Shape, output.shape);
        double error = Records.Largest(output.to_type(ScalarType.Float64) - reference.Output.ToTensor(ScalarType.Float64));
        Assert.True(error < (precision == ScalarType.Float32 ? 1e-5 : 1e-12), $"{error:g3}");
    }

    // libtorch's own layer, which runs through the window by itself.
    [Theory, MemberData(nameof(All))]
    public void It_gives_what_libtorch_gives_with_the_same_weights(string name, ScalarType precision)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var reference = References[name];
        using var network = Of(reference, precision);
        long seen = reference.Inputs ?? reference.Values;
        using var layers = nn.LSTM(seen, reference.Hidden, reference.Layers, batchFirst: true, dtype: precision);
        foreach (var (parameter, tensor) in layers.named_parameters())
        {
            var parts = parameter.Split("_l");   // weight_ih_l0
            tensor.copy_(network.get_parameter($"cells.{parts[1]}.{parts[0]}")!);
        }
        var window = reference.Window.ToTensor(precision);
        var hidden = layers.call(window[.., .., ..(int)seen].contiguous()).Item1;   // [rows, L, H]
        var read = hidden[.., -1];
        if (reference.Attention)
        {
            var query = matmul(read, network.get_parameter("query.weight")!.mT);
            var share = nn.functional.softmax(einsum("rkh,rh->rk", hidden, query) / Math.Sqrt(reference.Hidden), 1);
            read = cat([read, einsum("rk,rkh->rh", share, hidden)], -1);
        }
        var expected = nn.functional.linear(read, network.get_parameter("output.weight")!, network.get_parameter("output.bias")!);
        double error = Records.Largest(network.call(window).flatten(1) - expected);
        Assert.True(error < (precision == ScalarType.Float32 ? 1e-5 : 1e-12), $"{error:g3}");
    }

    [Theory, InlineData(WindowAttention.None), InlineData(WindowAttention.DotProduct)]
    public void It_begins_as_zero_with_open_forget_gates(WindowAttention attention)
    {
        using var scope = NewDisposeScope();
        using var network = Drawn(3, 2, new() { Hidden = 6, Layers = 2, Attention = attention, Inputs = 2 });
        Assert.Equal(0, Records.Largest(network.call(ones(4, 5, 3, dtype: ScalarType.Float64))));
        for (int layer = 0; layer < 2; layer++)
        {
            double[] bias = (network.get_parameter($"cells.{layer}.bias_ih")!
                + network.get_parameter($"cells.{layer}.bias_hh")!).ToArray<double>();
            Assert.Equal([.. new double[6], .. Enumerable.Repeat(1.0, 6), .. new double[12]], bias);
            Within($"cells.{layer}.weight_ih", layer == 0 ? 2 / Math.Sqrt(2) : 1 / Math.Sqrt(6));
            Within($"cells.{layer}.weight_hh", 1 / Math.Sqrt(6));
        }
        if (attention == WindowAttention.DotProduct) Within("query.weight", 1 / Math.Sqrt(6));
        Assert.Equal([4L * 6, 2], network.get_parameter("cells.0.weight_ih")!.shape);

        void Within(string name, double bound)
        {
            var weight = network.get_parameter(name)!;
            Assert.InRange(Records.Largest(weight), 0.6 * bound, bound);
            Assert.True(weight.min().ToDouble() < 0 && weight.max().ToDouble() > 0);
        }
    }

    [Fact]
    public void Its_first_weights_depend_on_the_stream_alone()
    {
        using var scope = NewDisposeScope();
        var options = new LongShortTermMemoryOptions { Hidden = 4, Attention = WindowAttention.DotProduct };
        manual_seed(1);
        using var first = Drawn(3, 2, options);
        manual_seed(2);
        using LongShortTermMemoryNetwork again = Drawn(3, 2, options), other = Drawn(3, 2, options, seed: 6);
        Bits.Equal(first, again);
        Assert.False(Bits.Same(first, other));
    }

    [Fact]
    public void It_sees_the_leading_values_alone_where_told_so()
    {
        using var scope = NewDisposeScope();
        using var network = Spread(Drawn(4, 2, new() { Hidden = 5, Inputs = 2 }));
        var window = Numbers(3, 6, 4);
        var other = window.clone();
        other[.., .., 2..] = 7;
        Bits.Equal(network.call(window), network.call(other));
        other[.., .., 1] = 7;
        Assert.NotEqual(0, Records.Largest(network.call(window) - network.call(other)));
        Assert.Equal([3L, 2, 4], network.call(window).shape);
        using var all = Drawn(4, 2, new() { Hidden = 5, Inputs = 9 });
        Assert.Equal([20L, 4], all.get_parameter("cells.0.weight_ih")!.shape);
    }

    // A tangent linear by automatic differentiation is a derivative of a derivative.
    [Theory, InlineData(1, WindowAttention.None), InlineData(2, WindowAttention.DotProduct)]
    public void It_can_be_differentiated_twice(int layers, WindowAttention attention)
    {
        using var scope = NewDisposeScope();
        using var network = Spread(Drawn(3, 2, new() { Hidden = 5, Layers = layers, Attention = attention }));
        Tensor window = Numbers(4, 6, 3), direction = Numbers(4, 6, 3, "direction"), sensitivity = Numbers(4, 2, 3, "sensitivity");
        var (value, along) = Differentiation.TangentLinear(network.call, window, direction);
        Bits.Equal(network.call(window).detach(), value.detach());
        const double h = 1e-5;
        var differences = (network.call(window + h * direction) - network.call(window - h * direction)) / (2 * h);
        Assert.True(Records.Largest(along - differences) < 1e-9 * Records.Largest(along) + 1e-10);
        var back = Differentiation.Adjoint(network.call, window, sensitivity);
        Assert.Equal((along * sensitivity).sum().ToDouble(), (back * direction).sum().ToDouble(), 1e-12);
        // The second derivative: how the adjoint changes along the direction.
        Tensor Adjoint(Tensor x) => Differentiation.Adjoint(network.call, x, sensitivity);
        var second = Differentiation.TangentLinear(Adjoint, window, direction).Derivative;
        var changes = (Adjoint(window + h * direction) - Adjoint(window - h * direction)) / (2 * h);
        Assert.True(Records.Largest(second - changes) < 1e-8 * Records.Largest(second) + 1e-9);

        using var single = Drawn(3, 2, new() { Hidden = 5, Layers = layers, Attention = attention }, precision: ScalarType.Float32);
        using (no_grad()) foreach (var (name, parameter) in single.named_parameters()) parameter.copy_(network.get_parameter(name)!);
        var narrow = Differentiation.TangentLinear(single.call, window.to_type(ScalarType.Float32),
            direction.to_type(ScalarType.Float32)).Derivative;
        Assert.True(Records.Largest(narrow - along) < 1e-4 * Records.Largest(along));
    }

    [Theory, InlineData(ScalarType.Float32), InlineData(ScalarType.Float64)]
    public void It_survives_its_file_to_the_bit(ScalarType precision)
    {
        using var scope = NewDisposeScope();
        var options = new LongShortTermMemoryOptions { Hidden = 4, Layers = 2, Inputs = 2, Attention = WindowAttention.DotProduct };
        using var network = Spread(Drawn(3, 2, options, precision: precision));
        using var read = Reloaded.Of(network, new DataAssimilationContext());
        Assert.Equal(options, read.Options);
        Bits.Equal(network, read);
        var window = Numbers(2, 5, 3).to_type(precision);
        Bits.Equal(network.call(window), read.call(window));
    }

    [Fact]
    public void Windows_of_other_shapes_and_sizes_below_one_are_refused()
    {
        using var scope = NewDisposeScope();
        using var network = Drawn(3, 2, new() { Hidden = 4 });
        foreach (long[] shape in (long[][])[[2, 5, 4], [5, 3], [1, 2, 5, 3]])
            Assert.Contains("window of a long short-term memory",
                Assert.Throws<ArgumentException>(() => network.call(zeros(shape, dtype: ScalarType.Float64))).Message);
        foreach (var options in (LongShortTermMemoryOptions[])[new() { Hidden = 0 }, new() { Layers = 0 }, new() { Inputs = 0 },
            new() { Attention = (WindowAttention)2 }])
            Assert.Throws<ArgumentOutOfRangeException>(() => Drawn(3, 2, options));
        Assert.Throws<ArgumentOutOfRangeException>(() => Drawn(0, 2, new()));
        Assert.Throws<ArgumentOutOfRangeException>(() => Drawn(3, 0, new()));
    }

    private static LongShortTermMemoryNetwork Of(Reference reference, ScalarType precision)
    {
        var network = Drawn(reference.Values, reference.Leads, new()
        {
            Hidden = reference.Hidden, Layers = reference.Layers, Inputs = reference.Inputs,
            Attention = reference.Attention ? WindowAttention.DotProduct : WindowAttention.None,
        }, precision: precision);
        Assert.Equal(reference.Weights.Keys.Order(), network.state_dict().Keys.Order());
        using var noGradients = no_grad();
        foreach (var (name, parameter) in network.named_parameters())
        {
            var weight = reference.Weights[name].ToTensor(precision);
            Assert.Equal(weight.shape, parameter.shape);
            parameter.copy_(weight);
        }
        return network;
    }

    private static LongShortTermMemoryNetwork Drawn(long values, long leads, LongShortTermMemoryOptions options, long seed = 5,
        ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(seed, "memory", CPU);
        return new LongShortTermMemoryNetwork(values, leads, options, precision, random);
    }

    /// <summary>With an output layer that is not zero.</summary>
    private static LongShortTermMemoryNetwork Spread(LongShortTermMemoryNetwork network)
    {
        using var random = new RandomStream(8, "output", CPU);
        using var noGradients = no_grad();
        foreach (string name in (string[])["output.weight", "output.bias"])
        {
            var parameter = network.get_parameter(name)!;
            parameter.copy_(random.Normal(parameter.shape, parameter.dtype));
        }
        return network;
    }

    private static Tensor Numbers(long rows, long length, long values, string name = "window")
    {
        using var random = new RandomStream(4, name, CPU);
        return random.Normal([rows, length, values], ScalarType.Float64);
    }
}
