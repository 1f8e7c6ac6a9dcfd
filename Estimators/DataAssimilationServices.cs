using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace DaML;

/// <summary>Registers DaML with Microsoft.Extensions.DependencyInjection.</summary>
public static class DataAssimilationServices
{
    /// <summary>
    /// Registers the <see cref="DataAssimilationContext"/> as a singleton, and by name, as keyed services, the built-in models
    /// (<see cref="IDynamics"/>: <c>lorenz-63</c>, <c>lorenz-84</c>, <c>lorenz-96</c>, <c>two-scale-lorenz-96</c>,
    /// <c>kuramoto-sivashinsky</c>, <c>linear-advection</c>) and the methods of <see cref="NamedMethods"/>
    /// (<see cref="AssimilationMethod"/>). Components that the configuration adds are resolved the same way, as are its systems
    /// (<see cref="AssimilationSystem"/>) and pipelines (<see cref="ITransformer"/>). <see cref="AssimilationSessions"/> has sessions of
    /// the pipelines.
    /// A further call adds to the same context.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets options and adds components of your own.</param>
    public static IServiceCollection AddDataAssimilation(this IServiceCollection services,
        Action<DataAssimilationBuilder>? configure = null)
    {
        var builder = services.Select(service => service.ImplementationInstance).OfType<DataAssimilationBuilder>().FirstOrDefault();
        if (builder is null) services.AddSingleton(builder = new DataAssimilationBuilder(services));
        configure?.Invoke(builder);
        services.TryAddSingleton(provider => builder.CreateContext(provider.GetService<ILoggerFactory>()));
        services.AddOptions<AssimilationSessionOptions>();
        services.TryAddSingleton(provider => new AssimilationSessions(
            builder.Pipelines.Select(name => KeyValuePair.Create(name, () => provider.GetRequiredKeyedService<ITransformer>(name))),
            provider.GetRequiredService<IOptions<AssimilationSessionOptions>>().Value));

        Model("lorenz-63", () => new Lorenz63());
        Model("lorenz-96", () => new Lorenz96());
        Model("lorenz-84", () => new Lorenz84());
        Model("two-scale-lorenz-96", () => new TwoScaleLorenz96());
        Model("kuramoto-sivashinsky", () => new KuramotoSivashinsky());
        Model("linear-advection", () => new LinearAdvection());
        foreach (var (name, method) in NamedMethods.All) services.TryAddKeyedSingleton(name, (_, _) => method);

        void Model(string name, Func<IDynamics> create) => services.TryAddKeyedSingleton(name, (_, _) => create());
        return services;
    }

    /// <summary>
    /// As <see cref="AddDataAssimilation(IServiceCollection, Action{DataAssimilationBuilder})"/>, with settings, methods, systems,
    /// pipelines and sessions from a configuration (<see cref="DataAssimilationConfiguration"/>). It is read now: a wrong setting stops
    /// the program at its start.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configuration">The section with the settings.</param>
    /// <param name="configure">Sets options and adds components of your own, after the configuration.</param>
    /// <exception cref="ArgumentException">A setting is unknown or has a wrong value; the message names it and lists the
    /// choices.</exception>
    public static IServiceCollection AddDataAssimilation(this IServiceCollection services, IConfiguration configuration,
        Action<DataAssimilationBuilder>? configure = null) => services.AddDataAssimilation(builder =>
    {
        DataAssimilationConfiguration.Apply(configuration, builder);
        configure?.Invoke(builder);
    });
}

/// <summary>Adds your own components to DaML's.</summary>
public sealed class DataAssimilationBuilder
{
    private readonly List<ComponentType> components = [];

    private readonly SortedSet<string> pipelines = new(StringComparer.Ordinal);

    internal DataAssimilationBuilder(IServiceCollection services) => Services = services;

    internal IReadOnlyCollection<string> Pipelines => pipelines;

    /// <summary>The services that are registered.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Seed, device, precision, progress. If no logger is set, one from the services' logger factory is used, if there is one.
    /// </summary>
    public DataAssimilationOptions Options { get; set; } = new();

    /// <summary>Adds a component by name: a model (<see cref="IDynamics"/>), an observation operator, an analyzer, a network or any
    /// service of your own. It is made once, when it is first requested.</summary>
    /// <param name="name">The name under which it is resolved, <c>provider.GetRequiredKeyedService&lt;IDynamics&gt;(name)</c>; the last
    /// registration of a name counts, and replaces a built-in one.</param>
    /// <param name="create">The function that makes it.</param>
    public DataAssimilationBuilder Add<TService>(string name, Func<DataAssimilationContext, TService> create) where TService : class
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddKeyedSingleton(name, (provider, _) => create(provider.GetRequiredService<DataAssimilationContext>()));
        return this;
    }

    /// <summary>Adds a component by name whose constructor takes its parts from the services, including the context.</summary>
    /// <param name="name">The name under which it is resolved; the last registration of a name counts, and replaces a built-in
    /// one.</param>
    public DataAssimilationBuilder Add<TService, TImplementation>(string name) where TService : class
        where TImplementation : class, TService
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddKeyedSingleton<TService, TImplementation>(name);
        return this;
    }

    /// <summary>Adds an assimilation method by name.</summary>
    /// <param name="name">The name under which it is resolved, <c>provider.GetRequiredKeyedService&lt;AssimilationMethod&gt;(name)</c>;
    /// the last registration of a name counts, and replaces a built-in one.</param>
    /// <param name="method">The method, as a record.</param>
    public DataAssimilationBuilder AddMethod(string name, AssimilationMethod method) => Add(name, _ => method);

    /// <summary>Adds a pipeline by name, whose sessions are those of <see cref="AssimilationSessions"/>.</summary>
    /// <param name="name">The name under which it is resolved, <c>provider.GetRequiredKeyedService&lt;ITransformer&gt;(name)</c>; the last
    /// registration of a name counts.</param>
    /// <param name="create">The function that makes it, fitted if it has something to learn.</param>
    public DataAssimilationBuilder AddPipeline(string name, Func<IServiceProvider, ITransformer> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Services.AddKeyedSingleton(name, (provider, _) => create(provider));
        pipelines.Add(name);
        return this;
    }

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
