using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// What the members of the analyzer family promise beside their arithmetic: degraded forms, symmetry, locality, transfer.
/// </summary>
public sealed class NetworkFamilyTests
{
    private static readonly AnalysisStatistics Statistics = new(40, 2.3, 3.6, 0.5);

    private static ResidualConvolutionNetwork Network(ResidualConvolutionOptions options, ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(7, "network", CPU);
        var network = new ResidualConvolutionNetwork(options, Statistics, precision, random);
        network.train();
        var (forecast, innovation) = Inputs(8, options.Grid.Rows * options.Grid.Columns ?? 40, precision);
        using (no_grad()) for (int i = 0; i < 5; i++) network.call(forecast, innovation);   // batch statistics that are not zero and one
        network.eval();
        return network;
    }

    private static (Tensor Forecast, Tensor Innovation) Inputs(long batch, long sites, ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(8, "inputs", CPU);
        return (random.Normal([batch, sites], precision) * 3.6 + 2.3, random.Normal([batch, sites], precision));
    }

    private static double Largest(Tensor difference) => difference.abs().max().ToDouble();

    [Fact]
    public void A_network_without_activations_is_affine_in_use()
    {
        using var scope = NewDisposeScope();
        var options = new ResidualConvolutionOptions { Filters = 6 };
        foreach (var (activation, affine) in new[] { (NetworkActivation.None, true), (NetworkActivation.Mish, false) })
        {
            var network = Network(options with { Activation = activation });
            var (x, d) = Inputs(4, 20);
            Tensor Increment(Tensor f, Tensor i) => network.call(f, i);
            // a(p + q) - a(p) = a(r + q) - a(r), whatever p, q, r.
            double bend = Largest(Increment(x + 1.5, d * 2) - Increment(x, d)
                - (Increment(x.flip(1) + 1.5, d.flip(1) + d) - Increment(x.flip(1), d.flip(1))));
            Assert.Equal(affine, bend < 1e-12);
        }
    }

    [Fact]
    public void A_blind_network_does_not_see_the_forecast_and_gives_the_same_for_every_one()
    {
        using var scope = NewDisposeScope();
        var network = Network(new() { Inputs = AnalysisInputs.InnovationOnly });
        Assert.Equal(5_569 - 16 * 5, network.parameters().Sum(parameter => parameter.numel()));
        var (forecast, innovation) = Inputs(4, 20);
        var increment = network.call(forecast, innovation);
        Bits.Equal(increment, network.call(forecast.flip(1) * 3, innovation));
        Assert.True(Largest(increment - network.call(forecast, innovation + 1)) > 1e-4);
        Assert.Contains("scaled innovation", Assert.Throws<ArgumentException>(() => network.call(forecast[.., 1..], innovation)).Message);
    }

    [Theory]
    [InlineData(NetworkActivation.Mish, AnalysisInputs.ForecastAndInnovation, ScalarType.Float64, 1e-13)]
    [InlineData(NetworkActivation.Mish, AnalysisInputs.ForecastAndInnovation, ScalarType.Float32, 2e-5)]   // fused
    [InlineData(NetworkActivation.None, AnalysisInputs.ForecastAndInnovation, ScalarType.Float64, 1e-13)]
    [InlineData(NetworkActivation.None, AnalysisInputs.ForecastAndInnovation, ScalarType.Float32, 2e-5)]
    [InlineData(NetworkActivation.Mish, AnalysisInputs.InnovationOnly, ScalarType.Float64, 1e-13)]
    [InlineData(NetworkActivation.None, AnalysisInputs.InnovationOnly, ScalarType.Float32, 2e-5)]
    public void On_circles_every_member_commutes_with_translations(NetworkActivation activation, AnalysisInputs inputs,
        ScalarType precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        var network = Network(new() { Activation = activation, Inputs = inputs, InnovationTerm = InnovationTerm.Trainable }, precision);
        var (forecast, innovation) = Inputs(3, 40, precision);
        var increment = network.call(forecast, innovation);
        foreach (long shift in (long[])[1, 13, 39])
            Assert.True(Largest(network.call(forecast.roll(shift, 1), innovation.roll(shift, 1)) - increment.roll(shift, 1)) < tolerance);
        Assert.True(Largest(increment - increment.roll(1, 1)) > 1e-3);
    }

    // Weights trained on one circle, on another: what a site sees, and nothing else, decides.
    [Theory]
    [InlineData(2, 2, 5, ScalarType.Float64, 1e-14)]
    [InlineData(2, 2, 5, ScalarType.Float32, 1e-6)]
    [InlineData(1, 2, 3, ScalarType.Float64, 1e-14)]
    public void On_another_circle_a_site_that_sees_the_same_gives_the_same_and_its_sight_ends_at_the_reach(long blocks, long subBlocks,
        long kernel, ScalarType precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        var options = new ResidualConvolutionOptions { Filters = 6, Blocks = blocks, SubBlocks = subBlocks, KernelSize = kernel };
        Assert.Equal((blocks * subBlocks + 2) * (kernel / 2), options.Reach);
        var network = Network(options, precision);
        var (forecast, innovation) = Inputs(3, 100, precision);
        var large = network.call(forecast, innovation);
        var small = network.call(forecast[.., ..60], innovation[.., ..60]);
        long reach = options.Reach;
        var difference = (large[.., ..60] - small).abs().amax([0]);
        Assert.True(Largest(difference[(int)reach..(int)(60 - reach)]) < tolerance);
        Assert.True(difference[reach - 1].ToDouble() > 10 * tolerance, "the site next to it sees across the end");
        Assert.True(difference[60 - reach].ToDouble() > 10 * tolerance);
    }

    [Theory]
    [InlineData(NetworkActivation.None, AnalysisInputs.ForecastAndInnovation)]
    [InlineData(NetworkActivation.Mish, AnalysisInputs.InnovationOnly)]
    public void Its_options_come_back_from_a_file_and_the_network_to_the_bit(NetworkActivation activation, AnalysisInputs inputs)
    {
        using var scope = NewDisposeScope();
        foreach (var grid in (StateGrid[])[StateGrid.Circle, StateGrid.Line, StateGrid.Plane(6, 7, AxisEnds.Periodic)])
        {
            var network = Network(new() { Filters = 4, Blocks = 1, KernelSize = 3, Activation = activation, Inputs = inputs, Grid = grid },
                ScalarType.Float32);
            var read = Reloaded.Of(network, new DataAssimilationContext());
            Assert.Equal(network.Options, read.Options);
            Bits.Equal(network, read);
            var (forecast, innovation) = Inputs(2, 42, ScalarType.Float32);
            read.eval();
            Bits.Equal(network.call(forecast, innovation), read.call(forecast, innovation));
        }
    }

    [Fact]
    public void Options_that_do_not_exist_are_refused_by_name_and_degraded_methods_are_called_so()
    {
        Assert.Contains("Activation",
            Assert.Throws<ArgumentOutOfRangeException>(() => Network(new() { Activation = (NetworkActivation)7 })).Message);
        Assert.Contains("Inputs", Assert.Throws<ArgumentOutOfRangeException>(() => Network(new() { Inputs = (AnalysisInputs)7 })).Message);
        Assert.Equal("residual convolution", new ResidualConvolutionOptions().Name);
        Assert.Equal("linear blind residual convolution",
            new ResidualConvolutionOptions { Activation = NetworkActivation.None, Inputs = AnalysisInputs.InnovationOnly }.Name);
    }

    [Fact]
    public void The_papers_settings_are_those_of_their_text()
    {
        Assert.Equal((16, 2048L), (TrainingOptions.Casual.Truncation, TrainingOptions.Casual.BatchSize!.Value));
        Assert.Equal((32, 512L), (TrainingOptions.Boosted.Truncation, TrainingOptions.Boosted.BatchSize!.Value));
        var (reference, boosted) = (ResidualConvolutionOptions.Reference, ResidualConvolutionOptions.Boosted);
        Assert.Equal((40L, 5L, 5L, 5L), (reference.Filters, reference.Blocks, reference.SubBlocks, reference.KernelSize));
        Assert.Equal(reference with { Filters = 80, InnovationTerm = InnovationTerm.Trainable }, boosted);
        Assert.Equal((54, 54), (reference.Reach, boosted.Reach));
    }

    // A constant gain is the best that either can be; it has about 0.4 on this model, as 3D-Var (Bocquet et al. 2024, section III C).
    [Fact]
    public void Degraded_networks_learn_to_be_about_as_good_as_a_constant_gain()
    {
        var twin = new SmallTwin();
        var training = SmallTwin.Brief with
            { Steps = 150, Truncation = 8, ValidationInterval = 50, ValidationBurnIn = 40, ValidationCycles = 100 };
        foreach (var options in (ResidualConvolutionOptions[])[SmallTwin.Network with { Activation = NetworkActivation.None },
            SmallTwin.Network with { Inputs = AnalysisInputs.InnovationOnly }])
        {
            var method = twin.Estimator(training, options).Fit(twin.Training, twin.Validation);
            Assert.Equal(options.Name, method.Name);
            Assert.InRange(twin.Rmse(method), 0.3, 0.5);
        }
    }
}
