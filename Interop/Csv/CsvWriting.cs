using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Writes trajectory views as CSV files: <c>view.ToCsv("analyses.csv", [Columns.Analysis])</c>.</summary>
public static class CsvWriting
{
    /// <summary>
    /// Writes a view as a CSV file, atomically: times under <c>time</c>, then the components of each column under <c>analysis[0]</c>,
    /// <c>analysis[1]</c> and so on (<c>image[0][2]</c> for two dimensions, the name alone for a scalar); one row per cycle, or, for
    /// several trajectories, one row per cycle and trajectory with the trajectory's number under <c>trajectory</c>.
    /// </summary>
    /// <remarks>
    /// Numbers have as many digits as they need to be read back equal to the bit in the view's precision. A value that its column's mask
    /// calls missing, or that is NaN, is an empty field. Booleans are 0 and 1. The start time of the view is not in the file: give it as
    /// <see cref="CsvOptions.StartTime"/> when you read the file.
    /// </remarks>
    /// <param name="view">A view that ends; apply <see cref="TrajectoryViewExtensions.Take"/> to one that does not.</param>
    /// <param name="path">The file; its folder is created if it is missing.</param>
    /// <param name="columns">The columns to write, in this order (default: null, all except for masks of written columns).</param>
    /// <param name="progress">Receives progress reports, at most ten a second.</param>
    /// <param name="cancellation">Stops the writing; an older file is not changed.</param>
    /// <exception cref="ArgumentException">The view never ends.</exception>
    /// <exception cref="SchemaException">The view does not have one of the columns.</exception>
    /// <exception cref="IOException">The folder cannot be created, or the path is a folder.</exception>
    /// <exception cref="UnauthorizedAccessException">There is no permission to write to the folder.</exception>
    public static void ToCsv(this ITrajectoryView view, string path, IReadOnlyList<Column>? columns = null,
        IProgress<ProgressReport>? progress = null, CancellationToken cancellation = default)
    {
        var written = new WrittenColumns(view, columns);
        long batch = view.Schema.Batch;
        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            IEnumerable<string> headers = batch > 1 ? ["time", "trajectory"] : ["time"];
            writer.WriteLine(string.Join(',', headers.Concat(written.Definitions.SelectMany(Headers)).Select(Quoted)));
            written.ForEach((_, time, values) =>
            {
                var fields = values.Select(Fields).ToList();
                for (int trajectory = 0; trajectory < batch; trajectory++)
                {
                    writer.Write(Text(time));
                    if (batch > 1) writer.Write($",{trajectory}");
                    foreach (string[] column in fields)
                    {
                        int size = column.Length / (int)batch;
                        for (int i = 0; i < size; i++)
                        {
                            writer.Write(',');
                            writer.Write(column[trajectory * size + i]);
                        }
                    }
                    writer.WriteLine();
                }
            }, progress, cancellation);
        });
    }

    // The names of a column's components, row-major.
    private static IEnumerable<string> Headers(ColumnDefinition definition)
    {
        IEnumerable<string> names = [definition.Column.Name];
        foreach (long size in definition.Shape)
            names = [.. names.SelectMany(name => Enumerable.Range(0, checked((int)size)).Select(i => $"{name}[{i}]"))];
        return names;
    }

    private static string[] Fields(Tensor values) => values.dtype switch
    {
        ScalarType.Bool => Array.ConvertAll(values.ToArray<bool>(), value => value ? "1" : "0"),
        ScalarType.Int64 => Array.ConvertAll(values.ToArray<long>(), value => value.ToString(CultureInfo.InvariantCulture)),
        ScalarType.Float32 => Array.ConvertAll(values.ToArray<float>(), Text),
        _ => Array.ConvertAll(values.ToArray<double>(), Text),
    };

    private static string Text(double value) => double.IsNaN(value) ? "" : value.ToString("R", CultureInfo.InvariantCulture);

    // The shortest text that gives this number again when it is read in double precision and rounded to single.
    private static string Text(float value)
    {
        if (float.IsNaN(value)) return "";
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        bool isRight = (float)double.Parse(shortest, CultureInfo.InvariantCulture) == value;
        return isRight ? shortest : ((double)value).ToString("R", CultureInfo.InvariantCulture);
    }

    private static string Quoted(string header) =>
        header.IndexOfAny([',', '"', '\n', '\r']) < 0 ? header : $"\"{header.Replace("\"", "\"\"")}\"";
}
