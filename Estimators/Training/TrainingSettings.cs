using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Everything that determined a trained network, except the code: kept with its <see cref="TrainingHistory"/> in model archives and
/// weight files, so that weights document their training.
/// </summary>
public sealed record TrainingSettings
{
    /// <summary>The method's name.</summary>
    public required string Method { get; init; }

    /// <summary>The model of the forecasts.</summary>
    public required string Model { get; init; }

    /// <summary>The seed of all random numbers.</summary>
    public required long Seed { get; init; }

    /// <summary>The training options, without the checkpoint's path.</summary>
    public required TrainingOptions Options { get; init; }

    /// <summary>The constants of the training data that a learned analysis was made with; null for networks of other families.</summary>
    public AnalysisStatistics? Statistics { get; init; }

    /// <summary>The units in which a data assimilation network works; null for networks of other families.</summary>
    public SystemStatistics? Units { get; init; }

    /// <summary>
    /// The scatter of the observations, from which the unit of an emulator's states follows; null for networks of other families.
    /// </summary>
    public ObservationScatter? ObservationScatter { get; init; }

    /// <summary>The training view: trajectories, cycles, columns.</summary>
    public required string Data { get; init; }

    /// <summary>The view of the validations.</summary>
    public required string Validation { get; init; }

    /// <summary>Kind and options of the network if it is a component; otherwise its name.</summary>
    public required JsonNode Network { get; init; }

    /// <summary>
    /// Kinds and settings of operator, error covariance and pattern if they are components; otherwise the network's name.
    /// </summary>
    public required JsonNode Observing { get; init; }

    /// <summary>The device of the training.</summary>
    public required string Device { get; init; }

    /// <summary>The network's precision.</summary>
    public required ScalarType Precision { get; init; }

    /// <summary>The software of the training, by name: DaML with its commit, libtorch, .NET, the system, the number of threads.</summary>
    public required IReadOnlyDictionary<string, string> Software { get; init; }

    /// <summary>Further remarks.</summary>
    public string? Notes { get; init; }

    /// <summary>A view in words.</summary>
    // What every training notes.
    internal static TrainingSettings Of(DataAssimilationContext context, string method, string model, TrainingOptions options,
        nn.Module network, JsonNode observing, string data, string validation) => new()
    {
        Method = method,
        Model = model,
        Seed = context.Options.Seed,
        Options = options with { CheckpointPath = null },
        Data = data,
        Validation = validation,
        Network = Describe(network),
        Observing = observing,
        Device = context.Device.ToString(),
        Precision = context.Options.NetworkPrecision,
        Software = SoftwareInUse(),
    };

    // The names and sizes of the parameters, which tell one network from another.
    internal static string Sizes(nn.Module network) =>
        string.Join(", ", network.named_parameters().Select(pair => pair.name + pair.parameter.DescribeSizes()));

    internal static string Describe(ITrajectoryView view) =>
        $"{view.Schema.Batch} trajectories, {(view.CycleCount is { } cycles ? $"{cycles} cycles" : "without end")}: {view.Schema}";

    /// <summary>Kinds and settings of a component as JSON, or the name of another object.</summary>
    public static JsonNode Describe(object part) => ComponentType.Find(part) is not null ? ModelArchive.Describe(part)
        : JsonValue.Create(part.GetType().Name);

    /// <summary>The versions of this program's parts.</summary>
    public static IReadOnlyDictionary<string, string> SoftwareInUse() => new Dictionary<string, string>
    {
        ["DaML"] = typeof(ModelArchive).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
            ?? "unknown",
        ["libtorch"] = __version__,
        [".NET"] = RuntimeInformation.FrameworkDescription,
        ["system"] = $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}",
        ["threads"] = get_num_threads().ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
