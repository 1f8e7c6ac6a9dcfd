using System.Globalization;
using System.Text.RegularExpressions;

namespace DaML;

/// <summary>
/// Turns a coordinate such as <c>hours since 1800-01-01 00:00</c> into days since 1970-01-01 00:00 UTC (CF conventions
/// 1.11, section 4.4), in the Gregorian calendar, and before 1582-10-15 in the Julian one where the file's calendar is
/// the mixed one (<c>standard</c> or <c>gregorian</c>).
/// </summary>
internal sealed partial class CalendarTime
{
    private const double UnixEpoch = 2440588; // the Julian day number of 1970-01-01
    private const double Reform = 2299161;    // of 1582-10-15
    private readonly double scale;
    private readonly double offset;

    /// <summary>Reads units and calendar.</summary>
    /// <param name="units">For instance <c>days since 1970-01-01</c>.</param>
    /// <param name="calendar">The calendar attribute, or null for the standard one.</param>
    /// <exception cref="FormatException">Units or a calendar that cannot be turned into days.</exception>
    public CalendarTime(string units, string? calendar)
    {
        bool mixed = calendar is null or "standard" or "gregorian";
        if (!mixed && calendar != "proleptic_gregorian")
            throw new FormatException($"the calendar '{calendar}' is not one of standard, gregorian and proleptic_gregorian");
        var match = Units().Match(units.Trim());
        if (!match.Success) throw new FormatException($"the units '{units}' are not 'days since YYYY-MM-DD' or the like in hours, minutes or seconds");
        scale = match.Groups["unit"].Value.ToLowerInvariant() switch
        {
            "days" or "day" or "d" => 1,
            "hours" or "hour" or "hrs" or "hr" or "h" => 1.0 / 24,
            "minutes" or "minute" or "mins" or "min" => 1.0 / 1440,
            _ => 1.0 / 86400,
        };
        int year = Part("year"), month = Part("month"), day = Part("day");
        if (month is < 1 or > 12 || day is < 1 or > 31) throw new FormatException($"the units '{units}' hold no date");
        double julianDay = JulianDayNumber(year, month, day, gregorian: true);
        if (mixed && julianDay < Reform) julianDay = JulianDayNumber(year, month, day, gregorian: false);
        double zone = Part("zoneHour") + Part("zoneMinute") / 60.0;
        double hours = Part("hour") + Part("minute") / 60.0 - (match.Groups["sign"].Value == "-" ? -zone : zone);
        double seconds = match.Groups["second"].Success ? double.Parse(match.Groups["second"].Value, CultureInfo.InvariantCulture) : 0;
        offset = julianDay - UnixEpoch + hours / 24 + seconds / 86400;

        int Part(string name) => match.Groups[name].Success ? int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>Days since 1970-01-01 00:00 UTC.</summary>
    public double Days(double coordinate) => coordinate * scale + offset;

    private static double JulianDayNumber(int year, int month, int day, bool gregorian)
    {
        int a = (14 - month) / 12, y = year + 4800 - a, m = month + 12 * a - 3;
        int days = day + (153 * m + 2) / 5 + 365 * y + y / 4;
        return gregorian ? days - y / 100 + y / 400 - 32045 : days - 32083;
    }

    [GeneratedRegex(@"^(?<unit>days?|d|hours?|hrs?|h|minutes?|mins?|seconds?|secs?|s)\s+since\s+(?<year>\d{1,4})-(?<month>\d{1,2})-(?<day>\d{1,2})" +
                    @"([T\s]+(?<hour>\d{1,2}):(?<minute>\d{1,2})(:(?<second>\d{1,2}(\.\d*)?))?(\s*(?<sign>[+-])?(?<zoneHour>\d{1,2})(:?(?<zoneMinute>\d{2}))?)?)?\s*(UTC|GMT|Z)?$", RegexOptions.IgnoreCase)]
    private static partial Regex Units();
}
