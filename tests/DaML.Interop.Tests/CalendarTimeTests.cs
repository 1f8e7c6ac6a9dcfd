namespace DaML.Tests;

/// <summary>Coordinates of time against dates whose distance is known.</summary>
public sealed class CalendarTimeTests
{
    [Theory]
    [InlineData("days since 1970-01-01 00:00:00", null, 11323, 11323)]
    [InlineData("days since 2001-1-1", "gregorian", 0, 11323)]
    [InlineData("hours since 1-1-1 00:00:0.0", "standard", 17067072, -8036)]          // the reanalysis' own: 1948-01-01 in the mixed calendar
    [InlineData("hours since 1800-01-01 00:00:0.0", null, 1297320, -8036)]            // and its newer one
    [InlineData("days since 0001-01-01", "proleptic_gregorian", 719162, 0)]           // DateTime's own count of days
    [InlineData("seconds since 1970-01-01T00:00:00Z", "proleptic_gregorian", 86400, 1)]
    [InlineData("minutes since 1970-01-01 12:30", null, 720, 1.0208333333333333)]
    [InlineData("days since 1970-01-01 UTC", null, 1, 1)]
    [InlineData("hours since 1970-01-01 00:00 +2:00", null, 2, 0)]
    [InlineData("hours since 1970-01-01 00:00:00 -03:30", null, 0, 0.14583333333333333)]
    [InlineData("days since 1582-10-15", "standard", 1, -141426)]
    [InlineData("days since 1582-10-04", "standard", 1, -141427)]                     // the day before the reform's leap of ten
    public void ACoordinateBecomesDaysSince1970(string units, string? calendar, double coordinate, double days) =>
        Assert.Equal(days, new CalendarTime(units, calendar).Days(coordinate), 9);

    [Theory]
    [InlineData("months since 1970-01-01", null, "months since")]
    [InlineData("degrees_north", null, "degrees_north")]
    [InlineData("days since 1970-01-01 06 02", null, "1970-01-01 06 02")]             // minutes, or a zone?
    [InlineData("days since 1970-13-01", null, "no date 1970-13-01")]
    [InlineData("days since 1970-01-01", "lunar", "'lunar'")]
    public void WhatIsNoTimeIsRefused(string units, string? calendar, string named) =>
        Assert.Contains(named, Assert.Throws<FormatException>(() => new CalendarTime(units, calendar)).Message);
}
