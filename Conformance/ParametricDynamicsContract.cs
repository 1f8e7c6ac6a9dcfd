using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of a model with parameters that may be estimated, in addition to that of a model: every state runs with its own
/// parameters, and the joint model of state and all parameters keeps the contract of a model.
/// </summary>
public abstract class ParametricDynamicsContract : DynamicsContract
{
    /// <summary>Makes the model.</summary>
    protected abstract IParametricDynamics CreateParametricDynamics();

    /// <inheritdoc/>
    protected sealed override IDynamics CreateDynamics() => CreateParametricDynamics();

    /// <summary>
    /// With the model's own values it gives the same as the model, for states of any leading dimensions, and wrong shapes are refused.
    /// </summary>
    [Fact]
    public void With_its_own_parameters_it_is_itself()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (dynamics, states) = Create();
        var own = Values(dynamics);
        var interval = new TimeInterval(0, 2 * dynamics.TimeStep);
        foreach (var x in (Tensor[])[states[0], states, states.reshape(2, 3, dynamics.Dimension)])
        {
            var parameters = own.expand([.. x.Sizes()[..^1], own.size(0)]);
            DemandClose(dynamics.Advance(x, parameters, interval), dynamics.Advance(x, interval), Tolerance, dynamics.Name,
                "own parameters",
                $"the forecast of states {ColumnDefinition.Describe(x.Sizes())} with the model's own parameters");
        }
        foreach (var wrong in (Tensor[])[own.expand(5, own.size(0)), cat([own, own]).expand(6, 2 * own.size(0))])
        {
            bool refused = false;
            try { dynamics.Advance(states, wrong, interval); }
            catch (ArgumentException) { refused = true; }
            Demand(refused, dynamics.Name, "refusal",
                $"it takes parameters {ColumnDefinition.Describe(wrong.Sizes())} for states " +
                    $"{ColumnDefinition.Describe(states.Sizes())}; an ArgumentException is needed.");
        }
    }

    /// <summary>
    /// Every state of a batch runs with its own parameters, independently of those of the others, and every parameter matters.
    /// </summary>
    [Fact]
    public void Every_state_runs_with_its_own_parameters()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (dynamics, states) = Create();
        var interval = new TimeInterval(0, 2 * dynamics.TimeStep);
        using var random = CreateContext().Random("conformance/parameters");
        var parameters = Values(dynamics) * (1 + 0.05 * random.Normal([6, dynamics.Parameters.Count], ScalarType.Float64));
        var whole = dynamics.Advance(states, parameters, interval);
        for (long i = 0; i < 6; i++)
            DemandClose(dynamics.Advance(states[i], parameters[i], interval), whole[i], Tolerance, dynamics.Name, "independence",
                $"the forecast of state {i} with its parameters alone");
        for (int j = 0; j < dynamics.Parameters.Count; j++)
        {
            var changed = parameters.clone();
            changed.select(1, j).add_(0.1 * Math.Max(1, Math.Abs(dynamics.Parameters[j].Value))).Dispose();
            Demand((dynamics.Advance(states, changed, interval) != whole).any().ToBoolean(), dynamics.Name, "influence",
                $"the parameter '{dynamics.Parameters[j].Name}' changes nothing.");
        }
    }

    /// <summary>
    /// The joint model of state and all parameters keeps the contract of a model, the derivatives with respect to the parameters included.
    /// </summary>
    [Fact]
    public void Joined_with_its_parameters_it_is_a_model()
    {
        var dynamics = CreateParametricDynamics();
        var joint = new JointDynamics(dynamics,
            [.. dynamics.Parameters.Select(parameter =>
                new EstimatedParameter(parameter.Name, parameter.Value, 0.02 * Math.Max(0.1, Math.Abs(parameter.Value))))]);
        using var mean = zeros(dynamics.Dimension, dtype: ScalarType.Float64);
        var states = CreateStates(dynamics) ?? new GaussianInitialCondition(mean, ErrorCovariance.Scalar(dynamics.Dimension, 1));
        DynamicsConformance.Check(joint, new ConformanceOptions { Seed = Seed, Tolerance = Tolerance, States = joint.Lift(states) });
    }

    private (IParametricDynamics, Tensor) Create()
    {
        var dynamics = CreateParametricDynamics();
        using var random = CreateContext().Random("conformance/states");
        return (dynamics, CreateStates(dynamics)?.Draw(6, random, ScalarType.Float64)
            ?? random.Normal([6, dynamics.Dimension], ScalarType.Float64));
    }

    private static Tensor Values(IParametricDynamics dynamics) =>
        tensor(dynamics.Parameters.Select(parameter => parameter.Value).ToArray());
}
