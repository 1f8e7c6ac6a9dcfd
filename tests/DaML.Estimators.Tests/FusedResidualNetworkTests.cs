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
                if (name.StartsWith("normalizations", StringComparison.Ordinal)) parameter.add_(random.Normal(parameter.shape, ScalarType.Float32) * 0.2);
        return network;
    }

    private static (Tensor Forecast, Tensor Innovation) Inputs(long batch, long sites, string name)
    {
        using var random = new RandomStream(8, name, CPU);
        return (random.Normal([batch, sites], ScalarType.Float32) * 3.6 + 2.3, random.Normal([batch, sites], ScalarType.Float32));
    }

    private sealed record Outcome(Tensor Increment, Tensor ForecastGradient, Tensor InnovationGradient, IReadOnlyList<Tensor> Gradients, IReadOnlyList<Tensor> Buffers);

    private static Outcome Run(ResidualConvolutionNetwork network, NetworkComputation computation, long batch, long sites, bool training)
    {
        network.Computation = computation;
        network.train(training);
        var (forecast, innovation) = Inputs(batch, sites, "inputs");
        forecast.requires_grad_();
        innovation.requires_grad_();
        foreach (var parameter in network.parameters()) parameter.grad = null;
        using var random = new RandomStream(9, "sensitivity", CPU);
        // Two cycles, the second reading what the first gave, so that gradients of several passes meet.
        var first = forecast + network.call(forecast, innovation);
        var increment = network.call(first, innovation * 0.5);
        (increment * random.Normal(increment.shape, ScalarType.Float32)).sum().backward();
        return new(increment.detach(), forecast.grad!.clone(), innovation.grad!.clone(), [.. network.parameters().Select(parameter => parameter.grad!.clone())],
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
    public void It_equals_the_plain_operators_in_value_gradient_and_running_statistics(long filters, long blocks, long subBlocks, long kernel, long batch, long sites, bool training)
    {
        using var scope = NewDisposeScope();
        var options = new ResidualConvolutionOptions { Filters = filters, Blocks = blocks, SubBlocks = subBlocks, KernelSize = kernel, InnovationTerm = InnovationTerm.Trainable };
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
        foreach (var (e, a) in expected.Buffers.Zip(actual.Buffers)) Close(e.to(ScalarType.Float32), a.to(ScalarType.Float32), 1e-5, "running statistics");
    }

    [Fact]
    public void Speed()
    {
        foreach (var (filters, blocks, batch) in new[] { (40L, 5L, 64L), (20L, 3L, 128L), (16L, 2L, 32L) })
        {
            var network = Network(new() { Filters = filters, Blocks = blocks, SubBlocks = blocks });
            foreach (var computation in new[] { NetworkComputation.Plain, NetworkComputation.Automatic })
            {
                var watch = System.Diagnostics.Stopwatch.StartNew();
                for (int i = 0; i < 8; i++)
                {
                    if (i == 3) watch.Restart();
                    using var scope = NewDisposeScope();
                    Run(network, computation, batch, 40, true);
                }
                double seconds = watch.Elapsed.TotalSeconds / 5;
                double flops = 2.0 * 3 * 2 * batch * 40 * (filters * filters * 5 * blocks * blocks + 3 * filters * 5);
                Console.WriteLine($"{filters}x{blocks} {computation}: {seconds * 1e3:f1} ms, {flops / seconds / 1e9:f0} GFLOP/s, threads {get_num_threads()}");
            }
        }
    }
}
