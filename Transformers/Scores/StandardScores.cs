namespace DaML;

/// <summary>
/// The scores that every evaluation computes if the view has their columns and a truth; <c>report[StandardScores.AnalysisRmse]</c> reads
/// one of them. Every root-mean-square error is the time average of sqrt(mean over components of the squared error), as the field reports
/// it.
/// </summary>
public static class StandardScores
{
    /// <summary>The error of the analysis.</summary>
    public static IScore AnalysisRmse { get; } = new RootMeanSquareError(Columns.Analysis, nameof(AnalysisRmse));

    /// <summary>The error of the forecast.</summary>
    public static IScore ForecastRmse { get; } = new RootMeanSquareError(Columns.Forecast, nameof(ForecastRmse));

    /// <summary>The spread that the method claims for its analysis, sqrt(mean over components of the variance).</summary>
    public static IScore AnalysisSpread { get; } = new Spread(Columns.AnalysisSpread, nameof(AnalysisSpread));

    /// <summary>The spread that the method claims for its forecast, sqrt(mean over components of the variance).</summary>
    public static IScore ForecastSpread { get; } = new Spread(Columns.ForecastSpread, nameof(ForecastSpread));

    /// <summary>The distance of the observations from the truth, over those that exist; computed if they have the truth's shape. It means
    /// an error only if the operator is the identity.</summary>
    public static IScore ObservationRmse { get; } = new ObservationError(nameof(ObservationRmse));

    /// <summary>The standard scores whose columns a view has.</summary>
    /// <param name="schema">The view's columns, with a truth.</param>
    /// <exception cref="SchemaException">The view has no truth that is a vector, or an estimate of another shape.</exception>
    internal static IEnumerable<IScore> Of(TrajectorySchema schema)
    {
        if (schema[Columns.Truth].Shape is not [var n])
            throw new SchemaException($"Scoring needs the column '{Columns.Truth}' of shape [any], but it has shape " +
                $"{ColumnDefinition.Describe(schema[Columns.Truth].Shape)}.");
        foreach (var score in (IScore[])[AnalysisRmse, ForecastRmse, AnalysisSpread, ForecastSpread])
            if (IsPresent(schema, score.Requires[0], n)) yield return score;
        if (schema.Find(Columns.Observation) is { Shape: [var p] } && p == n) yield return ObservationRmse;
    }

    private static bool IsPresent(TrajectorySchema schema, Column column, long n)
    {
        if (schema.Find(column) is not { } given) return false;
        var needed = new ColumnDefinition(column, n);
        return needed.Accepts(given.Shape) ? true
            : throw new SchemaException($"Scoring needs the column '{column}' in the truth's shape " +
                $"{ColumnDefinition.Describe(needed.Shape)}, but it has shape {ColumnDefinition.Describe(given.Shape)}.");
    }
}
