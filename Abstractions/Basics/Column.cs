using System.Text.Json;
using System.Text.Json.Serialization;

namespace DaML;

/// <summary>
/// The typed key of a column of a trajectory view. Two keys are equal if their names are equal, so your own <c>new Column("humidity")</c>
/// works beside the well-known ones of <see cref="Columns"/>.
/// </summary>
[JsonConverter(typeof(ColumnConverter))]
public sealed record Column
{
    /// <summary>Creates a key.</summary>
    /// <param name="name">A name without blanks, for instance <c>analysis</c>.</param>
    /// <exception cref="ArgumentException">The name is empty or holds white space.</exception>
    public Column(string name)
    {
        if (string.IsNullOrEmpty(name) || name.Any(char.IsWhiteSpace))
            throw new ArgumentException($"A column's name must have at least one character and no blanks; given: '{name}'.", nameof(name));
        Name = name;
    }

    /// <summary>The column's name.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A column in files: its name.</summary>
internal sealed class ColumnConverter : JsonConverter<Column>
{
    public override Column Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => new(reader.GetString()!);

    public override void Write(Utf8JsonWriter writer, Column column, JsonSerializerOptions options) => writer.WriteStringValue(column.Name);
}

/// <summary>The well-known columns. Shapes are per trajectory: a cycle holds <c>[batch, shape...]</c>.</summary>
public static class Columns
{
    /// <summary>The true state of a twin experiment, <c>[n]</c>.</summary>
    public static Column Truth { get; } = new("truth");

    /// <summary>
    /// The observations, <c>[p]</c>, in the units of the observation operator. Values that the mask calls missing are ignored.
    /// </summary>
    public static Column Observation { get; } = new("observation");

    /// <summary>
    /// Marks the observations that exist, <c>[p]</c>, boolean: true = observed, false = missing. Optional; absent = all observed.
    /// </summary>
    public static Column ObservationMask { get; } = new("observation-mask");

    /// <summary>
    /// The factor by which the standard deviation of the observation errors differs from the network's, above zero, one value for each
    /// trajectory. Optional; absent = 1.
    /// </summary>
    public static Column ObservationErrorScale { get; } = new("observation-error-scale");

    /// <summary>The state estimate before the cycle's observation was used (prior mean), <c>[n]</c>.</summary>
    public static Column Forecast { get; } = new("forecast");

    /// <summary>The state estimate after the cycle's observation was used (posterior mean), <c>[n]</c>.</summary>
    public static Column Analysis { get; } = new("analysis");

    /// <summary>The standard deviation that a method gives for its forecast, <c>[n]</c>.</summary>
    public static Column ForecastSpread { get; } = new("forecast-spread");

    /// <summary>The standard deviation that a method gives for its analysis, <c>[n]</c>.</summary>
    public static Column AnalysisSpread { get; } = new("analysis-spread");

    /// <summary>The state estimate that uses all observations of the view, those before and those after the cycle, <c>[n]</c>.</summary>
    public static Column Smoothed { get; } = new("smoothed");

    /// <summary>The standard deviation that a smoother gives for its estimate, <c>[n]</c>.</summary>
    public static Column SmoothedSpread { get; } = new("smoothed-spread");

    /// <summary>
    /// Whether the method has diverged on a trajectory, in this cycle or before: boolean, one value for each trajectory. From then on its
    /// other columns mean nothing.
    /// </summary>
    public static Column Diverged { get; } = new("diverged");

    /// <summary>The model parameters, estimated together with the state after the cycle's observation was used, <c>[q]</c>.</summary>
    public static Column Parameters { get; } = new("parameters");

    /// <summary>The standard deviation that a method gives for its parameters, <c>[q]</c>.</summary>
    public static Column ParametersSpread { get; } = new("parameters-spread");

    /// <summary>The mask of a column: boolean, of the column's shape, true where the column has a value; named <c>name-mask</c>.</summary>
    public static Column MaskOf(Column column) => new(column.Name + "-mask");
}
