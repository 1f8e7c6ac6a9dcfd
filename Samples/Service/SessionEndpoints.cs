using System.ComponentModel;
using DaML.Components;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace DaML.Samples.Service;

/// <summary>A pipeline and its sessions.</summary>
/// <param name="Name">The pipeline's name.</param>
/// <param name="Method">The name of its method.</param>
/// <param name="Sessions">The names of its sessions.</param>
public sealed record PipelineAnswer(string Name, string Method, IReadOnlyList<string> Sessions);

/// <summary>Where a session is.</summary>
/// <param name="Cycles">The number of cycles so far.</param>
/// <param name="Time">The time of the latest analysis, in the model's unit.</param>
/// <param name="Analysis">Mean and spread of the latest analysis; null before the first.</param>
/// <param name="Waiting">The ids of batches that wait for an earlier one.</param>
public sealed record SessionAnswer(long Cycles, double Time, StateEstimate? Analysis, IReadOnlyList<string> Waiting);

/// <summary>A batch that waits for an earlier one.</summary>
/// <param name="Id">The batch's id.</param>
/// <param name="Reason">What it waits for, and how long.</param>
public sealed record WaitingAnswer(string Id, string Reason);

/// <summary>A batch of observations, as the service takes it.</summary>
/// <param name="Id">The sender's name for the batch; the same name is the same batch.</param>
/// <param name="Time">The time, in the model's unit.</param>
/// <param name="Values">The observations; null = missing.</param>
public sealed record BatchRequest(string Id, double Time, double?[] Values);

/// <summary>The service's addresses under <c>/pipelines</c>.</summary>
internal static class SessionEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(WebApplication application)
    {
        var all = application.MapGroup("/pipelines").AddEndpointFilter(Explained);
        all.MapGet("", (AssimilationSessions sessions) => TypedResults.Ok<IReadOnlyList<PipelineAnswer>>(
            [.. sessions.Pipelines.Select(name => new PipelineAnswer(name, sessions.Method(name).Name, sessions.Names(name)))]))
            .WithSummary("The pipelines and their sessions");
        var one = all.MapGroup("/{pipeline}/sessions/{session}").ProducesProblem(404);
        one.MapGet("", Session).WithSummary("Where a session is: its latest analysis, with uncertainty");
        one.MapDelete("", End).WithSummary("Ends a session and deletes its file");
        one.MapPost("/observations", Observe).Accepts<BatchRequest>("application/json").ProducesProblem(400).ProducesProblem(409)
            .ProducesProblem(413).ProducesProblem(422).WithSummary("Takes one batch of observations, and answers its analysis")
            .WithDescription("Repeated: answered as before. Early: held (202). Late: refused (409). Malformed: refused (400).");
        one.MapGet("/observations/{id}", Answered).WithSummary("The answer to one of the latest batches");
        one.MapGet("/forecast", Forecast).ProducesProblem(400).WithSummary("A forecast from the latest analysis, with uncertainty");
        one.MapGet("/diagnostics", Diagnostics).WithSummary("Innovations, spread and chi-square of the latest cycles");
    }

    private static async Task<Results<Ok<AnalysisAnswer>, Accepted<WaitingAnswer>, ProblemHttpResult>> Observe(string pipeline,
        string session, HttpRequest request, SessionDesk desk, ServiceMetrics metrics, CancellationToken cancellation)
    {
        ObservationBatch batch;
        try
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, cancellation);
            batch = ObservationBatch.Read(body.GetBuffer().AsMemory(0, (int)body.Length));
        }
        catch (MalformedBatchException)
        {
            metrics.Batch(pipeline, "malformed");
            throw;
        }
        var answer = await desk.Submit(pipeline, session, batch, cancellation);
        return answer.Outcome switch
        {
            BatchOutcome.Refused => TypedResults.Problem(answer.Reason, statusCode: 409),
            BatchOutcome.Held => TypedResults.Accepted(
                $"/pipelines/{pipeline}/sessions/{session}/observations/{Uri.EscapeDataString(batch.Id)}",
                new WaitingAnswer(batch.Id, answer.Reason!)),
            _ => TypedResults.Ok(answer.Analysis!),
        };
    }

    private static async Task<Results<Ok<AnalysisAnswer>, Accepted<WaitingAnswer>, ProblemHttpResult>> Answered(string pipeline,
        string session, string id, AssimilationSessions sessions, CancellationToken cancellation)
    {
        Require(sessions, pipeline, session);
        var state = await sessions.UseAsync(pipeline, session, SessionState.Of, cancellation);
        if (state.Answers.Find(kept => kept.Answer.Id == id) is { } answered) return TypedResults.Ok(answered.Answer);
        if (state.Held.Exists(held => held.Batch.Id == id))
            return TypedResults.Accepted((string?)null, new WaitingAnswer(id, "It waits for an earlier batch."));
        return TypedResults.Problem($"No batch '{id}' is among the {state.Answers.Count} latest answers of this session.", statusCode: 404);
    }

    private static async Task<Ok<SessionAnswer>> Session(string pipeline, string session, AssimilationSessions sessions,
        CancellationToken cancellation)
    {
        Require(sessions, pipeline, session);
        return TypedResults.Ok(await sessions.UseAsync(pipeline, session, used => new SessionAnswer(used.Cycles, used.Time, used.Analysis,
            [.. SessionState.Of(used).Held.Select(held => held.Batch.Id)]), cancellation));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> End(string pipeline, string session, AssimilationSessions sessions,
        DiagnosticsLog diagnostics, CancellationToken cancellation)
    {
        Require(sessions, pipeline, session);
        await sessions.EndAsync(pipeline, session, cancellation);
        diagnostics.Remove(pipeline, session);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<StateEstimate>, ProblemHttpResult>> Forecast(string pipeline, string session,
        [FromQuery, Description("How far ahead of the latest analysis, in the model's unit of time")] double lead,
        AssimilationSessions sessions, ServiceOptions options, CancellationToken cancellation)
    {
        Require(sessions, pipeline, session);
        if (!(lead >= 0 && lead <= options.LongestLead))
            return TypedResults.Problem($"\"lead\" must be from 0 to {options.LongestLead:g6}; given: {lead}.", statusCode: 400);
        return await sessions.UseAsync<Results<Ok<StateEstimate>, ProblemHttpResult>>(pipeline, session, used =>
        {
            if (used.Cycles == 0) return TypedResults.Problem("The session has no analysis yet.", statusCode: 404);
            try { return TypedResults.Ok(used.Forecast(used.Time + lead)); }
            catch (ArgumentException between) { return TypedResults.Problem($"\"lead\": {between.Message}", statusCode: 400); }
        }, cancellation);
    }

    private static Ok<IReadOnlyList<CycleDiagnostics>> Diagnostics(string pipeline, string session, AssimilationSessions sessions,
        DiagnosticsLog diagnostics, [FromQuery, Description("Only cycles after this one (default: all that are kept)")] long after = -1)
    {
        Require(sessions, pipeline, session);
        return TypedResults.Ok(diagnostics.After(pipeline, session, after));
    }

    private static void Require(AssimilationSessions sessions, string pipeline, string session)
    {
        if (!sessions.Exists(pipeline, session))
            throw new KeyNotFoundException($"The pipeline '{pipeline}' has no session '{session}'; its first batch begins one.");
    }

    // Exceptions that are the sender's, or that the sender should know of, in words.
    private static async ValueTask<object?> Explained(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try { return await next(context); }
        catch (MalformedBatchException wrong) { return TypedResults.Problem(wrong.Message, statusCode: 400); }
        catch (KeyNotFoundException missing) { return TypedResults.Problem(missing.Message, statusCode: 404); }
        catch (ArgumentException wrong) { return TypedResults.Problem(wrong.Message, statusCode: 400); }
        catch (BadHttpRequestException wrong) { return TypedResults.Problem(wrong.Message, statusCode: wrong.StatusCode); }
        catch (Exception harmful) when (SessionDesk.IsLeftOut(harmful))
        {
            return TypedResults.Problem($"{harmful.Message} The batch is left out.", statusCode: 422);
        }
        catch (ModelArchiveException damaged) { return TypedResults.Problem(damaged.Message, statusCode: 500); }
        catch (ObjectDisposedException) { return TypedResults.Problem("The service is stopping; send it again later.", statusCode: 503); }
    }
}
