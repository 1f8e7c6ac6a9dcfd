using System.Globalization;
using System.Text.RegularExpressions;

namespace DaML.Components;

/// <summary>
/// Reads dates of ISO 8601, in its extended form (<c>2003-01-02T00:00:00Z</c>, or with a blank for the T as in RFC 3339) and its basic
/// form (<c>20030102T000000Z</c>). It refuses other forms: 01/02/2003 is ambiguous, and 20030102 alone is a number.
/// </summary>
internal static partial class IsoDate
{
    private const string Zone = @"\s?([Zz]|(?<sign>[+-])(?<zoneHour>\d{2})(:?(?<zoneMinute>\d{2}))?)?";
    private const string Second = @"(?<second>\d{2}([.,]\d+)?)";
    private const string Extended = @"(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})" +
        @"([Tt ](?<hour>\d{2})(:(?<minute>\d{2})(:" + Second + ")?)?" + Zone + ")?";
    private const string Basic = @"(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})" +
        @"[Tt](?<hour>\d{2})((?<minute>\d{2})" + Second + "?)?" + Zone;

    /// <summary>Reads a date as days since 1970-01-01 00:00 UTC, in the Gregorian calendar; a date without a zone is UTC.</summary>
    /// <returns>False if the text is not such a date.</returns>
    public static bool TryRead(string text, out double days)
    {
        days = double.NaN;
        var match = Form().Match(text);
        if (!match.Success) return false;
        int Part(string name) => match.Groups[name].Success ? int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture) : 0;
        int year = Part("year"), month = Part("month"), day = Part("day"), hour = Part("hour"), minute = Part("minute");
        double second = match.Groups["second"].Success
            ? double.Parse(match.Groups["second"].Value.Replace(',', '.'), CultureInfo.InvariantCulture) : 0;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        if (minute > 59 || second >= 60 || hour > 24 || (hour == 24 && (minute > 0 || second > 0))) return false;
        int zone = 60 * Part("zoneHour") + Part("zoneMinute");
        if (Part("zoneHour") > 18 || Part("zoneMinute") > 59) return false;
        int minutes = 60 * hour + minute - (match.Groups["sign"].Value == "-" ? -zone : zone);
        days = (new DateTime(year, month, day) - DateTime.UnixEpoch).Days + (60.0 * minutes + second) / 86400;
        return true;
    }

    /// <summary>Whether a text is a number that reads as a date of 1900 to 2199, with or without a time of day: 2003010206.</summary>
    public static bool IsDigits(string text) => text.Length is 8 or 10 or 12 or 14 && text[..2] is "19" or "20" or "21" &&
        text.All(char.IsAsciiDigit) && TryRead($"{text[..8]}T{(text.Length == 8 ? "00" : text[8..])}", out _);

    [GeneratedRegex("^(" + Extended + "|" + Basic + ")$")]
    private static partial Regex Form();
}
