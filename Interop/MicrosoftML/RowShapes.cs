using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>Shapes of rows. ML.NET makes them for loaders only, so a loader that loads nothing stands for a schema.</summary>
internal static class RowShapes
{
    /// <summary>The shape of rows of a schema.</summary>
    public static SchemaShape Of(DataViewSchema schema) => new Loader(schema).Append(new Unchanged()).GetOutputSchema();

    /// <summary>A shape with more columns; a column of a name that exists is replaced.</summary>
    public static SchemaShape With(SchemaShape shape, IEnumerable<ColumnDefinition> added, ScalarType precision)
    {
        var builder = new DataViewSchema.Builder();
        foreach (var (column, sizes) in added)
            builder.AddColumn(column.Name, RowValues.TypeOf(new(column, [.. sizes.Select(size => Math.Max(size, 1))]), precision));
        var columns = Of(builder.ToSchema()).ToList();
        return new SchemaShape([.. shape.Where(old => !columns.Any(column => column.Name == old.Name)), .. columns]);
    }

    /// <summary>The columns that a step adds to a view.</summary>
    /// <exception cref="SchemaException">The step cannot read the view.</exception>
    public static IReadOnlyList<ColumnDefinition> Added(IEstimator<ITransformer> step, TrajectorySchema input)
    {
        var output = step.GetOutputSchema(input);
        return [.. step.Contract.Adds.Select(added => output[added.Column])];
    }

    private sealed class Loader(DataViewSchema schema) : IDataLoader<object>
    {
        public DataViewSchema GetOutputSchema() => schema;

        public IDataView Load(object input) => throw new NotSupportedException();

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException();
    }

    private sealed class Unchanged : Microsoft.ML.IEstimator<Microsoft.ML.ITransformer>
    {
        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;

        public Microsoft.ML.ITransformer Fit(IDataView input) => throw new NotSupportedException();
    }
}
