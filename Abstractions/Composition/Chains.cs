namespace DaML;

/// <summary>Chains estimators and transformers with <c>Append</c>, which refuses a step that cannot work.</summary>
public static class ChainExtensions
{
    /// <summary>Appends an estimator, which is fitted on the output of this one's transformer.</summary>
    /// <exception cref="SchemaException">The second needs a column in another shape than the first provides.</exception>
    public static EstimatorChain<TNext> Append<TNext>(this IEstimator<ITransformer> first, IEstimator<TNext> next)
        where TNext : class, ITransformer =>
        new EstimatorChain<ITransformer>(null, [first]).Append(next);

    /// <summary>Appends a transformer.</summary>
    /// <exception cref="SchemaException">The second needs a column in another shape than the first provides.</exception>
    public static TransformerChain Append(this ITransformer first, ITransformer next) =>
        new(first is TransformerChain chain ? [.. chain.Steps, next] : [first, next]);
}

/// <summary>A chain of estimators, itself an estimator: each step is fitted on the output of the fitted steps before it.</summary>
/// <typeparam name="TLast">The type of the last step's transformer.</typeparam>
public sealed class EstimatorChain<TLast> : IValidatedEstimator<TransformerChain> where TLast : class, ITransformer
{
    private readonly TrajectorySchema? input;
    private readonly IReadOnlyList<IEstimator<ITransformer>> steps;

    /// <summary>Begins a chain.</summary>
    /// <param name="input">The schema of the data, so that a missing column is refused at once; null if unknown.</param>
    /// <param name="steps">The first steps.</param>
    /// <exception cref="SchemaException">The steps do not fit each other or the input.</exception>
    public EstimatorChain(TrajectorySchema? input, IReadOnlyList<IEstimator<ITransformer>> steps)
    {
        this.input = input;
        this.steps = [.. steps];
        Contract = ChainContract.Of(steps);
        if (input is not null) GetOutputSchema(input);
    }

    /// <inheritdoc/>
    public string Name => ChainContract.Name(steps);

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <summary>The estimators in their order.</summary>
    public IReadOnlyList<IEstimator<ITransformer>> Steps => steps;

    /// <summary>This chain with one more step.</summary>
    /// <exception cref="SchemaException">
    /// The step needs a column that the chain provides in another shape. If the input is known, also: that nothing provides.
    /// </exception>
    public EstimatorChain<TNext> Append<TNext>(IEstimator<TNext> next) where TNext : class, ITransformer =>
        new(input, [.. steps, next]);

    /// <inheritdoc/>
    public TrajectorySchema GetOutputSchema(TrajectorySchema schema) => ChainContract.GetOutputSchema(steps, schema);

    /// <inheritdoc/>
    public TransformerChain Fit(ITrajectoryView data, CancellationToken cancellation = default) =>
        ChainContract.Fit(steps, data, null, cancellation);

    /// <inheritdoc/>
    public TransformerChain Fit(ITrajectoryView training, ITrajectoryView validation, CancellationToken cancellation = default) =>
        ChainContract.Fit(steps, training, validation, cancellation);
}

/// <summary>A chain of transformers, itself a transformer.</summary>
[Component("transformer-chain")]
public sealed class TransformerChain : ITransformer
{
    /// <summary>Chains the steps.</summary>
    /// <exception cref="SchemaException">A step needs a column in another shape than an earlier one provides.</exception>
    public TransformerChain(IReadOnlyList<ITransformer> steps)
    {
        Steps = [.. steps];
        Contract = ChainContract.Of(steps);
    }

    /// <inheritdoc/>
    public string Name => ChainContract.Name(Steps);

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <summary>The transformers in their order.</summary>
    public IReadOnlyList<ITransformer> Steps { get; }

    /// <summary>The only step of a type, for instance the learned analysis of a fitted pipeline.</summary>
    /// <exception cref="InvalidOperationException">There is no such step, or more than one.</exception>
    public T Find<T>() => Steps.OfType<T>().ToList() is [var only] ? only
        : throw new InvalidOperationException(
            $"The chain {Name} has {Steps.OfType<T>().Count()} steps of type {typeof(T).Name}; exactly one is needed.");

    /// <inheritdoc/>
    public TrajectorySchema GetOutputSchema(TrajectorySchema schema) => ChainContract.GetOutputSchema(Steps, schema);

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView view)
    {
        GetOutputSchema(view.Schema);
        foreach (var step in Steps) view = step.Transform(view);
        return view;
    }

    /// <summary>Fits every step on the output of the fitted steps before it; steps with nothing to learn stay as they are.</summary>
    public TransformerChain Fit(ITrajectoryView data, CancellationToken cancellation = default) =>
        ChainContract.Fit(Steps, data, null, cancellation);

    ITransformer IEstimator<ITransformer>.Fit(ITrajectoryView data, CancellationToken cancellation) => Fit(data, cancellation);
}

/// <summary>The common part of the two kinds of chain.</summary>
internal static class ChainContract
{
    public static string Name(IReadOnlyList<IEstimator<ITransformer>> steps) => string.Join(" > ", steps.Select(step => step.Name));

    public static SchemaContract Of(IReadOnlyList<IEstimator<ITransformer>> steps)
    {
        var whole = SchemaContract.None;
        for (int i = 0; i < steps.Count; i++)
            whole = whole.Then(steps[i].Contract, $"Step {i + 1} of the pipeline ({steps[i].Name})");
        return whole;
    }

    public static TrajectorySchema GetOutputSchema(IReadOnlyList<IEstimator<ITransformer>> steps, TrajectorySchema schema)
    {
        for (int i = 0; i < steps.Count; i++)
            try { schema = steps[i].GetOutputSchema(schema); }
            catch (SchemaException refused) { throw new SchemaException($"In step {i + 1} of the pipeline: {refused.Message}"); }
        return schema;
    }

    public static TransformerChain Fit(IReadOnlyList<IEstimator<ITransformer>> steps, ITrajectoryView training,
        ITrajectoryView? validation, CancellationToken cancellation)
    {
        GetOutputSchema(steps, training.Schema);
        if (validation is not null) GetOutputSchema(steps, validation.Schema);
        var fitted = new List<ITransformer>();
        foreach (var step in steps)
        {
            var transformer = validation is not null && step is IValidatedEstimator<ITransformer> validated
                ? validated.Fit(training, validation, cancellation)
                : step.Fit(training, cancellation);
            fitted.Add(transformer);
            training = transformer.Transform(training);
            validation = validation is null ? null : transformer.Transform(validation);
        }
        return new TransformerChain(fitted);
    }
}
