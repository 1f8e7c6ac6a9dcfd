using System.IO.Compression;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A model as one file: a zip of two uncompressed entries, <c>manifest.json</c> (format, versions, the tree of components with their
/// settings) and <c>tensors.safetensors</c>. Reading treats the file as hostile: it accepts only these two names, sizes that the file
/// really has, and registered kinds of component.
/// </summary>
public static class ModelArchive
{
    private const string Format = "daml-model";
    private const int FormatVersion = 1;
    private const string ManifestName = "manifest.json";
    private const string TensorsName = "tensors.safetensors";
    private const string Root = "model";   // the path of the root component
    private const long ManifestLimit = 16 << 20;

    /// <summary>The JSON format of settings: names in camel case, enumerations by name, non-finite numbers as words.</summary>
    public static JsonSerializerOptions SettingsFormat { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        AllowDuplicateProperties = false,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() },
    };

    /// <summary>Writes a component and everything below it.</summary>
    /// <exception cref="NotSupportedException">The object, or a part of it, is not a component; the message names it.</exception>
    public static void Write(object component, string path) => Write(tensors => ComponentWriter.Write(component, Root, tensors), path);

    internal static void Write(string kind, int version, Action<ComponentWriter> save, string path) =>
        Write(tensors => ComponentWriter.Write(kind, version, save, Root, tensors), path);

    private static void Write(Func<Dictionary<string, Tensor>, JsonObject> root, string path)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var manifest = new JsonObject
        {
            ["format"] = Format,
            ["formatVersion"] = FormatVersion,
            ["writtenBy"] = "DaML " +
                typeof(ModelArchive).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
            ["root"] = root(tensors),
        };
        AtomicFile.Write(path, stream =>
        {
            using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            using (var entry = zip.CreateEntry(ManifestName, CompressionLevel.NoCompression).Open())
                JsonSerializer.Serialize(entry, manifest, SettingsFormat);
            using (var entry = zip.CreateEntry(TensorsName, CompressionLevel.NoCompression).Open())
                Safetensors.Write(entry, tensors);
        });
    }

    /// <summary>
    /// The tree of a component as JSON: the kinds and settings that <see cref="Write(object, string)"/> would write, without the tensors.
    /// An object that is not a component, and so cannot be written, appears as the name of its class.
    /// </summary>
    public static JsonObject Describe(object component)
    {
        using var scope = NewDisposeScope();
        return ComponentWriter.Write(component, Root, null);
    }

    /// <summary>Whether a file can hold an object: it is a component, and so is every part of it.</summary>
    public static bool CanHold(object component) => CanHold(Describe(component));

    private static bool CanHold(JsonObject tree) =>
        tree["parts"] is JsonObject parts && parts.All(part => CanHold(part.Value!.AsObject()));

    /// <summary>Reads a component.</summary>
    /// <param name="path">The file.</param>
    /// <param name="registry">The kinds of component that may be in it.</param>
    /// <param name="context">
    /// The context whose device the tensors are moved to and whose seed the component's random streams follow.
    /// </param>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="ModelArchiveException">The file is truncated, foreign, of a newer version, damaged or hostile.</exception>
    public static T Read<T>(string path, ComponentRegistry registry, DataAssimilationContext context) where T : class
    {
        using var file = File.OpenRead(path);
        using var scope = NewDisposeScope();
        try
        {
            using var zip = new ZipArchive(file, ZipArchiveMode.Read);
            foreach (var entry in zip.Entries)
                if (entry.FullName is not (ManifestName or TensorsName))
                    throw new ModelArchiveException(
                        $"'{path}' is not a DaML model: it holds an entry '{entry.FullName}'; only {ManifestName} and {TensorsName} " +
                            $"belong there.");
            var manifest = JsonSerializer.Deserialize<JsonObject>(Bytes(zip, ManifestName, file.Length, ManifestLimit), SettingsFormat)
                ?? throw new ModelArchiveException($"'{path}' has an empty manifest.");
            if (manifest["format"] is not JsonValue format || !format.TryGetValue(out string? name) || name != Format)
                throw new ModelArchiveException($"'{path}' is not a DaML model: its manifest has no \"format\": \"{Format}\".");
            if (manifest["formatVersion"] is not JsonValue number || !number.TryGetValue(out int version) || version < 1)
                throw new ModelArchiveException($"'{path}' has no format version.");
            if (version > FormatVersion)
                throw new ModelArchiveException(
                    $"'{path}' is written in format version {version}; this program reads up to version {FormatVersion}. A newer DaML " +
                        $"is needed.");
            if (manifest["root"] is not JsonObject root) throw new ModelArchiveException($"'{path}' has no root component.");

            using var tensorBytes = new MemoryStream(Bytes(zip, TensorsName, file.Length, file.Length));
            var component = ComponentReader.Read(root, Root, registry, context, Safetensors.Read(tensorBytes).Tensors);
            return component as T
                ?? throw new ModelArchiveException($"'{path}' holds a {component.GetType().Name}, not a {typeof(T).Name}.");
        }
        catch (Exception e)
        when (e is InvalidDataException or JsonException or EndOfStreamException or NotSupportedException or ArgumentException)
        {
            throw new ModelArchiveException($"'{path}' is damaged or not a DaML model: {e.Message}", e);
        }
    }

    private static byte[] Bytes(ZipArchive zip, string name, long fileLength, long limit)
    {
        var found = zip.Entries.Where(entry => entry.FullName == name).ToList();
        if (found is not [var entry]) throw new ModelArchiveException($"A DaML model has one entry '{name}'; this file has {found.Count}.");
        if (entry.Length != entry.CompressedLength || entry.Length > fileLength || entry.Length > limit)
            throw new ModelArchiveException(
                $"The entry '{name}' declares {entry.Length} bytes ({entry.CompressedLength} stored) in a file of {fileLength}; entries " +
                    $"are stored as they are and hold at most {limit} bytes.");
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        if (Crc32(bytes) != entry.Crc32)
            throw new ModelArchiveException($"The entry '{name}' is damaged: its checksum differs from the one that the file declares.");
        return bytes;
    }

    // The checksum of the zip format (ISO 3309), which ZipArchive writes but does not compare.
    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        Span<uint> table = stackalloc uint[256];
        for (uint i = 0; i < 256; i++)
        {
            uint entry = i;
            for (int bit = 0; bit < 8; bit++) entry = (entry & 1) != 0 ? 0xEDB88320 ^ (entry >> 1) : entry >> 1;
            table[(int)i] = entry;
        }
        uint crc = uint.MaxValue;
        foreach (byte value in bytes) crc = table[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }
}
