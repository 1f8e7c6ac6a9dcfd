namespace DaML;

/// <summary>The kinds of component of this room, so that a registry is built without reflection.</summary>
public static class DynamicsComponents
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ComponentType> All { get; } =
    [
        Lorenz63.Type, Lorenz96.Type, LinearDynamics.Type, KuramotoSivashinsky.Type, LinearAdvection.Type, TwoScaleLorenz96.Type, Lorenz84.Type, ShallowWater.Type,
        ExternalDynamics.Type, JointDynamics.Type, JointErrorCovariance.Type, JointObservationNetwork.Type, JointInitialCondition.Type,
        ScalarErrorCovariance.Type, DiagonalErrorCovariance.Type, FullErrorCovariance.Type, BlockErrorCovariance.Type,
        DiffusionErrorCovariance.Type, HybridErrorCovariance.Type,
        IdentityObservationOperator.Type, SubsetObservationOperator.Type, InterpolationObservationOperator.Type, LaggedObservationOperator.Type, LinearObservationOperator.Type,
        ElementwiseObservationOperator.Type, ComposedObservationOperator.Type,
        ObservationNetwork.Type, RandomDensityPattern.Type, RandomCountPattern.Type, MissingAtRandomPattern.Type,
        GaussianInitialCondition.Type, AttractorInitialCondition.Type, SinusoidalInitialCondition.Type,
        ShallowWaterInitialCondition.Type,
    ];
}
