namespace DaML.Components;

/// <summary>
/// A calendar of the CF conventions (1.11, section 4.4.1): the real ones (<c>standard</c> or <c>gregorian</c>, which mixes Julian dates
/// before 1582-10-15 and Gregorian ones from then on; <c>proleptic_gregorian</c>; <c>julian</c>) and those of climate models
/// (<c>noleap</c> or <c>365_day</c>, <c>all_leap</c> or <c>366_day</c>, <c>360_day</c>). Days are counted from 1970-01-01 of the calendar
/// itself.
/// </summary>
internal sealed class FileCalendar
{
    private const long Reform = 2299161;   // the Julian day number of 1582-10-15
    private const int FirstYear = -4712;
    private readonly Kind kind;
    private readonly long epoch;

    private FileCalendar(string name, Kind kind)
    {
        (Name, this.kind) = (name, kind);
        epoch = Number(1970, 1, 1);
    }

    private enum Kind { Mixed, Gregorian, Julian, NoLeap, AllLeap, ThirtyDays }

    /// <summary>Finds a calendar by its name in the conventions; null is <c>standard</c>.</summary>
    /// <exception cref="FormatException">There is no such calendar.</exception>
    public static FileCalendar Of(string? name)
    {
        string given = name?.Trim().ToLowerInvariant() ?? "";
        return new(given.Length == 0 ? "standard" : given, given switch
        {
            "" or "standard" or "gregorian" => Kind.Mixed,
            "proleptic_gregorian" => Kind.Gregorian,
            "julian" => Kind.Julian,
            "noleap" or "365_day" => Kind.NoLeap,
            "all_leap" or "366_day" => Kind.AllLeap,
            "360_day" => Kind.ThirtyDays,
            _ => throw new FormatException($"the calendar '{name}' is not one of standard, gregorian, proleptic_gregorian, julian, " +
                $"noleap, 365_day, all_leap, 366_day and 360_day"),
        });
    }

    /// <summary>The name in the conventions.</summary>
    public string Name { get; }

    /// <summary>Whether another calendar is the same, whatever its name.</summary>
    public bool IsSame(FileCalendar? other) => other?.kind == kind;

    /// <summary>Whether all of its months have thirty days.</summary>
    public bool HasEqualMonths => kind == Kind.ThirtyDays;

    // Whether the year before 1 is 0; in the historical calendars it is -1.
    private bool HasYearZero => kind is not (Kind.Mixed or Kind.Julian);

    /// <summary>Days from 1970-01-01 to a date. Years before 1 are negative.</summary>
    /// <exception cref="FormatException">The calendar does not have the date.</exception>
    public long Days(int year, int month, int day)
    {
        if (year == 0 && !HasYearZero) throw new FormatException($"the calendar '{Name}' has no year 0");
        int counted = year < 0 && !HasYearZero ? year + 1 : year;
        if (counted < FirstYear) throw new FormatException($"the year {year} is before {FirstYear}, where Julian days begin");
        if (month is < 1 or > 12 || day < 1 || day > DaysInMonth(counted, month) ||
            Date(Number(counted, month, day) - epoch) != (counted, month, day))
            throw new FormatException($"the calendar '{Name}' has no date {year:d4}-{month:d2}-{day:d2}");
        return Number(counted, month, day) - epoch;
    }

    /// <summary>
    /// Days from 1970-01-01 to a date and time of day; a day that the calendar does not have counts as the day after the month's last.
    /// </summary>
    public double Days(DateTime date) => Number(date.Year, date.Month, date.Day) - epoch + date.TimeOfDay.TotalDays;

    /// <summary>The date that is some days after 1970-01-01. The year before 1 is 0, whatever the calendar.</summary>
    public (int Year, int Month, int Day) Date(long days)
    {
        long number = days + epoch;
        int year = (int)Math.Floor(kind switch
        {
            Kind.NoLeap => number / 365.0,
            Kind.AllLeap => number / 366.0,
            Kind.ThirtyDays => number / 360.0,
            _ => (number - 1721060) / 365.25,
        });
        while (Number(year + 1, 1, 1) <= number) year++;
        while (Number(year, 1, 1) > number) year--;
        int month = 1;
        while (month < 12 && Number(year, month + 1, 1) <= number) month++;
        return (year, month, (int)(number - Number(year, month, 1)) + 1 + Skipped(year, month, number));
    }

    /// <summary>Writes a time in days since 1970-01-01 as a date.</summary>
    public string Text(double days)
    {
        if (days is not (> -2e6 and < 3e6)) return $"{days} days since 1970-01-01";
        double minutes = Math.Round(days * 1440);
        long day = (long)Math.Floor(minutes / 1440);
        int ofDay = (int)(minutes - 1440.0 * day);
        var (year, month, date) = Date(day);
        if (year <= 0 && !HasYearZero) year--;
        return $"{year:d4}-{month:d2}-{date:d2} {ofDay / 60:d2}:{ofDay % 60:d2}";
    }

    // In the mixed calendar, October 1582 lacks the days from 5 to 14.
    private int Skipped(int year, int month, long number) =>
        kind == Kind.Mixed && (year, month) == (1582, 10) && number >= Reform ? 10 : 0;

    private int DaysInMonth(int year, int month) => kind == Kind.ThirtyDays ? 30 : month switch
    {
        4 or 6 or 9 or 11 => 30,
        2 => IsLeap(year) ? 29 : 28,
        _ => 31,
    };

    private bool IsLeap(int year) => kind switch
    {
        Kind.NoLeap => false,
        Kind.AllLeap => true,
        Kind.Gregorian => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0),
        Kind.Mixed when year > 1582 => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0),
        _ => year % 4 == 0,
    };

    // The number of a day, counted from the origin of this calendar.
    private long Number(int year, int month, int day) => kind switch
    {
        Kind.ThirtyDays => 360L * year + 30 * (month - 1) + day - 1,
        Kind.NoLeap => 365L * year + DaysBefore(month, leap: false) + day - 1,
        Kind.AllLeap => 366L * year + DaysBefore(month, leap: true) + day - 1,
        Kind.Julian => JulianDay(year, month, day, gregorian: false),
        Kind.Mixed when JulianDay(year, month, day, gregorian: true) < Reform =>
            Math.Min(Reform, JulianDay(year, month, day, gregorian: false)),
        _ => JulianDay(year, month, day, gregorian: true),
    };

    private static int DaysBefore(int month, bool leap) => (367 * month - 362) / 12 - (month <= 2 ? 0 : leap ? 1 : 2);

    private static long JulianDay(int year, int month, int day, bool gregorian)
    {
        int a = (14 - month) / 12, m = month + 12 * a - 3;
        long y = year + 4800L - a;
        long days = day + (153 * m + 2) / 5 + 365 * y + y / 4;
        return gregorian ? days - y / 100 + y / 400 - 32045 : days - 32083;
    }
}
