namespace DaML;

/// <summary>The background error covariance B of a variational method: known, or still to be learned.</summary>
public abstract record Background
{
    /// <summary>B; null if it is to be learned.</summary>
    public abstract IErrorCovariance? Covariance { get; }

}

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

/// <summary>A background error covariance that is known.</summary>
/// <param name="Known">B, of the state's dimension.</param>
[Component("known-background")]
public sealed record KnownBackground(IErrorCovariance Known) : Background
{
    /// <inheritdoc/>
    public override IErrorCovariance Covariance => Known;
}

/// <summary>The settings that 3D-Var and 4D-Var share.</summary>
/// <typeparam name="TMemory">The memory: a state, or one within a window.</typeparam>
public abstract record VariationalMethod<TMemory> : AssimilationMethod<TMemory> where TMemory : IMemory<TMemory>
{
    /// <summary>
    /// The background error covariance B: <c>new KnownBackground(b)</c>, or <c>new ClimatologicalBackground()</c>, which is learned: the
    /// method must then be fitted on a view with the truth before it is applied. There is no default.
    /// </summary>
    public required Background Background { get; init; }

    /// <inheritdoc/>
    protected internal override string? ToLearn => (Background as LearnedBackground)?.ToLearn;

    /// <inheritdoc/>
    protected internal override AssimilationTriple<TMemory> Triple(AssimilationSystem system, DataAssimilationContext context)
    {
        (Background as LearnedBackground)?.Check();
        // If B is to be learned, any B gives the columns.
        var covariance = Background.Covariance ?? ErrorCovariance.Scalar(system.Dynamics.Dimension, 1);
        if (covariance.Dimension != system.Dynamics.Dimension)
            throw new ArgumentException(
                $"The background error covariance must have the dimension of {system.Dynamics.Name}, {system.Dynamics.Dimension}; " +
                    $"given: {covariance.Dimension}.");
        return Triple(covariance, system, new StateSource(system.InitialOrUsual, context.Precision));
    }

    /// <inheritdoc/>
    protected internal override SequentialAssimilation<TMemory> Learn(AssimilationSystem system, ITrajectoryView data,
        DataAssimilationContext context, CancellationToken cancellation) =>
        ((LearnedBackground)Background).Learn(
            (b, start) => (this with { Background = new KnownBackground(b) }).For(system with { Initial = start }, context),
            new BackgroundProblem(context, system, typeof(TMemory) != typeof(StateMemory)), data, cancellation);

    private protected abstract AssimilationTriple<TMemory> Triple(IErrorCovariance background, AssimilationSystem system,
        StateSource source);
}
