using static TorchSharp.torch;

namespace DaML;

/// <summary>Trajectory views, made from <see cref="DataAssimilationContext.Data"/>.</summary>
public static class DataCatalogExtensions
{
    /// <summary>Makes a twin experiment, which is computed while it is read.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="system">The true model, its observations and their interval, and where the truths start.</param>
    /// <param name="options">Settings (default: null, their defaults).</param>
    public static TwinExperiment Twin(this DataCatalog catalog, AssimilationSystem system, TwinExperimentOptions? options = null) =>
        new(catalog.Context, system, options);

    /// <summary>Makes a view of trajectories in memory, moved to the context's device.</summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="columns">The columns, <c>[cycles, batch, shape...]</c> each; values that a column's mask calls missing may be anything,
    /// NaN included.</param>
    /// <param name="times">The cycles' times in the model's unit, rising; they need not be equally far apart.</param>
    /// <param name="startTime">
    /// The time of the state before the first cycle (default: 0); give the first of the times if the first observation is of the initial
    /// state.
    /// </param>
    public static MemoryTrajectoryView FromMemory(this DataCatalog catalog, IReadOnlyDictionary<Column, Tensor> columns,
        IReadOnlyList<double> times, double startTime = 0)
    {
        using var scope = NewDisposeScope();
        return new MemoryTrajectoryView(columns.ToDictionary(pair => pair.Key, pair => pair.Value.to(catalog.Context.Device)), times,
            startTime);
    }
}
