using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A model and some of its parameters as one model, for estimating both at once (state augmentation; Jazwinski 1970 section 8.4, Anderson
/// 2001): its state is [x, theta], <c>[n + q]</c>; x follows the model with the parameters theta, each state with its own, and theta is
/// constant or a random walk. Every filter takes it like any other model. Tangent linear and adjoint are exact, including those in theta.
/// </summary>
public sealed class JointDynamics : DiscreteDynamics, IComponent
{
    // The position of each of the model's parameters among the estimated ones; -1 = it keeps the model's value.
    private readonly int[] places;

    /// <summary>Joins a model and some of its parameters.</summary>
    /// <param name="model">The model; its own error, if it has one, remains the error of the state.</param>
    /// <param name="parameters">The parameters to estimate; the others keep the model's values.</param>
    /// <exception cref="ArgumentException">There are no parameters, one is given twice, or the model does not have one.</exception>
    public JointDynamics(IParametricDynamics model, params IReadOnlyList<EstimatedParameter> parameters)
        : base(model.Dimension + CheckNames(model, parameters), model.TimeStep)
    {
        Model = model;
        Parameters = [.. parameters];
        var names = Parameters.Select(parameter => parameter.Name).ToList();
        places = [.. model.Parameters.Select(parameter => names.IndexOf(parameter.Name))];
        double[] walk = [.. Parameters.Select(parameter => Math.Pow(parameter.Evolution.StandardDeviation, 2) * TimeStep)];
        ModelError = model.ModelError is null && walk.All(variance => variance == 0) ? null
            : new JointErrorCovariance(model.Dimension, model.ModelError, walk);
    }

    /// <summary>The way the component is written and read.</summary>
    public static ComponentType Type { get; } = new("joint-dynamics", 1, reader =>
    {
        double[] means = reader.Get<double[]>("means"), deviations = reader.Get<double[]>("deviations"),
            walks = reader.Get<double[]>("walks");
        return new JointDynamics(reader.Part<IParametricDynamics>("model"), [.. reader.Get<string[]>("names").Select((name, i) =>
            new EstimatedParameter(name, means[i], deviations[i])
                { Evolution = walks[i] == 0 ? ParameterEvolution.Persistence : ParameterEvolution.RandomWalk(walks[i]) })]);
    });

    ComponentType IComponent.ComponentType => Type;

    /// <inheritdoc/>
    public override string Name => $"{Model.Name} with {string.Join(", ", Parameters.Select(parameter => parameter.Name))}";

    /// <summary>The model whose parameters are estimated.</summary>
    public IParametricDynamics Model { get; }

    /// <summary>The q parameters that are estimated, in the order of the state's last q components.</summary>
    public IReadOnlyList<EstimatedParameter> Parameters { get; }

    /// <summary>States from the model's usual initial condition, parameters from their priors.</summary>
    public override IInitialCondition InitialCondition => Lift(Model.UsualInitialCondition());

    /// <summary>Joins a distribution of the model's states with the priors of the parameters, independently.</summary>
    /// <param name="state">A distribution of dimension n.</param>
    public IInitialCondition Lift(IInitialCondition state) =>
        state is GaussianInitialCondition gaussian ? Lift(gaussian) : new JointInitialCondition(state, Prior());

    /// <summary>
    /// Joins a normal distribution of the model's states with the priors of the parameters, independently; the result is normal.
    /// </summary>
    /// <param name="state">A distribution of dimension n.</param>
    public GaussianInitialCondition Lift(GaussianInitialCondition state)
    {
        using var scope = NewDisposeScope();
        var mean = cat([state.Mean, Means().to(state.Mean.dtype, state.Mean.device)]);
        return new GaussianInitialCondition(mean, new JointErrorCovariance(Model.Dimension, state.Covariance, Variances()));
    }

    /// <summary>Lifts a network that observes the model's states to the states of the joint model; parameters are not observed.</summary>
    /// <param name="network">A network on states of dimension n.</param>
    public IObservationNetwork Lift(IObservationNetwork network) => new JointObservationNetwork(network, Parameters.Count);

    /// <inheritdoc/>
    protected override Tensor Step(Tensor state, double time)
    {
        var (x, theta) = Split(state);
        return cat([Model.Advance(x, Complete(theta, parameter => parameter.Value), new TimeInterval(time, time + TimeStep)), theta], -1);
    }

    /// <inheritdoc/>
    /// <remarks>Along state and parameters in one pass if the model provides the derivative of its tendency; automatic otherwise.</remarks>
    protected override (Tensor State, Tensor Perturbation) StepTangentLinear(Tensor state, Tensor perturbation, double time)
    {
        var (x, theta) = Split(state);
        var (dx, dTheta) = Split(perturbation);
        return Model is ParametricDynamics model
            && model.StepTangentLinear(x, Complete(theta, parameter => parameter.Value), dx, Complete(dTheta, _ => 0), time)
                is var (next, along)
            ? (cat([next, theta], -1), cat([along, dTheta], -1))
            : base.StepTangentLinear(state, perturbation, time);
    }

    private (Tensor State, Tensor Parameters) Split(Tensor joint) =>
        (joint.narrow(-1, 0, Model.Dimension), joint.narrow(-1, Model.Dimension, Parameters.Count));

    // All q parameters of the model, some of which are estimated, [..., q].
    private Tensor Complete(Tensor estimated, Func<ModelParameter, double> other) => cat([.. places.Select((place, i) =>
        place >= 0 ? estimated.narrow(-1, place, 1) : full_like(estimated.narrow(-1, 0, 1), other(Model.Parameters[i])))], -1);

    void IComponent.Save(ComponentWriter writer)
    {
        writer.Part("model", Model);
        writer.Set("names", Parameters.Select(parameter => parameter.Name).ToArray());
        writer.Set("means", Parameters.Select(parameter => parameter.Mean).ToArray());
        writer.Set("deviations", Parameters.Select(parameter => parameter.StandardDeviation).ToArray());
        writer.Set("walks", Parameters.Select(parameter => parameter.Evolution.StandardDeviation).ToArray());
    }

    private double[] Variances() => [.. Parameters.Select(parameter => parameter.StandardDeviation * parameter.StandardDeviation)];

    private Tensor Means() => tensor(Parameters.Select(parameter => parameter.Mean).ToArray());

    private GaussianInitialCondition Prior()
    {
        using var mean = Means();
        return new GaussianInitialCondition(mean, ErrorCovariance.Diagonal(Variances()));
    }

    private static int CheckNames(IParametricDynamics model, IReadOnlyList<EstimatedParameter> parameters)
    {
        string known = string.Join(", ", model.Parameters.Select(parameter => parameter.Name));
        if (parameters.Count == 0)
            throw new ArgumentException($"No parameter of {model.Name} was named; name those to estimate, from: {known}.",
                nameof(parameters));
        foreach (var group in parameters.GroupBy(parameter => parameter.Name))
        {
            if (group.Count() > 1) throw new ArgumentException($"The parameter '{group.Key}' is named twice.", nameof(parameters));
            if (model.Parameters.All(parameter => parameter.Name != group.Key))
                throw new ArgumentException($"{model.Name} has no parameter '{group.Key}'; there are: {known}.", nameof(parameters));
        }
        return parameters.Count;
    }
}
