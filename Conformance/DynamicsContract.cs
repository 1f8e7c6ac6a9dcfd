using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every model. Inherit it in a test project of xunit v3 and define how the model is made; its tests then run there.
/// </summary>
public abstract class DynamicsContract : Contract
{
    /// <summary>Makes the model.</summary>
    protected abstract IDynamics CreateDynamics();

    /// <summary>
    /// The distribution of the tested states (default: the model's initial condition or, if it has none, independent standard normal
    /// numbers).
    /// </summary>
    protected virtual IInitialCondition? CreateStates(IDynamics dynamics) => dynamics.InitialCondition;

    /// <summary>The largest relative error where the contract is exact up to round-off (default: 1e-11).</summary>
    protected virtual double Tolerance => 1e-11;

    /// <summary>
    /// Determinism, independence within a batch, refusal of wrong shapes, composition in time, and its tangent linear and adjoint: linear,
    /// each other's transpose, of second order, equal to automatic differentiation.
    /// </summary>
    [Fact]
    public void It_and_its_linearisation_keep_their_contract()
    {
        var dynamics = CreateDynamics();
        DynamicsConformance.Check(dynamics, new ConformanceOptions { Seed = Seed, Tolerance = Tolerance, States = CreateStates(dynamics) });
    }

    /// <summary>Inputs remain the caller's, and a call leaves only its result behind.</summary>
    [Fact]
    public void It_keeps_no_tensor_and_takes_none()
    {
        using var scope = NewDisposeScope();
        var dynamics = CreateDynamics();
        Tensor x = States(dynamics, 2), v = States(dynamics, 2);
        var interval = new TimeInterval(0, 2 * dynamics.TimeStep);
        foreach (var (what,
            use) in ((string, Func<Tensor>)[])[("a forecast", () => dynamics.Advance(x, interval)),
                ("a tangent linear", () => dynamics.TangentLinear(x, v, interval)), ("an adjoint", () => dynamics.Adjoint(x, v, interval))])
        {
            using (no_grad()) use().Dispose(); // the first call may make what the model keeps
            using var inner = NewDisposeScope();
            using (no_grad()) use();
            Demand(!x.IsInvalid && !v.IsInvalid, dynamics.Name, "ownership", $"{what} disposes what it is given.");
            Demand(inner.DisposablesCount == 1, dynamics.Name, "ownership",
                $"{what} leaves {inner.DisposablesCount} tensors behind; its result alone is needed.");
        }
    }

    /// <summary>One object serves several threads at once.</summary>
    [Fact]
    public void Several_threads_get_the_same_numbers()
    {
        using var scope = NewDisposeScope();
        var dynamics = CreateDynamics();
        Tensor x = States(dynamics, 3), v = States(dynamics, 3);
        var interval = new TimeInterval(0, 2 * dynamics.TimeStep);
        DemandSameOnThreads(dynamics.Name, () =>
        {
            using var inner = NewDisposeScope();
            using var noGradients = no_grad();
            return TensorBits.Of([dynamics.Advance(x, interval), dynamics.TangentLinear(x, v, interval), dynamics.Adjoint(x, v, interval)]);
        });
    }

    /// <summary>A kernel over plain memory (<see cref="IStepKernel"/>), if it has one, is its step and its adjoint.</summary>
    [Fact]
    public void Its_kernel_is_its_step()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var dynamics = CreateDynamics();
        if (dynamics is not IStepKernel kernel) return;
        Tensor x = States(dynamics, 3).to(ScalarType.Float32), w = States(dynamics, 3).to(ScalarType.Float32);
        var interval = new TimeInterval(dynamics.TimeStep, 2 * dynamics.TimeStep);
        float[] states = x.ToArray<float>(), next = new float[states.Length], sensitivities = w.ToArray<float>();
        kernel.Step(states, next, dynamics.TimeStep);
        kernel.StepAdjoint(states, sensitivities, dynamics.TimeStep);
        foreach (var (what, expected, actual) in ((string, Tensor, float[])[])
            [("step", dynamics.Advance(x, interval), next), ("adjoint", dynamics.Adjoint(x, w, interval), sensitivities)])
        {
            double difference = (expected.flatten() - tensor(actual)).norm().ToDouble(), size = expected.norm().ToDouble();
            Demand(difference <= 1e-5 * size, dynamics.Name, "kernel",
                $"the {what} of its kernel differs from its own by {difference:g3} of {size:g3}; 1e-5 of it is allowed.");
        }
    }

    /// <summary>The model error and the initial condition, if it has them, have its dimension.</summary>
    [Fact]
    public void Its_error_and_its_initial_condition_fit_it()
    {
        using var scope = NewDisposeScope();
        var dynamics = CreateDynamics();
        Demand(dynamics.TimeStep > 0
            && double.IsFinite(dynamics.TimeStep), dynamics.Name, "time step",
            $"its time step is {dynamics.TimeStep}; a finite number above zero is needed.");
        if (dynamics.ModelError is { } error)
            Demand(error.Dimension == dynamics.Dimension, dynamics.Name, "model error",
                $"its error has dimension {error.Dimension}, its state {dynamics.Dimension}.");
        if (dynamics.InitialCondition is null) return;
        var states = States(dynamics, 2);
        Demand(states.isfinite().all().ToBoolean(), dynamics.Name, "initial condition",
            "its initial condition gives infinite values or NaN.");
    }

    /// <summary>After saving and reading, it is the same to the bit; skipped if it cannot be saved.</summary>
    [Fact]
    public void It_comes_back_from_a_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var dynamics = CreateDynamics();
        var context = CreateContext();
        var read = RoundTrip(dynamics, context);
        var x = States(dynamics, 2);
        var interval = new TimeInterval(0, 3 * dynamics.TimeStep);
        Tensor Run(IDynamics model)
        {
            using var random = context.Random("conformance/model error");
            return model.AdvanceWithModelError(x, interval, random);
        }
        DemandSame(Run(read), Run(dynamics), dynamics.Name, "saving", "the forecast of the model read from a file");
    }

    private Tensor States(IDynamics dynamics, long count)
    {
        using var random = CreateContext().Random("conformance/states");
        var states = CreateStates(dynamics)?.Draw(count, random, ScalarType.Float64)
            ?? random.Normal([count, dynamics.Dimension], ScalarType.Float64);
        return Require.Shape(states, $"The states {dynamics.Name} is tested at", count, dynamics.Dimension);
    }
}
