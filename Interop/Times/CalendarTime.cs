using System.Globalization;
using System.Text.RegularExpressions;

namespace DaML.Components;

/// <summary>
/// Converts a coordinate such as <c>hours since 1800-01-01 00:00</c> into days since 1970-01-01 00:00 UTC, counted in the coordinate's
/// own calendar (CF conventions 1.11, section 4.4).
/// </summary>
internal sealed partial class CalendarTime
{
    private readonly double multiplier, divisor, offset;

    /// <summary>Reads units and calendar.</summary>
    /// <param name="units">For instance <c>days since 1970-01-01</c>.</param>
    /// <param name="calendar">The calendar attribute, or null for the standard one.</param>
    /// <exception cref="FormatException">The units or the calendar cannot be converted to days.</exception>
    public CalendarTime(string units, string? calendar)
    {
        Calendar = FileCalendar.Of(calendar);
        var match = Units().Match(units.Trim());
        if (!match.Success)
            throw new FormatException($"the units '{units}' are not 'days since YYYY-MM-DD' or the like in weeks, hours, minutes, " +
                $"seconds, milliseconds, microseconds or nanoseconds");
        string unit = match.Groups["unit"].Value.ToLowerInvariant();
        (multiplier, divisor) = unit switch
        {
            ['w', ..] => (7, 1),
            ['d', ..] => (1, 1),
            ['h', ..] => (1, 24),
            "ms" or ['m', 's', 'e', ..] or ['m', 'i', 'l', ..] => (1, 86400e3),
            ['m', 'i', 'n', ..] => (1, 1440),
            ['m', 'o', ..] when Calendar.HasEqualMonths => (30, 1),
            ['m', 'o', ..] => throw new FormatException($"the months of the calendar '{Calendar.Name}' are not equally long; the " +
                $"units '{units}' have no meaning in it"),
            ['s', ..] => (1, 86400.0),
            ['n', ..] => (1, 86400e9),
            _ => (1, 86400e6),
        };
        int hour = Part("hour"), minute = Part("minute");
        double second = match.Groups["second"].Success ? double.Parse(match.Groups["second"].Value, CultureInfo.InvariantCulture) : 0;
        if (hour > 24 || minute > 59 || second >= 61) throw new FormatException($"the units '{units}' have no valid time of day");
        if (match.Groups["bareZone"].Success && !match.Groups["minute"].Success)
            throw new FormatException($"the units '{units}' have two numbers after the date, of which the second is neither minutes " +
                "(06:30) nor a zone with a sign (+06)");
        double zone = 3600.0 * Part("zoneHour") + 60.0 * Part("zoneMinute");
        double seconds = 3600.0 * hour + 60.0 * minute + second - (match.Groups["sign"].Value == "-" ? -zone : zone);
        offset = Calendar.Days(Part("year"), Part("month"), Part("day")) + seconds / 86400;

        int Part(string name) => match.Groups[name].Success ? int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>The calendar in which times are counted.</summary>
    public FileCalendar Calendar { get; }

    /// <summary>Whether units are those of a time counted from a date.</summary>
    public static bool IsTime(string? units) => units is not null && SinceDate().IsMatch(units);

    /// <summary>Converts a coordinate to days since 1970-01-01 00:00 UTC.</summary>
    public double Days(double coordinate) => coordinate * multiplier / divisor + offset;

    [GeneratedRegex(@"^\s*\S+\s+since\s+[\d'+-]", RegexOptions.IgnoreCase)]
    private static partial Regex SinceDate();

    // Dates with or without the separators of ISO 8601, and in the freer form that UDUNITS accepts.
    [GeneratedRegex("""
        ^(?<unit>weeks?|days?|d|hours?|hrs?|h|minutes?|mins?|months?|seconds?|secs?|s|milliseconds?|millisecs?|msecs?|ms|
        microseconds?|microsecs?|us|\u00b5s|\u03bcs|nanoseconds?|nanosecs?|ns)
        \s+since\s+
        ((?<year>[+-]?\d{1,5})-(?<month>\d{1,2})-(?<day>\d{1,2})|(?<year>\d{4})(?<month>\d{2})(?<day>\d{2}))
        (
          (T(?<hour>\d{2})(?<minute>\d{2})(?<second>\d{2}(\.\d*)?)?|
          [T\s]+(?<hour>\d{1,2})(:(?<minute>\d{1,2})(:(?<second>\d{1,2}(\.\d*)?))?)?)
          (\s*(?<sign>[+-])(?<zoneHour>\d{1,2})(:?(?<zoneMinute>\d{2}))?|(?<bareZone>\s+)(?<zoneHour>\d{1,2})(:?(?<zoneMinute>\d{2}))?)?
        )?
        \s*(UTC|GMT|Z)?$
        """, RegexOptions.IgnoreCase | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Units();
}
