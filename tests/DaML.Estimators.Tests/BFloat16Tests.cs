using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Hidden convolutions in bfloat16.</summary>
public sealed class BFloat16Tests
{
    [Fact]
    public void Values_and_gradients_are_those_of_single_precision_to_eight_bits_and_the_weights_stay_single()
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext(seed: 2);
        (Tensor Value, Dictionary<string, Tensor> Gradients) Of(NetworkComputation computation)
        {
            using var random = context.Random("bfloat16");
            var network = new ResidualConvolutionNetwork(SmallTwin.Network with { Computation = computation },
                new AnalysisStatistics(12, 2, 3, 1), ScalarType.Float32, random);
            network.train();
            Tensor x = random.Normal([16, 12], ScalarType.Float32) * 3 + 2, d = random.Normal([16, 12], ScalarType.Float32);
            var value = network.call(x, d);
            value.square().mean().backward();
            Assert.Equal(ScalarType.Float32, value.dtype);
            Assert.All(network.parameters(), parameter => Assert.Equal(ScalarType.Float32, parameter.grad!.dtype));
            return (value.detach(), network.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!));
        }
        static double Apart(Tensor expected, Tensor actual) => ((expected - actual).norm() / expected.norm()).ToDouble();

        var single = Of(NetworkComputation.Plain);
        var half = Of(NetworkComputation.BFloat16);
        Assert.InRange(Apart(single.Value, half.Value), 1e-5, 2e-2);
        // A convolution's bias before batch normalisation has no gradient but round-off.
        foreach (string name in (string[])["trunk.encoder.weight", "trunk.convolutions.0.weight", "trunk.convolutions.1.weight",
            "trunk.normalizations.0.weight", "trunk.decoder.weight"])
            Assert.InRange(Apart(single.Gradients[name], half.Gradients[name]), 1e-6, 5e-2);
    }

    [Fact]
    public void It_says_so()
    {
        using var random = new DataAssimilationContext(seed: 2).Random("bfloat16");
        using var network = new ResidualConvolutionNetwork(SmallTwin.Network with { Computation = NetworkComputation.BFloat16 },
            new AnalysisStatistics(12, 2, 3, 1), ScalarType.Float32, random);
        Assert.Contains("bfloat16", network.ComputationInUse);
    }
}
