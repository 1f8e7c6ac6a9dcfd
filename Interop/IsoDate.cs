using System.Globalization;
using System.Text.RegularExpressions;

namespace DaML;

/// <summary>Reads dates of ISO 8601 in its extended form, with a blank for the T where somebody prefers it (RFC 3339), and of no other
/// form: 01/02/2003 has two meanings.</summary>
internal static partial class IsoDate
{
    /// <summary>Days since 1970-01-01 00:00 UTC, in the Gregorian calendar; without a zone the date is UTC.</summary>
    /// <returns>False where it is no such date.</returns>
    public static bool TryRead(string text, out double days)
    {
        days = double.NaN;
        var match = Form().Match(text);
        if (!match.Success) return false;
        int Part(string name) => match.Groups[name].Success ? int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture) : 0;
        int year = Part("year"), month = Part("month"), day = Part("day"), hour = Part("hour"), minute = Part("minute");
        double second = match.Groups["second"].Success ? double.Parse(match.Groups["second"].Value.Replace(',', '.'), CultureInfo.InvariantCulture) : 0;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        if (minute > 59 || second >= 60 || hour > 24 || (hour == 24 && (minute > 0 || second > 0))) return false;
        int zone = 60 * Part("zoneHour") + Part("zoneMinute");
        if (Part("zoneHour") > 18 || Part("zoneMinute") > 59) return false;
        int minutes = 60 * hour + minute - (match.Groups["sign"].Value == "-" ? -zone : zone);
        days = (new DateTime(year, month, day) - DateTime.UnixEpoch).Days + (60.0 * minutes + second) / 86400;
        return true;
    }

    [GeneratedRegex(@"^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})" +
                    @"([Tt ](?<hour>\d{2})(:(?<minute>\d{2})(:(?<second>\d{2}([.,]\d+)?))?)?\s?([Zz]|(?<sign>[+-])(?<zoneHour>\d{2})(:?(?<zoneMinute>\d{2}))?)?)?$")]
    private static partial Regex Form();
}
