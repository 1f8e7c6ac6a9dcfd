using System.Text.Json;

namespace DaML.Components;

/// <summary>
/// Everything that a network takes from its training data in addition to its weights: the constants it is made with, of the kind that its
/// family needs.
/// </summary>
/// <param name="Statistics">The constants of learned analyses; null if the family has others.</param>
/// <param name="Units">The constants of data assimilation networks; null if the family has others.</param>
/// <param name="ObservationScatter">The scatter of emulators' observations; null if the family has others, or if the unit is
/// given.</param>
/// <param name="Schema">The training view's columns; null for weights that were trained elsewhere.</param>
internal sealed record TrainingConstants(AnalysisStatistics? Statistics = null, SystemStatistics? Units = null,
    ObservationScatter? ObservationScatter = null,
    TrajectorySchema? Schema = null)
{
    private const long Sample = 2000;   // states, of all trajectories together

    /// <summary>The number of cycles of a view that the constants are computed from.</summary>
    internal static long CyclesOf(ITrajectoryView data) => Math.Max(20, Sample / data.Schema.Batch);

    /// <summary>Computes the constants of learned analyses, from the first cycles of a view.</summary>
    /// <inheritdoc cref="AnalysisStatistics.Measure" path="/exception"/>
    public static TrainingConstants OfAnalyses(ITrajectoryView data, IObservationNetwork observing) =>
        new(Statistics: AnalysisStatistics.Measure(data, observing, CyclesOf(data)));

    /// <summary>The constants in words that differ if the constants do.</summary>
    public override string ToString() =>
        Statistics?.ToString()
        ?? (Units is null ? ObservationScatter?.ToString() ?? "no constants"
            : JsonSerializer.Serialize(Units, ModelArchive.SettingsFormat));
}
