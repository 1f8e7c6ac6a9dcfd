namespace DaML.Components;

/// <summary>The kinds of component of this assembly that model files may hold.</summary>
public static class DynamicsComponents
{
    /// <summary>All these kinds.</summary>
    public static IReadOnlyList<ComponentType> All { get; } =
    [
        JointDynamics.Type, HybridErrorCovariance.Type, InterpolationObservationOperator.Type,
        .. ComponentType.Of(
            typeof(Lorenz63), typeof(Lorenz96), typeof(LinearDynamics), typeof(KuramotoSivashinsky), typeof(LinearAdvection),
            typeof(TwoScaleLorenz96), typeof(Lorenz84), typeof(ShallowWater), typeof(ExternalDynamics),
            typeof(JointErrorCovariance), typeof(JointObservationNetwork), typeof(JointInitialCondition),
            typeof(ScalarErrorCovariance), typeof(DiagonalErrorCovariance), typeof(FullErrorCovariance), typeof(BlockErrorCovariance),
            typeof(DiffusionErrorCovariance),
            typeof(IdentityObservationOperator), typeof(SubsetObservationOperator), typeof(LaggedObservationOperator),
            typeof(LinearObservationOperator), typeof(ElementwiseObservationOperator), typeof(ComposedObservationOperator),
            typeof(ObservationNetwork), typeof(RandomDensityPattern), typeof(RandomCountPattern), typeof(MissingAtRandomPattern),
            typeof(GaussianInitialCondition), typeof(AttractorInitialCondition), typeof(SinusoidalInitialCondition),
            typeof(ShallowWaterInitialCondition)),
    ];
}
