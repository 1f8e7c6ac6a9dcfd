using System.Net;
using System.Text.Json;
using DaML.Samples.Service;
using Microsoft.Extensions.DependencyInjection;

namespace DaML.Tests;

/// <summary>What becomes of observations, in whatever order and form they arrive.</summary>
public sealed class ObservationPolicyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static IReadOnlyList<Batch> Twin => Batch.Twin;

    private Task<ServiceUnderTest> Start(params string[] settings) => ServiceUnderTest.Start(folder.FullName, null, settings);

    private static async Task<string> Problem(HttpResponseMessage response, HttpStatusCode expected)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(expected == response.StatusCode, $"{response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        using var json = JsonDocument.Parse(text);
        Assert.Equal((int)expected, json.RootElement.GetProperty("status").GetInt32());
        return json.RootElement.GetProperty("detail").GetString()!;
    }

    [Fact]
    public async Task Batches_in_order_are_the_sessions_cycles_to_the_bit_and_missing_values_are_masked()
    {
        await using var service = await Start();
        using var session = Batch.Reference();
        foreach (var batch in Twin)
        {
            var answer = await service.Assimilate("a", batch);
            var expected = session.Assimilate(batch.Time, batch.Values);
            Assert.Equal(expected.Analysis.Mean, answer.Mean);
            Assert.Equal(expected.Analysis.Spread, answer.Spread);
            Assert.Equal((batch.Id, expected.Cycle, expected.Analysis.Time, expected.Observed, expected.Innovation, expected.ChiSquare),
                (answer.Id, answer.Cycle, answer.Time, answer.Observed, answer.Innovation, answer.ChiSquare));
        }

        var latest = await service.Read<SessionAnswer>(ServiceUnderTest.Session("a"));
        Assert.Equal((24, session.Time), (latest.Cycles, latest.Time));
        Assert.Equal(session.Analysis!.Mean, latest.Analysis!.Mean);
        var forecast = await service.Read<StateEstimate>(ServiceUnderTest.Session("a") + "/forecast?lead=0.5");
        var ahead = session.Forecast(session.Time + 0.5);
        Assert.Equal(ahead.Mean, forecast.Mean);
        Assert.Equal(ahead.Spread, forecast.Spread);
    }

    [Fact]
    public async Task A_repeated_batch_is_answered_as_before_and_an_id_stands_for_one_batch()
    {
        await using var service = await Start("--Service:Answers=3");
        var texts = new List<string>();
        foreach (var batch in Twin.Take(5))
        {
            using var response = await service.Post("a", batch);
            texts.Add(await response.Content.ReadAsStringAsync());
            using var again = await service.Post("a", batch);
            Assert.Equal((HttpStatusCode.OK, texts[^1]), (again.StatusCode, await again.Content.ReadAsStringAsync()));
        }
        for (int i = 2; i < 5; i++)
        {
            using var again = await service.Post("a", Twin[i]);
            Assert.Equal((HttpStatusCode.OK, texts[i]), (again.StatusCode, await again.Content.ReadAsStringAsync()));
            Assert.Equal((200, texts[i]), await service.Get(ServiceUnderTest.Session("a") + $"/observations/b{i}"));
        }
        // Older than the answers that are kept, it is a late one.
        using (var old = await service.Post("a", Twin[1])) Assert.Contains("too late", await Problem(old, HttpStatusCode.Conflict));
        using (var other = await service.Post("a", Twin[4] with { Values = Twin[3].Values }))
            Assert.Contains("with other values", await Problem(other, HttpStatusCode.Conflict));
        Assert.Equal(Batch.InOrder[5], (await service.Assimilate("a", Twin[5])).Mean);
    }

    [Fact]
    public async Task A_late_batch_is_refused_and_changes_nothing()
    {
        await using var service = await Start();
        for (int i = 0; i < 3; i++) await service.Assimilate("a", Twin[i]);
        using (var late = await service.Post("a", Twin[1] with { Id = "late" }))
            Assert.Contains($"'late' of time {Twin[1].Time:g9} is too late", await Problem(late, HttpStatusCode.Conflict));
        using (var same = await service.Post("a", Twin[2] with { Id = "same" }))
            Assert.Contains("is too late", await Problem(same, HttpStatusCode.Conflict));
        Assert.Equal(Batch.InOrder[3], (await service.Assimilate("a", Twin[3])).Mean);
    }

    [Fact]
    public async Task Early_batches_wait_for_the_missing_one_and_are_assimilated_in_order()
    {
        await using var service = await Start();
        int[] order = [0, 3, 2, 1, 4, 6, 5];
        foreach (int i in order)
        {
            using var response = await service.Post("a", Twin[i]);
            bool early = i is 3 or 2 or 6;
            Assert.Equal(early ? HttpStatusCode.Accepted : HttpStatusCode.OK, response.StatusCode);
            if (!early) continue;
            Assert.Contains("waits for that of time", await response.Content.ReadAsStringAsync());
            Assert.EndsWith($"/observations/b{i}", response.Headers.Location!.ToString());
            Assert.Equal(202, (await service.Get(response.Headers.Location.ToString())).Status);
            using var again = await service.Post("a", Twin[i]);
            Assert.Equal(HttpStatusCode.Accepted, again.StatusCode);
            using var other = await service.Post("a", Twin[i] with { Id = "other" });
            Assert.Contains("is taken by the waiting batch", await Problem(other, HttpStatusCode.Conflict));
        }
        for (int i = 0; i < 7; i++)
            Assert.Equal(Batch.InOrder[i],
                (await service.Read<AnalysisAnswer>(ServiceUnderTest.Session("a") + $"/observations/b{i}")).Mean);
        Assert.Empty((await service.Read<SessionAnswer>(ServiceUnderTest.Session("a"))).Waiting);
    }

    [Fact]
    public async Task When_too_many_wait_the_earliest_goes_on_without_what_it_waited_for()
    {
        await using var service = await Start("--Service:HoldCount=2");
        var expected = Batch.Expected([Twin[0], Twin[2], Twin[3], Twin[4]]);
        Assert.Equal(expected[0], (await service.Assimilate("a", Twin[0])).Mean);
        foreach (int i in (int[])[3, 4, 2])
            using (var response = await service.Post("a", Twin[i])) Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        for (int i = 2; i < 5; i++)
            Assert.Equal(expected[i - 1],
                (await service.Read<AnalysisAnswer>(ServiceUnderTest.Session("a") + $"/observations/b{i}")).Mean);
        using var late = await service.Post("a", Twin[1]);
        Assert.Contains("too late", await Problem(late, HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Batches_that_waited_long_enough_go_on_also_after_a_restart()
    {
        var clock = new ManualClock();
        var expected = Batch.Expected([Twin[0], Twin[2], Twin[3]]);
        await using (var service = await ServiceUnderTest.Start(folder.FullName, clock, "--Service:HoldSeconds=60"))
        {
            await service.Assimilate("a", Twin[0]);
            foreach (int i in (int[])[2, 3])
                using (var response = await service.Post("a", Twin[i])) Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
            clock.Now += TimeSpan.FromSeconds(59);
            await service.Services.GetRequiredService<SessionDesk>().Release(ServiceUnderTest.Pipeline, "a", default);
            Assert.Equal(["b2", "b3"], (await service.Read<SessionAnswer>(ServiceUnderTest.Session("a"))).Waiting);
        }
        await using var next = await ServiceUnderTest.Start(folder.FullName, clock, "--Service:HoldSeconds=60");
        var desk = next.Services.GetRequiredService<SessionDesk>();
        await desk.Look(ServiceUnderTest.Pipeline, "a", default);
        Assert.Contains((ServiceUnderTest.Pipeline, "a"), desk.Waiting);
        clock.Now += TimeSpan.FromSeconds(1);
        await desk.Release(ServiceUnderTest.Pipeline, "a", default);
        for (int i = 2; i < 4; i++)
            Assert.Equal(expected[i - 1],
                (await next.Read<AnalysisAnswer>(ServiceUnderTest.Session("a") + $"/observations/b{i}")).Mean);
    }

    [Theory]
    [InlineData("", "is not JSON")]
    [InlineData("{\"id\":\"x\",\"time\":0.05,\"values\":[1,2", "is not JSON")]
    [InlineData("[1]", "given: a list")]
    [InlineData("{\"time\":0.05,\"values\":[]}", "\"id\" must be a text of 1 to 128 characters; given: nothing")]
    [InlineData("{\"id\":7,\"time\":0.05,\"values\":[]}", "\"id\" must be a text; given: 7")]
    [InlineData("{\"id\":\"x\",\"values\":[]}", "\"time\" must be a finite number, the time in the model's unit; given: nothing")]
    [InlineData("{\"id\":\"x\",\"time\":1e999,\"values\":[]}", "given: 1e999")]
    [InlineData("{\"id\":\"x\",\"time\":\"now\",\"values\":[]}", "given: \"now\"")]
    [InlineData("{\"id\":\"x\",\"time\":0.05}", "\"values\" must be a list of numbers, null for a missing one; given: nothing")]
    [InlineData("{\"id\":\"x\",\"time\":0.05,\"values\":[1,\"NaN\"]}", "\"values\"[1] must be a finite number, or null if missing")]
    [InlineData("{\"id\":\"x\",\"time\":0.05,\"values\":[1,2,3]}", "\"values\" must hold 40 numbers, null for a missing one; given: 3")]
    [InlineData("{\"id\":\"x\",\"time\":0.05,\"values\":[],\"error\":1}", "given too: \"error\"")]
    [InlineData("{\"id\":\"x\",\"id\":\"y\",\"time\":0.05,\"values\":[]}", "is not JSON")]
    public async Task A_malformed_batch_is_refused_with_what_was_given_and_what_is_needed(string json, string part)
    {
        await using var service = await Start();
        using var response = await service.Post("a", json);
        Assert.Contains(part, await Problem(response, HttpStatusCode.BadRequest));
        Assert.Equal(Batch.InOrder[0], (await service.Assimilate("a", Twin[0])).Mean);
    }

    [Fact]
    public async Task Times_between_steps_large_bodies_unknown_names_and_long_leads_are_refused()
    {
        await using var service = await Start("--Service:LargestBody=5000", "--Service:LongestLead=2");
        using (var between = await service.Post("a", Twin[0] with { Time = 0.06 }))
            Assert.Contains("a whole number of steps is needed", await Problem(between, HttpStatusCode.BadRequest));
        using (var large = await service.Post("a", Twin[0].Json + new string(' ', 5000)))
            Assert.Contains("too large", await Problem(large, HttpStatusCode.RequestEntityTooLarge));
        using (var name = await service.Post("%2e%2ea", Twin[0]))
            Assert.Contains("The name of a session", await Problem(name, HttpStatusCode.BadRequest));
        using (var pipeline = await service.Client.GetAsync(ServiceUnderTest.Session("a", "etfk")))
            Assert.Contains("There is no pipeline 'etfk'", await Problem(pipeline, HttpStatusCode.NotFound));
        using (var session = await service.Client.GetAsync(ServiceUnderTest.Session("a") + "/forecast?lead=1"))
            Assert.Contains("has no session 'a'", await Problem(session, HttpStatusCode.NotFound));
        await service.Assimilate("a", Twin[0]);
        foreach (string lead in (string[])["-1", "2.5", "NaN"])
            using (var far = await service.Client.GetAsync(ServiceUnderTest.Session("a") + "/forecast?lead=" + lead))
                Assert.Contains("must be from 0 to 2", await Problem(far, HttpStatusCode.BadRequest));
        using (var off = await service.Client.GetAsync(ServiceUnderTest.Session("a") + "/forecast?lead=0.02"))
            Assert.Contains("a whole number of steps", await Problem(off, HttpStatusCode.BadRequest));
        using (var unknown = await service.Client.GetAsync(ServiceUnderTest.Session("a") + "/observations/none"))
            Assert.Contains("No batch 'none'", await Problem(unknown, HttpStatusCode.NotFound));
    }

    [Fact]
    public async Task A_batch_that_makes_the_filter_diverge_is_left_out()
    {
        await using var service = await Start("--DataAssimilation:methods:etkf-20:divergenceBound=50");
        await service.Assimilate("a", Twin[0]);
        using (var wild = await service.Post("a", Twin[1] with { Id = "wild", Values = [.. Enumerable.Repeat(1e9, 40)] }))
            Assert.Contains("The batch is left out", await Problem(wild, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(Batch.InOrder[1], (await service.Assimilate("a", Twin[1])).Mean);
        // Also one that waited.
        using (var wild = await service.Post("a", Twin[3] with { Id = "wild", Values = [.. Enumerable.Repeat(1e9, 40)] }))
            Assert.Equal(HttpStatusCode.Accepted, wild.StatusCode);
        Assert.Equal(Batch.InOrder[2], (await service.Assimilate("a", Twin[2])).Mean);
        Assert.Equal(Batch.InOrder[3], (await service.Assimilate("a", Twin[3])).Mean);
    }

    [Fact]
    public async Task A_gross_error_is_left_out_and_the_session_goes_on()
    {
        await using var service = await Start();
        await service.Assimilate("a", Twin[0]);
        using (var pascals = await service.Post("a",
            Twin[1] with { Id = "unit", Values = [.. Twin[1].Values.Select(value => 1e5 * value)] }))
            Assert.Contains("too far from the forecast: chi-square", await Problem(pascals, HttpStatusCode.UnprocessableEntity));
        Assert.Equal(Batch.InOrder[1], (await service.Assimilate("a", Twin[1])).Mean);
        using (var wild = await service.Post("a", Twin[3] with { Id = "wild", Values = [.. Enumerable.Repeat(1e30, 40)] }))
            Assert.Equal(HttpStatusCode.Accepted, wild.StatusCode);
        Assert.Equal(Batch.InOrder[2], (await service.Assimilate("a", Twin[2])).Mean);
        Assert.Equal(Batch.InOrder[3], (await service.Assimilate("a", Twin[3])).Mean);
    }

    [Fact]
    public async Task A_batch_of_a_distant_time_is_refused_before_anything_is_computed()
    {
        await using var service = await Start("--Service:LongestGap=10");
        foreach (double time in (double[])[10.05, 1e6, 1e300])
            using (var far = await service.Post("a", Twin[0] with { Time = time }))
                Assert.Contains("\"time\" may be 10 after the latest analysis of time 0", await Problem(far, HttpStatusCode.BadRequest));
        await service.Assimilate("a", Twin[0]);
        using var held = await service.Post("a", Twin[0] with { Id = "far", Time = 10 });
        Assert.Equal(HttpStatusCode.Accepted, held.StatusCode);
    }

    [Theory]
    [InlineData("/forecast?lead=abc", "\"abc\"")]
    [InlineData("/forecast", "lead")]
    [InlineData("/diagnostics?after=x", "\"x\"")]
    public async Task A_query_that_is_no_number_is_refused_with_its_name_or_value(string query, string part)
    {
        await using var service = await Start();
        await service.Assimilate("a", Twin[0]);
        using var response = await service.Client.GetAsync(ServiceUnderTest.Session("a") + query);
        Assert.Contains(part, await Problem(response, HttpStatusCode.BadRequest));
    }

    [Fact]
    public async Task A_session_that_is_deleted_begins_anew()
    {
        await using var service = await Start();
        await service.Assimilate("a", Twin[0]);
        using (var deleted = await service.Client.DeleteAsync(ServiceUnderTest.Session("a")))
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using (var again = await service.Client.DeleteAsync(ServiceUnderTest.Session("a")))
            Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
        var answer = await service.Assimilate("a", Twin[0]);
        Assert.Equal(0, answer.Cycle);
        Assert.Equal(Batch.InOrder[0], answer.Mean);
    }
}
