using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using DaML.Components;

namespace DaML.Samples.Service;

/// <summary>
/// Measures the service under load: sessions of the ETKF on Lorenz-96 (20 members, 40 components), each with a sender that posts a batch
/// when its last one was answered. Service and senders share this process and its cores, over the loopback interface.
/// </summary>
internal static class LoadTest
{
    private const string Pipeline = "lorenz-96-etkf";

    /// <summary>Runs the test and prints its figures.</summary>
    /// <param name="args"><c>[--sessions N] [--batches N] [--checkpoint-every N] [--json FILE]</c></param>
    /// <param name="output">Where the figures go.</param>
    /// <exception cref="ArgumentException">The arguments are others.</exception>
    public static async Task Run(string[] args, TextWriter output)
    {
        var settings = new Dictionary<string, string>
        {
            ["sessions"] = "16", ["batches"] = "600", ["checkpoint-every"] = "1", ["json"] = "",
        };
        for (int i = 0; i < args.Length; i += 2)
            if (i + 1 == args.Length || !args[i].StartsWith("--", StringComparison.Ordinal) || !settings.ContainsKey(args[i][2..]))
                throw new ArgumentException(
                    "bench service takes --sessions N, --batches N, --checkpoint-every N and --json FILE; given: " +
                        string.Join(' ', args));
            else settings[args[i][2..]] = args[i + 1];
        int sessions = Count("sessions", 256), batches = Count("batches", 100_000), every = Count("checkpoint-every", 100_000);

        var folder = Directory.CreateTempSubdirectory("daml-service-");
        try
        {
            await using var application = ServiceApplication.Create(["--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default=Warning",
                $"--DataAssimilation:sessions:folder={folder.FullName}", $"--DataAssimilation:sessions:checkpointEvery={every}"]);
            await application.StartAsync();
            using var client = new HttpClient { BaseAddress = new Uri(application.Urls.First()) };
            byte[][] bodies = Bodies(batches + 50);
            await Send(client, sessions, bodies, 0, 50);            // warm: code is compiled, sessions are begun
            var usage = Environment.CpuUsage.TotalTime;
            var watch = Stopwatch.StartNew();
            double[] milliseconds = await Send(client, sessions, bodies, 50, bodies.Length);
            double seconds = watch.Elapsed.TotalSeconds;
            double processor = (Environment.CpuUsage.TotalTime - usage).TotalMilliseconds / milliseconds.Length;
            await application.StopAsync();

            Array.Sort(milliseconds);
            double At(double part) => milliseconds[Math.Min(milliseconds.Length - 1, (int)(part * milliseconds.Length))];
            double rate = milliseconds.Length / seconds;
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"""
                {sessions} sessions, {milliseconds.Length} batches of 40 observations in {seconds:f1} s, a checkpoint every {every} cycle(s)
                {rate:f0} batches a second; latency {At(0.5):f1} ms (median), {At(0.99):f1} ms (p99), {milliseconds[^1]:f1} ms (largest)
                {processor:f2} ms of processor time a batch, service and senders together
                on {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, .NET {Environment.Version}
                """));
            if (settings["json"].Length > 0)
                AtomicFile.WriteText(settings["json"], JsonSerializer.Serialize(new
                {
                    sessions, batches = milliseconds.Length, seconds, checkpointEvery = every, batchesPerSecond = rate,
                    medianMilliseconds = At(0.5), p99Milliseconds = At(0.99), largestMilliseconds = milliseconds[^1],
                    processorMilliseconds = processor, cores = Environment.ProcessorCount, system = RuntimeInformation.OSDescription,
                }, JsonSerializerOptions.Web));
        }
        finally { folder.Delete(recursive: true); }

        int Count(string name, int most) => int.TryParse(settings[name], CultureInfo.InvariantCulture, out int count) && count >= 1
            && count <= most ? count : throw new ArgumentException($"--{name} must be from 1 to {most}; given: {settings[name]}.");
    }

    private static async Task<double[]> Send(HttpClient client, int sessions, byte[][] bodies, int from, int to)
    {
        var latencies = await Task.WhenAll(Enumerable.Range(0, sessions).Select(session => Task.Run(async () =>
        {
            double[] milliseconds = new double[to - from];
            for (int i = from; i < to; i++)
            {
                long began = Stopwatch.GetTimestamp();
                using var content = new ByteArrayContent(bodies[i]);
                using var response = await client.PostAsync($"pipelines/{Pipeline}/sessions/load-{session}/observations", content);
                await response.Content.LoadIntoBufferAsync();
                milliseconds[i - from] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
                if (!response.IsSuccessStatusCode || response.StatusCode == System.Net.HttpStatusCode.Accepted)
                    throw new InvalidOperationException(await response.Content.ReadAsStringAsync());
            }
            return milliseconds;
        })));
        return [.. latencies.SelectMany(of => of)];
    }

    private static byte[][] Bodies(int count)
    {
        var model = new Lorenz96();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension)) { Interval = 0.05 };
        var bodies = new List<byte[]>();
        foreach (var cycle in new DataAssimilationContext(1).Data.Twin(system, new() { Cycles = count }))
            bodies.Add(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(
                new { id = $"b{cycle.Cycle}", time = cycle.Time, values = cycle[Columns.Observation][0].ToArray<double>() })));
        return [.. bodies];
    }
}
