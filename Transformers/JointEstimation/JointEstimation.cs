namespace DaML;

/// <summary>
/// Estimates a model's state and parameters together by any method: the method runs on the joint model, with the network and the initial
/// condition lifted to it, and its estimates are split again into <see cref="Columns.Forecast"/> and <see cref="Columns.Analysis"/> of
/// the state, and <see cref="Columns.Parameters"/> and <see cref="Columns.ParametersSpread"/>.
/// </summary>
[Component("joint-estimation-method")]
public sealed record JointEstimation : AssimilationMethod
{
    /// <summary>
    /// The prior belief about the parameters to estimate, and how they change; parameters that are not named keep the model's values.
    /// </summary>
    public required IReadOnlyList<EstimatedParameter> Parameters { get; init; }

    /// <summary>The method that runs on the joint model: any with nothing to learn, usually a filter.</summary>
    public required AssimilationMethod Filter { get; init; }

    /// <summary>Makes the joint system: model, network and initial condition with the parameters appended to the state.</summary>
    /// <param name="system">A system whose model has parameters.</param>
    /// <exception cref="ArgumentException">The model has no parameters.</exception>
    public AssimilationSystem Joint(AssimilationSystem system)
    {
        if (system.Dynamics is not IParametricDynamics model)
            throw new ArgumentException(
                $"The parameters of {system.Dynamics.Name} cannot be estimated: it does not implement {nameof(IParametricDynamics)}.",
                nameof(system));
        var joint = new JointDynamics(model, Parameters);
        return new AssimilationSystem(joint, joint.Lift(system.Network))
            { Interval = system.Interval, Initial = system.Initial is { } initial ? joint.Lift(initial) : null };
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The model has no parameters of these names, or the method has something to learn.</exception>
    public override JointAssimilation For(AssimilationSystem system, DataAssimilationContext context)
    {
        if (ToRun(Filter).For(Joint(system), context) is not ITransformer filter)
            throw new ArgumentException(
                $"A joint estimation needs a method with nothing to learn; {Filter.GetType().Name} learns from data.",
                nameof(Filter));
        bool hasSpread = filter.Contract.Adds.Any(definition => definition.Column == Columns.AnalysisSpread);
        return new(Name ?? $"joint estimation, {filter.Name}", new TransformerChain(
            [new JointNetworks(Parameters.Count), filter, new JointEstimates(system.Dynamics.Dimension, Parameters.Count, hasSpread)]),
            this);
    }
}
