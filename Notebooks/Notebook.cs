using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DaML.Notebooks;

/// <summary>A cell of a notebook.</summary>
/// <param name="node">The cell as the file has it.</param>
/// <param name="number">The cells of code are counted from one; 0 for text.</param>
internal sealed class NotebookCell(JsonObject node, int number)
{
    /// <summary>The cells of code are counted from one; 0 for text.</summary>
    public int Number => number;

    /// <summary>Whether it is code.</summary>
    public bool IsCode => number > 0;

    /// <summary>Its text.</summary>
    public string Source { get; } = Notebook.Text(node["source"]);

    /// <summary>The language that editors run it in, as its metadata say; null where they say none.</summary>
    public string? KernelName => node["metadata"]?["polyglot_notebook"]?["kernelName"]?.ToString();

    /// <summary>What it put out when it was last run.</summary>
    public IReadOnlyList<JsonNode> Outputs => [.. (node["outputs"] as JsonArray ?? []).OfType<JsonNode>()];

    /// <summary>Replaces what it put out.</summary>
    public void Set(IEnumerable<JsonNode> outputs)
    {
        node["execution_count"] = number;
        node["outputs"] = new JsonArray([.. outputs]);
    }
}

/// <summary>A Jupyter notebook, nbformat 4, with cells of C# and of text. Whatever else its file holds is kept.</summary>
internal sealed class Notebook
{
    // As Jupyter writes it: one blank a level, letters as they are.
    private static readonly JsonSerializerOptions Format = new()
        { WriteIndented = true, IndentSize = 1, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    private readonly JsonObject root;

    private Notebook(JsonObject root, IReadOnlyList<NotebookCell> cells) => (this.root, Cells) = (root, cells);

    /// <summary>The cells, in order.</summary>
    public IReadOnlyList<NotebookCell> Cells { get; }

    /// <summary>Reads a notebook.</summary>
    /// <exception cref="SampleException">The file is no notebook of C#.</exception>
    public static Notebook Read(string path)
    {
        JsonNode? read;
        try { read = JsonNode.Parse(File.ReadAllText(path)); }
        catch (JsonException wrong) { throw new SampleException($"'{path}' is no notebook: {wrong.Message}"); }
        if (read is not JsonObject root || root["nbformat"]?.ToString() != "4" || root["cells"] is not JsonArray cells)
            throw new SampleException($"'{path}' is no notebook: it needs 'nbformat' 4 and 'cells'.");
        if (root["metadata"]?["kernelspec"]?["name"]?.ToString() is not ".net-csharp" and var kernel)
            throw new SampleException($"'{path}' is a notebook for '{kernel ?? "no kernel"}'; only '.net-csharp' can be run.");
        int code = 0;
        return new Notebook(root, [.. cells.OfType<JsonObject>()
            .Select(cell => new NotebookCell(cell, cell["cell_type"]?.ToString() == "code" ? ++code : 0))]);
    }

    /// <summary>Writes the notebook, atomically.</summary>
    public void Write(string path) => AtomicFile.WriteText(path, root.ToJsonString(Format) + "\n");

    /// <summary>The text of a member, which may be kept as a list of lines.</summary>
    public static string Text(JsonNode? member) => member is JsonArray lines ? string.Concat(lines.Select(line => line?.ToString()))
        : member?.ToString() ?? "";

    /// <summary>A text as a list of lines, each with its end.</summary>
    public static JsonArray Lines(string text)
    {
        var lines = new JsonArray();
        for (int start = 0; start < text.Length;)
        {
            int end = text.IndexOf('\n', start) + 1;
            if (end == 0) end = text.Length;
            lines.Add((JsonNode)text[start..end]);
            start = end;
        }
        return lines;
    }
}
