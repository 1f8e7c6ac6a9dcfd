using System.Text.Json;
using System.Text.Json.Nodes;

namespace DaML.Samples;

/// <summary>
/// Writes what a sample measured as JSON: <c>{"name", "settings": {...}, "metrics": {...}}</c>, sweeps among the metrics as arrays of
/// <c>{"value", "method", "rmse"}</c>, or the document it made itself.
/// </summary>
internal static class ResultJson
{
    private static readonly JsonSerializerOptions Indented = new()
        { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static void Write(string name, SampleResult result, string path) => AtomicFile.WriteText(path, (result.Document ?? new JsonObject
    {
        ["name"] = name,
        ["settings"] = Members(result.Settings.Select(setting => (setting.Key, setting.Value))),
        ["metrics"] =
            Members(result.Metrics.Select(metric => (metric.Key, (object)metric.Value))
                .Concat(result.Sweeps.Select(sweep => (sweep.Key, (object)sweep.Value)))),
    }).ToJsonString(Indented) + "\n");

    private static JsonObject Members(IEnumerable<(string Name, object Value)> values) =>
        new(values.Select(value => KeyValuePair.Create(value.Name, JsonSerializer.SerializeToNode(value.Value, Indented))));
}
