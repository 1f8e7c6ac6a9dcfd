using TorchSharp;

namespace DaML.Tests;

/// <summary>CSV files as trajectory views.</summary>
public sealed class CsvTrajectoryTests : IDisposable
{
    private static readonly CsvColumn Wind = new(new Column("wind"), "u", "v");
    private readonly TemporaryFolder folder = new();
    private readonly DataAssimilationContext context = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void RowsBecomeCycles()
    {
        string path = folder.Write("wind.csv", "time,v,station,u\n0.5,1e1,\"a, b\",2\n1.0, 20 ,c,-3.25\n");
        var view = context.Data.FromCsv(path, new CsvOptions { StartTime = FileStart.OneIntervalBefore }, Wind,
            new CsvColumn(Columns.Observation, "u"));
        Assert.Equal(2, view.CycleCount);
        Assert.Equal(0, view.StartTime);
        Assert.Equal("wind[2], observation[1]", view.Schema.ToString());
        for (int pass = 0; pass < 2; pass++)
        {
            using var cursor = view.OpenCursor();
            Assert.True(cursor.MoveNext());
            Assert.Equal(0.5, cursor.Time);
            Assert.Equal([2.0, 10.0], cursor[Wind.Column].data<double>().ToArray());
            Assert.True(cursor.MoveNext());
            Assert.Equal([-3.25, 20.0], cursor[Wind.Column].data<double>().ToArray());
            Assert.Equal([-3.25], cursor[Columns.Observation].data<double>().ToArray());
            Assert.False(cursor.MoveNext());
        }
    }

    [Fact]
    public void DatesBecomeDaysAndRowsWithoutTimesAreCounted()
    {
        string dated = folder.Write("dated.csv", "time;u;v\n2001-01-01;1;2\n2001-01-01T12:00:00Z;3;4\n");
        using (var cursor = context.Data.FromCsv(dated, new CsvOptions { Delimiter = ";" }, Wind).OpenCursor())
        {
            cursor.MoveNext();
            Assert.Equal(11323, cursor.Time);
            cursor.MoveNext();
            Assert.Equal(11323.5, cursor.Time);
        }
        string plain = folder.Write("plain.csv", "u,v\n1,2\n3,4\n");
        var view = context.Data.FromCsv(plain, new CsvOptions { TimeHeader = null }, Wind);
        using var counted = view.OpenCursor();
        counted.MoveNext();
        Assert.Equal((0, 1), (view.StartTime, counted.Time));
    }

    [Fact]
    public void MissingValuesAreMarkedOrRefused()
    {
        string path = folder.Write("gaps.csv", "time,u,v\n1,5,\n2,NaN,6\n");
        using (var cursor = context.Data.FromCsv(path, new CsvOptions { Missing = MissingValues.Mask }, Wind).OpenCursor())
        {
            cursor.MoveNext();
            Assert.Equal([true, false], cursor[Columns.MaskOf(Wind.Column)].data<bool>().ToArray());
            Assert.Equal([5.0, 0.0], cursor[Wind.Column].data<double>().ToArray());
            cursor.MoveNext();
            Assert.Equal([false, true], cursor[Columns.MaskOf(Wind.Column)].data<bool>().ToArray());
        }
        Assert.Contains("line 2, column 'v': the field is missing", Refused(path));
    }

    [Theory]
    [InlineData("time,u,v\n1,2,3\n2,x,4\n", "line 3, column 'u': the field is 'x', not a finite number")]
    [InlineData("time,u,v\n1,2,3\n2,1,Infinity\n", "line 3, column 'v': the field is 'Infinity', not a finite number")]
    [InlineData("time,u,v\n1,2,3\n2,4\n", "line 3: the row has 2 fields; the header has 3")]
    [InlineData("time,u,v\n1,2,3\n1,4,5\n", "line 3, column 'time': the field is '1', not later than the row before")]
    [InlineData("time,u,v\nnoon,2,3\n", "line 2, column 'time': the field is 'noon', neither a number nor a date of ISO 8601")]
    [InlineData("time,u,w\n1,2,3\n", "has no column 'v'; it has: time, u, w")]
    [InlineData("time,u,v,v\n1,2,3,4\n", "has more than one column 'v'")]
    [InlineData("time,u,v\n1,2,3\n2,4,5\"6\n", "line 3: a quotation mark is out of place")]
    [InlineData("time,u,v\n", "has a header but no rows")]
    [InlineData("", "is empty")]
    public void ABadFileIsRefusedWithFileLineAndColumn(string text, string says) =>
    Assert.Contains(says, Refused(folder.Write("bad.csv", text)));

    [Fact]
    public void ABlankLineOfAFileWithOneColumnIsAnEmptyField() // fault 09
    {
        var options = new CsvOptions { TimeHeader = null, Missing = MissingValues.Mask };
        string path = folder.Write("one.csv", "y\n1\n\n3\n  \n5\n");
        Assert.Equal([(1, 1.0, true), (2, 0.0, false), (3, 3.0, true), (4, 0.0, false), (5, 5.0, true)], Series(path, options));
        Assert.Contains("line 3, column 'y': the field is missing",
            Assert.Throws<DataFileException>(() => Series(path, options with { Missing = MissingValues.Refuse })).Message);
        Assert.Equal([(1, 1.0, true), (2, 3.0, true)],
            Series(folder.Write("windows.csv", "\r\ntime,y\r\n1,1\r\n\r\n2,3\r\n\r\n"), options with { TimeHeader = "time" }));
    }

    [Theory]
    [InlineData("NA")]
    [InlineData("na")]
    [InlineData("-9999")]
    [InlineData("-9999.00")]
    [InlineData("-9.999e3")]
    [InlineData("null")]
    [InlineData("***")]
    [InlineData("")]
    [InlineData("nan")]
    public void MarkersStandForMissingValues(string field) // fault 19
    {
        var options = new CsvOptions { Missing = MissingValues.Mask, Markers = ["NA", "-9999", "null", "***"] };
        string path = folder.Write("na.csv", $"time,y\n1,1\n2,{field}\n3,-999\n");
        Assert.Equal([(1, 1.0, true), (2, 0.0, false), (3, -999.0, true)], Series(path, options));
        Assert.Contains("line 3, column 'y': the field is missing",
            Assert.Throws<DataFileException>(() => Series(path, options with { Missing = MissingValues.Refuse })).Message);
    }

    [Fact]
    public void CommentsAreSkippedWhereverTheyStand()
    {
        string path = folder.Write("c.csv", "# buoy 42\n#\ntime,y\n# first\n1,1\n2,3\n#end");
        var options = new CsvOptions { Comment = '#', Missing = MissingValues.Mask };
        Assert.Equal([(1, 1.0, true), (2, 3.0, true)], Series(path, options));
        Assert.Equal([(1, 1.0, true), (2, 3.0, true)],
            Series(folder.Write("d.csv", "; note\ny\n1\n; note\n3\n"), options with { Comment = ';', TimeHeader = null }));
        Assert.Contains("has no column 'time'; it has: # buoy 42",
            Assert.Throws<DataFileException>(() => Series(path, options with { Comment = null })).Message);
    }

    [Fact]
    public void BlanksMayStandBetweenFields()
    {
        string path = folder.Write("b.txt", "time    y\n 1   1.5 \n\n10   NA\n");
        Assert.Equal([(1, 1.5, true), (10, 0.0, false)],
            Series(path, new() { Delimiter = " ", Missing = MissingValues.Mask, Markers = ["NA"] }));
        Assert.Equal([(1, 1.5, true)],
            Series(folder.Write("t.txt", "time\ty\n1\t1.5\n"), new() { Delimiter = "\t", Missing = MissingValues.Mask }));
        Assert.Equal([(1, 1.5, true), (2, 2.5, true)],
            Series(folder.Write("m.txt", " time\t y\n1 \t1.5\n2  2.5\t\n\t\n"), new() { Delimiter = " ", Missing = MissingValues.Mask }));
        foreach (string bad in (string[])["", "\n", "\"", "1", "x"])
            Assert.Contains("'Delimiter' must separate fields without a letter",
                Assert.Throws<ArgumentException>(() => Series(path, new() { Delimiter = bad })).Message);
        foreach (char bad in (char[])[',', '"', '1', ' '])
            Assert.Contains("'Comment' must differ from the delimiter",
                Assert.Throws<ArgumentException>(() => Series(path, new() { Comment = bad })).Message);
    }

    [Theory]
    [InlineData("2001-01-01", 11323)]
    [InlineData("2001-01-01T12", 11323.5)]
    [InlineData("2001-01-01T12:00Z", 11323.5)]
    [InlineData("2001-01-01 18:00:00", 11323.75)]
    [InlineData("2001-01-01T12:00:00.000+06:00", 11323.25)]
    [InlineData("2001-01-01T12:00:00-0600", 11323.75)]
    [InlineData("2001-01-01T24:00:00Z", 11324)]
    [InlineData("1900-03-01", -25508)]
    [InlineData("20010101T000000Z", 11323)]
    [InlineData("20010101T1800", 11323.75)]
    [InlineData("20010101T12", 11323.5)]
    [InlineData("20010101T120000.000+0600", 11323.25)]
    public void DatesAreThoseOfIso8601(string date, double days)
    {
        Assert.Equal(days, Series(folder.Write("date.csv", $"time,y\n{date},1\n"), new() { Missing = MissingValues.Mask }).Single().Time);
    }

    [Theory]
    [InlineData("01/02/2003")]
    [InlineData("1.2.2003")]
    [InlineData("2003-1-2")]
    [InlineData("2003-02-30")]
    [InlineData("2003-01-02T25:00")]
    [InlineData("2 January 2003")]
    [InlineData("12:00")]
    [InlineData("20030230T000000Z")]
    [InlineData("20030102T2500")]
    [InlineData("20030102 120000")]
    [InlineData("2003-01")]
    [InlineData("2003-01-02T23:59:60")]
    public void OtherDatesAreRefused(string date) =>
        Assert.Contains($"is '{date}', neither a number nor a date of ISO 8601",
            Assert.Throws<DataFileException>(() => Series(folder.Write("date.csv", $"time,y\n{date},1\n"), new())).Message);

    [Theory]
    [InlineData("20030131", "20030201")]
    [InlineData("2003013118", "2003020100")]
    [InlineData("200301311830", "200302010000")]
    [InlineData("20030131183000", "20030201000000")]
    public void DatesWithoutSeparatorsAreNotTakenForNumbers(string first, string second)
    {
        Assert.Contains($"every time is a number that looks like a date without separators, for instance {first}",
            Assert.Throws<DataFileException>(() => Series(folder.Write("digits.csv", $"time,y\n{first},1\n{second},2\n"), new())).Message);
        CsvOptions options = new() { Missing = MissingValues.Mask };
        Assert.Equal([(20030131, 1.0, true), (20030201, 2.0, true)],
            Series(folder.Write("numbers.csv", "time,y\n20030131.0,1\n20030201,2\n"), options));
        Assert.Equal([(20030131, 1.0, true), (20030132, 2.0, true)],
            Series(folder.Write("seconds.csv", "time,y\n20030131,1\n20030132,2\n"), options));
    }

    [Fact]
    public void DaysAndTimesOfDayMayBeMixed() =>
        Assert.Equal([(12054, 1.0, true), (12054.5, 2.0, true), (12055 + 0.25 / 86400, 3.0, true)],
            Series(folder.Write("mixed.csv", "time,y\n2003-01-02,1\n2003-01-02T12:00,2\n20030103T000000.25Z,3\n"),
                new() { Missing = MissingValues.Mask }));

    [Fact]
    public void ABlankLineAmongRowsThatAreCountedIsRefused()
    {
        var options = new CsvOptions { TimeHeader = null, Missing = MissingValues.Mask };
        Assert.Contains("line 3: the line is blank, and without times every row is a cycle",
            Assert.Throws<DataFileException>(() => Series(folder.Write("two.csv", "y,z\n1,1\n\n3,3\n"), options)).Message);
        Assert.Equal([(1, 1.0, true), (2, 0.0, false), (3, 3.0, true)],
            Series(folder.Write("three.csv", "\ny,z\n1,1\n,\n3,3\n\n\n"), options));
    }

    [Theory]
    [InlineData("-nan")]
    [InlineData("+NaN")]
    [InlineData("not available")]
    [InlineData("\"Not Available\"")]
    public void NaNMayHaveASignAndMarkersMayHaveBlanks(string field) =>
        Assert.Equal([(1, 1.0, true), (2, 0.0, false)], Series(folder.Write("nan.csv", $"time,y\r\n1,1\r\n2, {field} \r\n"),
            new() { Missing = MissingValues.Mask, Markers = ["not available"] }));

    [Theory]
    [InlineData("time,y,\n1,1,\n2,,\n")]
    [InlineData("time,y\n1,1,\n2,,\n")]
    [InlineData("time,y,\n1,1\n2,\n")]
    public void ADelimiterAtTheEndMakesNoColumn(string text)
    {
        Assert.Equal([(1, 1.0, true), (2, 0.0, false)], Series(folder.Write("end.csv", text), new() { Missing = MissingValues.Mask }));
        Assert.Contains("the row has 4 fields; the header has", Assert.Throws<DataFileException>(() =>
            Series(folder.Write("more.csv", text + "3,3,,4\n"), new() { Missing = MissingValues.Mask })).Message);
    }

    [Fact]
    public void ADecimalCommaAndAnotherDelimiterAreNamed()
    {
        string path = folder.Write("comma.csv", "time;y\n1;2,5\n");
        Assert.Contains("it has: time;y. Its columns may be separated by another CsvOptions.Delimiter: \";\".",
            Assert.Throws<DataFileException>(() => Series(path, new())).Message);
        Assert.Contains("is '2,5', not a number: numbers have a decimal point, no comma",
            Assert.Throws<DataFileException>(() => Series(path, new() { Delimiter = ";", Missing = MissingValues.Mask })).Message);
    }

    [Fact]
    public void NumbersAndDatesAreNotMixed() =>
        Assert.Contains("is '2001-01-01', a date where the rows before have numbers",
            Assert.Throws<DataFileException>(() => Series(folder.Write("mixed.csv", "time,y\n1,1\n2001-01-01,2\n"), new())).Message);

    [Fact]
    public void TheFirstCycleMayBeTheStart()
    {
        string path = folder.Write("start.csv", "time,y\n0,1\n1,2\n");
        CsvColumn y = new(Columns.Observation, "y");
        Assert.Equal(0, context.Data.FromCsv(path, new CsvOptions { StartTime = 0 }, y).StartTime);
        Assert.Equal(0, context.Data.FromCsv(path, new CsvOptions { StartTime = FileStart.AtFirstCycle }, y).StartTime);
        Assert.Equal(-1, context.Data.FromCsv(path, new CsvOptions { StartTime = FileStart.OneIntervalBefore }, y).StartTime);
        Assert.Contains("must not be after the first cycle, which is at 0",
            Assert.Throws<ArgumentException>(() => context.Data.FromCsv(path, new CsvOptions { StartTime = 0.5 }, y)).Message);
    }

    [Fact]
    public void AStartThatNothingSaysIsNotGuessedButRefusedWhereItMatters()
    {
        string path = folder.Write("unsaid.csv", "time,y,truth\n1,1,2\n2,2,2\n");
        var view = context.Data.FromCsv(path, new CsvColumn(Columns.Observation, "y"), new CsvColumn(Columns.Truth, "truth"));
        Assert.Null(view.StartTime);
        // What needs no start reads it: scores, memory, files.
        Assert.Equal(0.5, context.Scores.Evaluate(view).ObservationRmse!.Mean);
        using var kept = view.Materialise();
        Assert.Null(kept.StartTime);
        view.Take(1).ToCsv(folder.File("again.csv"));
        // What starts there does not.
        var model = new LinearDynamics(torch.eye(1, dtype: torch.ScalarType.Float64));
        var start = new GaussianInitialCondition(torch.zeros(1, dtype: torch.ScalarType.Float64), ErrorCovariance.Scalar(1, 1));
        var filter = new SequentialAssimilation<StateMemory>("free run", new(new Standing(), new StatePropagater(model),
            new StateProcoder(), new StateSource(start, torch.ScalarType.Float64)), 1, 1, context);
        foreach (var unsaid in (ITrajectoryView[])[view, kept, view.Take(1)])
        {
            string message = Assert.Throws<ArgumentException>(() => filter.Transform(unsaid).OpenCursor()).Message;
            Assert.StartsWith("free run starts at the state before the first cycle", message);
            Assert.Contains("FileStart.OneIntervalBefore", message);
            Assert.Contains("FileStart.AtFirstCycle", message);
        }
        foreach (var when in (FileStart[])[0, FileStart.OneIntervalBefore, FileStart.AtFirstCycle])
        {
            var said = context.Data.FromCsv(path, new CsvOptions { StartTime = when }, new CsvColumn(Columns.Observation, "y"));
            foreach (var cycle in filter.Transform(said)) Assert.Equal(1, cycle.Time - cycle.Cycle);
        }
        Assert.Contains("A burn-in of model time starts", Assert.Throws<ArgumentException>(() =>
            context.Scores.Evaluate(view, new() { BurnInTime = 1 })).Message);
    }

    /// <summary>Leaves the forecast as it is.</summary>
    private sealed class Standing : IAnalyzer<StateMemory>
    {
        public string Name => "standing";
        public StateMemory Analyze(StateMemory forecast, Observation observation, RandomStream random) => new(forecast.State.alias());
    }

    [Fact]
    public void SeveralTrajectoriesAreTheBatch()
    {
        var options = new CsvOptions { TrajectoryHeader = "run" };
        CsvColumn y = new(Columns.Observation, "y");
        string path = folder.Write("runs.csv", "time,run,y\n0.5,a,1\n0.5,b,2\n1.5,a,3\n1.5,b,4\n");
        foreach (var given in (CsvOptions[])[options, options with { TimeHeader = null }])
        {
            var view = context.Data.FromCsv(path, given, y);
            Assert.Equal((2, 2), (view.Schema.Batch, view.CycleCount));
            using var cursor = view.OpenCursor();
            Assert.True(cursor.MoveNext());
            Assert.Equal(given.TimeHeader is null ? 1 : 0.5, cursor.Time);
            Assert.Equal([1.0, 2.0], cursor[Columns.Observation].ToArray<double>());
            Assert.True(cursor.MoveNext());
            Assert.Equal(given.TimeHeader is null ? 2 : 1.5, cursor.Time);
            Assert.Equal([3.0, 4.0], cursor[Columns.Observation].ToArray<double>());
            Assert.False(cursor.MoveNext());
        }
        foreach (var (text, says) in new (string, string)[]
        {
            ("0,a,1\n0,b,2\n1,b,3\n1,a,4\n", "is 'b'; 'a' is expected"),
            ("0,a,1\n0,b,2\n1,a,3\n", "ends with 1 of the 2 trajectories"),
            ("0,a,1\n0,b,2\n1,a,3\n2,b,4\n", "of a time must stand together"),
            ("0,a,1\n0,b,2\n0,a,3\n1,a,3\n1,b,4\n1,a,5\n", "has the trajectory 'a' twice"),
        })
            Assert.Contains(says,
                Assert.Throws<DataFileException>(() =>
                    context.Data.FromCsv(folder.Write("bad.csv", "time,run,y\n" + text), options, y)).Message);
    }

    [Fact]
    public void WhatIsNotThereIsNamed()
    {
        Assert.Contains("nowhere.csv",
            Assert.Throws<FileNotFoundException>(() => context.Data.FromCsv(folder.File("nowhere.csv"), Wind)).Message);
        Assert.Throws<ArgumentException>(() => context.Data.FromCsv(folder.Write("x.csv", "time,u\n1,2\n")));
    }

    private List<(double Time, double Value, bool There)> Series(string path, CsvOptions options)
    {
        var series = new List<(double, double, bool)>();
        using var cursor = context.Data.FromCsv(path, options, new CsvColumn(Columns.Observation, "y")).OpenCursor();
        while (cursor.MoveNext())
            series.Add((cursor.Time, cursor[Columns.Observation].ToDouble(), options.Missing != MissingValues.Mask
                || cursor[Columns.ObservationMask].ToBoolean()));
        return series;
    }

    private string Refused(string path)
    {
        string message = Assert.Throws<DataFileException>(() =>
        {
            using var cursor = context.Data.FromCsv(path, Wind).OpenCursor();
            while (cursor.MoveNext()) { }
        }).Message;
        Assert.Contains(path, message);
        return message;
    }
}
