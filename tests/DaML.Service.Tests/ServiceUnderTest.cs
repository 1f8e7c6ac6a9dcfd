using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using DaML.Samples.Service;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DaML.Tests;

/// <summary>The service in this process, on a free port of this machine, with the configuration it is delivered with.</summary>
internal sealed class ServiceUnderTest : IAsyncDisposable
{
    public const string Pipeline = "lorenz-96-etkf";

    private readonly WebApplication application;

    private ServiceUnderTest(WebApplication application)
    {
        this.application = application;
        Client = new HttpClient { BaseAddress = new Uri(application.Urls.First()) };
    }

    public HttpClient Client { get; }

    public IServiceProvider Services => application.Services;

    public string Address => Client.BaseAddress!.ToString();

    public static async Task<ServiceUnderTest> Start(string folder, TimeProvider? clock = null, params string[] settings)
    {
        var application = ServiceApplication.Create(
            ["--urls", "http://127.0.0.1:0", $"--DataAssimilation:sessions:folder={folder}", .. settings],
            services =>
            {
                services.AddLogging(logging => logging.ClearProviders());
                if (clock is not null) services.AddSingleton(clock);
            });
        await application.StartAsync();
        return new ServiceUnderTest(application);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await application.StopAsync();
        await application.DisposeAsync();
    }

    public static string Session(string name, string pipeline = Pipeline) => $"pipelines/{pipeline}/sessions/{name}";

    public Task<HttpResponseMessage> Post(string session, string json) =>
        Client.PostAsync(Session(session) + "/observations", new StringContent(json, Encoding.UTF8, "application/json"));

    public Task<HttpResponseMessage> Post(string session, Batch batch) => Post(session, batch.Json);

    public async Task<AnalysisAnswer> Assimilate(string session, Batch batch)
    {
        using var response = await Post(session, batch);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonSerializer.Deserialize<AnalysisAnswer>(text, JsonSerializerOptions.Web)!;
    }

    public async Task<(int Status, string Text)> Get(string path)
    {
        using var response = await Client.GetAsync(path);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public Task<T> Read<T>(string path) => Client.GetFromJsonAsync<T>(path)!;
}

/// <summary>Batches of a twin experiment of Lorenz-96, and what a session that gets them in order gives.</summary>
internal sealed record Batch(string Id, double Time, double[] Values)
{
    public static IReadOnlyList<Batch> Twin { get; } = MakeTwin();

    public string Json => "{\"id\":\"" + Id + "\",\"time\":" + Time.ToString("r", CultureInfo.InvariantCulture) + ",\"values\":["
        + string.Join(",", Values.Select(value => double.IsNaN(value) ? "null" : value.ToString("r", CultureInfo.InvariantCulture))) + "]}";

    private static List<Batch> MakeTwin()
    {
        var context = new DataAssimilationContext(17);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Interval = 0.05 };
        var batches = new List<Batch>();
        foreach (var cycle in context.Data.Twin(system, new() { Cycles = 24 }))
        {
            double[] values = cycle[Columns.Observation][0].ToArray<double>();
            // Some are missing, some in every second cycle.
            if (cycle.Cycle % 2 == 1) values[cycle.Cycle] = values[39] = double.NaN;
            batches.Add(new Batch($"b{cycle.Cycle}", cycle.Time, values));
        }
        return batches;
    }

    /// <summary>The session that the service's configuration describes, without the service.</summary>
    public static AssimilationSession Reference()
    {
        double[] mean = [.. Enumerable.Repeat(2.3, 40)];
        var start = new GaussianInitialCondition(TorchSharp.torch.tensor(mean), ErrorCovariance.Scalar(40, 13));
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(40)) { Interval = 0.05, Initial = start };
        var etkf = new EnsembleTransformKalmanFilter
        {
            Members = 20, Inflation = Inflation.StandardDeviation(1.04), Rotation = EnsembleRotation.MeanPreserving,
        };
        return AssimilationSession.Begin(etkf.For(system, new DataAssimilationContext(1)));
    }

    /// <summary>The means of the analyses of batches, in this order, without the service.</summary>
    public static IReadOnlyList<double[]> Expected(IEnumerable<Batch> batches)
    {
        using var session = Reference();
        return [.. batches.Select(batch => session.Assimilate(batch.Time, batch.Values).Analysis.Mean.ToArray())];
    }

    public static IReadOnlyList<double[]> InOrder { get; } = Expected(Twin);
}

/// <summary>A clock that tells the time it is set to.</summary>
internal sealed class ManualClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;
}
