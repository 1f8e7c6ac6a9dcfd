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
        var view = context.Data.FromCsv(path, Wind, new CsvColumn(Columns.Observation, "u"));
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
    [InlineData("time,u,v\n1,2,3\n2,4\n", "line 3: the row has 2 fields where the header has 3")]
    [InlineData("time,u,v\n1,2,3\n1,4,5\n", "line 3, column 'time': the field is '1', not later than the row before")]
    [InlineData("time,u,v\nnoon,2,3\n", "line 2, column 'time': the field is 'noon', neither a number nor a date")]
    [InlineData("time,u,w\n1,2,3\n", "has no column 'v'; it has: time, u, w")]
    [InlineData("time,u,v,v\n1,2,3,4\n", "has more than one column 'v'")]
    [InlineData("time,u,v\n1,2,3\n2,4,5\"6\n", "line 3: a quotation mark is out of place")]
    [InlineData("time,u,v\n", "has a header and no row")]
    [InlineData("", "is empty")]
    public void ABadFileIsRefusedWithFileLineAndColumn(string text, string says) => Assert.Contains(says, Refused(folder.Write("bad.csv", text)));

    [Fact]
    public void WhatIsNotThereIsNamed()
    {
        Assert.Contains("nowhere.csv", Assert.Throws<FileNotFoundException>(() => context.Data.FromCsv(folder.File("nowhere.csv"), Wind)).Message);
        Assert.Throws<ArgumentException>(() => context.Data.FromCsv(folder.Write("x.csv", "time,u\n1,2\n")));
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
