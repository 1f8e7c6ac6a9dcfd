using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Rows of ML.NET as trajectories: every kind of column, every order of rows, and what is refused.</summary>
public sealed class RowTrajectoriesTests
{
    [Fact]
    public void Rows_of_a_database_are_a_trajectory()
    {
        using var table = new System.Data.DataTable("reports");
        table.Columns.Add("Day", typeof(double));
        table.Columns.Add("Langley", typeof(float));
        table.Columns.Add("Pope", typeof(float));
        table.Rows.Add(1.0, 1012.5f, 1014.25f);
        table.Rows.Add(2.0, 1018.5f, float.NaN);
        var ml = new MLContext(1);
        var loader = ml.Data.CreateDatabaseLoader(new DatabaseLoader.Column("Day", System.Data.DbType.Double, 0),
            new DatabaseLoader.Column("Langley", System.Data.DbType.Single, 1),
            new DatabaseLoader.Column("Pope", System.Data.DbType.Single, 2));
        var rows = loader.Load(new DatabaseSource(new TableDatabase(table), "memory", "select Day, Langley, Pope from reports"));
        using var view = new DataAssimilationContext(1).Data.FromDataView(rows,
            new TrajectoryRows(new RowColumn(Columns.Observation, "Langley", "Pope")) { Time = "Day", StartTime = 0 }).Materialise();
        Assert.Equal([1.0, 2.0], view.Times);
        Assert.Equal([1012.5, 1014.25, 1018.5, 0], view[Columns.Observation].to(ScalarType.Float64).ToArray<double>());
        Assert.Equal([true, true, true, false], view[Columns.ObservationMask].ToArray<bool>());
    }

    private const double Day = 24 * 3600;
    private readonly MLContext ml = new(seed: 1);
    private readonly DataAssimilationContext context = new(1);

    private sealed class Row
    {
        public DateTime Date { get; set; }
        public double Hour { get; set; }
        public string Station { get; set; } = "";
        public float Pressure { get; set; }
        public int Count { get; set; }
        [VectorType(3)] public float[] Wind { get; set; } = [];
        public float[] Loose { get; set; } = [];
    }

    // Four hours, three stations; the value says which.
    private static Row At(int hour, int station) => new()
    {
        Date = new DateTime(2001, 1, 1).AddHours(hour), Hour = hour, Station = "ABC"[station].ToString(),
        Pressure = 100 * station + hour, Count = 10 * hour + station, Wind = [hour, station, hour * station], Loose = [1],
    };

    private static readonly (int Hour, int Station)[] ByCycle =
        [.. Enumerable.Range(0, 12).Select(i => (i / 3, i % 3))];

    private static readonly (int Hour, int Station)[] ByStation =
        [.. Enumerable.Range(0, 12).Select(i => (i % 4, i / 4))];

    // Each station's rows in their order, the stations mixed.
    private static readonly (int Hour, int Station)[] Mixed =
        [(0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 2), (1, 1), (2, 1), (3, 0), (3, 1), (2, 2), (3, 2)];

    private IDataView Rows(IEnumerable<(int Hour, int Station)> order) =>
        ml.Data.LoadFromEnumerable(order.Select(place => At(place.Hour, place.Station)).ToList());

    private static double[] Values(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.to(ScalarType.Float64).ToArray<double>();
    }

    public static TheoryData<string> Orders => ["by cycle", "by station", "mixed"];

    [Theory, MemberData(nameof(Orders))]
    public void Rows_of_several_trajectories_are_cycles_in_whatever_order_they_come(string order)
    {
        var data = Rows(order switch { "by cycle" => ByCycle, "by station" => ByStation, _ => Mixed });
        var view = context.Data.FromDataView(data, new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure", "Count"),
            new RowColumn(new Column("wind"), "Wind")) { Time = "Hour", Trajectory = "Station", StartTime = -1 });
        Assert.Equal("observation[2], observation-mask[2], wind[3], wind-mask[3]", view.Schema.ToString());
        Assert.Equal((3, 4, -1), (view.Schema.Batch, view.CycleCount, view.StartTime));
        for (int pass = 0; pass < 2; pass++)
        {
            int hour = 0;
            foreach (var cycle in view)
            {
                Assert.Equal((hour, hour), (cycle.Cycle, cycle.Time));
                Assert.Equal([hour, 10 * hour, 100 + hour, 10 * hour + 1, 200 + hour, 10 * hour + 2], Values(cycle[Columns.Observation]));
                Assert.Equal([hour, 0, 0, hour, 1, hour, hour, 2, 2 * hour], Values(cycle[new("wind")]));
                Assert.True(cycle[Columns.ObservationMask].all().ToBoolean());
                Assert.Equal(context.Precision, cycle[Columns.Observation].dtype);
                hour++;
            }
            Assert.Equal(4, hour);
        }
    }

    [Fact]
    public void One_trajectory_needs_no_key_and_counted_cycles_no_time()
    {
        var data = ml.Data.TakeRows(Rows(ByStation), 4);
        var view = context.Data.FromDataView(data, new TrajectoryRows(new RowColumn(Columns.Truth, "Pressure"))
            { Missing = MissingValues.Refuse });
        Assert.Equal(("truth[1]", 1, 4, 0), (view.Schema.ToString(), view.Schema.Batch, view.CycleCount, view.StartTime));
        var times = new List<double>();
        foreach (var cycle in view) times.Add(cycle.Time);
        Assert.Equal([1, 2, 3, 4], times);
    }

    [Fact]
    public void A_single_number_is_a_vector_of_one_or_a_scalar_and_the_name_of_a_column_is_the_default()
    {
        var data = ml.Data.TakeRows(Rows(ByStation), 2);
        var view = context.Data.FromDataView(data, new TrajectoryRows(new RowColumn(new Column("Pressure")),
            new RowColumn(new Column("label"), "Count") { IsScalar = true }) { Missing = MissingValues.Refuse });
        Assert.Equal("Pressure[1], label[]", view.Schema.ToString());
        foreach (var cycle in view) Assert.Equal([1], cycle[new("label")].shape);
    }

    [Fact]
    public void Dates_become_days_since_1970()
    {
        var data = ml.Data.TakeRows(Rows(ByStation), 3);
        var view = context.Data.FromDataView(data, new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure"))
            { Time = "Date", StartTime = FileStart.OneIntervalBefore });
        double first = (new DateTime(2001, 1, 1) - DateTime.UnixEpoch).TotalSeconds / Day;
        Assert.Equal(first - 1 / 24.0, view.StartTime!.Value, 9);
        foreach (var cycle in view) Assert.Equal(first + cycle.Cycle / 24.0, cycle.Time, 9);
    }

    [Fact]
    public void NaN_becomes_false_in_the_mask_and_comes_back_as_NaN()
    {
        Row[] rows = [At(0, 0), At(1, 0), At(2, 0)];
        rows[1].Pressure = float.NaN;
        rows[2].Wind = [1, float.NaN, 3];
        var data = ml.Data.LoadFromEnumerable(rows);
        var reading = new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure"), new RowColumn(new Column("wind"), "Wind"));
        var view = context.Data.FromDataView(data, reading);
        var (masks, values) = (new List<bool>(), new List<double>());
        foreach (var cycle in view)
        {
            masks.AddRange([.. cycle[Columns.ObservationMask].ToArray<bool>(), .. cycle[new("wind-mask")].ToArray<bool>()]);
            values.AddRange([.. Values(cycle[Columns.Observation]), .. Values(cycle[new("wind")])]);
        }
        Assert.Equal([true, true, true, true, false, true, true, true, true, true, false, true], masks);
        Assert.Equal([0, 0, 0, 0, 0, 1, 0, 0, 2, 1, 0, 3], values);

        var back = view.ToDataView();
        Assert.Equal([0, float.NaN, 2], back.GetColumn<float[]>("observation").Select(row => row[0]));
        Assert.Equal([[0, 0, 0], [1, 0, 0], [1, float.NaN, 3]], back.GetColumn<float[]>("wind"));

        string refused = Assert.Throws<InvalidDataException>(() =>
            context.Data.FromDataView(data, reading with { Missing = MissingValues.Refuse, Time = "Hour" }).Materialise()).Message;
        Assert.Contains("Row 1 (time 1), column 'Pressure': the value is missing (NaN)", refused);
    }

    [Fact]
    public void A_view_goes_to_rows_and_back_to_the_bit()
    {
        using var random = context.Random("values");
        var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor>
        {
            [Columns.Observation] = random.Normal([6, 3, 2], ScalarType.Float64),
            [Columns.ObservationMask] = random.Normal([6, 3, 2], ScalarType.Float64) > 0,
            [new("image")] = random.Normal([6, 3, 2, 2], ScalarType.Float64),
        }, [0.5, 1, 2, 2.5, 4, 7], 0);
        var rows = new TrajectoryRows(new RowColumn(Columns.Observation), new RowColumn(new Column("image")))
            { Time = "Time", Trajectory = "Trajectory", StartTime = 0 };
        using var again = context.Data.FromDataView(view.ToDataView(ScalarType.Float64), rows).Materialise();
        Assert.Equal(view.Times, again.Times);
        Assert.True(view[Columns.ObservationMask].equal(again[Columns.ObservationMask]).all().ToBoolean());
        Assert.True(view[new("image")].equal(again[new("image")]).all().ToBoolean());
        Assert.True((view[Columns.Observation] * view[Columns.ObservationMask]).equal(again[Columns.Observation]).all().ToBoolean());
    }

    [Fact]
    public void A_file_of_text_is_read_by_ML_NET_with_its_gaps()
    {
        using var folder = new TemporaryFolder();
        string file = folder.File("pressure.csv");
        File.WriteAllText(file, "date,valentia,lerwick\n2001-01-01,1012.5,998.25\n2001-01-02,,1001\n2001-01-03,1003.75,\n");
        var loader = ml.Data.CreateTextLoader(new TextLoader.Options
        {
            HasHeader = true, Separators = [','], MissingRealsAsNaNs = true,
            Columns = [new("Date", DataKind.DateTime, 0), new("Pressure", DataKind.Single, 1, 2)],
        });
        var view = context.Data.FromDataView(loader.Load(file), new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure"))
            { Time = "Date" });
        Assert.Equal((2, 3), (view.Schema[Columns.Observation].Shape[0], view.CycleCount));
        var (values, masks) = (new List<double>(), new List<bool>());
        foreach (var cycle in view)
        {
            values.AddRange(Values(cycle[Columns.Observation]));
            masks.AddRange(cycle[Columns.ObservationMask].ToArray<bool>());
        }
        Assert.Equal([1012.5, 998.25, 0, 1001, 1003.75, 0], values);
        Assert.Equal([true, true, false, true, true, false], masks);
    }

    [Fact]
    public void Bad_columns_are_refused_with_what_they_are()
    {
        var data = Rows(ByStation);
        string Refused(TrajectoryRows rows) => Assert.Throws<SchemaException>(() => context.Data.FromDataView(data, rows)).Message;
        TrajectoryRows Of(params string[] names) => new(new RowColumn(Columns.Observation, names));
        Assert.Contains("no column 'pressure'; there are: Date, Hour, Station", Refused(Of("pressure")));
        Assert.Contains("'Station' must hold numbers for 'observation'; given: String", Refused(Of("Station")));
        Assert.Contains("'Loose' is a vector of unknown size", Refused(Of("Loose")));
        Assert.Contains("'Wind' must be one number for 'observation'; given: a vector of Single", Refused(Of("Pressure", "Wind")));
        Assert.Contains("'Station' must be a time, a number or a date", Refused(Of("Pressure") with { Time = "Station" }));
        Assert.Contains("'Pressure' must say which trajectory", Refused(Of("Pressure") with { Trajectory = "Pressure" }));
        Assert.Contains("one number; given: 2 columns",
            Refused(new(new RowColumn(Columns.Observation, "Pressure", "Count") { IsScalar = true })));
        Assert.Contains("cannot be read from a row", Assert.Throws<ArgumentException>(() =>
            new TrajectoryRows(new RowColumn(Columns.ObservationMask))).Message);
        Assert.Contains("comes twice", Assert.Throws<ArgumentException>(() =>
            new TrajectoryRows(new RowColumn(Columns.Truth), new RowColumn(Columns.Truth, "Wind"))).Message);
        Assert.Contains("At least one column", Assert.Throws<ArgumentException>(() => new TrajectoryRows()).Message);
        Assert.Contains("given: Int64", Assert.Throws<ArgumentException>(() =>
            Of("Pressure") with { Precision = ScalarType.Int64 }).Message);
    }

    [Fact]
    public void Bad_rows_are_refused_with_their_place()
    {
        var byHour = new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure")) { Time = "Hour" };
        string Refused(TrajectoryRows rows, params Row[] given) => Assert.Throws<InvalidDataException>(() =>
            context.Data.FromDataView(ml.Data.LoadFromEnumerable(given), rows).Materialise()).Message;
        string fell = Refused(byHour, At(0, 0), At(0, 1));
        Assert.Contains("Row 1: the time 0 comes after 0; times must rise", fell);
        Assert.Contains("Trajectory names the column", fell);
        var stations = byHour with { Trajectory = "Station" };
        Assert.Contains("comes after 1 of the trajectory 'B'", Refused(stations, At(1, 1), At(0, 0), At(0, 1)));
        Assert.Contains("'B' has 1 rows and 'A' has 2", Refused(stations, At(0, 0), At(1, 0), At(1, 1)));
        Assert.Contains("There are no rows", Refused(byHour));
        var (late, infinite) = (At(0, 0), At(0, 0));
        (late.Hour, infinite.Pressure) = (double.NaN, float.PositiveInfinity);
        Assert.Contains("Row 0, column 'Hour': the time is NaN", Refused(byHour, late));
        Assert.Contains("column 'Pressure': Infinity is not a value", Refused(byHour, infinite));
    }

    [Fact]
    public void Keys_and_whole_numbers_name_trajectories_and_a_missing_key_is_refused()
    {
        var rows = new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure")) { Time = "Hour", Trajectory = "Key" };
        var data = Rows(Mixed);
        var keyed = ml.Transforms.Conversion.MapValueToKey("Key", "Station").Fit(data);
        Assert.Equal(3, context.Data.FromDataView(keyed.Transform(data), rows).Schema.Batch);
        var unknown = ml.Data.LoadFromEnumerable([new Row { Station = "Z" }]);
        Assert.Contains("the key is missing", Assert.Throws<InvalidDataException>(() =>
            context.Data.FromDataView(keyed.Transform(unknown), rows)).Message);
    }

    [Fact]
    public void A_token_stops_the_reading()
    {
        using var source = new CancellationTokenSource();
        var rows = new TrajectoryRows(new RowColumn(Columns.Observation, "Pressure")) { Time = "Hour", Trajectory = "Station" };
        var view = context.Data.FromDataView(Rows(ByStation), rows, source.Token);
        using var cursor = view.OpenCursor();
        Assert.True(cursor.MoveNext());
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => cursor.MoveNext());
        Assert.Throws<OperationCanceledException>(() => context.Data.FromDataView(Rows(ByStation), rows, source.Token));
    }
}
