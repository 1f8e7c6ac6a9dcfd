using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using DaML.Samples.Service;

namespace DaML.Tests;

public sealed class ServiceRestartTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>The service as a process of its own, which can be killed.</summary>
    private sealed class ServiceProcess : IDisposable
    {
        private readonly Process process;

        public ServiceProcess(string folder)
        {
            // Built as this program is: .../tests/NAME/bin/CONFIGURATION/net10.0.
            string own = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
            string configuration = Path.GetFileName(Path.GetDirectoryName(own)!);
            string program = Path.Combine(SdkCommand.Sources, "Samples", "Service", "bin", configuration, Path.GetFileName(own),
                "daml-service.dll");
            process = Process.Start(new ProcessStartInfo("dotnet",
                [program, "--urls", "http://127.0.0.1:0", $"--DataAssimilation:sessions:folder={folder}",
                    "--Logging:LogLevel:Microsoft.Hosting.Lifetime=Information"]) { RedirectStandardOutput = true })!;
            const string before = "Now listening on: ";
            string? line;
            while ((line = process.StandardOutput.ReadLine()) is not null && !line.Contains(before, StringComparison.Ordinal)) { }
            if (line is null) throw new InvalidOperationException("The service ended before it listened.");
            string address = line[(line.IndexOf(before, StringComparison.Ordinal) + before.Length)..].Trim();
            Client = new HttpClient { BaseAddress = new Uri(address) };
            // Read on, so that what it writes does not fill the pipe.
            _ = process.StandardOutput.ReadToEndAsync();
        }

        public HttpClient Client { get; }

        public void Kill()
        {
            process.Kill();     // SIGKILL: nothing of the program runs after it
            process.WaitForExit();
        }

        public void Dispose()
        {
            if (!process.HasExited) Kill();
            Client.Dispose();
            process.Dispose();
        }
    }

    private static async Task<AnalysisAnswer> Send(HttpClient client, Batch batch)
    {
        using var response = await client.PostAsync(ServiceUnderTest.Session("a") + "/observations",
            new StringContent(batch.Json, Encoding.UTF8, "application/json"));
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonSerializer.Deserialize<AnalysisAnswer>(text, JsonSerializerOptions.Web)!;
    }

    // The sender repeats what was not answered; every analysis is that of a run that nothing interrupted.
    [Fact]
    public async Task A_service_that_is_killed_at_any_time_continues_to_the_bit()
    {
        int answered = 0;
        for (int killed = 0; answered < Batch.Twin.Count; killed++)
        {
            using var service = new ServiceProcess(folder.FullName);
            Assert.True(killed < 3, "the service ended by itself");
            if (answered > 0) Assert.Equal(Batch.InOrder[answered - 1], (await Send(service.Client, Batch.Twin[answered - 1])).Mean);
            int until = killed < 2 ? answered + 8 : Batch.Twin.Count;
            for (; answered < until; answered++)
                Assert.Equal(Batch.InOrder[answered], (await Send(service.Client, Batch.Twin[answered])).Mean);
            if (killed == 2) break;
            // In the middle of a request: it is answered, or cut off, and whichever it was is unknown to the sender.
            var pending = Send(service.Client, Batch.Twin[answered]);
            service.Kill();
            try { await pending; }
            catch (HttpRequestException) { }
        }
        Assert.Equal(Batch.Twin.Count, answered);
    }

    [Fact]
    public async Task A_service_that_ends_in_order_writes_every_session()
    {
        for (int i = 0; i < 6; i++)
        {
            await using var service = await ServiceUnderTest.Start(folder.FullName, null, "--DataAssimilation:sessions:checkpointEvery=100",
                "--DataAssimilation:sessions:capacity=1");
            foreach (string session in (string[])["a", "b"])
                Assert.Equal(Batch.InOrder[i], (await service.Assimilate(session, Batch.Twin[i])).Mean);
        }
    }
}
