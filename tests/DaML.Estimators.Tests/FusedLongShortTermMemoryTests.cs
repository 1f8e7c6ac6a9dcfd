using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The fused long short-term memory against the same network of plain operators.</summary>
public sealed unsafe class FusedLongShortTermMemoryTests
{
    private sealed record Size(int Values, int Leads, int Hidden, int Layers, int Inputs, int Rows, int Length);

    // Single rows and steps, odd numbers of everything, batches that do not fill their last group, several layers.
    private static readonly IReadOnlyList<Size> Sizes =
    [
        new(1, 1, 1, 1, 1, 1, 1), new(3, 2, 5, 1, 3, 4, 6), new(20, 1, 128, 1, 8, 128, 2), new(4, 3, 33, 2, 2, 33, 3),
        new(7, 2, 13, 3, 5, 65, 4), new(40, 1, 6, 2, 40, 31, 1), new(2, 5, 64, 1, 1, 32, 5),
    ];

    private static LongShortTermMemoryNetwork Drawn(Size size, ScalarType precision = ScalarType.Float32)
    {
        using var random = new RandomStream(3, "memory", CPU);
        var network = new LongShortTermMemoryNetwork(size.Values, size.Leads,
            new() { Hidden = size.Hidden, Layers = size.Layers, Inputs = size.Inputs }, precision, random);
        // Every parameter away from zero, so that every term matters; the same in both precisions.
        using var weights = new RandomStream(3, "weights", CPU);
        using var noGradients = no_grad();
        foreach (var parameter in network.parameters())
            parameter.copy_(weights.Normal(parameter.Sizes(), ScalarType.Float32) * Math.Min(0.5, 2 / Math.Sqrt(size.Hidden)));
        return network;
    }

    private static (Tensor Window, Tensor Sensitivity) Numbers(Size size)
    {
        using var random = new RandomStream(4, "window", CPU);
        return (random.Normal([size.Rows, size.Length, size.Values], ScalarType.Float32),
            random.Normal([size.Rows, size.Leads, size.Values], ScalarType.Float32));
    }

    // The output, the window's gradient and those of all parameters.
    private static Tensor[] Run(LongShortTermMemoryNetwork network, Size size, NetworkComputation computation)
    {
        network.Computation = computation;
        var (window, sensitivity) = Numbers(size);
        var precision = network.parameters().First().dtype;
        window = window.to_type(precision).detach().requires_grad_();
        var output = network.call(window);
        return [output.detach(), .. autograd.grad([output], [window, .. network.parameters()], [sensitivity.to_type(precision)])];
    }

    private static void Close(IReadOnlyList<Tensor> expected, IReadOnlyList<Tensor> actual, double tolerance, object what)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].shape, actual[i].shape);
            double scale = Records.Largest(expected[i]), error = Records.Largest(expected[i] - actual[i]);
            Assert.True(error <= tolerance * scale, $"{what}, number {i}: differs by {error:g3} where the largest value is {scale:g3}");
        }
    }

    public static TheoryData<int> All => [.. Enumerable.Range(0, Sizes.Count)];

    [Theory, MemberData(nameof(All))]
    public void Its_values_and_all_gradients_are_those_of_the_plain_operators(int index)
    {
        using var scope = NewDisposeScope();
        var size = Sizes[index];
        using LongShortTermMemoryNetwork network = Drawn(size), accurate = Drawn(size, ScalarType.Float64);
        var fused = Run(network, size, NetworkComputation.Automatic);
        Assert.StartsWith("fused, ", network.ComputationInUse);
        Close(Run(network, size, NetworkComputation.Plain), fused, 1e-5, size);
        Close(Run(accurate, size, NetworkComputation.Plain), [.. fused.Select(tensor => tensor.to_type(ScalarType.Float64))], 1e-5, size);
    }

    [Theory, MemberData(nameof(All))]
    public void Every_kind_of_instructions_gives_the_same(int index)
    {
        using var scope = NewDisposeScope();
        var size = Sizes[index];
        using var network = Drawn(size);
        var expected = Run(network, size, NetworkComputation.Plain);
        var (window, sensitivity) = Numbers(size);
        foreach (var kernel in DenseKernel.Supported)
        {
            var fused = new FusedLongShortTermMemory(size.Values, size.Inputs, size.Hidden, size.Layers, size.Leads * size.Values, kernel);
            Tensor[] parameters = [.. network.parameters()];
            for (int pass = 0; pass < 2; pass++)       // the second in the memory of the first
            {
                var (result, tape) = fused.Forward(window, parameters);
                var (toWindow, gradients) = fused.Backward(tape, sensitivity.flatten(1), parameters, wantsInput: true);
                Close(expected, [result.view_as(sensitivity), toWindow!, .. gradients], 1e-5, (kernel.Name, size));
            }
        }
    }

    [Fact]
    public void Its_gradients_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var size = Sizes[3];
        using LongShortTermMemoryNetwork network = Drawn(size), accurate = Drawn(size, ScalarType.Float64);
        var gradients = Run(network, size, NetworkComputation.Automatic)[2..];
        var (window, sensitivity) = Numbers(size);
        using var random = new RandomStream(5, "direction", CPU);
        using var noGradients = no_grad();
        const double h = 1e-5;
        foreach (var (parameter, gradient) in accurate.parameters().Zip(gradients))
        {
            var direction = random.Normal(parameter.Sizes(), ScalarType.Float64);
            double Moved(double by)
            {
                parameter.add_(by * direction);
                return (accurate.call(window.to_type(ScalarType.Float64)) * sensitivity).sum().ToDouble();
            }
            double difference = (Moved(h) - Moved(-2 * h)) / (2 * h);
            parameter.add_(h * direction);
            double scale = (gradient.norm() * direction.norm()).ToDouble();
            Assert.True(Math.Abs((gradient * direction).sum().ToDouble() - difference) < 1e-5 * scale);
        }
    }

    // Small values, where a difference of exponentials would lose its digits.
    [Fact]
    public void Small_values_keep_their_digits()
    {
        using var scope = NewDisposeScope();
        float* values = stackalloc float[DenseKernel.Columns * 8];
        foreach (var kernel in DenseKernel.Supported)
        {
            var numbers = new Span<float>(values, DenseKernel.Columns * 8);
            for (int i = 0; i < DenseKernel.Columns; i++)
            {
                float x = (i - 16) * (i % 2 == 0 ? 1e-5f : 0.6f);
                numbers[i] = numbers[32 + i] = numbers[64 + i] = numbers[96 + i] = x;
            }
            kernel.Remember(values, null, values + 128, values + 160, values + 192, DenseKernel.Columns);
            for (int i = 0; i < DenseKernel.Columns; i++)
            {
                double x = (float)((i - 16) * (i % 2 == 0 ? 1e-5f : 0.6f)), gate = 1 / (1 + Math.Exp(-x)), cell = gate * Math.Tanh(x);
                Near(gate, numbers[i]);
                Near(Math.Tanh(x), numbers[64 + i]);
                Near(cell, numbers[128 + i]);
                Near(Math.Tanh(cell), numbers[160 + i]);
                Near(gate * Math.Tanh(cell), numbers[192 + i]);
            }
        }

        static void Near(double expected, double actual) => Assert.True(Math.Abs(actual - expected) <= 1e-6 * Math.Abs(expected));
    }

    [Fact]
    public void A_second_way_back_and_a_second_differentiation_are_those_of_the_plain_operators()
    {
        using var scope = NewDisposeScope();
        var size = Sizes[3];
        using var network = Drawn(size);
        var (window, _) = Numbers(size);
        window.requires_grad_();
        Tensor Second(NetworkComputation computation)
        {
            network.Computation = computation;
            var gradient = autograd.grad([network.call(window).square().sum()], [window], retain_graph: true,
                create_graph: true)[0];
            return autograd.grad([gradient.square().sum()], [window])[0];
        }
        Close([Second(NetworkComputation.Plain)], [Second(NetworkComputation.Automatic)], 1e-4, "the second derivative");

        network.Computation = NetworkComputation.Automatic;
        var value = network.call(window).square().sum();
        Tensor[] at = [window, .. network.parameters()];
        Close([.. autograd.grad([value], at, retain_graph: true)], [.. autograd.grad([value], at)], 1e-5, "the second way back");
    }

    [Fact]
    public void Two_passes_of_a_graph_add_their_gradients()
    {
        using var scope = NewDisposeScope();
        var size = new Size(3, 1, 9, 1, 3, 5, 4);
        using var network = Drawn(size);
        Tensor[] Gradients(NetworkComputation computation)
        {
            network.Computation = computation;
            var (window, _) = Numbers(size);
            var next = cat([window[.., 1.., ..], network.call(window)], 1);
            return [.. autograd.grad([network.call(next).square().sum()], [.. network.parameters()])];
        }
        Close(Gradients(NetworkComputation.Plain), Gradients(NetworkComputation.Automatic), 1e-5, "two passes");
    }

    [Fact]
    public void It_says_which_way_it_goes_and_in_use_it_goes_by_operators()
    {
        using var scope = NewDisposeScope();
        var size = Sizes[1];
        using LongShortTermMemoryNetwork network = Drawn(size), accurate = Drawn(size, ScalarType.Float64);
        Assert.Contains("single precision", accurate.ComputationInUse);
        network.Computation = NetworkComputation.Plain;
        Assert.Equal("plain operators, as asked", network.ComputationInUse);
        using var random = new RandomStream(3, "memory", CPU);
        using var attentive = new LongShortTermMemoryNetwork(2, 1, new() { Attention = WindowAttention.DotProduct }, ScalarType.Float32,
            random);
        Assert.Contains("attention", attentive.ComputationInUse);
        using var asked = new LongShortTermMemoryNetwork(2, 1, new() { Computation = NetworkComputation.Plain }, ScalarType.Float32,
            random);
        Assert.Equal("plain operators, as asked", asked.ComputationInUse);
        Assert.Contains("BFloat16", Assert.Throws<ArgumentOutOfRangeException>(() => new LongShortTermMemoryNetwork(2, 1,
            new() { Computation = NetworkComputation.BFloat16 }, ScalarType.Float32, random)).Message);

        var (window, _) = Numbers(size);
        var expected = network.call(window).detach();
        network.Computation = NetworkComputation.Automatic;
        ModuleState.Freeze(network);
        Bits.Equal(expected, network.call(window));
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Fact]
        public void The_number_of_threads_changes_no_bit()
        {
            using var scope = NewDisposeScope();
            var size = new Size(20, 2, 96, 2, 8, 200, 5);
            using var network = Drawn(size);
            Tensor[] With(int threads) => ThreadCounts.With(threads, () => Run(network, size, NetworkComputation.Automatic));
            var one = With(1);
            foreach (var other in new[] { With(2), With(4) })
                foreach (var (e, a) in one.Zip(other)) Bits.Equal(e, a);
        }
    }
}
