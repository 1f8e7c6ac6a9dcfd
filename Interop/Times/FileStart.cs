using System.Text.Json;
using System.Text.Json.Serialization;

namespace DaML;

/// <summary>
/// The time of the state before a file's first cycle, from which a method's first forecast starts: a given time, or a position among the
/// file's times. Many files do not contain it.
/// </summary>
[JsonConverter(typeof(FileStartConverter))]
public sealed class FileStart
{
    private readonly Func<double[], int, double> place;

    private FileStart(object kind, Func<double[], int, double> place) => (Kind, this.place) = (kind, place);

    /// <summary>The time of the first cycle, whose observation is of the initial state.</summary>
    public static FileStart AtFirstCycle { get; } = new(nameof(AtFirstCycle), (times, first) => times[first]);

    /// <summary>
    /// The file's time before the first cycle that is read. If there is none, it is as long before the first cycle as the second is after
    /// it, or one unit of time before the only one.
    /// </summary>
    public static FileStart OneIntervalBefore { get; } =
        new(nameof(OneIntervalBefore), (times, first) => first > 0 ? times[first - 1] : StartTimes.Before(times));

    /// <summary>A given time.</summary>
    /// <param name="time">The time in the view's unit, not after the first cycle.</param>
    public static implicit operator FileStart(double time) => new(time, (_, _) => time);

    /// <summary>The time of the state before the first cycle.</summary>
    /// <param name="times">All times of the file, rising.</param>
    /// <param name="first">The index of the first time that is read.</param>
    /// <exception cref="ArgumentException">The start time is after the first cycle, or is NaN.</exception>
    public double Of(double[] times, int first = 0) => place(times, first) is var start && start <= times[first] ? start
        : throw new ArgumentException($"The start time {start} must not be after the first cycle, which is at {times[first]}.");

    /// <summary>The given time, or the name of the position.</summary>
    internal object Kind { get; }
}

/// <summary>A start time in files: a number, or the name of the position.</summary>
internal sealed class FileStartConverter : JsonConverter<FileStart>
{
    public override FileStart Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number ? reader.GetDouble() : reader.GetString() switch
        {
            nameof(FileStart.AtFirstCycle) => FileStart.AtFirstCycle,
            nameof(FileStart.OneIntervalBefore) => FileStart.OneIntervalBefore,
            var other => throw new JsonException(
                $"'{other}' is no start time; a number, {nameof(FileStart.AtFirstCycle)} or {nameof(FileStart.OneIntervalBefore)} " +
                    "is needed."),
        };

    public override void Write(Utf8JsonWriter writer, FileStart start, JsonSerializerOptions options)
    {
        if (start.Kind is double time) writer.WriteNumberValue(time);
        else writer.WriteStringValue((string)start.Kind);
    }
}
