using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json;
using DaML.Samples.Service;
using Microsoft.Extensions.DependencyInjection;

namespace DaML.Tests;

/// <summary>What those who run the service see: health, metrics, its description, the watched folder.</summary>
public sealed class OperationTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Sessions => folder.File("sessions");

    // Waits for something that the service does in the background, however long it takes.
    private static async Task Until(Func<Task<bool>> done)
    {
        while (!await done()) await Task.Delay(20, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task It_is_live_at_once_and_ready_when_the_pipelines_are_made()
    {
        await using var service = await ServiceUnderTest.Start(Sessions);
        Assert.Equal((200, "Healthy"), await service.Get("health/live"));
        await Until(async () => (await service.Get("health/ready")) == (200, "Healthy"));
        var pipelines = await service.Read<PipelineAnswer[]>("pipelines");
        Assert.Equal(["lorenz-63-enkf-n", "lorenz-96-enkf-n", "lorenz-96-etkf"], pipelines.Select(pipeline => pipeline.Name));
    }

    [Fact]
    public async Task It_does_not_become_ready_with_a_pipeline_that_cannot_be_made()
    {
        await using var service = await ServiceUnderTest.Start(Sessions, null, "--DataAssimilation:systems:lorenz-63:model=lorenz-1963");
        Assert.Equal((200, "Healthy"), await service.Get("health/live"));
        Assert.Equal((503, "Unhealthy"), await service.Get("health/ready"));
    }

    [Fact]
    public async Task Its_metrics_count_batches_by_what_became_of_them()
    {
        await using var service = await ServiceUnderTest.Start(Sessions);
        var factory = service.Services.GetRequiredService<IMeterFactory>();
        var counted = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            // Other services of this process have meters of the same name.
            if (instrument.Meter.Name == "DaML" && ReferenceEquals(instrument.Meter.Scope, factory))
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            string outcome = tags.ToArray().First(tag => tag.Key == "outcome").Value!.ToString()!;
            lock (counted) counted[outcome] = counted.GetValueOrDefault(outcome) + value;
        });
        listener.Start();
        await service.Assimilate("a", Batch.Twin[0]);
        await service.Assimilate("a", Batch.Twin[0]);
        using (await service.Post("a", Batch.Twin[2])) { }
        using (await service.Post("a", Batch.Twin[0] with { Id = "late" })) { }
        using (await service.Post("a", "{}")) { }
        await service.Assimilate("a", Batch.Twin[1]);
        Assert.Equal(["assimilated 3", "held 1", "malformed 1", "refused 1", "repeated 1"],
            counted.Select(pair => $"{pair.Key} {pair.Value}").Order());

        string text = (await service.Get("metrics")).Text;
        foreach (string name in (string[])["daml_batches_total", "daml_cycle_duration_seconds_count", "daml_innovation_chi_square",
            "daml_sessions", "http_server_request_duration_seconds"])
            Assert.Contains(name, text);
    }

    [Fact]
    public async Task It_describes_itself_in_OpenAPI()
    {
        await using var service = await ServiceUnderTest.Start(Sessions);
        using var document = JsonDocument.Parse((await service.Get("openapi/v1.json")).Text);
        var observe = document.RootElement.GetProperty("paths").GetProperty("/pipelines/{pipeline}/sessions/{session}/observations")
            .GetProperty("post");
        Assert.Equal(["200", "202", "400", "404", "409", "413", "422"],
            observe.GetProperty("responses").EnumerateObject().Select(response => response.Name).Order());
        Assert.Contains("application/json",
            observe.GetProperty("requestBody").GetProperty("content").EnumerateObject().Select(content => content.Name));
        Assert.Equal(["id", "time", "values"], document.RootElement.GetProperty("components").GetProperty("schemas")
            .GetProperty("BatchRequest").GetProperty("properties").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task A_watched_folder_is_read_in_order_and_half_written_files_are_not()
    {
        string inbox = folder.File("inbox"), place = Path.Combine(inbox, ServiceUnderTest.Pipeline, "a");
        Directory.CreateDirectory(place);
        void Leave(string name, string text)
        {
            File.WriteAllText(Path.Combine(place, name + ".part"), text);
            File.Move(Path.Combine(place, name + ".part"), Path.Combine(place, name));
        }
        for (int i = 0; i < 4; i++) Leave($"{i}.json", Batch.Twin[i].Json);
        Leave("4.json", Batch.Twin[4].Json[..30]);
        Leave("5.json", (Batch.Twin[1] with { Id = "late" }).Json);
        Leave("6.json", Batch.Twin[2].Json);        // as after a crash between the cycle and the move
        File.WriteAllText(Path.Combine(place, "7.json.part"), Batch.Twin[4].Json[..30]);
        await using (var service = await ServiceUnderTest.Start(Sessions, null, $"--Service:Inbox={inbox}", "--Service:InboxSeconds=0.05"))
        {
            await Until(() => Task.FromResult(Directory.GetFiles(place, "*.json").Length == 0));
            Assert.Equal(Batch.InOrder[3], (await service.Read<SessionAnswer>(ServiceUnderTest.Session("a"))).Analysis!.Mean);
            Assert.Equal(["0.json", "1.json", "2.json", "3.json", "6.json"],
                Directory.GetFiles(Path.Combine(place, "done")).Select(Path.GetFileName).Order());
            Assert.Contains("is not JSON", File.ReadAllText(Path.Combine(place, "refused", "4.json.problem")));
            Assert.Contains("too late", File.ReadAllText(Path.Combine(place, "refused", "5.json.problem")));
            Assert.True(File.Exists(Path.Combine(place, "7.json.part")));
            // The folder and the network are two ways to one session.
            Assert.Equal(Batch.InOrder[4], (await service.Assimilate("a", Batch.Twin[4])).Mean);
            Leave("7.json", Batch.Twin[5].Json);
            await Until(() => Task.FromResult(File.Exists(Path.Combine(place, "done", "7.json"))));
            Assert.Equal(Batch.InOrder[5], (await service.Read<SessionAnswer>(ServiceUnderTest.Session("a"))).Analysis!.Mean);
        }
    }

    [Fact]
    public async Task Diagnostics_are_those_of_the_latest_cycles()
    {
        await using var service = await ServiceUnderTest.Start(Sessions, null, "--Service:Diagnostics=3");
        var answers = new List<AnalysisAnswer>();
        foreach (var batch in Batch.Twin.Take(5)) answers.Add(await service.Assimilate("a", batch));
        string address = ServiceUnderTest.Session("a") + "/diagnostics";
        var kept = await service.Read<CycleDiagnostics[]>(address);
        Assert.Equal(answers[2..].Select(answer => (answer.Cycle, answer.Innovation, answer.ChiSquare)),
            kept.Select(cycle => (cycle.Cycle, cycle.Innovation, cycle.ChiSquare)));
        Assert.Equal([4L], (await service.Read<CycleDiagnostics[]>(address + "?after=3")).Select(cycle => cycle.Cycle));
        Assert.Equal(HttpStatusCode.NotFound, (HttpStatusCode)(await service.Get(address.Replace("/a/", "/b/"))).Status);
    }

    [Theory]
    [InlineData("--Service:HoldCount=-1", "'Service:HoldCount' must be from 0 to 10000; given: -1")]
    [InlineData("--Service:HoldCuont=1", "There is no setting 'Service:HoldCuont'. There are: HoldCount, ")]
    [InlineData("--sede=3", "'--sede=3' is no setting")]
    [InlineData("bogus", "'bogus' is no setting")]
    [InlineData("--Service:Inbox", "'--Service:Inbox' needs a value")]
    [InlineData("--DataAssimilation:methods:etkf-20:members=two", "members")]
    [InlineData("--DataAssimilation:sesions:folder=x", "There is no setting 'DataAssimilation:sesions'")]
    public void A_wrong_setting_stops_it_at_its_start(string setting, string part) =>
        Assert.Contains(part, Assert.Throws<ArgumentException>(() => ServiceApplication.Create([setting])).Message);
}
