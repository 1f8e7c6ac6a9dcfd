using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace DaML.Tests;

public partial class DocumentTests
{
    [Theory, InlineData("session"), InlineData("pool")]
    public void The_service_quotes_the_marked_lines(string mark) =>
        Assert.Contains(Marked("Sessions.cs", mark), Quoted("service.md"));

    [Fact]
    public void The_session_of_the_document_runs()
    {
        var context = new DataAssimilationContext(1);
        var system = new AssimilationSystem(new Lorenz63(), ObservationNetwork.Full(3, 2)) { Interval = 0.25 };
        var arrivals = new List<(double, double[])>();
        foreach (var cycle in context.Data.Twin(system, new() { Cycles = 3 }))
            arrivals.Add((cycle.Time, cycle[Columns.Observation][0].ToArray<double>()));
        string folder = Directory.CreateTempSubdirectory("daml-documents-").FullName;
        try
        {
            var (forecast, resumed) = Sessions.Stepwise(context, system, arrivals, Path.Combine(folder, "buoy.session"));
            Assert.Equal((1.25, 3, 3L), (forecast.Time, forecast.Spread!.Count, resumed));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }

    // The settings are the document's own.
    [Fact]
    public async Task The_settings_of_the_document_are_read_and_their_session_runs()
    {
        string settings = Regex.Match(Document("service.md"), "```json\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        using var json = JsonDocument.Parse(settings);
        var flat = new Dictionary<string, string?>();
        void Flatten(string path, JsonElement element)
        {
            string Below(object key) => path.Length == 0 ? $"{key}" : $"{path}:{key}";
            if (element.ValueKind == JsonValueKind.Object)
                foreach (var property in element.EnumerateObject()) Flatten(Below(property.Name), property.Value);
            else if (element.ValueKind == JsonValueKind.Array)
                foreach (var (i, item) in element.EnumerateArray().Index()) Flatten(Below(i), item);
            else flat[path] = element.ToString();
        }
        Flatten("", json.RootElement);
        string folder = Directory.CreateTempSubdirectory("daml-documents-").FullName;
        try
        {
            flat["sessions:folder"] = folder;
            var configuration = new ConfigurationBuilder().AddInMemoryCollection(flat).Build();
            Assert.Equal(40, (await Sessions.Pooled(configuration, [.. Enumerable.Repeat(1.0, 40)])).Observed);
            Assert.True(File.Exists(Path.Combine(folder, "ring-etkf", "buoys.session")));
        }
        finally { Directory.Delete(folder, recursive: true); }
    }
}
