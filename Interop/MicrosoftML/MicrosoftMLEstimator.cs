using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace DaML.Components;

/// <summary>
/// A DaML estimator as an estimator of ML.NET: its rows are cycles of trajectories, and what it learns is a transformer that adds columns
/// to them.
/// </summary>
public sealed class MicrosoftMLEstimator : Microsoft.ML.IEstimator<MicrosoftMLTransformer>
{
    private readonly MLContext ml;
    private readonly DataAssimilationContext context;
    private readonly CancellationToken cancellation;

    /// <summary>Wraps an estimator.</summary>
    /// <param name="estimator">The estimator; a transformer is one that has nothing to learn.</param>
    /// <param name="ml">The context of the pipeline, which receives messages.</param>
    /// <param name="context">The context whose device and precision the trajectories have.</param>
    /// <param name="rows">How rows are trajectories.</param>
    /// <param name="cancellation">Stops learning, and every pass over the rows of a transformer that was learned.</param>
    public MicrosoftMLEstimator(IEstimator<ITransformer> estimator, MLContext ml, DataAssimilationContext context, TrajectoryRows rows,
        CancellationToken cancellation = default) =>
        (Estimator, this.ml, this.context, Rows, this.cancellation) = (estimator, ml, context, rows, cancellation);

    /// <summary>The estimator.</summary>
    public IEstimator<ITransformer> Estimator { get; }

    /// <summary>How rows are trajectories.</summary>
    public TrajectoryRows Rows { get; }

    /// <summary>The shape of rows with the columns that the transformer will add. Sizes of vectors are checked in Fit.</summary>
    /// <exception cref="SchemaException">A column is missing or of a type that it cannot have.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        var input = new TrajectorySchema(1, RowLayout.Describe(Rows, inputSchema, Estimator.Contract));
        return RowShapes.With(inputSchema, RowShapes.Added(Estimator, input), Rows.Precision);
    }

    /// <summary>Learns from rows.</summary>
    /// <exception cref="SchemaException">A column is missing or of a type or shape that it cannot have.</exception>
    /// <exception cref="InvalidDataException">
    /// The rows are not trajectories; see <see cref="MicrosoftMLExtensions.FromDataView"/>.
    /// </exception>
    public MicrosoftMLTransformer Fit(IDataView input)
    {
        var data = context.Data.FromDataView(input, Rows, cancellation);
        var host = ((IHostEnvironment)ml).Register(MicrosoftMLProgress.Source);
        using var channel = host.Start("Fit");
        channel.Info(MessageSensitivity.None, "{0}", $"{Estimator.Name}: {data.CycleCount} cycles of {data.Schema.Batch} trajectories");
        return new MicrosoftMLTransformer(Estimator.Fit(data, cancellation), ml, context, Rows, cancellation);
    }
}
