namespace DaML.Tests;

/// <summary>Coordinates of time against dates whose distance is known.</summary>
public sealed class CalendarTimeTests
{
    [Theory]
    [InlineData("days since 1970-01-01 00:00:00", null, 11323, 11323)]
    [InlineData("days since 2001-1-1", "gregorian", 0, 11323)]
    // the reanalysis' own: 1948-01-01 in the mixed calendar
    [InlineData("hours since 1-1-1 00:00:0.0", "standard", 17067072, -8036)]
    [InlineData("hours since 1800-01-01 00:00:0.0", null, 1297320, -8036)]            // and its newer one
    [InlineData("days since 0001-01-01", "proleptic_gregorian", 719162, 0)]           // DateTime's own count of days
    [InlineData("seconds since 1970-01-01T00:00:00Z", "proleptic_gregorian", 86400, 1)]
    [InlineData("minutes since 1970-01-01 12:30", null, 720, 1.0208333333333333)]
    [InlineData("days since 1970-01-01 UTC", null, 1, 1)]
    [InlineData("hours since 1970-01-01 00:00 +2:00", null, 2, 0)]
    [InlineData("hours since 1970-01-01 00:00:00 -03:30", null, 0, 0.14583333333333333)]
    [InlineData("days since 1582-10-15", "standard", 1, -141426)]
    [InlineData("days since 1582-10-04", "standard", 1, -141427)]                     // the day before the reform's leap of ten
    [InlineData("hours since 2000-01-01 12", null, 12, 10958)]
    [InlineData("hours since 2000-01-01 12 UTC", null, 0, 10957.5)]
    [InlineData("hours since 2000-01-01T06Z", null, 6, 10957.5)]
    [InlineData("hours since 2000-01-01 12 -06:00", null, 6, 10958)]
    [InlineData("weeks since 1970-01-01", null, 2, 14)]
    [InlineData("milliseconds since 1970-01-01", null, 43200e3, 0.5)]
    [InlineData("ms since 1970-01-01", null, 43200e3, 0.5)]
    [InlineData("msec since 1970-01-01", null, 43200e3, 0.5)]
    [InlineData("microseconds since 1970-01-01 00:00:00.000000", "proleptic_gregorian", 86400e6, 1)]
    [InlineData("nanoseconds since 1970-01-01", null, 21600e9, 0.25)]
    [InlineData("days since 1850-01-01", "noleap", 60, -43740)]
    [InlineData("days since 1850-01-01", "365_day", 60, -43740)]
    [InlineData("days since 0000-01-01", "noleap", 719050, 0)]
    [InlineData("days since 2000-02-29", "all_leap", 1, 11040)]                       // 30 years of 366 days and 60 more
    [InlineData("days since 2000-02-29", "366_day", 1, 11040)]
    [InlineData("days since 1980-02-30", "360_day", 1, 3660)]
    [InlineData("months since 1980-01-01", "360_day", 2, 3660)]
    [InlineData("days since 1900-02-29", "julian", 1, -25508)]                        // 1900 had that day in the Julian calendar
    [InlineData("days since 0000-01-01", "proleptic_gregorian", 719528, 0)]
    [InlineData("days since 1970-01-01", "", 3, 3)]
    [InlineData("days since 1970-01-01", "Gregorian", 3, 3)]
    [InlineData("seconds since 19700101T000000Z", null, 86400, 1)]
    [InlineData("hours since 19700102T1200+0600", null, 0, 1.25)]
    [InlineData("days since 19700103", null, 0, 2)]
    [InlineData("hours since +1970-01-02 00:00:00.5", null, 0, 1 + 0.5 / 86400)]
    // Years before 1, as cftime counts them: there is no year 0 in the calendars of history.
    [InlineData("days since -0001-01-01", "standard", 0, -719530)]
    [InlineData("days since -4713-01-01 12:00", "Standard", 0, -2440587.5)]           // the origin of Julian days
    [InlineData("days since -1-3-1", "JULIAN", 0, -719483)]
    [InlineData("days since -4712-01-01", "proleptic_gregorian", 0, -2440550)]
    [InlineData("days since -0001-03-01", "NOLEAP", 0, -719356)]
    [InlineData("days since -500-02-28", "360_Day", 0, -889143)]
    [InlineData("days since 12000-01-01", "noleap", 0, 3660950)]
    public void ACoordinateBecomesDaysSince1970(string units, string? calendar, double coordinate, double days) =>
        Assert.Equal(days, new CalendarTime(units, calendar).Days(coordinate), 9);

    [Theory]
    [InlineData("months since 1970-01-01", null, "months since")]
    [InlineData("degrees_north", null, "degrees_north")]
    [InlineData("days since 1970-01-01 06 02", null, "1970-01-01 06 02")]             // minutes, or a zone?
    [InlineData("days since 1970-13-01", null, "no date 1970-13-01")]
    [InlineData("days since 1970-01-01", "lunar", "'lunar'")]
    [InlineData("days since 0000-01-01", null, "has no year 0")]
    [InlineData("days since 0000-01-01", "gregorian", "has no year 0")]
    [InlineData("days since 0000-01-01", "julian", "has no year 0")]
    [InlineData("days since 1582-10-10", "standard", "no date 1582-10-10")]
    [InlineData("days since 2000-02-29", "noleap", "no date 2000-02-29")]
    [InlineData("days since 2001-02-29", null, "no date 2001-02-29")]
    [InlineData("days since 2000-01-31", "360_day", "no date 2000-01-31")]
    [InlineData("months since 2000-01-01", "noleap", "not equally long")]
    [InlineData("hours since 2000-01-01 25", null, "no valid time of day")]
    [InlineData("days since 20000132", null, "no date 2000-01-32")]
    [InlineData("days since -4713-12-31", "proleptic_gregorian", "before -4712")]
    [InlineData("days since -0001-02-29", "noleap", "no date -0001-02-29")]
    public void WhatIsNoTimeIsRefused(string units, string? calendar, string named) =>
        Assert.Contains(named, Assert.Throws<FormatException>(() => new CalendarTime(units, calendar)).Message);

    [Theory]
    [InlineData("standard")]
    [InlineData("proleptic_gregorian")]
    [InlineData("julian")]
    [InlineData("noleap")]
    [InlineData("all_leap")]
    [InlineData("360_day")]
    public void EveryDayHasOneDateAndTheNextDayTheNextDate(string name)
    {
        var calendar = FileCalendar.Of(name);
        Assert.Equal("1850-03-01 06:30", calendar.Text(calendar.Days(1850, 3, 1) + 6.5 / 24));
        Assert.Equal("-0002-12-30 00:00", calendar.Text(calendar.Days(-2, 12, 30)));
        var before = calendar.Date(-150_001);
        for (long day = -150_000; day < 30_000; day++)
        {
            var date = calendar.Date(day);
            Assert.Equal(day, calendar.Days(date.Year, date.Month, date.Day));
            bool follows = date == (before.Year, before.Month, before.Day + 1)
                || (date.Day == 1 && (date.Month == before.Month + 1 || (date.Month == 1 && date.Year == before.Year + 1)));
            Assert.True(follows
                || (name == "standard" && (before, date) == ((1582, 10, 4), (1582, 10, 15))), $"{before} is followed by {date}");
            before = date;
            if (name == "proleptic_gregorian") Assert.Equal(DateTime.UnixEpoch.AddDays(day), new DateTime(date.Year, date.Month, date.Day));
        }
    }
}
