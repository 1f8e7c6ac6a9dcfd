using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The fused network against the same network of plain operators.</summary>
public sealed class FusedResidualNetworkTests
{
    private static readonly AnalysisStatistics Statistics = new(40, 2.3, 3.6, 0.5);

    private static ResidualConvolutionNetwork Network(ResidualConvolutionOptions options)
    {
        using var random = new RandomStream(7, "network", CPU);
        var network = new ResidualConvolutionNetwork(options, Statistics, ScalarType.Float32, random);
        // Scales and shifts that are not one and zero.
        using (no_grad())
            foreach (var (name, parameter) in network.named_parameters())
                if (name.Contains("normalizations", StringComparison.Ordinal))
                    parameter.add_(random.Normal(parameter.shape, ScalarType.Float32) * 0.2);
        return network;
    }

    private static (Tensor Forecast, Tensor Innovation) Inputs(long batch, long sites, string name)
    {
        using var random = new RandomStream(8, name, CPU);
        return (random.Normal([batch, sites], ScalarType.Float32) * 3.6 + 2.3, random.Normal([batch, sites], ScalarType.Float32));
    }

    private sealed record Outcome(Tensor Increment, Tensor ForecastGradient, Tensor InnovationGradient, IReadOnlyList<Tensor> Gradients,
        IReadOnlyList<Tensor> Buffers);

    private static Outcome Run(ResidualConvolutionNetwork network, NetworkComputation computation, long batch, long sites, bool training)
    {
        network.Computation = computation;
        network.train(training);
        var (forecast, innovation) = Inputs(batch, sites, "inputs");
        forecast.requires_grad_();
        innovation.requires_grad_();
        foreach (var parameter in network.parameters()) parameter.grad = null;
        using var random = new RandomStream(9, "sensitivity", CPU);
        // Two cycles, the second reading what the first gave, so that gradients of several passes meet. A blind network gives the forecast
        // none.
        var first = forecast + network.call(forecast, innovation);
        var increment = network.call(first, innovation * 0.5);
        (increment * random.Normal(increment.shape, ScalarType.Float32)).sum().backward();
        return new(increment.detach(), forecast.grad?.clone()
            ?? zeros_like(forecast), innovation.grad!.clone(), [.. network.parameters().Select(parameter => parameter.grad!.clone())],
            [.. network.buffers().Select(buffer => buffer.clone())]);
    }

    private static void Close(Tensor expected, Tensor actual, double tolerance, string what)
    {
        double scale = Math.Max(expected.abs().max().ToDouble(), 1e-3), difference = (expected - actual).abs().max().ToDouble();
        Assert.True(difference <= tolerance * scale, $"{what}: differs by {difference:g3} where the largest value is {scale:g3}");
    }

    [Theory]
    [InlineData(16, 2, 2, 5, 32, 40, true)]
    [InlineData(16, 2, 2, 5, 32, 40, false)]
    [InlineData(40, 1, 3, 5, 16, 40, true)]
    [InlineData(20, 3, 3, 5, 21, 36, true)]      // a batch that does not fill its last group
    [InlineData(7, 2, 1, 3, 5, 11, true)]        // odd numbers of everything
    [InlineData(7, 2, 1, 3, 5, 11, false)]
    [InlineData(3, 1, 2, 1, 33, 6, true)]
    [InlineData(5, 1, 1, 7, 17, 4, true)]        // a kernel longer than the circle
    [InlineData(1, 1, 1, 9, 2, 13, true)]
    [InlineData(6, 2, 2, 5, 1, 9, false)]
    public void It_equals_the_plain_operators_in_value_gradient_and_running_statistics(long filters, long blocks, long subBlocks,
        long kernel, long batch, long sites, bool training)
    {
        using var scope = NewDisposeScope();
        Equals(new ResidualConvolutionOptions
            { Filters = filters, Blocks = blocks, SubBlocks = subBlocks, KernelSize = kernel, InnovationTerm = InnovationTerm.Trainable },
                batch, sites, training);
    }

    [Theory]
    [InlineData(NetworkActivation.None, AnalysisInputs.ForecastAndInnovation, true)]
    [InlineData(NetworkActivation.None, AnalysisInputs.ForecastAndInnovation, false)]
    [InlineData(NetworkActivation.Mish, AnalysisInputs.InnovationOnly, true)]
    [InlineData(NetworkActivation.Mish, AnalysisInputs.InnovationOnly, false)]
    [InlineData(NetworkActivation.None, AnalysisInputs.InnovationOnly, true)]
    public void So_do_the_degraded_networks(NetworkActivation activation, AnalysisInputs inputs, bool training)
    {
        using var scope = NewDisposeScope();
        Equals(new ResidualConvolutionOptions { Filters = 9, Blocks = 2, SubBlocks = 2, Activation = activation, Inputs = inputs }, 19, 14,
            training);
    }

    private static void Equals(ResidualConvolutionOptions options, long batch, long sites, bool training)
    {
        ResidualConvolutionNetwork plain = Network(options), fused = Network(options);
        var expected = Run(plain, NetworkComputation.Plain, batch, sites, training);
        var actual = Run(fused, NetworkComputation.Automatic, batch, sites, training);
        Assert.StartsWith("fused", fused.ComputationInUse);
        Close(expected.Increment, actual.Increment, 1e-5, "the increment");
        Close(expected.ForecastGradient, actual.ForecastGradient, 1e-4, "the forecast's gradient");
        Close(expected.InnovationGradient, actual.InnovationGradient, 1e-4, "the innovation's gradient");
        double largest = expected.Gradients.Max(gradient => gradient.abs().max().ToDouble());
        var names = plain.named_parameters().Select(pair => pair.name).ToArray();
        for (int i = 0; i < names.Length; i++)
        {
            // A bias before a normalisation with the batch's own statistics has no effect: both gradients are round-off.
            double scale = Math.Max(expected.Gradients[i].abs().max().ToDouble(), 1e-2 * largest);
            Assert.True((expected.Gradients[i] - actual.Gradients[i]).abs().max().ToDouble() < 1e-4 * scale, names[i]);
        }
        foreach (var (e,
            a) in expected.Buffers.Zip(actual.Buffers)) Close(e.to(ScalarType.Float32), a.to(ScalarType.Float32), 1e-5,
                "running statistics");
    }

    /// <summary>The fused network and the plain function over the same random parameters, for each kind of vector instructions.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Every_kind_of_instructions_gives_the_same(int index)
    {
        if (index >= BlockedKernel.Supported.Count) return;    // this processor has fewer
        var kernel = BlockedKernel.Supported[index];
        using var scope = NewDisposeScope();
        using var random = new RandomStream(5, "instructions", CPU);
        foreach (var (shape, batch,
            sites) in new (FusedNetworkShape, long, long)[]
                { (new(2, 9, 2, 2, 5, 1), 19, 13), (new(1, 6, 1, 1, 3, 4), 16, 7), (new(3, 4, 1, 3, 7, 2), 3, 40),
                    (new(8, 16, 2, 2, 5, 7), 33, 40), (new(2, 9, 2, 2, 5, 1, NetworkActivation.None), 19, 13) })
        {
            Tensor Draw(params long[] size) => (random.Normal(size, ScalarType.Float32) * 0.4).requires_grad_();
            List<Tensor> parameters = [Draw(shape.Filters, shape.Inputs, shape.Kernel), Draw(shape.Filters)];
            for (int layer = 0; layer < shape.Layers; layer++)
                parameters.AddRange(
                    [Draw(shape.Filters, shape.Filters, shape.Kernel), Draw(shape.Filters), Draw(shape.Filters), Draw(shape.Filters)]);
            parameters.AddRange([Draw(shape.Outputs, shape.Filters, shape.Kernel), Draw(shape.Outputs)]);
            (Tensor, Tensor)[] running =
                [.. Enumerable.Range(0, shape.Layers)
                    .Select(_ =>
                        (random.Normal([shape.Filters], ScalarType.Float32), random.Uniform([shape.Filters], ScalarType.Float32) + 0.5))];
            var input = random.Normal([batch, shape.Inputs, sites], ScalarType.Float32).requires_grad_();
            var sensitivity = random.Normal([batch, shape.Outputs, sites], ScalarType.Float32);
            foreach (bool training in new[] { true, false })
            {
                var expected = FusedResidualFunction.Plain(shape, running, training, input, parameters);
                var gradients = autograd.grad([expected], [input, .. parameters], [sensitivity]);
                (Tensor, Tensor)[] moved = [.. running.Select(pair => (pair.Item1.clone(), pair.Item2.clone()))];
                var network = new FusedResidualNetwork(shape, kernel);
                nint[] addresses = FusedResidualNetwork.Addresses(parameters);
                using var noGradients = no_grad();
                var (product, tape) = network.Forward(input, addresses, moved, training, keeps: true);
                Close(expected, product, 1e-5, kernel.Name);
                var (inputGradient, packed) = network.Backward(tape, sensitivity, addresses, wantsParameters: true);
                var parameterGradients = network.Split(packed!);
                double largest = gradients.Max(gradient => gradient.abs().max().ToDouble());
                Close(gradients[0], inputGradient, 1e-4, kernel.Name + ", input");
                for (int i = 0; i < parameters.Count; i++)
                    Assert.True((gradients[i + 1] - parameterGradients[i]).abs().max()
                        .ToDouble() < 1e-4 * Math.Max(gradients[i + 1].abs().max().ToDouble(), 1e-2 * largest),
                        $"{kernel.Name}, parameter {i}");
                var (again, brief) = network.Forward(input, addresses,
                    [.. running.Select(pair => (pair.Item1.clone(), pair.Item2.clone()))], training, keeps: false);
                network.Release(brief);
                Assert.True((again - product).abs().max().ToDouble() == 0, "a pass that keeps nothing gives the same bits");
            }
        }
    }

    [Collection(nameof(ThreadCounts))]
    public sealed class Threads
    {
        [Fact]
        public void The_number_of_threads_changes_no_bit()
        {
            using var scope = NewDisposeScope();
            Outcome With(int threads) =>
                ThreadCounts.With(threads,
                    () => Run(Network(new() { Filters = 16, Blocks = 2, SubBlocks = 2 }), NetworkComputation.Automatic, 70, 40,
                        training: true));
            var one = With(1);
            foreach (var other in new[] { With(2), With(5) })
            {
                Assert.Equal(0, (one.Increment - other.Increment).abs().max().ToDouble());
                Assert.Equal(0, (one.ForecastGradient - other.ForecastGradient).abs().max().ToDouble());
                foreach (var (e, a) in one.Gradients.Zip(other.Gradients)) Assert.Equal(0, (e - a).abs().max().ToDouble());
            }
        }
    }

    [Fact]
    public void A_second_way_back_and_a_second_differentiation_are_those_of_the_plain_operators()
    {
        using var scope = NewDisposeScope();
        var network = Network(new() { Filters = 5, Blocks = 1, SubBlocks = 2 });
        network.train();
        network.call(Inputs(8, 11, "season").Forecast, Inputs(8, 11, "season").Innovation);
        network.eval();
        var (forecast, innovation) = Inputs(4, 11, "twice");
        forecast.requires_grad_();
        Tensor Gradient(NetworkComputation computation, bool graph)
        {
            network.Computation = computation;
            return autograd.grad([network.call(forecast, innovation).square().sum()], [forecast], retain_graph: graph,
                create_graph: graph)[0];
        }
        // Gradients of a gradient.
        Tensor Second(NetworkComputation computation) => autograd.grad([Gradient(computation, graph: true).square().sum()], [forecast])[0];
        Close(Second(NetworkComputation.Plain), Second(NetworkComputation.Automatic), 1e-4, "the second derivative");

        network.Computation = NetworkComputation.Automatic;
        var increment = network.call(forecast, innovation).square().sum();
        var once = autograd.grad([increment], [forecast], retain_graph: true)[0];
        var twice = autograd.grad([increment], [forecast])[0];
        Close(once, twice, 1e-4, "the second way back");
    }

    [Fact]
    public void It_says_which_way_it_goes()
    {
        using var scope = NewDisposeScope();
        var network = Network(new());
        Assert.StartsWith("fused, ", network.ComputationInUse);
        network.Computation = NetworkComputation.Plain;
        Assert.Contains("plain", network.ComputationInUse);
        using var random = new RandomStream(7, "network", CPU);
        Assert.Contains("single precision", new ResidualConvolutionNetwork(new(), Statistics, ScalarType.Float64, random).ComputationInUse);
    }

    /// <summary>Measures the memory of the process, so nothing else may run beside it.</summary>
    [CollectionDefinition(nameof(Memory), DisableParallelization = true)]
    [Collection(nameof(Memory))]
    public sealed class Memory
    {
        [Fact]
        public void Memory_stays_flat_also_where_no_way_back_is_taken()
        {
            var network = Network(new() { Filters = 16, Blocks = 2, SubBlocks = 2 });
            network.train();
            var (forecast, innovation) = Inputs(64, 40, "memory");
            long Resident()
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                GC.Collect();
                return Environment.WorkingSet;
            }
            void Passes(int count)
            {
                for (int i = 0; i < count; i++)
                {
                    using var scope = NewDisposeScope();
                    var increment = network.call(forecast, innovation);
                    if (i % 2 == 0) increment.sum().backward();
                }
            }
            Passes(60);
            // A leak grows in every stretch; what the runtime and the allocator take for themselves, when they like, does not.
            var resident = Enumerable.Range(0, 4).Select(stretch =>
            {
                if (stretch > 0) Passes(200);
                return Resident();
            }).ToList();
            long least = resident.Zip(resident.Skip(1), (before, after) => after - before).Min();
            Assert.True(least < 20 << 20, $"{least >> 20} MiB more after 200 passes");
        }
    }
}
