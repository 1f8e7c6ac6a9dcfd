using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Writes trajectory views as NetCDF files: <c>view.ToNetCdf("analyses.nc", [Columns.Analysis])</c>.</summary>
public static class NetCdfWriting
{
    /// <summary>
    /// Writes a view as a NetCDF-4 file, atomically: a variable <c>time(time)</c> and one variable for each column. Its dimensions are
    /// time, <c>trajectory</c> if there are several, and those of the column, or of the grid in its description.
    /// </summary>
    /// <remarks>
    /// Values are stored in the view's precision, so that they are read back equal to the bit; booleans are bytes 0 and 1. A value that
    /// its column's mask calls missing is the fill value NaN. The view's start time is an attribute of the times, which <c>FromNetCdf</c>
    /// reads.
    /// </remarks>
    /// <param name="view">A view that ends; apply <see cref="TrajectoryViewExtensions.Take"/> to one that does not.</param>
    /// <param name="path">The file; its folder is created if it is missing.</param>
    /// <param name="columns">The columns to write (default: null, all except for masks of written columns).</param>
    /// <param name="timeUnits">
    /// The units of the view's times, for instance <c>days since 1970-01-01</c> for a view that was read from a file (default: null, the
    /// model's own unit, written as <c>1</c>).
    /// </param>
    /// <param name="calendar">The calendar of the times, by its name in the CF conventions (default: <c>standard</c>).</param>
    /// <param name="descriptions">Grid, lead times, unit and names of columns (default: none).</param>
    /// <param name="progress">Receives progress reports, at most ten a second.</param>
    /// <param name="cancellation">Stops the writing; an older file is not changed.</param>
    /// <exception cref="ArgumentException">
    /// The view never ends, units or calendar are not those of a time, the name of a column has a slash, or a description belongs to no
    /// written column or does not fit its shape.
    /// </exception>
    /// <exception cref="SchemaException">The view does not have one of the columns.</exception>
    /// <exception cref="DataFileException">The netcdf library is not installed, or cannot write the file.</exception>
    /// <exception cref="IOException">The folder cannot be created, or the path is a folder.</exception>
    public static void ToNetCdf(this ITrajectoryView view, string path, IReadOnlyList<Column>? columns = null, string? timeUnits = null,
        string calendar = "standard", IReadOnlyDictionary<Column, NetCdfDescription>? descriptions = null,
        IProgress<ProgressReport>? progress = null, CancellationToken cancellation = default)
    {
        var written = new WrittenColumns(view, columns);
        descriptions ??= new Dictionary<Column, NetCdfDescription>();
        if (written.Definitions.FirstOrDefault(definition => definition.Column.Name.Contains('/')) is { } slashed)
            throw new ArgumentException($"The column '{slashed.Column}' cannot be written: names in a NetCDF file have no '/'.",
                nameof(columns));
        if (timeUnits is not null)
            try { _ = new CalendarTime(timeUnits, calendar); }
            catch (FormatException e) { throw new ArgumentException($"The times cannot be written: {e.Message}.", nameof(timeUnits), e); }
        Check(written.Definitions, descriptions);
        AtomicFile.WriteAt(path, beside =>
        {
            using var file = new NetCdfOutput(beside, path);
            file.Attribute(NetCdfLibrary.Global, "Conventions", "CF-1.11");
            var coordinates = new NetCdfCoordinates(file, view, written.Cycles, timeUnits, calendar);
            List<(int Number, long[] Shape)>? variables = null;
            written.ForEach((cycle, now, values) =>
            {
                if (variables is null)   // now the values' types are known
                {
                    variables = [.. values.Zip(written.Definitions, (value, definition) => Define(file, coordinates, definition,
                        descriptions.GetValueOrDefault(definition.Column) ?? new NetCdfDescription(), value, view.Schema.Batch))];
                    file.EndDefinitions();
                    coordinates.WriteConstant();
                }
                coordinates.WriteTimes(cycle, now);
                for (int i = 0; i < values.Count; i++) file.Write(variables[i].Number, cycle, variables[i].Shape, values[i]);
            }, progress, cancellation);
            file.Close();
        });
    }

    private static void Check(IReadOnlyList<ColumnDefinition> definitions, IReadOnlyDictionary<Column, NetCdfDescription> descriptions)
    {
        foreach (var (column, description) in descriptions)
        {
            if (definitions.FirstOrDefault(definition => definition.Column == column) is not { } definition)
                throw new ArgumentException($"The column '{column}' has a description but is not written; written are: " +
                    $"{string.Join(", ", definitions.Select(other => other.Column))}.", nameof(descriptions));
            var shape = definition.Shape;
            if (description.Grid is { } grid && (shape.Length == 0 || shape[^1] != grid.Size))
                throw new ArgumentException($"The grid of the column '{column}' has {grid.Latitudes.Count} latitudes and " +
                    $"{grid.Longitudes.Count} longitudes, so the last axis of the column must have {grid.Size} points; it has the " +
                    $"shape {ColumnDefinition.Describe(shape)}.", nameof(descriptions));
            if (description.Leads is not { } leads) continue;
            if (leads.Count == 0 || !leads.All(double.IsFinite) || !leads.Zip(leads.Skip(1)).All(pair => pair.First < pair.Second))
                throw new ArgumentException($"The lead times of the column '{column}' must be finite and rise; given: " +
                    $"{string.Join(", ", leads)}.", nameof(descriptions));
            if (shape.Length < (description.Grid is null ? 1 : 2) || shape[0] != leads.Count)
                throw new ArgumentException($"The column '{column}' has {leads.Count} lead times, so its first axis must have " +
                    $"{leads.Count} values; it has the shape {ColumnDefinition.Describe(shape)}.", nameof(descriptions));
        }
        var taken = definitions.FirstOrDefault(definition => NetCdfCoordinates.Reserved.Contains(definition.Column.Name));
        if (descriptions.Count > 0 && taken is not null)
            throw new ArgumentException(
                $"The column '{taken.Column}' cannot be written: a coordinate has the same name. Rename the column.",
                nameof(descriptions));
    }

    private static (int Number, long[] Shape) Define(NetCdfOutput file, NetCdfCoordinates coordinates, ColumnDefinition definition,
        NetCdfDescription description, Tensor values, long batch)
    {
        var type = values.dtype switch
        {
            ScalarType.Bool => NetCdfType.Int8,
            ScalarType.Int64 => NetCdfType.Int64,
            ScalarType.Float32 => NetCdfType.Float32,
            _ => NetCdfType.Float64,
        };
        List<int> dimensions = [.. coordinates.Leading(description.Leads is not null)];
        List<long> shape = batch > 1 ? [batch] : [];
        string? validTime = null;
        for (int axis = 0; axis < definition.Shape.Length; axis++)
        {
            long size = definition.Shape[axis];
            if (axis == 0 && description.Leads is { } leads)
            {
                (int dimension, validTime) = coordinates.Of(leads);
                dimensions.Add(dimension);
                shape.Add(size);
            }
            else if (axis == definition.Shape.Length - 1 && description.Grid is { } grid)
            {
                dimensions.AddRange(coordinates.Of(grid));
                shape.AddRange([grid.Latitudes.Count, grid.Longitudes.Count]);
            }
            else
            {
                // Axes of equal size get separate dimensions, because some readers do not accept a dimension twice.
                int before = definition.Shape.Take(axis).Count(other => other == size);
                dimensions.Add(file.Dimension($"size_{size}{(before > 0 ? $"_{before + 1}" : "")}", size));
                shape.Add(size);
            }
        }
        int variable = file.Variable(definition.Column.Name, type, [.. dimensions], ("standard_name", description.StandardName),
            ("long_name", description.LongName), ("units", description.Units), ("coordinates", validTime));
        if (type is NetCdfType.Float32 or NetCdfType.Float64) file.Attribute(variable, "_FillValue", type, double.NaN);
        return (variable, [.. shape]);
    }
}
