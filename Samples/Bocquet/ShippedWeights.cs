using System.Text.Json;
using System.Text.Json.Nodes;

namespace DaML.Samples;

/// <summary>Weights of a residual convolutional network that a sample is to score instead of training one.</summary>
/// <param name="Path">The files' place, without extension (<see cref="WeightFiles"/>).</param>
/// <param name="Network">The size of the network they belong to.</param>
internal sealed record ShippedWeights(string Path, ResidualConvolutionOptions Network)
{
    private const string Extension = ".safetensors";

    // Those that come with the project lie beside the program.
    private static string Folder => System.IO.Path.Combine(AppContext.BaseDirectory, "weights");

    /// <summary>The weights of a name among those that are shipped, or at a path; where neither is said, the only ones that are shipped.</summary>
    /// <param name="given">A name, a path, or empty.</param>
    /// <param name="option">The option it was given with, for messages.</param>
    /// <exception cref="SampleException">There are none, several and it is not said which, or they belong to another kind of network.</exception>
    /// <exception cref="ModelArchiveException">The files are damaged.</exception>
    public static ShippedWeights Find(string given, string option)
    {
        string[] shipped = Directory.Exists(Folder) ? [.. Directory.GetFiles(Folder, "*" + Extension).Select(file => System.IO.Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)] : [];
        string there = shipped.Length == 0 ? "this build comes with none" : $"there are: {string.Join(", ", shipped)}";
        if (given.Length == 0)
            return shipped.Length switch
            {
                0 => throw new SampleException($"{option}: {there}. Train without {option}, or name a file of weights."),
                1 => Read(System.IO.Path.Combine(Folder, shipped[0]), option),
                _ => throw new SampleException($"{option}: say which weights; {there}."),
            };
        string path = given.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) ? given[..^Extension.Length] : given;
        return shipped.Contains(path) ? Read(System.IO.Path.Combine(Folder, path), option)
            : File.Exists(path + Extension) ? Read(path, option)
            : throw new SampleException($"{option}: there are no weights '{given}': there is no such file, and of those that come with the project {there}.");
    }

    private static ShippedWeights Read(string path, string option)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var network = WeightFiles.Read(path).History.Settings!.Network;
        return network is JsonObject described && described["kind"]?.ToString() == ResidualConvolutionNetwork.Type.Name && described["settings"]?["options"] is { } options
            ? new ShippedWeights(path, options.Deserialize<ResidualConvolutionOptions>(ModelArchive.SettingsFormat)!)
            : throw new SampleException($"{option}: the weights '{path}' belong to no residual convolutional network but to {network.ToJsonString()}.");
    }
}
