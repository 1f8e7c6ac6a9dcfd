using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>
/// Models come back equal to the bit, and a file that is damaged, foreign, too new or hostile is refused with a message that says so.
/// </summary>
public sealed class ModelArchiveTests : IDisposable
{
    private static readonly Column Field = new("field");
    private readonly DataAssimilationContext context = new(new DataAssimilationOptions { Components = [AffineTransformer.Type,
        ComponentType.Of<Note>()] });
    private readonly ComponentRegistry registry = new(AffineTransformer.Type, ComponentType.Of<Note>());
    private readonly string folder = Directory.CreateTempSubdirectory("daml-archive-").FullName;
    private readonly DisposeScope scope = NewDisposeScope();
    private string Model => Path.Combine(folder, "model.daml");

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_chain_with_a_third_partys_component_comes_back_equal_to_the_bit()
    {
        var offset = tensor([0.1, -0.0, 1e-310, double.MaxValue]);
        var chain = new AffineTransformer(Field, 1.0 / 3, offset, Rounding.Nearest,
            new Note("größer als \"alles\" \u0001", [0.1, double.NaN, double.NegativeInfinity]))
            .Append(new AffineTransformer(Field, Math.PI, tensor([1f, 2f, 3f, 4f]), Rounding.None));
        context.Model.Save(chain, Model);
        var read = ModelArchive.Read<TransformerChain>(Model, registry, context);

        Assert.Equal(2, read.Steps.Count);
        var first = Assert.IsType<AffineTransformer>(read.Steps[0]);
        Assert.Equal(BitConverter.DoubleToInt64Bits(1.0 / 3), BitConverter.DoubleToInt64Bits(first.Scale));
        Assert.Equal(offset.bytes.ToArray(), first.Offset.bytes.ToArray());
        Assert.Equal(ScalarType.Float32, ((AffineTransformer)read.Steps[1]).Offset.dtype);
        Assert.Equal(Rounding.Nearest, first.Rounding);
        Assert.Equal("größer als \"alles\" \u0001", first.Note!.Text);
        Assert.Equal([0.1, double.NaN, double.NegativeInfinity], first.Note.Numbers);
        Assert.Equal(chain.Contract.Requires, read.Contract.Requires);

        var data = new ConstantView(1, (Field, ones([2, 4], dtype: ScalarType.Float64)));
        Assert.Equal(First(chain.Transform(data)), First(read.Transform(data)));
    }

    [Fact]
    public void A_component_that_cannot_be_saved_is_named_and_the_old_file_stays()
    {
        Save();
        var before = File.ReadAllBytes(Model);
        var refused = Assert.Throws<NotSupportedException>(() => context.Model.Save(
            new AffineTransformer(Field, 1, ones(4), Rounding.None, new object()), Model));
        Assert.Contains("model/note", refused.Message);
        Assert.Equal(before, File.ReadAllBytes(Model));
    }

    [Fact]
    public void Two_kinds_of_one_name_are_refused() =>
        Assert.Contains("'example.org/note'", Assert.Throws<ArgumentException>(() =>
            new ComponentRegistry(ComponentType.Of<Note>(), new ComponentType("example.org/note", 2, _ => new Note("", [])))).Message);

    [Fact]
    public void A_kind_that_nobody_registered_is_refused_by_name()
    {
        Save();
        var refused = Assert.Throws<ModelArchiveException>(() =>
            ModelArchive.Read<ITransformer>(Model, new ComponentRegistry(ComponentType.Of<Note>()), context));
        Assert.Contains("'example.org/affine'", refused.Message);
        Assert.Contains("which is not registered", refused.Message);
    }

    [Fact]
    public void A_name_of_a_type_in_the_file_causes_no_code_to_be_found()
    {
        Save();
        Rewrite(manifest => manifest["root"]!["kind"] = typeof(AffineTransformer).AssemblyQualifiedName);
        Refused("which is not registered");
    }

    [Fact]
    public void A_file_of_another_component_is_refused()
    {
        Save();
        var refused = Assert.Throws<ModelArchiveException>(() => ModelArchive.Read<TransformerChain>(Model, registry, context));
        Assert.Contains("AffineTransformer, not a TransformerChain", refused.Message);
    }

    [Fact]
    public void A_missing_file_is_a_missing_file() => Assert.Throws<FileNotFoundException>(Read);

    [Fact]
    public void A_file_cut_off_anywhere_is_refused()
    {
        Save();
        var whole = File.ReadAllBytes(Model);
        for (int length = 0; length < whole.Length; length += 1 + whole.Length / 97)
        {
            File.WriteAllBytes(Model, whole[..length]);
            Assert.Throws<ModelArchiveException>(Read);
        }
    }

    [Fact]
    public void A_damaged_byte_is_refused_or_changes_nothing()
    {
        Save();
        var whole = File.ReadAllBytes(Model);
        var expected = Read().Offset.bytes.ToArray();
        int refusals = 0;
        for (int at = 0; at < whole.Length; at++)
        {
            var damaged = whole.ToArray();
            damaged[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(Model, damaged);
            try
            {
                var read = Read();
                Assert.Equal(expected, read.Offset.bytes.ToArray());
                Assert.Equal(0.1, read.Scale);
            }
            catch (ModelArchiveException) { refusals++; }
        }
        Assert.True(refusals > whole.Length / 2, $"only {refusals} of {whole.Length} damaged files were refused");
    }

    [Theory, InlineData(""), InlineData("this is not a model"), InlineData("PK\u0003\u0004 but not really a zip")]
    public void A_foreign_file_is_refused(string content)
    {
        File.WriteAllText(Model, content);
        Refused("not a DaML model");
    }

    [Fact]
    public void A_foreign_zip_is_refused()
    {
        Zip(("word/document.xml", "<xml/>"u8.ToArray()));
        Refused("'word/document.xml'");
        Zip(("manifest.json", "{\"format\": \"something-else\"}"u8.ToArray()), ("tensors.safetensors", []));
        Refused("\"format\": \"daml-model\"");
        Zip(("manifest.json", "[1, 2]"u8.ToArray()), ("tensors.safetensors", []));
        Refused("damaged or not a DaML model");
    }

    [Theory, InlineData("../../outside"), InlineData("/etc/cron.d/job"), InlineData("..\\outside"), InlineData("code.dll"),
        InlineData("Manifest.json")]
    public void An_entry_that_does_not_belong_there_is_refused_and_nothing_is_written(string name)
    {
        Save();
        using (var zip = ZipFile.Open(Model, ZipArchiveMode.Update)) zip.CreateEntry(name);
        Refused($"'{name}'");
        Assert.Equal([Model], Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Two_manifests_are_refused()
    {
        Save();
        using (var zip = ZipFile.Open(Model, ZipArchiveMode.Update)) zip.CreateEntry("manifest.json");
        Refused("this file has 2");
    }

    [Fact]
    public void A_missing_entry_is_refused()
    {
        Save();
        using (var zip = ZipFile.Open(Model, ZipArchiveMode.Update)) zip.GetEntry("tensors.safetensors")!.Delete();
        Refused("'tensors.safetensors'");
    }

    [Fact]
    public void A_packed_entry_that_would_unfold_into_memory_is_refused()
    {
        using (var stream = File.Create(Model))
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create))
        using (var entry = zip.CreateEntry("manifest.json", CompressionLevel.SmallestSize).Open())
            entry.Write(new byte[50_000_000]);
        using (var zip = ZipFile.Open(Model, ZipArchiveMode.Update)) zip.CreateEntry("tensors.safetensors");
        Refused("declares 50000000 bytes");
    }

    [Fact]
    public void A_size_beyond_the_file_is_refused()
    {
        Save();
        var bytes = File.ReadAllBytes(Model);
        int directory = bytes.AsSpan().IndexOf("PK\u0001\u0002"u8);
        BitConverter.TryWriteBytes(bytes.AsSpan(directory + 20), 2_000_000_000u); // packed size of the first entry
        BitConverter.TryWriteBytes(bytes.AsSpan(directory + 24), 2_000_000_000u); // its size
        File.WriteAllBytes(Model, bytes);
        Assert.Throws<ModelArchiveException>(Read);
    }

    [Fact]
    public void A_newer_format_is_refused_as_newer()
    {
        Save();
        Rewrite(manifest => manifest["formatVersion"] = 2);
        Refused("newer DaML");
    }

    [Fact]
    public void A_newer_component_is_refused_as_newer_and_an_older_one_is_told_its_version()
    {
        Save();
        Rewrite(manifest => manifest["root"]!["version"] = 3);
        Refused("versions 1 to 2");
        Rewrite(manifest => manifest["root"]!["version"] = 1);
        Assert.Equal(0.1, Read().Scale);
    }

    [Theory]
    [InlineData("scale", "missing")]
    [InlineData("rounding", "missing")]
    public void A_missing_setting_is_named(string setting, string word)
    {
        Save();
        Rewrite(manifest => ((JsonObject)manifest["root"]!["settings"]!).Remove(setting));
        Refused($"'{setting}' is {word}");
    }

    [Theory]
    [InlineData("scale", "\"much\"")]
    [InlineData("rounding", "\"upwards\"")]
    [InlineData("column", "\"two words\"")]
    [InlineData("column", "null")]
    public void A_setting_that_cannot_be_is_refused(string setting, string value)
    {
        Save();
        Rewrite(manifest => manifest["root"]!["settings"]![setting] = JsonNode.Parse(value));
        Assert.Throws<ModelArchiveException>(Read);
    }

    [Fact]
    public void A_component_without_its_tensor_or_with_a_part_of_another_kind_is_refused()
    {
        Save();
        Rewrite(manifest => manifest["root"]!["parts"]!["note"] = manifest["root"]!.DeepClone());
        Refused("model/note");
        Save();
        Rewrite(manifest =>
            manifest["root"] =
                JsonNode.Parse(
                    """
                    {"kind": "transformer-chain", "version": 1, "settings": {"steps": 1},
                        "parts": {"step0": {"kind": "example.org/note", "version": 1, "settings": {"text": "", "numbers": []},
                         "parts": {}}}}
                    """));
        Refused("is a Note, not a ITransformer");
        Rewrite(manifest => manifest["root"]!["settings"]!["steps"] = 1_000_000_000);
        Refused("'steps' is 1000000000");
        Rewrite(manifest => manifest["root"]!["settings"]!["steps"] = 2);
        Assert.Throws<ModelArchiveException>(Read);
    }

    [Fact]
    public void Endless_nesting_is_refused()
    {
        Save();
        var text = new StringBuilder("{\"format\": \"daml-model\", \"formatVersion\": 1, \"root\": ");
        for (int i = 0; i < 100_000; i++)
            text.Append("{\"kind\": \"transformer-chain\", \"version\": 1, \"settings\": {\"steps\": 1}, \"parts\": {\"step0\": ");
        Zip(("manifest.json", Encoding.UTF8.GetBytes(text.ToString())), ("tensors.safetensors", []));
        Refused("damaged");
    }

    private void Save() =>
        context.Model.Save(new AffineTransformer(Field, 0.1, tensor([1.5, 2.5]), Rounding.Nearest, new Note("n", [1])), Model);

    private AffineTransformer Read() => ModelArchive.Read<AffineTransformer>(Model, registry, context);

    private void Refused(string word) =>
        Assert.Contains(word,
            Assert.Throws<ModelArchiveException>(() => ModelArchive.Read<ITransformer>(Model, registry, context)).Message);

    private void Rewrite(Action<JsonObject> change) => Rewrite(Model, change);

    /// <summary>Changes a model file's manifest.</summary>
    internal static void Rewrite(string path, Action<JsonObject> change)
    {
        JsonObject manifest;
        byte[] tensors;
        using (var zip = ZipFile.OpenRead(path))
        {
            using var stream = zip.GetEntry("manifest.json")!.Open();
            manifest = (JsonObject)JsonNode.Parse(stream)!;
            using var rest = new MemoryStream();
            using var from = zip.GetEntry("tensors.safetensors")!.Open();
            from.CopyTo(rest);
            tensors = rest.ToArray();
        }
        change(manifest);
        Zip(path, ("manifest.json", Encoding.UTF8.GetBytes(manifest.ToJsonString())), ("tensors.safetensors", tensors));
    }

    private void Zip(params (string Name, byte[] Content)[] entries) => Zip(Model, entries);

    private static void Zip(string path, params (string Name, byte[] Content)[] entries)
    {
        using var stream = File.Create(path);
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create);
        foreach (var (name, content) in entries)
        {
            using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
            entry.Write(content);
        }
    }

    private static double[] First(ITrajectoryView view)
    {
        using var cursor = view.OpenCursor();
        cursor.MoveNext();
        return cursor[Field].data<double>().ToArray();
    }
}
