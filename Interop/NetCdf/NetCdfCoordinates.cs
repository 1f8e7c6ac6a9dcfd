namespace DaML.Components;

/// <summary>
/// The coordinates of a file that is being written (CF conventions 1.11, sections 4 and 5): times, trajectories, grids and lead times. Each
/// is defined once, for all variables that have it.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="view">The view with the cycles and trajectories.</param>
/// <param name="cycles">Number of cycles.</param>
/// <param name="timeUnits">The units of times; null = the model's own.</param>
/// <param name="calendar">The calendar of the times.</param>
internal sealed class NetCdfCoordinates(NetCdfOutput file, ITrajectoryView view, long cycles, string? timeUnits, string calendar)
{
    private readonly List<(LatitudeLongitudeGrid Grid, int[] Dimensions)> grids = [];
    private readonly List<(IReadOnlyList<double> Leads, int Dimension, int ValidTime, string Name)> leads = [];
    private readonly List<(int Variable, IReadOnlyList<double> Values)> constant = [];
    private readonly List<int> times = [];
    private readonly Dictionary<string, int> cycleDimensions = [];

    /// <summary>Names of coordinates that the descriptions of these columns require, which no column may have.</summary>
    public static IReadOnlyList<string> Reserved { get; } = ["latitude", "longitude", "leadtime", "valid_time", "forecast_reference_time"];

    /// <summary>The dimension of cycles and, if there are several trajectories, theirs.</summary>
    /// <param name="isForecast">Whether the cycles' times are those at which forecasts begin.</param>
    public int[] Leading(bool isForecast)
    {
        string name = isForecast ? "forecast_reference_time" : "time";
        if (!cycleDimensions.TryGetValue(name, out int dimension))
        {
            cycleDimensions[name] = dimension = file.Dimension(name, cycles);
            int variable = Time(name, [dimension], name);
            file.Attribute(variable, "axis", "T");
            if (view.StartTime is { } start) file.Attribute(variable, NetCdfTimes.StartAttribute, NetCdfType.Float64, start);
            times.Add(variable);
        }
        return view.Schema.Batch > 1 ? [dimension, file.Dimension("trajectory", view.Schema.Batch)] : [dimension];
    }

    /// <summary>The dimensions of a grid.</summary>
    public int[] Of(LatitudeLongitudeGrid grid)
    {
        if (grids.FirstOrDefault(known => known.Grid.Equals(grid)) is { Grid: not null } found) return found.Dimensions;
        string suffix = Suffix(grids.Count);
        int[] dimensions =
            [Axis("latitude", "degrees_north", "Y", grid.Latitudes), Axis("longitude", "degrees_east", "X", grid.Longitudes)];
        grids.Add((grid, dimensions));
        return dimensions;

        int Axis(string name, string units, string axis, IReadOnlyList<double> values)
        {
            int dimension = file.Dimension(name + suffix, values.Count);
            int variable = file.Variable(name + suffix, NetCdfType.Float64, [dimension], ("standard_name", name), ("units", units),
                ("axis", axis));
            constant.Add((variable, values));
            return dimension;
        }
    }

    /// <summary>The dimension of lead times, and the name of the variable with the valid times of the forecasts.</summary>
    public (int Dimension, string ValidTime) Of(IReadOnlyList<double> given)
    {
        if (leads.FirstOrDefault(known => known.Leads.SequenceEqual(given)) is { Leads: not null } found)
            return (found.Dimension, found.Name);
        string suffix = Suffix(leads.Count), name = "valid_time" + suffix;
        int dimension = file.Dimension("leadtime" + suffix, given.Count);
        constant.Add((file.Variable("leadtime" + suffix, NetCdfType.Float64, [dimension], ("standard_name", "forecast_period"),
            ("long_name", "time since the forecast began"), ("units", timeUnits?.Split(' ')[0] ?? "1")), given));
        leads.Add((given, dimension, Time(name, [Leading(isForecast: true)[0], dimension], "time"), name));
        return (dimension, name);
    }

    /// <summary>Writes the values that do not change from cycle to cycle.</summary>
    public void WriteConstant()
    {
        foreach (var (variable, values) in constant) file.Write(variable, values);
    }

    /// <summary>Writes a cycle's times.</summary>
    public void WriteTimes(long cycle, double now)
    {
        using (var at = TorchSharp.torch.tensor(now))
            foreach (int variable in times) file.Write(variable, cycle, [], at);
        foreach (var (given, _, variable, _) in leads)
        {
            using var valid = TorchSharp.torch.tensor(given.Select(lead => now + lead).ToArray());
            file.Write(variable, cycle, [given.Count], valid);
        }
    }

    private int Time(string name, int[] of, string standardName) => timeUnits is null
        ? file.Variable(name, NetCdfType.Float64, of, ("long_name", "time in the model's unit"), ("units", "1"))
        : file.Variable(name, NetCdfType.Float64, of, ("standard_name", standardName), ("units", timeUnits), ("calendar", calendar));

    private static string Suffix(int before) => before == 0 ? "" : $"_{before + 1}";
}
