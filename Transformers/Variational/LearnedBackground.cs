namespace DaML.Components;

/// <summary>A background error covariance that is learned from data.</summary>
public abstract record LearnedBackground : Background
{
    /// <inheritdoc/>
    public sealed override IErrorCovariance? Covariance => null;

    /// <summary>What must be learned, for messages.</summary>
    protected internal abstract string ToLearn { get; }

    /// <summary>Refuses invalid settings.</summary>
    protected internal abstract void Check();

    /// <summary>Learns B for a method, and the method's start.</summary>
    /// <param name="method">Makes the method, given a B and a start.</param>
    /// <param name="problem">The purpose of B.</param>
    /// <param name="data">The training data.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <typeparam name="TMethod">The type of the method.</typeparam>
    /// <returns>The method with the learned B.</returns>
    protected internal abstract TMethod Learn<TMethod>(Func<IErrorCovariance, IInitialCondition, TMethod> method,
        BackgroundProblem problem, ITrajectoryView data, CancellationToken cancellation) where TMethod : class, ITransformer;
}

/// <summary>The purpose of a background error covariance.</summary>
/// <param name="Context">Logger, progress and precision.</param>
/// <param name="System">The model, its observations, and its start.</param>
/// <param name="IsWindow">Whether the method uses a window, for which smaller covariances serve than at a single time.</param>
public sealed record BackgroundProblem(DataAssimilationContext Context, AssimilationSystem System, bool IsWindow);
