namespace DaML;

/// <summary>3D-Var (<see cref="ThreeDimensionalVariationalAnalyzer"/>). The model's error, if it has one, is not drawn.</summary>
[Component("3d-var-method", 2)]
public sealed record ThreeDimensionalVariational : VariationalMethod<StateMemory>
{
    /// <inheritdoc/>
    protected internal override string UsualName => "3D-Var";

    private protected override AssimilationTriple<StateMemory> Triple(IErrorCovariance background, AssimilationSystem system,
        StateSource source) =>
        new(new ThreeDimensionalVariationalAnalyzer(system.Network.Operator, system.Network.Error, background),
            new StatePropagater(system.Dynamics), new StateProcoder(), source);
}
