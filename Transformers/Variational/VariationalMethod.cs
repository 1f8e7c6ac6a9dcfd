namespace DaML.Components;

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
