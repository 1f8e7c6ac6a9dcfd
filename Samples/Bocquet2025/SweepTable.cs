using System.Globalization;

namespace DaML.Samples;

/// <summary>The figures of a sweep by value and method, as table, chart and JSON.</summary>
/// <param name="sweep">The sweep.</param>
/// <param name="figures">The figures of all parts by their names.</param>
internal sealed class SweepTable(Sweep sweep, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures)
{
    private readonly List<string> methods = [];
    private readonly SortedDictionary<double, Dictionary<string, IReadOnlyDictionary<string, double[]>>> rows = [];

    /// <summary>The methods, in the order in which they were added.</summary>
    public IReadOnlyList<string> Methods => methods;

    /// <summary>Takes in a method's figures.</summary>
    /// <param name="method">The method.</param>
    /// <param name="values">The values it was measured at.</param>
    public SweepTable With(string method, IEnumerable<double> values)
    {
        foreach (double value in values) Add(method, value, sweep.Part(value, method));
        return this;
    }

    /// <summary>Takes in a method's figures at one value from a part that another sweep has too.</summary>
    public SweepTable Add(string method, double value, string part)
    {
        if (!methods.Contains(method)) methods.Add(method);
        if (!rows.TryGetValue(value, out var row)) rows.Add(value, row = []);
        row[method] = figures[part];
        return this;
    }

    /// <summary>A method's error at a value; null where it was not measured or lost the truth.</summary>
    public double? Error(string method, double value) =>
        rows.TryGetValue(value, out var row) && row.TryGetValue(method, out var point) ? Measured(point) : null;

    /// <summary>The points as the JSON has them.</summary>
    public IReadOnlyList<SweepPoint> Points() =>
        [.. methods.SelectMany(method =>
            rows.Where(row => row.Value.ContainsKey(method)).Select(row => new SweepPoint(row.Key, method, Measured(row.Value[method]))))];

    /// <summary>The table: a row for each value, a column for each method.</summary>
    public ReportTable Table(string title, string variable) => new(title, [variable, .. methods],
        [.. rows.Select(row =>
            (string[])[row.Key.ToString("0.0#", CultureInfo.InvariantCulture),
                .. methods.Select(method => row.Value.TryGetValue(method, out var point) ? Cell(point) : "")])]);

    /// <summary>The chart, as the paper draws it; what lost the truth leaves a gap.</summary>
    public Figure Chart(Axis axis) =>
        new LineChart("", axis, new Axis("test RMSE") { Minimum = 0 },
            [.. methods.Where(method => rows.Values.Any(row => row.TryGetValue(method, out var point) && Measured(point) is not null))
                .Select(Line)])
    {
        Width = 760, Height = 460, References = [new("observations", Sweep.ObservationError)],
    };

    private LineSeries Line(string method)
    {
        var points = rows.Where(row => row.Value.ContainsKey(method)).ToList();
        return new LineSeries(method, [.. points.Select(point => point.Key)],
            [.. points.Select(point => Measured(point.Value[method]) ?? double.NaN)]) { Markers = true };
    }

    private static double? Measured(IReadOnlyDictionary<string, double[]> point) =>
        double.IsFinite(point["rmse"][0]) ? point["rmse"][0] : null;

    // An error with a star where a minority of the trajectories lost the truth and is no part of it.
    private static string Cell(IReadOnlyDictionary<string, double[]> point) =>
        Measured(point) is { } error ? SampleRun.Number(error) + (point["lost"][0] > 0 ? "*" : "") : "lost";
}
