using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace DaML.Samples.Service;

/// <summary>The answer to a batch that was assimilated.</summary>
/// <param name="Id">The batch's id.</param>
/// <param name="Cycle">The cycle's number, from 0.</param>
/// <param name="Time">The cycle's time, in the model's unit.</param>
/// <param name="Observed">The number of observations that were not missing.</param>
/// <param name="Mean">The mean of the analysis.</param>
/// <param name="Spread">The standard deviation of each component; null for a method that gives a single state.</param>
/// <param name="Innovation">The root mean square of the innovations over their errors' standard deviation.</param>
/// <param name="ChiSquare">d^T S^-1 d / p; one on average if the filter's covariances are right.</param>
public sealed record AnalysisAnswer(string Id, long Cycle, double Time, int Observed, IReadOnlyList<double> Mean,
    IReadOnlyList<double>? Spread, double? Innovation, double? ChiSquare);

/// <summary>An answer with the batch's fingerprint.</summary>
internal sealed record KeptAnswer(string Fingerprint, AnalysisAnswer Answer);

/// <summary>A batch that waits for an earlier one.</summary>
internal sealed record HeldBatch(ObservationBatch Batch, string Fingerprint, DateTimeOffset Since);

/// <summary>What the service keeps of a session beside its memory, in the same file.</summary>
/// <param name="Answers">The latest answers, the oldest first.</param>
/// <param name="Held">The batches that wait, in order of time.</param>
internal sealed record SessionState(ImmutableList<KeptAnswer> Answers, ImmutableList<HeldBatch> Held)
{
    // The state of a session in memory, so that its text is read only after a restart.
    private static readonly ConditionalWeakTable<AssimilationSession, Tuple<string?, SessionState>> read = [];

    /// <summary>The state of a session.</summary>
    public static SessionState Of(AssimilationSession session)
    {
        if (read.TryGetValue(session, out var known) && ReferenceEquals(known.Item1, session.Attachment)) return known.Item2;
        var state = session.Attachment is { } text ? JsonSerializer.Deserialize<SessionState>(text, JsonSerializerOptions.Web)!
            : new SessionState([], []);
        read.AddOrUpdate(session, Tuple.Create(session.Attachment, state));
        return state;
    }

    /// <summary>Gives a session this state.</summary>
    public void Attach(AssimilationSession session)
    {
        string text = JsonSerializer.Serialize(this, JsonSerializerOptions.Web);
        session.Attachment = text;
        read.AddOrUpdate(session, Tuple.Create<string?, SessionState>(text, this));
    }
}
