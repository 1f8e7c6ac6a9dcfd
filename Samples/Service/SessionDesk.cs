using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;

namespace DaML.Samples.Service;

/// <summary>What became of a batch.</summary>
internal enum BatchOutcome
{
    /// <summary>It was assimilated now.</summary>
    Assimilated,

    /// <summary>It was assimilated before, and is answered as then.</summary>
    Repeated,

    /// <summary>It waits for an earlier batch.</summary>
    Held,

    /// <summary>Its time has passed, or its id or time is another batch's.</summary>
    Refused,
}

/// <summary>The answer to a batch.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Analysis">The analysis, if it was assimilated.</param>
/// <param name="Reason">In words, why it waits or was refused.</param>
internal sealed record BatchAnswer(BatchOutcome Outcome, AnalysisAnswer? Analysis, string? Reason);

/// <summary>A batch is left out, since its observations cannot be of the state that the session forecasts.</summary>
internal sealed class GrossErrorException(string message) : Exception(message);

/// <summary>
/// Takes batches of observations in whatever order they arrive, and answers them by the service's policies: late ones are refused,
/// repeated ones answered as before, early ones held for a while and then assimilated in order. An answer is given after the session's
/// file holds it.
/// </summary>
internal sealed partial class SessionDesk(AssimilationSessions sessions, ServiceOptions options, ServiceMetrics metrics,
    DiagnosticsLog diagnostics, TimeProvider clock, ILogger<SessionDesk> logger)
{
    private readonly ConcurrentDictionary<(string Pipeline, string Name), bool> waiting = [];

    /// <summary>Takes a batch.</summary>
    /// <param name="pipeline">The pipeline's name.</param>
    /// <param name="name">The session's name; it begins with its first batch.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="cancellation">Cancels the wait for the session's turn.</param>
    /// <exception cref="KeyNotFoundException">There is no such pipeline.</exception>
    /// <exception cref="ArgumentException">The session's name is none.</exception>
    /// <exception cref="MalformedBatchException">The batch does not fit the session.</exception>
    /// <exception cref="DivergenceException">The analysis diverged; the session is as its file says.</exception>
    /// <exception cref="GrossErrorException">The observations are too far from the forecast; the session is as its file says.</exception>
    public async Task<BatchAnswer> Submit(string pipeline, string name, ObservationBatch batch, CancellationToken cancellation)
    {
        BatchAnswer answer;
        try { answer = await sessions.UseAsync(pipeline, name, session => Take(pipeline, name, session, batch), cancellation); }
        catch (MalformedBatchException malformed)
        {
            metrics.Batch(pipeline, "malformed");
            LogRefused(pipeline, name, batch.Id, malformed.Message);
            throw;
        }
        catch (Exception harmful) when (IsLeftOut(harmful))
        {
            metrics.Batch(pipeline, "failed");
            LogLeftOut(pipeline, name, batch.Id, harmful.Message);
            throw;
        }
        metrics.Batch(pipeline, answer.Outcome.ToString().ToLowerInvariant());
        if (answer.Outcome == BatchOutcome.Refused) LogRefused(pipeline, name, batch.Id, answer.Reason!);
        // Batches that waited for this one, and the earliest if too many wait. They are the service's now, whatever the sender does.
        if (answer.Outcome is BatchOutcome.Assimilated or BatchOutcome.Held) await Release(pipeline, name, CancellationToken.None);
        return answer;
    }

    /// <summary>Assimilates the batches of a session that wait no longer: their time has come, they waited too long, or too many
    /// do.</summary>
    public async Task Release(string pipeline, string name, CancellationToken cancellation)
    {
        while (waiting.ContainsKey((pipeline, name)))
        {
            try
            {
                if (!await sessions.UseAsync(pipeline, name, session => ReleaseFirst(pipeline, name, session), cancellation)) return;
                metrics.Batch(pipeline, "assimilated");
            }
            catch (Exception harmful) when (IsLeftOut(harmful))
            {
                metrics.Batch(pipeline, "failed");
                string id = await sessions.UseAsync(pipeline, name, DropFirst, cancellation);
                LogLeftOut(pipeline, name, id, harmful.Message);
            }
        }
    }

    /// <summary>Whether an exception says that its batch was left out, since it would harm the session.</summary>
    public static bool IsLeftOut(Exception wrong) => wrong is DivergenceException or GrossErrorException;

    /// <summary>The sessions in which batches wait.</summary>
    public IReadOnlyCollection<(string Pipeline, string Name)> Waiting => [.. waiting.Keys];

    /// <summary>Notes whether batches wait in a session, as after a restart.</summary>
    public Task Look(string pipeline, string name, CancellationToken cancellation) => sessions.UseAsync(pipeline, name, session =>
    {
        Note(pipeline, name, SessionState.Of(session));
        return true;
    }, cancellation);

    private BatchAnswer Take(string pipeline, string name, AssimilationSession session, ObservationBatch batch)
    {
        var state = SessionState.Of(session);
        string fingerprint = batch.Fingerprint();
        if (state.Answers.Find(kept => kept.Answer.Id == batch.Id) is { } answered)
            return answered.Fingerprint == fingerprint ? new(BatchOutcome.Repeated, answered.Answer, null)
                : Refused($"The id '{batch.Id}' belongs to a batch of time {answered.Answer.Time:g9} with other values.");
        double time = Fits(session, batch);
        if (state.Held.Find(held => held.Batch.Id == batch.Id) is { } same)
            return same.Fingerprint == fingerprint ? Holding(session, batch)
                : Refused($"The id '{batch.Id}' belongs to a waiting batch of time {same.Batch.Time:g9} with other values.");
        if (time < session.Time - RoundOff(session) || time <= session.Time + RoundOff(session) && session.Cycles > 0)
            return Refused(
                $"The batch '{batch.Id}' of time {batch.Time:g9} is too late: the latest analysis is of time {session.Time:g9}.");
        if (state.Held.Find(held => Math.Abs(session.OnStep(held.Batch.Time) - time) <= RoundOff(session)) is { } other)
            return Refused($"The time {batch.Time:g9} is taken by the waiting batch '{other.Batch.Id}'; send one batch for each time.");
        if (options.HoldCount == 0 || IsDue(session, time))
            return new(BatchOutcome.Assimilated, Assimilate(pipeline, name, session, state, batch, fingerprint), null);
        int place = state.Held.FindIndex(held => held.Batch.Time > batch.Time);
        var more = state with
        {
            Held = state.Held.Insert(place < 0 ? state.Held.Count : place, new HeldBatch(batch, fingerprint, clock.GetUtcNow())),
        };
        more.Attach(session);
        Note(pipeline, name, more);
        return Holding(session, batch);
    }

    private static BatchAnswer Refused(string reason) => new(BatchOutcome.Refused, null, reason);

    private BatchAnswer Holding(AssimilationSession session, ObservationBatch batch) => new(BatchOutcome.Held, null,
        $"The batch '{batch.Id}' of time {batch.Time:g9} waits for that of time {Expected(session):g9}, until {options.HoldCount} later " +
            $"ones wait too or {options.HoldSeconds:g6} seconds have passed.");

    private double Fits(AssimilationSession session, ObservationBatch batch)
    {
        if (batch.Values.Length != session.ObservationDimension)
            throw new MalformedBatchException(
                $"\"values\" must hold {session.ObservationDimension} numbers, null for a missing one; given: {batch.Values.Length}.");
        if (batch.Time - session.Time > options.LongestGap)
            throw new MalformedBatchException(
                $"\"time\" may be {options.LongestGap:g6} after the latest analysis of time {session.Time:g9} (Service:LongestGap); given: "
                +
                    $"{batch.Time:g9}. Delete the session to begin anew.");
        try { return session.OnStep(batch.Time); }
        catch (ArgumentException between) { throw new MalformedBatchException($"\"time\": {between.Message}"); }
    }

    // The time of the next batch if none is left out; the state at the start may be observed too.
    private static double Expected(AssimilationSession session) => session.Time + (session.Interval ?? 0);

    private static bool IsDue(AssimilationSession session, double time) =>
        session.Interval is null || time <= Expected(session) + RoundOff(session);

    // Times are on the model's steps up to round-off, which is far less than this.
    private static double RoundOff(AssimilationSession session) => 1e-5 * (session.Interval ?? 0);

    private AnalysisAnswer Assimilate(string pipeline, string name, AssimilationSession session, SessionState state,
        ObservationBatch batch, string fingerprint)
    {
        long began = Stopwatch.GetTimestamp();
        var cycle = session.Assimilate(batch.Time, batch.WithNaN());
        if (cycle.ChiSquare > options.LargestChiSquare)
            throw new GrossErrorException(
                $"The observations of the batch '{batch.Id}' are too far from the forecast: chi-square {cycle.ChiSquare:g3}; " +
                    $"{options.LargestChiSquare:g6} is the most (Service:LargestChiSquare).");
        metrics.Cycle(pipeline, Stopwatch.GetElapsedTime(began), cycle);
        var answer = new AnalysisAnswer(batch.Id, cycle.Cycle, cycle.Analysis.Time, cycle.Observed, cycle.Analysis.Mean,
            cycle.Analysis.Spread, cycle.Innovation, cycle.ChiSquare);
        var answers = state.Answers.Add(new KeptAnswer(fingerprint, answer));
        var next = new SessionState(answers.RemoveRange(0, Math.Max(0, answers.Count - options.Answers)),
            state.Held.RemoveAll(held => held.Batch.Id == batch.Id));
        next.Attach(session);
        Note(pipeline, name, next);
        diagnostics.Add(pipeline, name, cycle);
        LogAssimilated(pipeline, name, batch.Id, cycle.Cycle, cycle.Analysis.Time, cycle.Observed);
        return answer;
    }

    private bool ReleaseFirst(string pipeline, string name, AssimilationSession session)
    {
        var state = SessionState.Of(session);
        Note(pipeline, name, state);
        if (state.Held.Count == 0) return false;
        var first = state.Held[0];
        bool waited = state.Held.Count > options.HoldCount
            || state.Held.Any(held => (clock.GetUtcNow() - held.Since).TotalSeconds >= options.HoldSeconds);
        if (!waited && !IsDue(session, session.OnStep(first.Batch.Time))) return false;
        Assimilate(pipeline, name, session, state, first.Batch, first.Fingerprint);
        return true;
    }

    private string DropFirst(AssimilationSession session)
    {
        var state = SessionState.Of(session);
        (state with { Held = state.Held.RemoveAt(0) }).Attach(session);
        return state.Held[0].Batch.Id;
    }

    private void Note(string pipeline, string name, SessionState state)
    {
        if (state.Held.Count > 0) waiting[(pipeline, name)] = true;
        else waiting.TryRemove((pipeline, name), out _);
    }

    [LoggerMessage(1, LogLevel.Debug, "{Pipeline}/{Session}: batch {Batch} is cycle {Cycle}, time {Time}, {Observed} observations")]
    private partial void LogAssimilated(string pipeline, string session, string batch, long cycle, double time, int observed);

    [LoggerMessage(2, LogLevel.Warning, "{Pipeline}/{Session}: batch {Batch} is refused: {Reason}")]
    private partial void LogRefused(string pipeline, string session, string batch, string reason);

    [LoggerMessage(3, LogLevel.Error, "{Pipeline}/{Session}: batch {Batch} is left out: {Reason}")]
    private partial void LogLeftOut(string pipeline, string session, string batch, string reason);
}
