using System.Diagnostics.Metrics;
using DaML.Components;

namespace DaML.Samples.Service;

/// <summary>The service's figures, of the meter <c>DaML</c>, which any listener or exporter may collect.</summary>
internal sealed class ServiceMetrics
{
    private readonly Counter<long> batches;
    private readonly Histogram<double> cycles, chiSquares;

    /// <summary>Makes the instruments.</summary>
    public ServiceMetrics(IMeterFactory meters, AssimilationSessions sessions)
    {
        var meter = meters.Create(Telemetry.SourceName);
        batches = meter.CreateCounter<long>("daml.batches", "{batch}", "Batches of observations, by what became of them.");
        cycles = meter.CreateHistogram<double>("daml.cycle.duration", "s", "Time of a forecast and its analysis.");
        chiSquares = meter.CreateHistogram<double>("daml.innovation.chi_square", "1",
            "d^T S^-1 d / p of a cycle; one on average if the filter's covariances are right.");
        meter.CreateObservableGauge("daml.sessions", () => sessions.InMemory, "{session}", "Sessions in memory.");
    }

    /// <summary>Counts a batch.</summary>
    public void Batch(string pipeline, string outcome) => batches.Add(1, new("pipeline", pipeline), new("outcome", outcome));

    /// <summary>Records a cycle.</summary>
    public void Cycle(string pipeline, TimeSpan duration, SessionCycle cycle)
    {
        var of = new KeyValuePair<string, object?>("pipeline", pipeline);
        cycles.Record(duration.TotalSeconds, of);
        if (cycle.ChiSquare is { } chiSquare) chiSquares.Record(chiSquare, of);
    }
}
