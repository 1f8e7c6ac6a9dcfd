namespace DaML;

/// <summary>Learns from trajectories and gives a transformer.</summary>
/// <typeparam name="TTransformer">What it gives.</typeparam>
public interface IEstimator<out TTransformer> where TTransformer : class, ITransformer
{
    /// <summary>What to call it in messages and tables.</summary>
    string Name { get; }

    /// <summary>The columns that the transformer needs and adds.</summary>
    SchemaContract Contract { get; }

    /// <summary>The schema that leaves the transformer.</summary>
    /// <exception cref="SchemaException">The input lacks a column or has it in another shape.</exception>
    TrajectorySchema GetOutputSchema(TrajectorySchema input) => Contract.Apply(input, Name);

    /// <summary>Learns. Cancelling long work keeps the best found so far where the estimator says so.</summary>
    TTransformer Fit(ITrajectoryView data, CancellationToken cancellation = default);
}

/// <summary>
/// Applies to trajectories: immutable, lazy, safe to use from several threads at once. It is also the estimator that has nothing
/// to learn and fits to itself, so that classical and learned steps compose alike.
/// </summary>
public interface ITransformer : IEstimator<ITransformer>
{
    /// <summary>The view with this step applied; nothing is computed before a cursor moves.</summary>
    ITrajectoryView Transform(ITrajectoryView input);

    ITransformer IEstimator<ITransformer>.Fit(ITrajectoryView data, CancellationToken cancellation)
    {
        GetOutputSchema(data.Schema);
        return this;
    }
}

/// <summary>An estimator that watches its progress on trajectories it does not learn from.</summary>
public interface IValidatedEstimator<out TTransformer> : IEstimator<TTransformer> where TTransformer : class, ITransformer
{
    /// <summary>Learns from <paramref name="training"/> and is judged on <paramref name="validation"/>.</summary>
    TTransformer Fit(ITrajectoryView training, ITrajectoryView validation, CancellationToken cancellation = default);
}
