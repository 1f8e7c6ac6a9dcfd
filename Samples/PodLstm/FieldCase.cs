namespace DaML.Samples;

/// <summary>A real field of the sample: where it is, how it is divided by years, and what is learned and observed of it.</summary>
internal sealed record FieldCase
{
    /// <summary>Sea-level pressure over the North Atlantic, the main run.</summary>
    public static FieldCase Pressure { get; } = new()
    {
        Key = "slp", Title = "sea-level pressure over the North Atlantic",
        File = "slp_ncep1_natlantic_daily_2001-2010.nc", Variable = "slp",
        Scale = 0.01, Unit = "hPa", ValidationStart = new(2008, 1, 1), TestStart = new(2009, 1, 1), Modes = 20, Harmonics = 2,
        Observing =
        [
            new("", "41 % of the cells, 1.5 % of the mean, as the paper", 0.41, RelativeError: 0.015),
            new("sparse.", "5 % of the cells, 1 hPa", 0.05, Error: 1),
            new("accurate.", "41 % of the cells, 1 hPa", 0.41, Error: 1),
        ],
        Regions =
        [
            new("Europe", 40, 62.5, -10, 10), new("Iceland", 55, 70, -40, -10),
            new("western Atlantic", 30, 50, -70, -40), new("Azores", 30, 45, -40, -10),
        ],
    };

    /// <summary>Geopotential height of 500 hPa over Europe: the variable of the paper, on a short record.</summary>
    public static FieldCase Height { get; } = new()
    {
        Key = "z500", Title = "geopotential height of 500 hPa over Europe",
        File = "z500_ncep1_europe_daily_2000-2002.nc", Variable = "hgt",
        Scale = 1, Unit = "m", ValidationStart = new(2001, 7, 1), TestStart = new(2002, 1, 1), Modes = 10, Harmonics = 1,
        Lags = 3, WeightDecay = 10,
        Observing =
        [
            new("", "41 % of the cells, 1.5 % of the mean, as the paper", 0.41, RelativeError: 0.015),
            new("sparse.", "5 % of the cells, 10 m", 0.05, Error: 10),
        ],
        Regions = [new("north", 55, 90, -180, 180), new("south", 0, 50, -180, 180)],
    };

    /// <summary>What its metrics are called after.</summary>
    public required string Key { get; init; }

    /// <summary>What it is.</summary>
    public required string Title { get; init; }

    /// <summary>The NetCDF file.</summary>
    public required string File { get; init; }

    /// <summary>The variable in it.</summary>
    public required string Variable { get; init; }

    /// <summary>From the file's unit to <see cref="Unit"/>.</summary>
    public required double Scale { get; init; }

    /// <summary>The unit of errors.</summary>
    public required string Unit { get; init; }

    /// <summary>Where training ends and validation begins.</summary>
    public required DateTime ValidationStart { get; init; }

    /// <summary>Where validation ends and the test begins.</summary>
    public required DateTime TestStart { get; init; }

    /// <summary>Number of modes; those that do best on the validation years.</summary>
    public required int Modes { get; init; }

    /// <summary>Harmonics of the seasonal cycle.</summary>
    public required int Harmonics { get; init; }

    /// <summary>Past days that ridge regression sees; those that do best on the validation years.</summary>
    public int Lags { get; init; } = 4;

    /// <summary>The network's weight decay; a short record wants more.</summary>
    public double WeightDecay { get; init; } = new AutoregressiveEmulatorOptions().WeightDecay;

    /// <summary>Optimiser steps of each network.</summary>
    public int TrainingSteps { get; init; } = 1500;

    /// <summary>The observing systems, the main one first.</summary>
    public required IReadOnlyList<ObservingSystem> Observing { get; init; }

    /// <summary>Parts of the domain that are verified by themselves.</summary>
    public required IReadOnlyList<Region> Regions { get; init; }

    /// <summary>Sites drawn once, as many as a share of the grid's cells, and the standard deviation of their errors.</summary>
    /// <param name="Key">What the names of its metrics begin with.</param>
    /// <param name="Title">In words.</param>
    /// <param name="Share">Number of sites as a share of the number of grid points.</param>
    /// <param name="Error">The standard deviation in the field's unit; null where it is relative.</param>
    /// <param name="RelativeError">The standard deviation as a fraction of the training data's mean; null where it is absolute.</param>
    public sealed record ObservingSystem(string Key, string Title, double Share, double? Error = null, double? RelativeError = null)
    {
        /// <summary>The standard deviation for a field of a mean.</summary>
        public double ErrorOf(double mean) => Error ?? RelativeError!.Value * mean;
    }

    /// <summary>A part of the domain, its borders included.</summary>
    public sealed record Region(string Name, double South, double North, double West, double East)
    {
        /// <summary>Whether a place is in it.</summary>
        public bool Holds((double Latitude, double Longitude) place) =>
            place.Latitude >= South && place.Latitude <= North && place.Longitude >= West && place.Longitude <= East;
    }
}
