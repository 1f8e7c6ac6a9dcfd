using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class DataAssimilationServicesTests
{
    private sealed class Rotation(double frequency) : Dynamics(2, 0.01)
    {
        public double Frequency => frequency;
        protected override Tensor Tendency(Tensor state) => frequency * stack([-state[.., 1], state[.., 0]], -1);
    }

    /// <summary>Takes its parts from the services.</summary>
    private sealed class Halving(DataAssimilationContext context) : IAnalyzer<StateMemory>
    {
        public DataAssimilationContext Context => context;
        public string Name => "halving";
        public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random) =>
            new((forecast.State + observation.Values) / 2);
    }

    private sealed class Kept : IComponent
    {
        public static ComponentType Type { get; } = new("example.org/kept", 1, _ => new Kept());
        public ComponentType ComponentType => Type;
        public void Save(ComponentWriter writer) { }
    }

    private static ServiceProvider Services(Action<DataAssimilationBuilder>? configure = null, Action<IServiceCollection>? before = null)
    {
        var services = new ServiceCollection();
        before?.Invoke(services);
        return services.AddDataAssimilation(configure)
            .BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
    }

    [Fact]
    public void There_is_one_context_with_the_options_that_were_set()
    {
        using var services = Services(builder => builder.Options = new() { Seed = 42 });
        var context = services.GetRequiredService<DataAssimilationContext>();
        Assert.Equal(42, context.Options.Seed);
        Assert.Same(context, services.GetRequiredService<DataAssimilationContext>());
    }

    [Fact]
    public void Built_in_models_and_methods_are_resolved_by_name_and_run()
    {
        using var services = Services();
        Assert.IsType<Lorenz63>(services.GetRequiredKeyedService<IDynamics>("lorenz-63"));
        foreach (string name in (string[])["lorenz-84", "two-scale-lorenz-96", "kuramoto-sivashinsky", "linear-advection"])
            Assert.True(services.GetRequiredKeyedService<IDynamics>(name).Dimension >= 3, name);
        var dynamics = services.GetRequiredKeyedService<IDynamics>("lorenz-96");
        var context = services.GetRequiredService<DataAssimilationContext>();
        var observing = ObservationNetwork.Full(dynamics.Dimension);
        var system = new AssimilationSystem(dynamics, observing);
        var view = context.Data.Twin(system, new() { Cycles = 3, Batch = 2 });
        var known = system with { Initial = new GaussianInitialCondition(zeros(40), ErrorCovariance.Scalar(40, 1)) };
        foreach (string name in (string[])["climatology", "optimal-interpolation", "3d-var", "4d-var", "kalman-filter",
            "extended-kalman-filter", "rts", "enkf", "denkf", "etkf", "serial-ensrf", "letkf", "enkf-n", "adaptive-etkf", "enks",
            "joint-etkf", "ienkf", "ienks", "ienkf-q", "particle-filter", "residual-convolution", "residual-convolution-with-memory",
            "innovation-linear", "ensemble-convolution"])
        {
            var method = services.GetRequiredKeyedService<AssimilationMethod>(name).For(known, context);
            Assert.True(method.GetOutputSchema(view.Schema).Has(Columns.Analysis), name);
        }
        var etkf = services.GetRequiredKeyedService<AssimilationMethod>("etkf").For(system, context).Fit(view);
        Assert.Equal(3, context.Scores.Evaluate(etkf.Transform(view)).Cycles);
    }

    [Fact]
    public void Components_of_ones_own_stand_beside_ours_and_replace_those_of_the_same_name()
    {
        using var services = Services(builder => builder
            .Add<IDynamics>("rotation", _ => new Rotation(2))
            .Add<IDynamics>("lorenz-63", _ => new Rotation(3))
            .Add<IObservationOperator>("everything", context => new IdentityObservationOperator(2))
            .Add<IAnalyzer<StateMemory>, Halving>("halving")
            .AddMethod("halving", new HalvingMethod()));
        var context = services.GetRequiredService<DataAssimilationContext>();
        var dynamics = services.GetRequiredKeyedService<IDynamics>("rotation");
        Assert.Same(dynamics, services.GetRequiredKeyedService<IDynamics>("rotation"));
        Assert.Equal(3, Assert.IsType<Rotation>(services.GetRequiredKeyedService<IDynamics>("lorenz-63")).Frequency);
        Assert.Equal(2, services.GetRequiredKeyedService<IObservationOperator>("everything").StateDimension);
        Assert.Same(context, ((Halving)services.GetRequiredKeyedService<IAnalyzer<StateMemory>>("halving")).Context);

        var observing = ObservationNetwork.Full(dynamics.Dimension, 0.01);
        var system = new AssimilationSystem(dynamics, observing)
            { Initial = new AttractorInitialCondition(dynamics, 1000 * dynamics.TimeStep) };
        var view = context.Data.Twin(system, new() { Cycles = 40 });
        var method = services.GetRequiredKeyedService<AssimilationMethod>("halving").For(system, context).Fit(view);
        Assert.True(context.Scores.Evaluate(method.Transform(view), new() { BurnIn = 20 }).AnalysisRmse.Mean < 0.1);
    }

    private sealed record HalvingMethod : AssimilationMethod<StateMemory>
    {
        protected override string UsualName => "halving";

        protected override AssimilationTriple<StateMemory> Triple(AssimilationSystem system, DataAssimilationContext context) =>
            new(new Halving(context),
            new StatePropagater(system.Dynamics), new StateProcoder(),
            new StateSource(new AttractorInitialCondition(system.Dynamics, 1), context.Precision));
    }

    [Fact]
    public void What_was_registered_before_keeps_its_place()
    {
        var own = new DataAssimilationContext(7);
        using var services = Services(before: services =>
            services.AddSingleton(own).AddKeyedSingleton<IDynamics>("lorenz-96", new Rotation(1)));
        Assert.Same(own, services.GetRequiredService<DataAssimilationContext>());
        Assert.IsType<Rotation>(services.GetRequiredKeyedService<IDynamics>("lorenz-96"));
    }

    [Fact]
    public void Called_again_it_adds_to_the_same_context()
    {
        using var services = new ServiceCollection()
            .AddDataAssimilation(builder => builder.Options = new() { Seed = 3 })
            .AddDataAssimilation(builder => builder.AddComponent(Kept.Type).Add<IDynamics>("rotation", _ => new Rotation(1)))
            .BuildServiceProvider();
        var context = services.GetRequiredService<DataAssimilationContext>();
        Assert.Equal(3, context.Options.Seed);
        Assert.Equal([Kept.Type], context.Options.Components);
        Assert.IsType<Rotation>(services.GetRequiredKeyedService<IDynamics>("rotation"));
    }

    [Fact]
    public void Registered_kinds_of_component_are_read_and_unknown_ones_are_not()
    {
        string path = Path.GetTempFileName();
        try
        {
            ModelArchive.Write(new Kept(), path);
            using var services = Services(builder => builder.AddComponent(Kept.Type));
            Assert.IsType<Kept>(services.GetRequiredService<DataAssimilationContext>().Model.Load<IComponent>(path));
            Assert.Throws<ModelArchiveException>(() => new DataAssimilationContext().Model.Load<IComponent>(path));
        }
        finally { File.Delete(path); }
    }

    [Fact]
    public void The_services_logger_is_taken_unless_one_was_set()
    {
        var factory = new LoggerFactoryOf("DaML");
        using (var services = Services(before: services => services.AddSingleton<ILoggerFactory>(factory)))
            Assert.Same(factory.Made, services.GetRequiredService<DataAssimilationContext>().Logger);
        var own = new NullLogger<DataAssimilationServicesTests>();
        using (var services = Services(builder => builder.Options = new() { Logger = own },
            services => services.AddSingleton<ILoggerFactory>(factory)))
            Assert.Same(own, services.GetRequiredService<DataAssimilationContext>().Logger);
    }

    [Fact]
    public void Names_that_are_empty_and_devices_that_are_not_there_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Services(builder => builder.Add<IDynamics>(" ", _ => new Rotation(1))));
        using var services = Services(builder => builder.Options = new() { Device = "gpu" });
        Assert.Contains("'gpu'", Assert.Throws<ArgumentException>(() => services.GetRequiredService<DataAssimilationContext>()).Message);
        using var plain = Services();
        Assert.Throws<InvalidOperationException>(() => plain.GetRequiredKeyedService<IDynamics>("lorenz-1984"));
    }

    [Fact]
    public void Every_built_in_kind_of_component_has_a_name_of_its_own()
    {
        var registry = new ComponentRegistry(BuiltInComponents.All);
        Assert.Equal(BuiltInComponents.All.Count + 1, registry.Types.Count());
        Assert.Contains(registry.Types, type => type == ComponentType.Of<LearnedAnalyzer<StateMemory>>());
    }

    private sealed class LoggerFactoryOf(string expected) : ILoggerFactory
    {
        public ILogger Made { get; } = new NullLogger<LoggerFactoryOf>();
        public ILogger CreateLogger(string categoryName) =>
            categoryName == expected ? Made : throw new InvalidOperationException(categoryName);
        public void AddProvider(ILoggerProvider provider) { }
        public void Dispose() { }
    }
}
