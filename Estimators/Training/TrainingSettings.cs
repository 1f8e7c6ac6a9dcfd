using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// All that made a trained network what it is, beside the code: kept with its <see cref="TrainingHistory"/> in model
/// archives and weight files, so that weights tell how they were made.
/// </summary>
public sealed record TrainingSettings
{
    /// <summary>What the method is called.</summary>
    public required string Method { get; init; }

    /// <summary>What makes the forecasts.</summary>
    public required string Model { get; init; }

    /// <summary>The seed of all random numbers.</summary>
    public required long Seed { get; init; }

    /// <summary>How it was trained, without the checkpoint's place.</summary>
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

    /// <summary>The view that validations scored.</summary>
    public required string Validation { get; init; }

    /// <summary>Kind and options of the network, where it is a component; otherwise its name.</summary>
    public required JsonNode Network { get; init; }

    /// <summary>
    /// Kinds and settings of operator, error covariance and pattern, where they are components; otherwise the network's name.
    /// </summary>
    public required JsonNode Observing { get; init; }

    /// <summary>Where it was trained.</summary>
    public required string Device { get; init; }

    /// <summary>The network's precision.</summary>
    public required ScalarType Precision { get; init; }

    /// <summary>What it was trained by, by name: DaML with its commit, libtorch, .NET, the system, the number of threads.</summary>
    public required IReadOnlyDictionary<string, string> Software { get; init; }

    /// <summary>What else there is to say.</summary>
    public string? Notes { get; init; }

    /// <summary>A view in words.</summary>
    internal static string Describe(ITrajectoryView view) =>
        $"{view.Schema.Batch} trajectories, {(view.CycleCount is { } cycles ? $"{cycles} cycles" : "without end")}: {view.Schema}";

    /// <summary>Kinds and settings of a component as JSON, or what else an object is called.</summary>
    public static JsonNode Describe(object part) => ComponentType.Find(part) is not null ? ModelArchive.Describe(part)
        : JsonValue.Create(part.GetType().Name);

    /// <summary>What this program consists of.</summary>
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
