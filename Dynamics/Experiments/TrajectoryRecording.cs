using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Records views in memory.</summary>
public static class TrajectoryRecording
{
    /// <summary>Reads a view once and keeps its cycles, so that costly cycles are computed once.</summary>
    /// <param name="view">A view that ends; apply <see cref="TrajectoryViewExtensions.Take"/> to one that does not.</param>
    /// <param name="columns">The columns to keep (default: all).</param>
    /// <param name="progress">Receives progress reports, at most ten a second.</param>
    /// <param name="cancellation">Stops the recording.</param>
    /// <exception cref="ArgumentException">The view never ends.</exception>
    /// <exception cref="SchemaException">The view does not have one of the columns.</exception>
    public static MemoryTrajectoryView Materialise(this ITrajectoryView view, IReadOnlyList<Column>? columns = null,
        IProgress<ProgressReport>? progress = null, CancellationToken cancellation = default)
    {
        long cycles = view.CycleCount
            ?? throw new ArgumentException("An endless view cannot be kept in memory; take a number of its cycles first.", nameof(view));
        var definitions = columns is { Count: > 0 } ? [.. columns.Select(column => view.Schema[column])] : view.Schema.Definitions;
        var pace = new ProgressPace();

        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var recorded = new Dictionary<Column, Tensor>();
        var times = new List<double>();
        var networks = new List<IObservationNetwork?>();
        foreach (var cycle in view)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var definition in definitions)
            {
                var value = cycle[definition.Column];
                if (!recorded.TryGetValue(definition.Column, out var all))
                    recorded.Add(definition.Column, all = empty([cycles, .. value.Sizes()], dtype: value.dtype, device: value.device));
                using var place = all.select(0, times.Count);
                place.copy_(value);
            }
            times.Add(cycle.Time);
            networks.Add(cycle.Network);
            if (progress is not null && pace.IsDue(out var elapsed))
                progress.Report(
                    new ProgressReport("recording", times.Count, cycles, new Dictionary<string, double>(), elapsed,
                        elapsed * ((double)cycles / times.Count - 1)));
        }
        return new MemoryTrajectoryView(recorded.ToDictionary(pair => pair.Key, pair => pair.Value.narrow(0, 0, times.Count)), times,
            view.StartTime)
            { Networks = networks.Any(network => network is not null) ? networks : null };
    }
}
