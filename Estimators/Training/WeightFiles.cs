using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Trained weights for shipping, as two files: <c>NAME.safetensors</c>, the network's parameters and buffers under their own names, which
/// any reader of that format opens, and <c>NAME.json</c>, which documents the training: settings, seed, device, versions, and the loss
/// curve. <see cref="LearnedAnalysisEstimator{TMemory}.Pretrained"/> makes a method of them.
/// </summary>
public sealed class WeightFiles
{
    private const string Format = "daml-weights";
    private const int FormatVersion = 1;
    private const long DescriptionLimit = 16 << 20;

    private readonly string path;
    private readonly IReadOnlyDictionary<string, Tensor> tensors;

    private WeightFiles(string path, IReadOnlyDictionary<string, Tensor> tensors, TrainingHistory history)
    {
        this.path = path;
        this.tensors = tensors;
        History = history;
    }

    /// <summary>The record of the training, one step per validation.</summary>
    public TrainingHistory History { get; }

    /// <summary>Writes the two files, each completely or not at all.</summary>
    /// <param name="path">The path without extension, for instance <c>Samples/weights/lorenz96-reference</c>.</param>
    /// <param name="network">The trained network.</param>
    /// <param name="history">The record of its training, with its <see cref="TrainingHistory.Settings"/>.</param>
    /// <exception cref="ArgumentException">The history has no settings.</exception>
    public static void Write(string path, nn.Module network, TrainingHistory history)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        if (history.Settings is null)
            throw new ArgumentException(
                $"The history of shipped weights must have '{nameof(TrainingHistory.Settings)}', which record how the weights were " +
                    "made and the network's constants; it has none.", nameof(history));
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var curve = history.Thinned();
        using var bytes = new MemoryStream();
        Safetensors.Write(bytes, network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value),
            new Dictionary<string, string> { ["format"] = Format });
        var description = new JsonObject
        {
            ["format"] = Format,
            ["formatVersion"] = FormatVersion,
            ["sha256"] = Convert.ToHexStringLower(SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length))),
            ["parameters"] = network.parameters().Sum(parameter => parameter.numel()),
            ["kept"] = JsonSerializer.SerializeToNode(curve.Best, ModelArchive.SettingsFormat),
            ["settings"] = JsonSerializer.SerializeToNode(history.Settings, ModelArchive.SettingsFormat),
            ["end"] = history.End.ToString(),
            ["curve"] = JsonSerializer.SerializeToNode(curve.Steps, ModelArchive.SettingsFormat),
        };
        AtomicFile.Write(path + ".safetensors", stream => bytes.WriteTo(stream));
        AtomicFile.WriteText(path + ".json", description.ToJsonString(ModelArchive.SettingsFormat) + "\n");
    }

    /// <summary>Reads the two files; the tensors belong to the caller's dispose scope.</summary>
    /// <param name="path">Their path, without extension.</param>
    /// <param name="device">The device of the tensors (default: the CPU).</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="ModelArchiveException">A file is damaged, or the two do not belong together.</exception>
    public static WeightFiles Read(string path, Device? device = null)
    {
        foreach (string file in (string[])[path + ".json", path + ".safetensors"])
            if (!File.Exists(file)) throw new FileNotFoundException(
                $"The weights '{path}' were not found: the file '{file}' is missing.", file);
        try
        {
            if (new FileInfo(path + ".json").Length > DescriptionLimit)
                throw new ModelArchiveException(
                    $"'{path}.json' is longer than {DescriptionLimit} bytes, so it is not a description of weights.");
            var description = JsonSerializer.Deserialize<JsonObject>(File.ReadAllBytes(path + ".json"), ModelArchive.SettingsFormat);
            if (description?["format"]?.GetValue<string>() != Format)
                throw new ModelArchiveException($"'{path}.json' does not describe weights: it has no \"format\": \"{Format}\".");
            if (description["formatVersion"]?.GetValue<int>() is not FormatVersion)
                throw new ModelArchiveException(
                    $"'{path}.json' is written in format version {description["formatVersion"]}; this program reads version " +
                        $"{FormatVersion}.");
            var bytes = File.ReadAllBytes(path + ".safetensors");
            if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != description["sha256"]?.GetValue<string>())
                throw new ModelArchiveException($"'{path}.safetensors' is not the file that '{path}.json' describes: its SHA-256 differs.");
            var settings = description["settings"].Deserialize<TrainingSettings>(ModelArchive.SettingsFormat);
            var curve = description["curve"].Deserialize<List<TrainingStep>>(ModelArchive.SettingsFormat);
            if (settings is null || curve is null || !Enum.TryParse(description["end"]?.GetValue<string>(), out TrainingEnd end))
                throw new ModelArchiveException($"'{path}.json' lacks settings, curve or end of the training.");
            using var stream = new MemoryStream(bytes);
            return new WeightFiles(path, Safetensors.Read(stream, device).Tensors, new TrainingHistory(curve, end) { Settings = settings });
        }
        catch (Exception e)
        when (e is JsonException or InvalidDataException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new ModelArchiveException($"The weights '{path}' are damaged: {e.Message}", e);
        }
    }

    /// <summary>Gives a network these weights, to the bit.</summary>
    /// <param name="network">A network of the architecture of the training.</param>
    /// <exception cref="ModelArchiveException">Names, shapes or types differ; the message lists them.</exception>
    public void LoadInto(nn.Module network)
    {
        var wanted = network.state_dict();
        string Of(Tensor tensor) => $"{tensor.dtype} {tensor.DescribeSizes()}";
        List<string> differences =
        [
            .. wanted.Keys.Except(tensors.Keys).Order().Select(name => $"'{name}' is missing"),
            .. tensors.Keys.Except(wanted.Keys).Order().Select(name => $"'{name}' has no counterpart in the network"),
            .. wanted.Where(pair => tensors.TryGetValue(pair.Key, out var given) && Of(given) != Of(pair.Value))
                .Select(pair => $"'{pair.Key}' is {Of(tensors[pair.Key])}; the network needs {Of(pair.Value)}"),
        ];
        if (differences.Count > 0)
            throw new ModelArchiveException(
                $"The weights '{path}' do not fit the network {network.GetName()}: {string.Join("; ", differences.Take(5))}" +
                (differences.Count > 5 ? string.Create(CultureInfo.InvariantCulture, $"; and {differences.Count - 5} more") : "") +
                $". They were trained as {History.Settings!.Network.ToJsonString()}.");
        ModuleState.Restore(network, tensors);
    }
}
