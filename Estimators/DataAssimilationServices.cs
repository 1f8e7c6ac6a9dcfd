using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace DaML;

/// <summary>An assimilation method by name, as dependency injection gives it: what is still open is what it is applied to.</summary>
/// <param name="dynamics">The model.</param>
/// <param name="observing">What is observed.</param>
/// <returns>The method as an estimator; one with nothing to learn fits at once.</returns>
public delegate IEstimator<ITransformer> AssimilationMethod(IDynamics dynamics, IObservationNetwork observing);

/// <summary>Registers DaML with Microsoft.Extensions.DependencyInjection.</summary>
public static class DataAssimilationServices
{
    /// <summary>
    /// Registers the <see cref="DataAssimilationContext"/> as a singleton, and by name, as keyed services, the built-in
    /// models (<see cref="IDynamics"/>: <c>lorenz-63</c>, <c>lorenz-84</c>, <c>lorenz-96</c>, <c>two-scale-lorenz-96</c>, <c>kuramoto-sivashinsky</c>, <c>linear-advection</c>) and methods (<see cref="AssimilationMethod"/>:
    /// <c>climatology</c>, <c>optimal-interpolation</c>, <c>3d-var</c>, <c>4d-var</c>, <c>enkf</c>, <c>denkf</c>, <c>etkf</c>, <c>enkf-n</c>,
    /// <c>ienkf</c>, <c>ienks</c>, <c>ienkf-q</c>, <c>particle-filter</c>, <c>residual-convolution</c>). What the configuration adds
    /// stands beside them and is resolved the same way. Called again, it adds to the same context.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets options and adds components of one's own.</param>
    public static IServiceCollection AddDataAssimilation(this IServiceCollection services, Action<DataAssimilationBuilder>? configure = null)
    {
        var builder = services.Select(service => service.ImplementationInstance).OfType<DataAssimilationBuilder>().FirstOrDefault();
        if (builder is null) services.AddSingleton(builder = new DataAssimilationBuilder(services));
        configure?.Invoke(builder);
        services.TryAddSingleton(provider => builder.CreateContext(provider.GetService<ILoggerFactory>()));

        Model("lorenz-63", context => context.Dynamics.Lorenz63());
        Model("lorenz-96", context => context.Dynamics.Lorenz96());
        Model("lorenz-84", context => context.Dynamics.Lorenz84());
        Model("two-scale-lorenz-96", context => context.Dynamics.TwoScaleLorenz96());
        Model("kuramoto-sivashinsky", context => context.Dynamics.KuramotoSivashinsky());
        Model("linear-advection", context => context.Dynamics.LinearAdvection());
        Method("climatology", (context, _, observing) => context.Analysis.Climatology(observing));
        Method("optimal-interpolation", (context, _, observing) => context.Analysis.OptimalInterpolation(observing));
        Method("3d-var", (context, dynamics, observing) => context.Analysis.ThreeDimensionalVariational(dynamics, observing));
        Method("4d-var", (context, dynamics, observing) => context.Analysis.FourDimensionalVariational(dynamics, observing, WindowCycling.Overlapping(8, 4)));
        Method("enkf", (context, dynamics, observing) => context.Analysis.StochasticEnsembleKalmanFilter(dynamics, observing, 40, Inflation.StandardDeviation(1.06)));
        Method("denkf", (context, dynamics, observing) => context.Analysis.DeterministicEnsembleKalmanFilter(dynamics, observing, 40, Inflation.StandardDeviation(1.01)));
        Method("etkf", (context, dynamics, observing) => context.Analysis.EnsembleTransformKalmanFilter(dynamics, observing, 20, Inflation.StandardDeviation(1.04), EnsembleRotation.MeanPreserving));
        Method("enkf-n", (context, dynamics, observing) => context.Analysis.FiniteSizeEnsembleKalmanFilter(dynamics, observing, 20));
        Method("ienkf", (context, dynamics, observing) => context.Analysis.IterativeEnsembleKalmanFilter(dynamics, observing, 40, Inflation.StandardDeviation(1.01), EnsembleRotation.MeanPreserving));
        Method("ienks", (context, dynamics, observing) => context.Analysis.IterativeEnsembleKalmanSmoother(dynamics, observing, new()
        {
            Members = 40, Inflation = Inflation.StandardDeviation(1.01), Rotation = EnsembleRotation.MeanPreserving, Window = WindowCycling.Overlapping(10),
        }));
        Method("ienkf-q", (context, dynamics, observing) => context.Analysis.AdditiveErrorIterativeEnsembleKalmanFilter(dynamics, observing, new()
        {
            Members = 20, Inflation = Inflation.StandardDeviation(1.1), Rotation = EnsembleRotation.MeanPreserving,
        }));
        Method("particle-filter", (context, dynamics, observing) => context.Analysis.RegularisedParticleFilter(dynamics, observing, 1000));
        Method("residual-convolution", (context, dynamics, observing) => context.Analysis.ResidualConvolution(dynamics, observing));

        void Model(string name, Func<DataAssimilationContext, IDynamics> create) =>
            services.TryAddKeyedSingleton(name, (provider, _) => create(provider.GetRequiredService<DataAssimilationContext>()));
        void Method(string name, Func<DataAssimilationContext, IDynamics, IObservationNetwork, IEstimator<ITransformer>> create) =>
            services.TryAddKeyedSingleton<AssimilationMethod>(name, (provider, _) =>
            {
                var context = provider.GetRequiredService<DataAssimilationContext>();
                return (dynamics, observing) => create(context, dynamics, observing);
            });
        return services;
    }
}

/// <summary>Adds components of one's own beside DaML's.</summary>
public sealed class DataAssimilationBuilder
{
    private readonly List<ComponentType> components = [];

    internal DataAssimilationBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services that are registered.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Seed, device, precision, progress. Where no logger is set, one of the services' logger factory is taken, if there is one.</summary>
    public DataAssimilationOptions Options { get; set; } = new();

    /// <summary>Adds a component by name: a model (<see cref="IDynamics"/>), an observation operator, an analyzer, a network
    /// or any service of one's own. It is made once, when it is first asked for.</summary>
    /// <param name="name">The name under which it is resolved, <c>provider.GetRequiredKeyedService&lt;IDynamics&gt;(name)</c>; the last of a name counts, and takes the place of a built-in one.</param>
    /// <param name="create">Makes it.</param>
    public DataAssimilationBuilder Add<TService>(string name, Func<DataAssimilationContext, TService> create) where TService : class
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddKeyedSingleton(name, (provider, _) => create(provider.GetRequiredService<DataAssimilationContext>()));
        return this;
    }

    /// <summary>Adds a component by name whose constructor takes its parts from the services, the context among them.</summary>
    /// <param name="name">The name under which it is resolved; the last of a name counts, and takes the place of a built-in one.</param>
    public DataAssimilationBuilder Add<TService, TImplementation>(string name) where TService : class where TImplementation : class, TService
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddKeyedSingleton<TService, TImplementation>(name);
        return this;
    }

    /// <summary>Adds an assimilation method by name.</summary>
    /// <param name="name">The name under which it is resolved, <c>provider.GetRequiredKeyedService&lt;AssimilationMethod&gt;(name)</c>; the last of a name counts, and takes the place of a built-in one.</param>
    /// <param name="create">Makes the method for a model and what is observed.</param>
    public DataAssimilationBuilder AddMethod(string name, Func<DataAssimilationContext, IDynamics, IObservationNetwork, IEstimator<ITransformer>> create) =>
        Add<AssimilationMethod>(name, context => (dynamics, observing) => create(context, dynamics, observing));

    /// <summary>Adds a kind of component that model files may hold.</summary>
    public DataAssimilationBuilder AddComponent(ComponentType type)
    {
        components.Add(type);
        return this;
    }

    internal DataAssimilationContext CreateContext(ILoggerFactory? loggers)
    {
        var options = Options with { Components = [.. Options.Components, .. components] };
        if (ReferenceEquals(options.Logger, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance) && loggers is not null)
            options = options with { Logger = loggers.CreateLogger("DaML") };
        return new DataAssimilationContext(options);
    }
}
