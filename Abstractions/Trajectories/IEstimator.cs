namespace DaML;

/// <summary>Learns from trajectories and returns a transformer.</summary>
/// <typeparam name="TTransformer">The type of the transformer.</typeparam>
public interface IEstimator<out TTransformer> where TTransformer : class, ITransformer
{
    /// <summary>The name in messages and tables.</summary>
    string Name { get; }

    /// <summary>The columns that the transformer needs and those that it adds.</summary>
    SchemaContract Contract { get; }

    /// <summary>The schema of the transformer's output.</summary>
    /// <exception cref="SchemaException">The input lacks a column or has it in another shape.</exception>
    TrajectorySchema GetOutputSchema(TrajectorySchema input) => Contract.Apply(input, Name);

    /// <summary>Learns. An estimator may keep its best result so far when long work is cancelled; its documentation says so.</summary>
    TTransformer Fit(ITrajectoryView data, CancellationToken cancellation = default);
}

/// <summary>
/// A step on trajectories: immutable, lazy, safe to use from several threads at once. It is also an estimator that has nothing to learn
/// and returns itself, so that classical and learned steps compose alike.
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

/// <summary>An estimator that monitors its progress on hold-out trajectories.</summary>
public interface IValidatedEstimator<out TTransformer> : IEstimator<TTransformer> where TTransformer : class, ITransformer
{
    /// <summary>Learns from <paramref name="training"/> and is scored on <paramref name="validation"/>.</summary>
    TTransformer Fit(ITrajectoryView training, ITrajectoryView validation, CancellationToken cancellation = default);
}
