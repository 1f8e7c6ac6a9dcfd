namespace DaML.Components;

/// <summary>
/// The settings that the iterative ensemble methods share. Posterior inflation and rotation act on the ensemble that the next window
/// begins with.
/// </summary>
public abstract record IterativeEnsembleMethod : EnsembleMethod<WindowMemory<EnsembleMemory>>
{
    /// <summary>The minimisation.</summary>
    [Inlined]
    public EnsembleGaussNewton Iteration { get; init; } = new();

    /// <summary>The rotation of the ensemble (default: none).</summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;

    private protected AssimilationTriple<WindowMemory<EnsembleMemory>> Windowed(IAnalyzer<WindowMemory<EnsembleMemory>> analyzer,
        WindowCycling window,
        AssimilationSystem system, DataAssimilationContext context) =>
        new(analyzer, new WindowPropagater<EnsembleMemory>(new EnsemblePropagater(system.Dynamics)),
            new WindowProcoder<EnsembleMemory>(new EnsembleProcoder()), new WindowSource<EnsembleMemory>(Source(system, context), window));
}
