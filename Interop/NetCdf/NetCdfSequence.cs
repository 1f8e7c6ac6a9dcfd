namespace DaML.Components;

/// <summary>
/// A variable in one file, or in several whose times follow each other. Headers, times and coordinates are read once, file by file; files
/// are sorted by their times and must agree in grid, units and calendar.
/// </summary>
internal sealed class NetCdfSequence
{
    private readonly IReadOnlyList<Part> parts;
    private readonly string variable;

    private NetCdfSequence(string variable, IReadOnlyList<Part> parts)
    {
        (this.variable, this.parts) = (variable, parts);
        Times = [.. parts.SelectMany(part => part.Times.Values)];
        int from = 0;
        foreach (var part in parts) (part.From, from) = (from, from + part.Times.Values.Length);
    }

    /// <summary>All times, rising.</summary>
    public double[] Times { get; }

    /// <summary>The calendar of the times; null = the model's own unit.</summary>
    public FileCalendar? Calendar => parts[0].Times.Calendar;

    /// <summary>The time of the state before the first cycle, if the first file has it.</summary>
    public double? Start => parts[0].Times.Start;

    /// <summary>Number of trajectories.</summary>
    public long Batch => parts[0].Layout.Batch;

    /// <summary>n</summary>
    public long Size => parts[0].Layout.Size;

    /// <summary>The variable and its files, in words.</summary>
    public string Name => parts.Count == 1 ? $"{parts[0].Described} in '{parts[0].Path}'"
        : $"'{variable}' in the {parts.Count} files from '{parts[0].Path}' to '{parts[^1].Path}'";

    /// <summary>A time in words.</summary>
    public string Text(double time) => parts[0].Times.Text(time);

    /// <summary>Reads the headers.</summary>
    /// <param name="paths">The files, in any order.</param>
    /// <param name="variable">The variable.</param>
    /// <param name="options">Settings for the reading.</param>
    /// <exception cref="DataFileException">A file cannot be read, lacks the variable, or does not agree with the others.</exception>
    public static NetCdfSequence Open(IReadOnlyList<string> paths, string variable, NetCdfOptions options)
    {
        if (paths.Count == 0) throw new ArgumentException("The list of files is empty; at least one is needed.", nameof(paths));
        List<Part> parts = [.. paths.Select(path => Part.Read(path, variable, options)).OrderBy(part => part.Times.Values[0])];
        for (int i = 1; i < parts.Count; i++) RequireNext(parts[0], parts[i - 1], parts[i]);
        return new NetCdfSequence(variable, parts);
    }

    /// <summary>
    /// Finds an entry: its file, the layout of the values, the number of the entry in the file, and the number of entries from it to the
    /// file's end.
    /// </summary>
    /// <param name="entry">A number in <see cref="Times"/>.</param>
    public (string Path, NetCdfLayout Layout, long Entry, long Left) Locate(long entry)
    {
        int at = 0;
        while (at + 1 < parts.Count && parts[at + 1].From <= entry) at++;
        long inside = entry - parts[at].From;
        return (parts[at].Path, parts[at].Layout, inside, parts[at].Times.Values.Length - inside);
    }

    /// <summary>Refuses times that are not separated by an interval.</summary>
    /// <param name="first">The first entry.</param>
    /// <param name="end">The entry after the last.</param>
    /// <param name="interval">The interval.</param>
    /// <param name="tolerance">The largest deviation, as a share of the interval.</param>
    /// <exception cref="DataFileException">Two times are further apart than the interval, or closer.</exception>
    public void RequireInterval(int first, int end, double interval, double tolerance)
    {
        for (int i = first + 1; i < end; i++)
        {
            double apart = Times[i] - Times[i - 1];
            if (Math.Abs(apart - interval) > tolerance * interval)
                throw new DataFileException($"The times of {Name} must be {interval} apart " +
                    $"({nameof(NetCdfOptions)}.{nameof(NetCdfOptions.Interval)}); between " +
                    $"{Text(Times[i - 1])} in '{Locate(i - 1).Path}' and {Text(Times[i])} in '{Locate(i).Path}' there are {apart:g9}.");
        }
    }

    private static void RequireNext(Part first, Part before, Part part)
    {
        DataFileException Refusal(string why) => new($"The files '{part.Path}' and '{first.Path}' cannot be read in sequence: {why}.");
        if (part.Times.Calendar is null != first.Times.Calendar is null || part.Times.Calendar?.IsSame(first.Times.Calendar) == false)
            throw Refusal($"the times of the one are in {CalendarOf(part)}, of the other in {CalendarOf(first)}");
        if (part.Units != first.Units)
            throw Refusal($"the values of '{part.Described}' are in '{part.Units}' in the one, and in '{first.Units}' in the other");
        if (part.Coordinates.Count != first.Coordinates.Count || part.Layout.Batch != first.Layout.Batch)
            throw Refusal($"the variable is {part.Described} in the one, and {first.Described} in the other");
        for (int i = 0; i < part.Coordinates.Count; i++)
        {
            var (given, needed) = (part.Coordinates[i], first.Coordinates[i]);
            if (given.Length != needed.Length)
                throw Refusal($"they are on different grids: '{given.Name}' has {given.Length} values in the one, and " +
                    $"'{needed.Name}' {needed.Length} in the other");
            if (given.Values is { } values && needed.Values is { } expected &&
                LatitudeLongitudeGrid.Difference($"'{given.Name}'", expected, values) is { } difference)
                throw Refusal($"the first is on another grid than the second, since {difference}");
        }
        if (!(part.Times.Values[0] > before.Times.Values[^1]))
            throw new DataFileException($"The files '{before.Path}' and '{part.Path}' cannot be read in sequence: the first ends at " +
                $"{before.Times.Text(before.Times.Values[^1])}, and the second begins at {part.Times.Text(part.Times.Values[0])}. " +
                "A time may be in one of them only.");
    }

    private static string CalendarOf(Part part) =>
        part.Times.Calendar is { } calendar ? $"the calendar '{calendar.Name}'" : "the model's own unit";

    /// <summary>One file.</summary>
    private sealed record Part(string Path, string Described, string? Units, NetCdfTimes Times, NetCdfLayout Layout,
        IReadOnlyList<(string Name, long Length, double[]? Values)> Coordinates)
    {
        /// <summary>The number of the file's first entry among all.</summary>
        public int From { get; set; }

        public static Part Read(string path, string variable, NetCdfOptions options)
        {
            using var file = NetCdfFile.Open(path);
            var found = file.Variable(variable);
            file.RequireNumeric(found);
            if (found.Shape.Contains(0))
                throw new DataFileException($"The variable {found} in '{path}' has no values: one of its dimensions is empty.");
            var times = NetCdfTimes.Of(file, found, options);
            int trajectory = TrajectoryDimension(found, times.Dimension, options, path);
            var window = options.Region is null ? null : GridWindow.Of(file, found, [times.Dimension, trajectory], options.Region);
            var coordinates = new List<(string, long, double[]?)>();
            for (int i = 0; i < found.Dimensions.Count; i++)
            {
                if (i == times.Dimension || i == trajectory) continue;
                var dimension = found.Dimensions[i];
                var coordinate = file.Nearest(found, dimension.Name);
                bool hasNumbers = coordinate is
                    { Dimensions.Count: 1, Type: not (NetCdfType.Character or NetCdfType.Text or NetCdfType.UserDefined) };
                coordinates.Add((dimension.Name, dimension.Length, hasNumbers ? file.Read(coordinate!.Name) : null));
            }
            var layout = new NetCdfLayout(found, times.Dimension, trajectory, window);
            return new Part(path, found.ToString(), found.Text("units"), times, layout, coordinates);
        }

        private static int TrajectoryDimension(NetCdfVariable variable, int time, NetCdfOptions options, string path)
        {
            if (options.TrajectoryDimension is not { } name) return -1;
            for (int i = 0; i < variable.Dimensions.Count; i++)
                if (i != time && variable.Dimensions[i].Name == name) return i;
            throw new DataFileException($"The variable {variable} in '{path}' has no dimension '{name}' beside time, which " +
                $"'{nameof(options.TrajectoryDimension)}' says.");
        }
    }
}
