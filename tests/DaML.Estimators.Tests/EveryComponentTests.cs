using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Every kind of component writes what it always wrote and reads itself equal.</summary>
public sealed class EveryComponentTests
{
    private static readonly JsonSerializerOptions Compact = new(ModelArchive.SettingsFormat) { WriteIndented = false };

    private readonly DataAssimilationContext context = new(65);

    /// <summary>
    /// <c>Data/components.jsonl</c> was written before components were declared by an attribute, when each wrote itself by hand; the
    /// methods' records, which came later, stand first, and sequential assimilations have the version that holds them.
    /// </summary>
    [Fact]
    public void Every_component_is_written_as_before()
    {
        using var scope = NewDisposeScope();
        string[] expected = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Data", "components.jsonl"));
        string[] written = [.. EveryComponent.All(context).Select(component => ModelArchive.Describe(component).ToJsonString(Compact))];
        Assert.Equal(expected, written);
    }

    [Fact]
    public void Every_component_is_read_equal()
    {
        using var scope = NewDisposeScope();
        foreach (var component in EveryComponent.All(context))
        {
            var read = Reloaded.Of(component, context);
            Assert.Equal(component.GetType(), read.GetType());
            var (tree, tensors) = EveryComponent.Written(component);
            var (treeOfRead, tensorsOfRead) = EveryComponent.Written(read);
            Assert.Equal(tree, treeOfRead);
            Assert.Equal(tensors, tensorsOfRead);
        }
    }

    [Fact]
    public void Every_kind_is_among_them()
    {
        using var scope = NewDisposeScope();
        var found = new HashSet<string>();
        foreach (var component in EveryComponent.All(context)) Note(ModelArchive.Describe(component));
        Assert.Equal(new ComponentRegistry(BuiltInComponents.All).Types.Select(type => type.Name).Order(StringComparer.Ordinal),
            found.Order(StringComparer.Ordinal));

        void Note(JsonObject tree)
        {
            found.Add((string)tree["kind"]!);
            foreach (var (_, part) in tree["parts"]!.AsObject()) Note(part!.AsObject());
        }
    }
}
