using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace DaML;

/// <summary>Takes DaML into ML.NET: rows as trajectories and back, steps in pipelines, pipelines as files.</summary>
public static class MicrosoftMLExtensions
{
    /// <summary>
    /// Reads rows as a view: those of a CSV or database loader, of an enumerable, of a pipeline. The times are read at once, the values
    /// while a cursor moves. NaN becomes false in the mask of its column.
    /// </summary>
    /// <param name="catalog">The catalog, whose context sets device and precision.</param>
    /// <param name="data">The rows. Every pass must give the same ones.</param>
    /// <param name="rows">How rows are trajectories.</param>
    /// <param name="cancellation">Stops the reading of the times, and every cursor of the view.</param>
    /// <returns>A view of batch 1, or of as many trajectories as <see cref="TrajectoryRows.Trajectory"/> tells apart.</returns>
    /// <exception cref="SchemaException">A column is missing or of a type that it cannot have.</exception>
    /// <exception cref="InvalidDataException">
    /// There are no rows, times do not rise, or trajectories have different times; while a cursor moves: a value is infinite, or missing
    /// where missing values are refused.
    /// </exception>
    public static ITrajectoryView FromDataView(this DataCatalog catalog, IDataView data, TrajectoryRows rows,
        CancellationToken cancellation = default)
    {
        var layout = new RowLayout(rows, data.Schema);
        return RowTrajectories.Of(catalog.Context, data, layout, RowIndex.Read(data, layout, cancellation), cancellation);
    }

    /// <summary>Presents a bounded view as rows.</summary>
    /// <param name="view">The view.</param>
    /// <param name="precision">Float32 for columns of Single, Float64 for columns of Double (default: Float32).</param>
    /// <exception cref="ArgumentException">
    /// The view never ends, a column has the name of a row's own column, or the precision is neither of these.
    /// </exception>
    public static TrajectoryDataView ToDataView(this ITrajectoryView view, ScalarType precision = ScalarType.Float32) =>
        new(view, precision);

    /// <summary>
    /// Makes an estimator of ML.NET, to stand in a pipeline with ML.NET's own:
    /// <c>filter.AsMicrosoftML(ml, context, rows).Append(...)</c>.
    /// Steps of DaML that follow each other are best chained by DaML's <c>Append</c> first, and compute each cycle once.
    /// </summary>
    /// <param name="estimator">Any estimator or transformer of DaML, chains included.</param>
    /// <param name="ml">The context of the pipeline, which receives messages.</param>
    /// <param name="context">The context whose device and precision the trajectories have.</param>
    /// <param name="rows">How rows are trajectories.</param>
    /// <param name="cancellation">Stops learning, and every pass over the rows of a transformer that was learned.</param>
    public static MicrosoftMLEstimator AsMicrosoftML(this IEstimator<ITransformer> estimator, MLContext ml,
        DataAssimilationContext context, TrajectoryRows rows, CancellationToken cancellation = default) =>
        new(estimator, ml, context, rows, cancellation);

    /// <summary>Gives the shape of rows, to check a pipeline before it is fitted: <c>pipeline.GetOutputSchema(shape)</c>.</summary>
    /// <param name="schema">The schema of the rows.</param>
    public static SchemaShape ToShape(this DataViewSchema schema) => RowShapes.Of(schema);

    /// <summary>
    /// Passes the progress of DaML's long work to ML.NET's messages: give it to <see cref="DataAssimilationOptions.Progress"/>, and
    /// <see cref="MLContext.Log"/> has a message of kind Info from <c>DaML</c> for each report.
    /// </summary>
    /// <param name="ml">The context that receives the messages.</param>
    public static IProgress<ProgressReport> AsProgress(this MLContext ml) => new MicrosoftMLProgress(ml);

    /// <summary>
    /// Writes a model of ML.NET with steps of DaML as one file; it gives the same rows to the bit when it is read again. ML.NET's own Load
    /// refuses the file with a message.
    /// </summary>
    /// <param name="catalog">The catalog of the context.</param>
    /// <param name="ml">The context of ML.NET.</param>
    /// <param name="model">A fitted pipeline. Each step of DaML in it must be a component that files can hold.</param>
    /// <param name="inputSchema">The schema of its input.</param>
    /// <param name="path">The file; written under another name and renamed.</param>
    /// <exception cref="NotSupportedException">
    /// A step of DaML cannot be saved (the message names the part), or stands in another transformer than a chain.
    /// </exception>
    public static void SaveMicrosoftML(this ModelCatalog catalog, MLContext ml, Microsoft.ML.ITransformer model,
        DataViewSchema inputSchema, string path) => MicrosoftMLModel.Save(catalog, ml, model, inputSchema, path);

    /// <summary>Reads a model that <see cref="SaveMicrosoftML"/> wrote.</summary>
    /// <param name="catalog">
    /// The catalog of the context. It knows DaML's components and those of <see cref="DataAssimilationOptions.Components"/>.
    /// </param>
    /// <param name="ml">The context of ML.NET.</param>
    /// <param name="path">The file.</param>
    /// <param name="inputSchema">The schema of the input that it was saved with.</param>
    /// <returns>
    /// The pipeline. ML.NET does not tell the scopes of a chain's steps, so all of them are <see cref="TransformerScope.Everything"/>.
    /// </returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ModelArchiveException">The file is no model of ML.NET, or its steps of DaML are damaged or missing.</exception>
    public static Microsoft.ML.ITransformer LoadMicrosoftML(this ModelCatalog catalog, MLContext ml, string path,
        out DataViewSchema inputSchema) => MicrosoftMLModel.Load(catalog, ml, path, out inputSchema);
}
