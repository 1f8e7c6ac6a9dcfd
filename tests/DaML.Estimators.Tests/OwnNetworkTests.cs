using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class OwnNetworkTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("daml-own-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A user's network: the increment is linear in the innovation, x_a = x_f + K H^T R^-1 (y - H x_f).</summary>
    [Component("example.org/constant-gain")]
    private sealed class ConstantGain : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Linear gain;

        public ConstantGain(long dimension, [NotSaved] RandomStream? random = null) : base(nameof(ConstantGain))
        {
            gain = nn.Linear(dimension, dimension, hasBias: false);
            RegisterComponents();
            if (random is not null) ModuleState.DrawWeights(this, random);
        }

        public Tensor Gain => gain.weight;
        public override Tensor forward(Tensor forecast, Tensor scaledInnovation) => gain.call(scaledInnovation);

        private long Dimension => gain.weight.shape[0];
    }

    private static LearnedAnalysisEstimator<StateMemory> Estimator(SmallTwin twin, TrainingOptions? training = null) =>
        twin.Context.Analysis.Learned("constant gain", twin.System, (statistics, random) => new ConstantGain(statistics.Dimension, random),
            training ?? SmallTwin.Brief with { Steps = 300, LearningRate = 2e-2, ValidationInterval = 100 });

    // The best constant gain is what 3D-Var has: about 0.4 on this model, and it is diagonally dominant (section IV A).
    [Fact]
    public void A_network_of_ones_own_is_trained_the_same_way()
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin();
        var method = Estimator(twin).Fit(twin.Training, twin.Validation);
        Assert.True(twin.Rmse(method) < 0.6);
        var gain = ((ConstantGain)SmallTwin.Analyzer(method).Network).Gain;
        Assert.True(gain.diagonal().mean().ToDouble() > 3 * (gain - diag(gain.diagonal())).abs().mean().ToDouble());
    }

    [Fact]
    public void It_is_saved_and_read_where_its_type_is_registered_and_only_there()
    {
        var twin = new SmallTwin(components: [ComponentType.Of<ConstantGain>()]);
        var method = Estimator(twin).Fit(twin.Training, twin.Validation);
        string path = Path.Combine(folder, "model.daml");
        twin.Context.Model.Save(method, path);
        var read = twin.Context.Model.Load<SequentialAssimilation<StateMemory>>(path);
        Bits.Equal(SmallTwin.Analyzer(method).Network, SmallTwin.Analyzer(read).Network);
        Assert.Equal(twin.Rmse(method), twin.Rmse(read));
        var refused = Assert.Throws<ModelArchiveException>(() => new DataAssimilationContext().Model.Load<ITransformer>(path));
        Assert.Contains("example.org/constant-gain", refused.Message);
    }

    [Fact]
    public void A_network_that_gives_another_shape_is_refused()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var estimator = twin.Context.Analysis.Learned("wrong", system, (_, random) => new Wrong(random), SmallTwin.Brief);
        Assert.Contains("increment of Wrong",
            Assert.Throws<ArgumentException>(() => estimator.Fit(twin.Training, twin.Validation)).Message);
    }

    [Fact]
    public void A_network_without_parameters_or_of_another_precision_is_refused()
    {
        var twin = new SmallTwin(networkPrecision: ScalarType.Float64);
        var system = twin.System;
        var single = twin.Context.Analysis.Learned<StateMemory>("single", twin.Observing, (statistics, random) =>
        {
            var network = new ConstantGain(12, random);    // in a triple that is put together by hand it stays in single precision
            var triple = new AssimilationTriple<StateMemory>(LearnedAnalyzer<StateMemory>.InTraining("single", network, twin.Observing),
                new StatePropagater(twin.Dynamics), new StateProcoder(),
                new StateSource(statistics.Climatology(CPU), ScalarType.Float64));
            return new LearnedTriple<StateMemory>(network, triple, _ => triple);
        }, SmallTwin.Brief);
        Assert.Contains("'gain.weight'", Assert.Throws<ArgumentException>(() => single.Fit(twin.Training, twin.Validation)).Message);
        var empty = twin.Context.Analysis.Learned("empty", system, (_, _) => new Nothing(), SmallTwin.Brief);
        Assert.Contains("Nothing", Assert.Throws<ArgumentException>(() => empty.Fit(twin.Training, twin.Validation)).Message);
    }

    private sealed class Nothing() : nn.Module<Tensor, Tensor, Tensor>(nameof(Nothing))
    {
        public override Tensor forward(Tensor forecast, Tensor scaledInnovation) => scaledInnovation * 0.5;
    }

    [Fact]
    public void A_model_file_whose_settings_do_not_fit_its_tensors_is_refused()
    {
        using var random = new RandomStream(0, "weights", CPU);
        using var network = new ResidualConvolutionNetwork(SmallTwin.Network, new AnalysisStatistics(12, 2, 3, 1), ScalarType.Float32,
            random);
        string path = Path.Combine(folder, "model.daml");
        foreach (var options in (ResidualConvolutionOptions[])[new() { Filters = 4096, Blocks = 256, SubBlocks = 256 },
            new() { Filters = 0 }, SmallTwin.Network with { Blocks = 2 }])
        {
            ModelArchive.Write(new Forged(network, options), path);
            Assert.Throws<ModelArchiveException>(() => new DataAssimilationContext().Model.Load<ResidualConvolutionNetwork>(path));
        }
        ModelArchive.Write(new Forged(network, SmallTwin.Network), path);
        Bits.Equal(network, new DataAssimilationContext().Model.Load<ResidualConvolutionNetwork>(path));
    }

    // In version 1 the layers were the network's own, not those of a trunk.
    [Fact]
    public void A_network_of_the_first_version_is_read()
    {
        using var random = new RandomStream(0, "weights", CPU);
        using var network = new ResidualConvolutionNetwork(SmallTwin.Network with { InnovationTerm = InnovationTerm.Trainable },
            new AnalysisStatistics(12, 2, 3, 1), ScalarType.Float32, random);
        string path = Path.Combine(folder, "first.daml");
        ModelArchive.Write(new FirstVersion(network), path);
        Bits.Equal(network, new DataAssimilationContext().Model.Load<ResidualConvolutionNetwork>(path));
    }

    private sealed class FirstVersion(ResidualConvolutionNetwork network) : IComponent
    {
        public ComponentType ComponentType => ResidualConvolutionNetwork.Type with { Version = 1 };

        public void Save(ComponentWriter writer)
        {
            writer.Set("options",
                new { network.Options.Filters, network.Options.Blocks, network.Options.SubBlocks, network.Options.KernelSize,
                    network.Options.InnovationTerm });
            writer.Set("statistics", network.Statistics);
            writer.Set("precision", ScalarType.Float32);
            foreach (var (name, tensor) in network.state_dict()) writer.Tensor(name.Replace("trunk.", ""), tensor.detach());
        }
    }

    private sealed class Forged(nn.Module network, ResidualConvolutionOptions options) : IComponent
    {
        public ComponentType ComponentType => ResidualConvolutionNetwork.Type;

        public void Save(ComponentWriter writer)
        {
            writer.Set("options", options);
            writer.Set("statistics", new AnalysisStatistics(12, 2, 3, 1));
            writer.Set("precision", ScalarType.Float32);
            writer.Module(network);
        }
    }

    private sealed class Wrong : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Linear layer = nn.Linear(12, 11);

        public Wrong(RandomStream random) : base(nameof(Wrong))
        {
            RegisterComponents();
            ModuleState.DrawWeights(this, random);
        }

        public override Tensor forward(Tensor forecast, Tensor scaledInnovation) => layer.call(scaledInnovation);
    }
}
