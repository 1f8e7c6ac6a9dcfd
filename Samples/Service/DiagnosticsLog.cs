namespace DaML.Samples.Service;

/// <summary>The diagnostics of a cycle that need no truth.</summary>
/// <param name="Cycle">The cycle's number, from 0.</param>
/// <param name="Time">Its time, in the model's unit.</param>
/// <param name="Observed">The number of observations that were not missing.</param>
/// <param name="Innovation">The root mean square of the innovations over their errors' standard deviation.</param>
/// <param name="ChiSquare">d^T S^-1 d / p; one on average if the filter's covariances are right.</param>
/// <param name="ForecastSpread">The root mean square of the forecast's spread.</param>
/// <param name="AnalysisSpread">The root mean square of the analysis' spread.</param>
public sealed record CycleDiagnostics(long Cycle, double Time, int Observed, double? Innovation, double? ChiSquare,
    double? ForecastSpread, double? AnalysisSpread);

/// <summary>Keeps the diagnostics of the latest cycles of the sessions used most recently, in memory.</summary>
internal sealed class DiagnosticsLog(ServiceOptions options)
{
    private const int MostSessions = 1000;

    private sealed record Kept(string Pipeline, string Name)
    {
        public Queue<CycleDiagnostics> Cycles { get; } = [];
    }

    private readonly Lock gate = new();
    private readonly Dictionary<(string, string), LinkedListNode<Kept>> places = [];
    private readonly LinkedList<Kept> sessions = [];

    /// <summary>Adds a cycle.</summary>
    public void Add(string pipeline, string name, SessionCycle cycle)
    {
        var added = new CycleDiagnostics(cycle.Cycle, cycle.Analysis.Time, cycle.Observed, cycle.Innovation, cycle.ChiSquare,
            cycle.ForecastSpread, cycle.AnalysisSpread);
        lock (gate)
        {
            if (places.TryGetValue((pipeline, name), out var place)) sessions.Remove(place);
            else places[(pipeline, name)] = place = new(new Kept(pipeline, name));
            sessions.AddLast(place);
            place.Value.Cycles.Enqueue(added);
            if (place.Value.Cycles.Count > options.Diagnostics) place.Value.Cycles.Dequeue();
            if (sessions.Count > MostSessions) Remove(sessions.First!.Value.Pipeline, sessions.First.Value.Name);
        }
    }

    /// <summary>The diagnostics of a session's cycles after a number, the oldest first.</summary>
    public IReadOnlyList<CycleDiagnostics> After(string pipeline, string name, long cycle)
    {
        lock (gate)
            return places.TryGetValue((pipeline, name), out var place) ? [.. place.Value.Cycles.Where(kept => kept.Cycle > cycle)] : [];
    }

    /// <summary>Forgets a session.</summary>
    public void Remove(string pipeline, string name)
    {
        lock (gate)
            if (places.Remove((pipeline, name), out var place)) sessions.Remove(place);
    }
}
