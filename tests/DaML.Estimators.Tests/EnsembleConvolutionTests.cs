using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Ensemble members as channels (Bocquet et al. 2024, eq. 2).</summary>
public sealed class EnsembleConvolutionTests
{
    private static readonly AnalysisStatistics Statistics = new(40, 2.3, 3.6, 0.5);

    private static ResidualConvolutionNetwork Network(long members, ResidualConvolutionOptions options,
        ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(7, "network", CPU);
        var network = new ResidualConvolutionNetwork(members, options, Statistics, precision, random);
        network.eval();
        return network;
    }

    private static (Tensor Members, Tensor Innovation) Inputs(long batch, long members, long sites,
        ScalarType precision = ScalarType.Float64)
    {
        using var random = new RandomStream(8, "inputs", CPU);
        return (random.Normal([batch, members, sites], precision) * 3.6 + 2.3, random.Normal([batch, sites], precision));
    }

    [Fact]
    public void It_has_the_papers_channels_and_reads_all_of_them()
    {
        using var scope = NewDisposeScope();
        var options = new ResidualConvolutionOptions { Filters = 4, Blocks = 1, SubBlocks = 1, InnovationTerm = InnovationTerm.Trainable };
        var network = Network(5, options);
        Assert.Equal([4, 6, 5], network.get_parameter("trunk.encoder.weight")!.shape);
        Assert.Equal([5, 4, 5], network.get_parameter("trunk.decoder.weight")!.shape);
        var (members, innovation) = Inputs(2, 5, 20);
        var increments = network.call(members, innovation);
        Assert.Equal([2, 5, 20], increments.shape);
        for (int i = 0; i < 5; i++)
        {
            var changed = members.clone();
            changed[.., i, 7] += 1;
            Assert.True((network.call(changed, innovation) - increments).abs().max().ToDouble() > 1e-4);
        }
        // The term alpha is the same for every member: innovation x alpha, in units of the innovation's deviation squared.
        using (no_grad()) network.get_parameter("innovationFactor")!.fill_(0.5);
        var term = network.call(members, innovation) - increments;
        Assert.Equal(0, (term - (0.5 / 0.25 * innovation).unsqueeze(1)).abs().max().ToDouble(), 1e-12);
    }

    // With weights that read and write one member alone, it is the network of one state with these weights.
    [Theory]
    [InlineData(AnalysisInputs.ForecastAndInnovation)]
    [InlineData(AnalysisInputs.InnovationOnly)]
    public void The_network_of_one_state_is_the_case_of_one_channel(AnalysisInputs inputs)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var options = new ResidualConvolutionOptions { Filters = 4, Blocks = 1, SubBlocks = 1, Inputs = inputs };
        var network = Network(3, options);
        using var random = new RandomStream(9, "single", CPU);
        var single = new ResidualConvolutionNetwork(options, Statistics, ScalarType.Float64, random);
        single.eval();
        var (from, to) = (single.state_dict(), network.state_dict());
        foreach (string name in from.Keys.Where(name => !name.Contains("coder", StringComparison.Ordinal))) to[name].copy_(from[name]);
        to["trunk.encoder.weight"].zero_();
        to["trunk.encoder.bias"].copy_(from["trunk.encoder.bias"]);
        to["trunk.encoder.weight"][.., ^1] = from["trunk.encoder.weight"][.., ^1];
        if (inputs == AnalysisInputs.ForecastAndInnovation) to["trunk.encoder.weight"][.., 1] = from["trunk.encoder.weight"][.., 0];
        to["trunk.decoder.weight"][1] = from["trunk.decoder.weight"][0];
        to["trunk.decoder.bias"][1] = from["trunk.decoder.bias"][0];
        var (members, innovation) = Inputs(2, 3, 20);
        Assert.Equal(0, (network.call(members, innovation)[.., 1] - single.call(members[.., 1], innovation)).abs().max().ToDouble(), 1e-13);
    }

    [Theory]
    [InlineData(ScalarType.Float64, 1e-13)]
    [InlineData(ScalarType.Float32, 2e-5)]
    public void It_commutes_with_translations(ScalarType precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        var network = Network(4, new(), precision);
        var (members, innovation) = Inputs(2, 4, 40, precision);
        var increments = network.call(members, innovation);
        foreach (long shift in (long[])[1, 13, 39])
            Assert.True((network.call(members.roll(shift, 2), innovation.roll(shift, 1)) - increments.roll(shift, 2)).abs().max()
                .ToDouble() < tolerance);
        Assert.True((increments - increments.roll(1, 2)).abs().max().ToDouble() > 1e-3);
    }

    [Fact]
    public void Wrong_numbers_of_members_are_refused_by_name()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("members", Assert.Throws<ArgumentOutOfRangeException>(() => Network(1, new())).Message);
        var (members, innovation) = Inputs(2, 3, 20);
        Assert.Contains("given: [2, 3, 20]", Assert.Throws<ArgumentException>(() => Network(4, new()).call(members, innovation)).Message);
        Assert.Contains("scaled innovation",
            Assert.Throws<ArgumentException>(() => Network(3, new()).call(members, innovation[.., 1..])).Message);
    }

    private sealed class Sum() : nn.Module<Tensor, Tensor, Tensor>(nameof(Sum))
    {
        public override Tensor forward(Tensor forecast, Tensor scaledInnovation) => forecast * 0.1 + scaledInnovation.unsqueeze(1);
    }

    // H^T R^-1 (y - H x_f) of the mean (eq. 2b), zero where nothing was observed.
    [Fact]
    public void The_analyzer_gives_the_network_the_innovation_of_the_mean()
    {
        using var scope = NewDisposeScope();
        using var random = new RandomStream(3, "observation", CPU);
        var context = new DataAssimilationContext();
        var observing = ObservationNetwork.Strided(20, 2);
        var (members, _) = Inputs(2, 3, 20);
        var values = random.Normal([2, 10], ScalarType.Float64);
        var mask = ones(2, 10, dtype: ScalarType.Bool);
        mask[0, 4] = false;
        var analysis = new LearnedAnalyzer<EnsembleMemory>("sum", observing.Operator, ErrorCovariance.Scalar(10, 4), new Sum())
            .Analyze(new(members), new(values, mask, 0), random).Members;
        var mean = members.mean([1]);
        for (int b = 0; b < 2; b++)
            for (int i = 0; i < 20; i++)
            {
                double innovation = i % 2 == 0 && (b, i) != (0, 8) ? (values[b, i / 2].ToDouble() - mean[b, i].ToDouble()) / 4 : 0;
                for (int m = 0; m < 3; m++)
                    Assert.Equal(1.1 * members[b, m, i].ToDouble() + innovation, analysis[b, m, i].ToDouble(), 2e-6);
            }
        // Errors of another size in each trajectory: the innovation's part goes with the inverse of their variance.
        var analyzer = new LearnedAnalyzer<EnsembleMemory>("sum", observing.Operator, ErrorCovariance.Scalar(10, 4), new Sum());
        Assert.True(analyzer.TakesErrorScale);
        var scaled = analyzer.Analyze(new(members), new Observation(values, mask, 0) { ErrorScale = tensor([2.0, 0.5]) }, random).Members;
        var factors = tensor([0.25, 4.0]).view(2, 1, 1);
        Assert.Equal(0, (scaled - members * 1.1 - (analysis - members * 1.1) * factors).abs().max().ToDouble(), 1e-5);
        Assert.Contains("dimension of the observations",
            Assert.Throws<ArgumentException>(() =>
                new LearnedAnalyzer<EnsembleMemory>("sum", observing.Operator, ErrorCovariance.Scalar(9, 4), new Sum())).Message);
    }

    [Fact]
    public void An_ensemble_is_learned_on_the_error_of_its_mean_and_the_method_comes_back_from_a_file()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var training = SmallTwin.Brief with
            { Steps = 120, Truncation = 8, ValidationInterval = 40, ValidationBurnIn = 40, ValidationCycles = 100 };
        var method = twin.Context.Analysis.EnsembleConvolution(system,
            new() { Members = 4, Network = SmallTwin.Network, Training = training }).Fit(twin.Training, twin.Validation);
        Assert.Equal("residual convolution (N = 4)", method.Name);
        double rmse = twin.Rmse(method);
        Assert.True(rmse < 0.45, $"test {rmse}");
        var analyzer = (LearnedAnalyzer<EnsembleMemory>)method.Triple.Analyzer;
        Assert.Equal(analyzer.History!.Best!.ValidationError!.Value, rmse, 0.1);
        var read = Reloaded.Of(method, twin.Context);
        Bits.Equal(analyzer.Network, ((LearnedAnalyzer<EnsembleMemory>)read.Triple.Analyzer).Network);
        Assert.Equal(rmse, twin.Rmse(read));
    }
}
