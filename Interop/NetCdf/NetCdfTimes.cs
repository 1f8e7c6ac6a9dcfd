namespace DaML.Components;

/// <summary>
/// The times of a NetCDF variable: of one of its dimensions, or of the whole variable if it is a single field. They are searched for in
/// the coordinate variables of its dimensions, then in the variables that its attribute <c>coordinates</c> names, then in other variables
/// around it (CF conventions 1.11, sections 4.4, 5 and 5.7).
/// </summary>
internal sealed class NetCdfTimes
{
    private const string UnitsNeeded = "'days since 2000-01-01' or the like";

    /// <summary>The attribute with the view's start time, in the units of its times, in a file that this library wrote.</summary>
    public const string StartAttribute = "start_time";

    private NetCdfTimes(int dimension, double[] values, FileCalendar? calendar, double? start) =>
        (Dimension, Values, Calendar, Start) = (dimension, values, calendar, start);

    /// <summary>The index of the time dimension; -1 = none, the variable is a single field.</summary>
    public int Dimension { get; }

    /// <summary>The times, rising: days since 1970-01-01 in the file's calendar, or the model's own unit if there is no calendar.</summary>
    public double[] Values { get; }

    /// <summary>The calendar of the times; null = none, the file counts in the model's unit.</summary>
    public FileCalendar? Calendar { get; }

    /// <summary>The time of the state before the first of these times, if the file has it.</summary>
    public double? Start { get; }

    /// <summary>A time in words.</summary>
    public string Text(double time) => Calendar?.Text(time) ?? $"time {time:g9}";

    /// <summary>Finds the times of a variable.</summary>
    /// <exception cref="DataFileException">The variable has no times, or several; or its times cannot be read or do not rise.</exception>
    public static NetCdfTimes Of(NetCdfFile file, NetCdfVariable variable, NetCdfOptions options)
    {
        if (options.TimeVariable is { } name)
        {
            var named = file.Nearest(variable, name) ?? file.Variable(name);
            return Read(file, variable, named, DimensionOf(variable, named)
                ?? throw new DataFileException($"The times {named} in '{file.Path}' cannot be those of {variable}: they must have one " +
                    $"of its dimensions, or be a single time."));
        }
        if (Along(file, variable) is { } along) return Read(file, variable, along.Time, along.Dimension);
        if (options.FieldTime is { } date)
        {
            var calendar = FileCalendar.Of(null);
            return new NetCdfTimes(-1, [calendar.Days(date)], calendar, null);
        }
        int unknown = UnknownTime(file, variable);
        if (unknown < 0 && Choose(file, variable, Single(file, variable)) is { } single) return Read(file, variable, single, -1);
        var elsewhere = file.Variables.Where(other => other != variable && IsTime(other) && DimensionOf(variable, other) is >= 0).ToList();
        string proposal = elsewhere.Count == 0 ? "the variable of the times"
            : string.Join(" or ", elsewhere.Select(other => $"'{other.Name}'"));
        throw new DataFileException($"The variable {variable} in '{file.Path}' has no times: " +
            $"{string.Join(", ", variable.Dimensions.Select((_, i) => Why(file, variable, i)))}" +
            $"{(variable.Dimensions.Count == 0 ? "it is a single number" : "")}, and no scalar coordinate gives its time. " +
            $"A time needs units: {UnitsNeeded}. Name {proposal} in " +
            $"{nameof(NetCdfOptions)}.{nameof(NetCdfOptions.TimeVariable)}, or give the time of a single field in " +
            $"{nameof(NetCdfOptions)}.{nameof(NetCdfOptions.FieldTime)}.");
    }

    /// <summary>The index of a variable's time dimension, or -1.</summary>
    public static int DimensionOf(NetCdfFile file, NetCdfVariable variable) => Along(file, variable)?.Dimension ?? -1;

    // The times along one of the variable's dimensions.
    private static (NetCdfVariable Time, int Dimension)? Along(NetCdfFile file, NetCdfVariable variable)
    {
        var coordinates = Enumerable.Range(0, variable.Dimensions.Count).Select(i => Coordinate(file, variable, i))
            .OfType<NetCdfVariable>().Where(IsTime).ToList();
        var time = coordinates.Count > 0 ? coordinates.FirstOrDefault(IsNamedTime) ?? coordinates[0]
            : Choose(file, variable, Named(file, variable).Where(other => IsTime(other) && IsAlong(other)))
            ?? Choose(file, variable, file.Around(variable).Where(other => other != variable && IsTime(other) && IsAlong(other)));
        return time is null ? null : (time, DimensionOf(variable, time)!.Value);

        bool IsAlong(NetCdfVariable other) => other.Dimensions.Count == 1 && DimensionOf(variable, other) is >= 0;
    }

    private static IEnumerable<NetCdfVariable> Single(NetCdfFile file, NetCdfVariable variable)
    {
        static bool IsSingle(NetCdfVariable other) => IsTime(other) && other.Shape.All(length => length == 1);
        var named = Named(file, variable).Where(IsSingle).ToList();
        return named.Count > 0 ? named : file.Around(variable).Where(other => other != variable && IsSingle(other));
    }

    // The variables that the attribute 'coordinates' names.
    private static IEnumerable<NetCdfVariable> Named(NetCdfFile file, NetCdfVariable variable) =>
        (variable.Text("coordinates") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(name => file.Nearest(variable, name)).OfType<NetCdfVariable>();

    // Chooses one of several: the one called time, and not the time at which a forecast began.
    private static NetCdfVariable? Choose(NetCdfFile file, NetCdfVariable variable, IEnumerable<NetCdfVariable> candidates)
    {
        var all = candidates.Where(other => other.Text("standard_name") != "forecast_reference_time").ToList();
        if (all.Count <= 1) return all.FirstOrDefault();
        var named = all.Where(IsNamedTime).ToList();
        return named.Count == 1 ? named[0] : throw new DataFileException($"The variable {variable} in '{file.Path}' may have the " +
            $"times of any of {string.Join(", ", all)}; " +
            $"name one by {nameof(NetCdfOptions)}.{nameof(NetCdfOptions.TimeVariable)}.");
    }

    private static NetCdfVariable? Coordinate(NetCdfFile file, NetCdfVariable variable, int dimension)
    {
        var along = variable.Dimensions[dimension];
        return file.Nearest(variable, along.Name) is { Dimensions: [var only] } found && only.Number == along.Number ? found : null;
    }

    // The dimension of times; -1 = none, they are a single time; null = one that the variable does not have.
    private static int? DimensionOf(NetCdfVariable variable, NetCdfVariable time)
    {
        if (time.Dimensions.Count == 1)
            for (int i = 0; i < variable.Dimensions.Count; i++)
                if (variable.Dimensions[i].Number == time.Dimensions[0].Number) return i;
        return time.Shape.All(length => length == 1) ? -1 : null;
    }

    private static bool IsTime(NetCdfVariable variable) => CalendarTime.IsTime(variable.Text("units")) || IsModelTime(variable);

    private static bool IsModelTime(NetCdfVariable variable) => variable.Text("units") == "1" && IsNamedTime(variable);

    private static bool IsNamedTime(NetCdfVariable variable) => variable.Text("standard_name") == "time" || variable.Text("axis") == "T" ||
        variable.Name[variable.GroupPath.Length..].Equals("time", StringComparison.OrdinalIgnoreCase);

    // A dimension that must be time although its times are unknown, so that the variable is not a single field.
    private static int UnknownTime(NetCdfFile file, NetCdfVariable variable)
    {
        for (int i = 0; i < variable.Dimensions.Count; i++)
        {
            var dimension = variable.Dimensions[i];
            var coordinate = Coordinate(file, variable, i);
            bool isRecord = dimension.IsUnlimited && dimension.Length > 1;
            bool isTime = coordinate is null ? isRecord || dimension.Name.Equals("time", StringComparison.OrdinalIgnoreCase)
                : IsNamedTime(coordinate);
            if (isTime) return i;
        }
        return -1;
    }

    private static string Why(NetCdfFile file, NetCdfVariable variable, int dimension)
    {
        string name = variable.Dimensions[dimension].Name;
        if (Coordinate(file, variable, dimension) is not { } coordinate) return $"there is no coordinate variable for its dimension " +
            $"'{name}'";
        return coordinate.Text("units") is { } units ? $"the coordinate '{name}' is in '{units}'" : $"the coordinate '{name}' has no units";
    }

    private static NetCdfTimes Read(NetCdfFile file, NetCdfVariable variable, NetCdfVariable time, int dimension)
    {
        CalendarTime? calendar = null;
        if (!IsModelTime(time))
        {
            if (time.Text("units") is not { } units)
                throw new DataFileException($"The times {time} in '{file.Path}' have no units; {UnitsNeeded} is needed.");
            try { calendar = new CalendarTime(units, time.Text("calendar")); }
            catch (FormatException e) { throw new DataFileException($"The times {time} in '{file.Path}' cannot be read: {e.Message}.", e); }
        }
        double[] times = file.Read(time.Name);
        if (calendar is not null) times = Array.ConvertAll(times, calendar.Days);
        double? start = time.FirstNumber(StartAttribute);
        if (calendar is not null) start = start is { } given ? calendar.Days(given) : null;
        var result = new NetCdfTimes(dimension, times, calendar?.Calendar, start);
        if (times.Length == 0) throw new DataFileException($"The times {time} of {variable} in '{file.Path}' have no entry.");
        for (int i = 0; i < times.Length; i++)
        {
            if (!double.IsFinite(times[i])) throw new DataFileException($"The times {time} in '{file.Path}' must be complete; entry " +
                $"{i} is missing.");
            if (i > 0 && !(times[i] > times[i - 1]))
                throw new DataFileException($"The times {time} in '{file.Path}' must increase; entry {i} is {result.Text(times[i])} " +
                    $"({times[i]}) after {result.Text(times[i - 1])} ({times[i - 1]}). A view has one cycle for each time, in order: " +
                    $"read the values by {nameof(NetCdfFile)}, sort them, and make a view of them by FromMemory.");
        }
        return result;
    }
}
