using System.IO.Compression;
using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace DaML.Components;

/// <summary>
/// A file with a model of ML.NET and its steps of DaML: ML.NET's own file, in which a placeholder stands for each step. Beside it are the
/// steps, as DaML's archives, and how their rows are trajectories.
/// </summary>
internal static class MicrosoftMLModel
{
    private const string Folder = "DaML/";
    private const long RowsLimit = 1 << 20;

    /// <summary>Writes a model.</summary>
    public static void Save(ModelCatalog catalog, MLContext ml, Microsoft.ML.ITransformer model, DataViewSchema inputSchema,
        string path) => AtomicFile.WriteAt(path, file =>
    {
        using var work = new WorkFolder();
        var steps = Leaves(model).OfType<MicrosoftMLTransformer>().ToList();
        for (int i = 0; i < steps.Count; i++) catalog.Save(steps[i].Transformer, work.File(i));
        int saved = ModelPlaceholder.Count(() => ml.Model.Save(model, inputSchema, file));
        if (saved != steps.Count)
            throw new NotSupportedException($"The model has {saved} steps of DaML, of which {steps.Count} stand in its chains; one " +
                "inside another transformer cannot be saved.");
        using var zip = ZipFile.Open(file, ZipArchiveMode.Update);
        for (int i = 0; i < steps.Count; i++)
        {
            zip.CreateEntryFromFile(work.File(i), StepEntry(i), CompressionLevel.NoCompression);
            using var entry = zip.CreateEntry(RowsEntry(i), CompressionLevel.NoCompression).Open();
            JsonSerializer.Serialize(entry, steps[i].Rows, ModelArchive.SettingsFormat);
        }
    });

    /// <summary>Reads a model.</summary>
    public static Microsoft.ML.ITransformer Load(ModelCatalog catalog, MLContext ml, string path, out DataViewSchema inputSchema)
    {
        using var file = File.OpenRead(path);
        DataViewSchema? schema = null;
        try
        {
            var steps = new Queue<MicrosoftMLTransformer>(Steps(catalog, ml, file, path));
            file.Position = 0;
            Microsoft.ML.ITransformer? model = null;
            int places = ModelPlaceholder.Count(() => model = ml.Model.Load(file, out schema));
            if (places != steps.Count)
                throw new ModelArchiveException($"'{path}' has places for {places} steps of DaML and holds {steps.Count}; it is damaged.");
            inputSchema = schema!;
            return Filled(model!, steps);
        }
        catch (Exception e)
        when (e is InvalidDataException or FormatException or JsonException or EndOfStreamException or ArgumentException)
        {
            throw new ModelArchiveException($"'{path}' is damaged or not a model of ML.NET: {e.Message}", e);
        }
    }

    private static string StepEntry(int step) => $"{Folder}{step}.zip";

    private static string RowsEntry(int step) => $"{Folder}{step}.json";

    // The steps of a pipeline in the order in which ML.NET saves them; a chain within a chain is taken apart.
    private static IEnumerable<Microsoft.ML.ITransformer> Leaves(Microsoft.ML.ITransformer model) =>
        model is IEnumerable<Microsoft.ML.ITransformer> chain ? chain.SelectMany(Leaves) : [model];

    private static Microsoft.ML.ITransformer Filled(Microsoft.ML.ITransformer model, Queue<MicrosoftMLTransformer> steps) =>
        model is IEnumerable<Microsoft.ML.ITransformer> chain
            ? new TransformerChain<Microsoft.ML.ITransformer>([.. chain.Select(step => Filled(step, steps))])
        : ModelPlaceholder.Is(model) ? steps.Dequeue()
        : model;

    private static IEnumerable<MicrosoftMLTransformer> Steps(ModelCatalog catalog, MLContext ml, Stream file, string path)
    {
        using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
        using var work = new WorkFolder();
        var steps = new List<MicrosoftMLTransformer>();
        for (int i = 0; zip.GetEntry(StepEntry(i)) is { } step; i++)
        {
            using (var stored = Opened(step, file.Length))
            using (var copy = File.Create(work.File(i))) stored.CopyTo(copy);
            var entry = zip.GetEntry(RowsEntry(i))
                ?? throw new ModelArchiveException($"'{path}' does not say how the rows of its step {i} of DaML are trajectories.");
            using var json = Opened(entry, RowsLimit);
            var rows = JsonSerializer.Deserialize<TrajectoryRows>(json, ModelArchive.SettingsFormat)
                ?? throw new ModelArchiveException($"'{path}' does not say how the rows of its step {i} of DaML are trajectories.");
            steps.Add(new MicrosoftMLTransformer(catalog.Load<ITransformer>(work.File(i)), ml, catalog.Context, rows));
        }
        return steps;
    }

    private static Stream Opened(ZipArchiveEntry entry, long limit) => entry.Length == entry.CompressedLength && entry.Length <= limit
        ? entry.Open()
        : throw new ModelArchiveException($"The entry '{entry.FullName}' declares {entry.Length} bytes ({entry.CompressedLength} " +
            $"stored); entries of DaML are stored as they are and hold at most {limit} bytes.");

    // Archives of DaML are written and read as files.
    private sealed class WorkFolder : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("daml-model-");

        public string File(int step) => Path.Combine(folder.FullName, $"{step}.zip");

        public void Dispose() => folder.Delete(recursive: true);
    }
}
