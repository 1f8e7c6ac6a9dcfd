using System.Text.Json;
using System.Text.Json.Nodes;

namespace DaML.Samples;

/// <summary>Weights of a network of one kind that a sample is to score, or to begin with, instead of training one.</summary>
internal sealed class ShippedWeights
{
    private const string Extension = ".safetensors";
    private readonly JsonObject settings;

    private ShippedWeights(string path, JsonObject settings) => (Path, this.settings) = (path, settings);

    /// <summary>The files' place, without extension (<see cref="WeightFiles"/>).</summary>
    public string Path { get; }

    /// <summary>The size of the network they belong to.</summary>
    public ResidualConvolutionOptions Network => Read<ResidualConvolutionOptions>("options");

    /// <summary>Its hidden channels, where it is of a kind that has them.</summary>
    public HiddenChannelOptions Memory => Read<HiddenChannelOptions>("memory");

    // Those that come with the project lie beside the program.
    private static string Folder => System.IO.Path.Combine(AppContext.BaseDirectory, "weights");

    /// <summary>
    /// The weights of a name among those that are shipped, or at a path; where neither is said, the only ones of the kind that are shipped.
    /// </summary>
    /// <param name="kind">The network that is wanted.</param>
    /// <param name="given">A name, a path, or empty.</param>
    /// <param name="option">The option it was given with, for messages.</param>
    /// <exception cref="SampleException">There are none, several and it is not said which, or they belong to another kind of
    /// network.</exception>
    /// <exception cref="ModelArchiveException">The files are damaged.</exception>
    public static ShippedWeights Find(ComponentType kind, string given, string option)
    {
        string[] all = Directory.Exists(Folder)
            ? [.. Directory.GetFiles(Folder, "*" + Extension).Select(file => System.IO.Path.GetFileNameWithoutExtension(file))
                .Order(StringComparer.Ordinal)] : [];
        string Shipped(string name) => System.IO.Path.Combine(Folder, name);
        if (given.Length == 0)
        {
            ShippedWeights[] fitting = [.. all.Select(name => Read(kind, Shipped(name))).OfType<ShippedWeights>()];
            return fitting.Length switch
            {
                0 => throw new SampleException(
                    $"{option}: this build has no weights of a {kind.Name}. Train without {option}, or name a file of weights."),
                1 => fitting[0],
                _ => throw new SampleException(
                    $"{option}: several weights fit; name one of: " +
                        $"{string.Join(", ", fitting.Select(one => System.IO.Path.GetFileName(one.Path)))}."),
            };
        }
        string path = given.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) ? given[..^Extension.Length] : given;
        if (all.Contains(path)) path = Shipped(path);
        else if (!File.Exists(path + Extension))
            throw new SampleException(
                $"{option}: the weights '{given}' were not found: no such file exists, and the weights of the project are " +
                    $"{(all.Length == 0 ? "none" : string.Join(", ", all))}.");
        return Read(kind, path)
            ?? throw new SampleException(
                $"{option}: the weights '{path}' are not of a {kind.Name}; their description is {Described(path).ToJsonString()}.");
    }

    // Those at a path, if they are of the kind.
    private static ShippedWeights? Read(ComponentType kind, string path)
    {
        var described = Described(path);
        return described["kind"]?.ToString() == kind.Name && described["settings"] is JsonObject settings ? new(path, settings) : null;
    }

    private static JsonObject Described(string path)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        return WeightFiles.Read(path).History.Settings!.Network as JsonObject ?? [];
    }

    private T Read<T>(string setting) => settings[setting].Deserialize<T>(ModelArchive.SettingsFormat)
        ?? throw new ModelArchiveException($"The description of the weights '{Path}' lacks '{setting}'.");
}
