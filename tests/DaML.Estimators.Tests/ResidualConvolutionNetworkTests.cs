using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class ResidualConvolutionNetworkTests
{
    private static readonly AnalysisStatistics Statistics = new(40, 2.3, 3.6, 0.5);

    private static ResidualConvolutionNetwork Network(ResidualConvolutionOptions options, ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(7, "network", CPU);
        return new ResidualConvolutionNetwork(options, Statistics, precision, random);
    }

    private static (Tensor Forecast, Tensor Innovation) Inputs(long batch, long sites, ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(8, "inputs", CPU);
        return (random.Normal([batch, sites], precision) * 3.6 + 2.3, random.Normal([batch, sites], precision));
    }

    // Batch statistics that are not zero and one, as after training.
    private static void Season(ResidualConvolutionNetwork network)
    {
        network.train();
        var (forecast, innovation) = Inputs(16, 40, network.parameters().First().dtype);
        using (no_grad()) for (int i = 0; i < 5; i++) network.call(forecast, innovation);
        network.eval();
    }

    [Fact]
    public void The_papers_reference_has_about_two_hundred_thousand_parameters()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(203_641, Network(ResidualConvolutionOptions.Reference).parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(807_282, Network(ResidualConvolutionOptions.Boosted).parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(5_569, Network(new()).parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(5_570, Network(new() { InnovationTerm = InnovationTerm.Trainable }).parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [InlineData(NetworkActivation.Mish, AnalysisInputs.ForecastAndInnovation)]
    [InlineData(NetworkActivation.None, AnalysisInputs.ForecastAndInnovation)]
    [InlineData(NetworkActivation.Mish, AnalysisInputs.InnovationOnly)]
    [InlineData(NetworkActivation.None, AnalysisInputs.InnovationOnly)]
    public void It_computes_what_appendix_A_of_the_paper_says(NetworkActivation activation, AnalysisInputs inputs)
    {
        using var scope = NewDisposeScope();
        var network =
            Network(new()
                { Filters = 3, Blocks = 2, SubBlocks = 2, InnovationTerm = InnovationTerm.Trainable, Activation = activation,
                    Inputs = inputs });
        Season(network);
        using (no_grad()) network.get_parameter("innovationFactor")!.fill_(0.7);
        var (forecast, innovation) = Inputs(2, 9);
        var increment = network.call(forecast, innovation);
        for (int b = 0; b < 2; b++)
        {
            double[] expected = ByHand(network, forecast[b].data<double>().ToArray(), innovation[b].data<double>().ToArray());
            double[] actual = increment[b].data<double>().ToArray();
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 1e-12);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32, 2e-5)]
    [InlineData(ScalarType.Float64, 1e-13)]
    public void It_commutes_with_translations(ScalarType precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        var network = Network(new() { InnovationTerm = InnovationTerm.Trainable }, precision);
        Season(network);
        var (forecast, innovation) = Inputs(4, 40, precision);
        var increment = network.call(forecast, innovation);
        foreach (long shift in (long[])[1, 7, 39])
        {
            var shifted = network.call(forecast.roll(shift, 1), innovation.roll(shift, 1));
            Assert.True((shifted - increment.roll(shift, 1)).abs().max().ToDouble() < tolerance);
        }
        Assert.True((increment - increment.roll(1, 1)).abs().max().ToDouble() > 1e-3);
    }

    [Fact]
    public void It_reads_both_inputs_and_runs_on_circles_of_any_size()
    {
        using var scope = NewDisposeScope();
        var network = Network(new());
        Season(network);
        foreach (long sites in (long[])[2, 20, 160])
        {
            var (forecast, innovation) = Inputs(3, sites);
            var increment = network.call(forecast, innovation);
            Assert.Equal([3, sites], increment.shape);
            Assert.True((network.call(forecast + 1, innovation) - increment).abs().max().ToDouble() > 1e-4);
            Assert.True((network.call(forecast, innovation + 1) - increment).abs().max().ToDouble() > 1e-4);
        }
    }

    [Fact]
    public void Wrong_inputs_are_refused_by_name()
    {
        using var scope = NewDisposeScope();
        var network = Network(new());
        var (forecast, innovation) = Inputs(3, 10);
        Assert.Contains("scaled innovation", Assert.Throws<ArgumentException>(() => network.call(forecast, innovation[.., 1..])).Message);
        Assert.Contains("[3, 2, 5]", Assert.Throws<ArgumentException>(() => network.call(forecast.view(3, 2, 5), innovation)).Message);
        Assert.Contains("at least 2 sites",
            Assert.Throws<ArgumentException>(() => network.call(forecast[.., ..1], innovation[.., ..1])).Message);
    }

    [Theory]
    [InlineData(0, 2, 2, 5, "Filters")]
    [InlineData(-3, 2, 2, 5, "Filters")]
    [InlineData(8, 0, 2, 5, "Blocks")]
    [InlineData(8, 2, 1000, 5, "SubBlocks")]
    [InlineData(8, 2, 2, 4, "KernelSize")]
    [InlineData(8, 2, 2, 0, "KernelSize")]
    public void Wrong_sizes_are_refused_by_name(long filters, long blocks, long subBlocks, long kernel, string named) =>
        Assert.Contains(named, Assert.Throws<ArgumentOutOfRangeException>(() =>
            Network(new() { Filters = filters, Blocks = blocks, SubBlocks = subBlocks, KernelSize = kernel })).Message);

    [Fact]
    public void Its_weights_follow_from_the_stream_alone()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var first = Network(new());
        manual_seed(2);
        Bits.Equal(first, Network(new()));
        using var other = new RandomStream(7, "another", CPU);
        Assert.False(Bits.Same(first, new ResidualConvolutionNetwork(new(), Statistics, ScalarType.Float64, other)));

        // Uniform within 1 / sqrt(16 filters x 5 sites): standard deviation bound / sqrt(3).
        var weight = first.get_parameter("trunk.convolutions.0.weight")!;
        double bound = 1 / Math.Sqrt(80);
        Assert.True(weight.abs().max().ToDouble() <= bound);
        Assert.Equal(bound / Math.Sqrt(3), weight.std().ToDouble(), bound * 0.05);
    }

    // The network in loops over sites, in evaluation mode.
    private static double[] ByHand(ResidualConvolutionNetwork network, double[] forecast, double[] innovation)
    {
        int n = forecast.Length;
        var state = network.state_dict();
        double[] Of(string name) => state[name].detach().contiguous().data<double>().ToArray();

        double[][] Convolve(double[][] input, string name)
        {
            double[] weight = Of(name + ".weight"), bias = Of(name + ".bias");
            int kernel = (int)state[name + ".weight"].shape[2];
            return [.. bias.Select((b, o) => Enumerable.Range(0, n).Select(i => b + input.SelectMany((channel, c) =>
                Enumerable.Range(0, kernel)
                    .Select(k => weight[(o * input.Length + c) * kernel + k] * channel[((i + k - kernel / 2) % n + n) % n])).Sum())
                    .ToArray())];
        }

        double[] d = [.. innovation.Select(value => value / Statistics.InnovationDeviation)];
        double[] z = [.. forecast.Select(x => (x - Statistics.StateMean) / Statistics.StateDeviation)];
        double[][] hidden = Convolve(network.Options.Inputs == AnalysisInputs.InnovationOnly ? [d] : [z, d], "trunk.encoder");
        for (int block = 0, layer = 0; block < network.Options.Blocks; block++)
        {
            double[][] skip = hidden;
            for (int sub = 0; sub < network.Options.SubBlocks; sub++, layer++)
            {
                hidden = Convolve(hidden, $"trunk.convolutions.{layer}");
                double[] mean = Of($"trunk.normalizations.{layer}.running_mean"),
                    variance = Of($"trunk.normalizations.{layer}.running_var"),
                    scale = Of($"trunk.normalizations.{layer}.weight"), shift = Of($"trunk.normalizations.{layer}.bias");
                hidden = [.. hidden.Select((channel, c) => channel.Select(value =>
                {
                    double x = (value - mean[c]) / Math.Sqrt(variance[c] + 1e-5) * scale[c] + shift[c];
                    return network.Options.Activation == NetworkActivation.None ? x : x * Math.Tanh(Math.Log(1 + Math.Exp(x)));
                }).ToArray())];
            }
            hidden = [.. hidden.Zip(skip, (a, b) => a.Zip(b, (x, y) => x + y).ToArray())];
        }
        return [.. Convolve(hidden, "trunk.decoder")[0]
            .Zip(d, (value, innovated) => (value + 0.7 * innovated) / Statistics.InnovationDeviation)];
    }
}
