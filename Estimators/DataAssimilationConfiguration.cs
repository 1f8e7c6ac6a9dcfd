using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Reads a program's configuration for
/// <see cref="DataAssimilationServices.AddDataAssimilation(IServiceCollection, IConfiguration, Action{DataAssimilationBuilder})"/>:
/// <code>
/// {
///   "seed": 1,                        also device, precision (single, double), timeTolerance
///   "methods": { "etkf-20": { "method": "etkf", "members": 20, "inflation": 1.04 } },         as MethodConfiguration
///   "systems": { "ring": { "model": "lorenz-96", "interval": 0.05, "errorVariance": 1 } },    as SystemConfiguration
///   "pipelines": { "ring-etkf": { "system": "ring", "method": "etkf-20" } },                  as PipelineConfiguration
///   "sessions": { "folder": "sessions", "capacity": 1000, "checkpointEvery": 1 }              as AssimilationSessionOptions
/// }
/// </code>
/// </summary>
public static class DataAssimilationConfiguration
{
    private static readonly string[] Known =
        ["seed", "device", "precision", "timeTolerance", "methods", "systems", "pipelines", "sessions"];

    internal static void Apply(IConfiguration configuration, DataAssimilationBuilder builder)
    {
        foreach (var child in configuration.GetChildren())
            if (!Known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                throw new ArgumentException($"There is no setting '{Where(child)}'; there are: {string.Join(", ", Known)}.");
        builder.Options = Options(configuration, builder.Options);
        foreach (var section in configuration.GetSection("methods").GetChildren())
            builder.AddMethod(section.Key, At(section, () => MethodConfiguration.Read(section)));
        foreach (var section in configuration.GetSection("systems").GetChildren())
        {
            var system = Bound<SystemConfiguration>(section);
            At(section, () => system.Check());
            builder.Services.AddKeyedSingleton(section.Key, (provider, _) => At(section, () => system.Make(provider)));
        }
        foreach (var section in configuration.GetSection("pipelines").GetChildren())
        {
            var pipeline = Bound<PipelineConfiguration>(section);
            At(section, () => pipeline.Check());
            builder.AddPipeline(section.Key, provider => At(section, () => pipeline.Make(provider)));
        }
        var sessions = configuration.GetSection("sessions");
        Bound<AssimilationSessionOptions>(sessions);
        builder.Services.AddOptions<AssimilationSessionOptions>().Bind(sessions);
    }

    private static DataAssimilationOptions Options(IConfiguration configuration, DataAssimilationOptions options)
    {
        if (configuration["device"] is { } device) options = options with { Device = device };
        if (configuration["seed"] is not null) options = options with { Seed = Value<long>(configuration.GetSection("seed")) };
        if (configuration["timeTolerance"] is not null)
            options = options with { TimeTolerance = Value<double>(configuration.GetSection("timeTolerance")) };
        return configuration["precision"] is not { } precision ? options : options with
        {
            Precision = precision.ToLowerInvariant() switch
            {
                "double" => ScalarType.Float64,
                "single" => ScalarType.Float32,
                _ => throw new ArgumentException(
                    $"The setting '{Where(configuration.GetSection("precision"))}' must be single or double; given: {precision}."),
            },
        };
    }

    private static T Value<T>(IConfigurationSection section)
    {
        try { return section.Get<T>()!; }
        catch (InvalidOperationException wrong)
        {
            throw new ArgumentException(
                $"The setting '{Where(section)}' must be a {typeof(T).Name.ToLowerInvariant()}; given: {section.Value}.", wrong);
        }
    }

    private static T Bound<T>(IConfigurationSection section) where T : new()
    {
        try { return section.Get<T>(options => options.ErrorOnUnknownConfiguration = true) ?? new T(); }
        catch (InvalidOperationException wrong)
        {
            throw new ArgumentException(
                $"The settings '{Where(section)}' are wrong: {wrong.Message} There are: " +
                    $"{string.Join(", ", typeof(T).GetProperties().Select(property => property.Name).Order())}.", wrong);
        }
    }

    private static T At<T>(IConfigurationSection section, Func<T> make)
    {
        try { return make(); }
        catch (ArgumentException wrong) { throw new ArgumentException($"The settings '{Where(section)}': {wrong.Message}", wrong); }
    }

    private static void At(IConfigurationSection section, Action check) => At(section, () =>
    {
        check();
        return true;
    });

    private static string Where(IConfigurationSection section) => section.Path;
}

/// <summary>A system in a configuration.</summary>
public sealed record SystemConfiguration
{
    /// <summary>The name of the model, a registered <see cref="IDynamics"/>.</summary>
    public string? Model { get; set; }

    /// <summary>The time between observations, in the model's unit (default: null, one time step).</summary>
    public double? Interval { get; set; }

    /// <summary>The variance of every observation's error (default: 1).</summary>
    public double ErrorVariance { get; set; } = 1;

    /// <summary>The distance between observed components: 0, stride, 2 stride, ... (default: 1, all).</summary>
    public long Stride { get; set; } = 1;

    /// <summary>The mean of the normal distribution at the start: a list of one number for all components, or of one for each (default:
    /// null, the usual start of each method).</summary>
    public double[]? StartMean { get; set; }

    /// <summary>The variance of that distribution (default: 1).</summary>
    public double StartVariance { get; set; } = 1;

    internal void Check()
    {
        if (string.IsNullOrWhiteSpace(Model))
            throw new ArgumentException($"a {nameof(Model)} is needed, the name of a registered model.");
    }

    internal AssimilationSystem Make(IServiceProvider services)
    {
        var model = Named.Find<IDynamics>(services, Model!, "model");
        long n = model.Dimension;
        var system = new AssimilationSystem(model, ObservationNetwork.Strided(n, Stride, ErrorVariance));
        if (Interval is { } interval) system = system with { Interval = interval };
        if (StartMean is not { } mean) return system;
        if (mean.Length != 1 && mean.Length != n)
            throw new ArgumentException($"{nameof(StartMean)} must be one number or {n}, one for each component; given: {mean.Length}.");
        using var values = tensor(mean);
        using var each = values.expand(n);
        return system with { Initial = new GaussianInitialCondition(each, ErrorCovariance.Scalar(n, StartVariance)) };
    }
}

/// <summary>A pipeline in a configuration: a method of a system, or a saved model.</summary>
public sealed record PipelineConfiguration
{
    /// <summary>The name of the system.</summary>
    public string? System { get; set; }

    /// <summary>The name of the method.</summary>
    public string? Method { get; set; }

    /// <summary>
    /// The cycles of a twin experiment of the system that a method with something to learn is fitted to (default: 0, there is nothing to
    /// learn).
    /// </summary>
    public int TrainingCycles { get; set; }

    /// <summary>The trajectories of that experiment (default: 1). A network holds a tenth of them out, so it needs two at least.</summary>
    public int TrainingTrajectories { get; set; } = 1;

    /// <summary>The file of a model that <see cref="ModelCatalog.Save"/> wrote, in place of system and method (default: null).</summary>
    public string? File { get; set; }

    internal void Check()
    {
        bool fromFile = File is not null && System is null && Method is null && TrainingCycles == 0 && TrainingTrajectories == 1;
        bool made = File is null && System is not null && Method is not null && TrainingCycles >= 0;
        if (!fromFile && !made)
            throw new ArgumentException($"either a {nameof(System)} and a {nameof(Method)} are needed, or a {nameof(File)}.");
        Require.AtLeast(TrainingTrajectories, 1);
    }

    internal ITransformer Make(IServiceProvider services)
    {
        var context = services.GetRequiredService<DataAssimilationContext>();
        if (File is not null) return context.Model.Load<ITransformer>(File);
        var system = Named.Find<AssimilationSystem>(services, System!, "system");
        var method = Named.Find<AssimilationMethod>(services, Method!, "method").For(system, context);
        if (TrainingCycles > 0)
            return method.Fit(context.Data.Twin(system, new() { Cycles = TrainingCycles, Batch = TrainingTrajectories }));
        return method as ITransformer
            ?? throw new ArgumentException(
                $"the method '{Method}' has something to learn: give {nameof(TrainingCycles)}, or a {nameof(File)}.");
    }
}

/// <summary>Finds services by name.</summary>
internal static class Named
{
    public static T Find<T>(IServiceProvider services, string name, string what) where T : class => services.GetKeyedService<T>(name)
        ?? throw new ArgumentException($"there is no {what} '{name}'.");
}
