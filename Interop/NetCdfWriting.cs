using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Writes trajectory views as NetCDF files: <c>view.WriteNetCdf("analyses.nc", [Columns.Analysis])</c>.</summary>
public static class NetCdfWriting
{
    /// <summary>
    /// Writes a view as a NetCDF-4 file, atomically: a variable <c>time(time)</c> and one variable for each column, with dimensions time,
    /// <c>trajectory</c> where there are several, and the column's own.
    /// </summary>
    /// <remarks>
    /// Values are stored in the view's precision, so that they are read back equal to the bit; booleans are bytes 0 and 1. A value that its
    /// column's mask calls missing is the fill value NaN. The view's start time is an attribute of the times, which <c>FromNetCdf</c>
    /// takes.
    /// </remarks>
    /// <param name="view">A view that ends; put <see cref="TrajectoryViewExtensions.Take"/> on one that does not.</param>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="columns">Which columns; null (default) = all, but for masks of written columns.</param>
    /// <param name="timeUnits">What the view's times are, for instance <c>days since 1970-01-01</c> for what was read from a file; null
    /// (default) = the model's own unit, written as <c>1</c>.</param>
    /// <param name="calendar">The calendar of the CF conventions that they are counted in (default: <c>standard</c>).</param>
    /// <param name="progress">Told how far it has come, at most ten times a second.</param>
    /// <param name="cancellation">Stops it; an older file stays as it was.</param>
    /// <exception cref="ArgumentException">
    /// The view never ends, units or calendar are not those of a time, or the name of a column has a slash.
    /// </exception>
    /// <exception cref="SchemaException">The view does not have one of the columns.</exception>
    /// <exception cref="DataFileException">The netcdf library is not installed, or cannot write the file.</exception>
    /// <exception cref="IOException">The folder cannot be made, or the path is a folder.</exception>
    public static void WriteNetCdf(this ITrajectoryView view, string path, IReadOnlyList<Column>? columns = null, string? timeUnits = null,
        string calendar = "standard", IProgress<ProgressReport>? progress = null, CancellationToken cancellation = default)
    {
        var written = new WrittenColumns(view, columns);
        if (written.Definitions.FirstOrDefault(definition => definition.Column.Name.Contains('/')) is { } slashed)
            throw new ArgumentException($"The column '{slashed.Column}' cannot be written: names in a NetCDF file have no '/'.",
                nameof(columns));
        if (timeUnits is not null)
            try { _ = new CalendarTime(timeUnits, calendar); }
            catch (FormatException e) { throw new ArgumentException($"The times cannot be written: {e.Message}.", nameof(timeUnits), e); }
        AtomicFile.WriteAt(path, beside =>
        {
            using var file = new Output(beside, path);
            int time = file.Dimension("time", written.Cycles);
            int[] leading = view.Schema.Batch > 1 ? [time, file.Dimension("trajectory", view.Schema.Batch)] : [time];
            int times = file.Variable("time", NetCdfType.Float64, [time]);
            file.Attribute(times, "axis", "T");
            file.Attribute(times, "units", timeUnits ?? "1");
            file.Attribute(times, timeUnits is null ? "long_name" : "calendar", timeUnits is null ? "time in the model's unit" : calendar);
            file.Attribute(times, NetCdfTimes.StartAttribute, NetCdfType.Float64, view.StartTime);
            int[]? variables = null;
            written.ForEach((cycle, now, values) =>
            {
                if (variables is null)   // now the values' types are known
                {
                    variables = [.. values.Select((value, i) => Define(file, written.Definitions[i], value, leading))];
                    file.EndDefinitions();
                }
                using var at = tensor(now, dtype: ScalarType.Float64);
                file.Write(times, cycle, at);
                for (int i = 0; i < variables.Length; i++)
                    file.Write(variables[i], cycle, leading.Length > 1 ? values[i] : values[i].squeeze(0));
            }, progress, cancellation);
            file.Close();
        });
    }

    private static int Define(Output file, ColumnDefinition definition, Tensor values, int[] leading)
    {
        var type = values.dtype switch
        {
            ScalarType.Bool => NetCdfType.Int8,
            ScalarType.Int64 => NetCdfType.Int64,
            ScalarType.Float32 => NetCdfType.Float32,
            _ => NetCdfType.Float64,
        };
        // Axes of equal size get dimensions of their own, since some readers take no dimension twice.
        var own = definition.Shape.Select((size, axis) => (size, before: definition.Shape.Take(axis).Count(other => other == size)))
            .Select(axis => file.Dimension($"size_{axis.size}{(axis.before > 0 ? $"_{axis.before + 1}" : "")}", axis.size));
        int variable = file.Variable(definition.Column.Name, type, [.. leading, .. own]);
        if (type is NetCdfType.Float32 or NetCdfType.Float64) file.Attribute(variable, "_FillValue", type, double.NaN);
        return variable;
    }

    /// <summary>A file that is being written.</summary>
    private sealed class Output : IDisposable
    {
        private readonly Dictionary<string, int> dimensions = [];
        private readonly string name;
        private readonly int file;
        private bool closed;

        public Output(string path, string name)
        {
            this.name = name;
            using var gate = NetCdfLibrary.Enter();
            NetCdfLibrary.Check(NetCdfLibrary.Create(path, NetCdfLibrary.NetCdf4, out file), "Creating the NetCDF file", name);
        }

        /// <summary>The dimension of a name, made where it is not there yet.</summary>
        public int Dimension(string dimension, long size)
        {
            if (dimensions.TryGetValue(dimension, out int known)) return known;
            Locked(() => NetCdfLibrary.DefineDimension(file, dimension, (nuint)size, out known));
            return dimensions[dimension] = known;
        }

        public int Variable(string variable, NetCdfType type, int[] of)
        {
            int number = 0;
            Locked(() => NetCdfLibrary.DefineVariable(file, variable, (int)type, of.Length, of, out number));
            return number;
        }

        public void Attribute(int variable, string attribute, string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Locked(() => NetCdfLibrary.PutText(file, variable, attribute, (nuint)bytes.Length, bytes));
        }

        public void Attribute(int variable, string attribute, NetCdfType type, double number) =>
            Locked(() => NetCdfLibrary.PutNumber(file, variable, attribute, (int)type, 1, number));

        public void EndDefinitions() => Locked(() => NetCdfLibrary.EndDefinitions(file));

        /// <summary>Writes a cycle of a variable, whose first dimension is time; the values have the others.</summary>
        public unsafe void Write(int variable, long cycle, Tensor values)
        {
            long[] shape = values.Sizes();
            int rank = 1 + shape.Length;
            nuint* start = stackalloc nuint[rank], count = stackalloc nuint[rank];
            (start[0], count[0]) = ((nuint)cycle, 1);
            for (int i = 1; i < rank; i++) (start[i], count[i]) = (0, (nuint)shape[i - 1]);
            using var gate = NetCdfLibrary.Enter();
            fixed (byte* pointer = values.bytes)
                NetCdfLibrary.Check(NetCdfLibrary.PutValues(file, variable, start, count, pointer), "Writing the NetCDF file", name);
        }

        /// <summary>Writes what is still in memory.</summary>
        public void Close()
        {
            closed = true;
            Locked(() => NetCdfLibrary.Close(file));
        }

        public void Dispose()
        {
            if (closed) return;
            using var gate = NetCdfLibrary.Enter();
            NetCdfLibrary.Close(file);   // after an error; the file is deleted
        }

        private void Locked(Func<int> call)
        {
            using var gate = NetCdfLibrary.Enter();
            NetCdfLibrary.Check(call(), "Writing the NetCDF file", name);
        }
    }
}
