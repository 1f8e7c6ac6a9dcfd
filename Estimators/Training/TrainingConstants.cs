using System.Text.Json;

namespace DaML.Components;

/// <summary>
/// All that a network takes from its training data beside its weights: the constants it is made with, of the kind that its family needs.
/// </summary>
/// <param name="Statistics">Those of learned analyses; null where the family has others.</param>
/// <param name="Units">Those of data assimilation networks; null where the family has others.</param>
/// <param name="ObservationScatter">That of emulators' observations; null where the family has others, or the unit is given.</param>
/// <param name="Schema">The training view's columns; null for weights that were trained elsewhere.</param>
internal sealed record TrainingConstants(AnalysisStatistics? Statistics = null, SystemStatistics? Units = null,
    ObservationScatter? ObservationScatter = null,
    TrajectorySchema? Schema = null)
{
    private const long Sample = 2000;   // states, of all trajectories together

    /// <summary>How many cycles of a view the constants are taken from.</summary>
    internal static long CyclesOf(ITrajectoryView data) => Math.Max(20, Sample / data.Schema.Batch);

    /// <summary>Those of learned analyses, from the first cycles of a view.</summary>
    /// <inheritdoc cref="AnalysisStatistics.Measure" path="/exception"/>
    public static TrainingConstants OfAnalyses(ITrajectoryView data, IObservationNetwork observing) =>
        new(Statistics: AnalysisStatistics.Measure(data, observing, CyclesOf(data)));

    /// <summary>The constants in words that differ where they do.</summary>
    public override string ToString() =>
        Statistics?.ToString()
        ?? (Units is null ? ObservationScatter?.ToString() ?? "no constants"
            : JsonSerializer.Serialize(Units, ModelArchive.SettingsFormat));
}
