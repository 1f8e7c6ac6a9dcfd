using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every observation operator. Inherit it in a test project of xunit v3 and define how the operator is made.
/// </summary>
public abstract class ObservationOperatorContract : Contract
{
    /// <summary>Makes the operator.</summary>
    protected abstract IObservationOperator CreateOperator();

    /// <summary>The distribution of the tested states (default: null, independent standard normal numbers).</summary>
    protected virtual IInitialCondition? CreateStates() => null;

    /// <summary>The largest relative error where the contract is exact up to round-off (default: 1e-11).</summary>
    protected virtual double Tolerance => 1e-11;

    /// <summary>
    /// Dimension, determinism, independence within a batch, refusal of wrong shapes, and its tangent linear and adjoint: linear, each
    /// other's transpose, of second order, equal to automatic differentiation; linear if it says so.
    /// </summary>
    [Fact]
    public void It_and_its_linearisation_keep_their_contract() =>
        ObservationOperatorConformance.Check(CreateOperator(),
            new ConformanceOptions { Seed = Seed, Tolerance = Tolerance, States = CreateStates() });

    /// <summary>Inputs remain the caller's, and a call leaves only its result behind.</summary>
    [Fact]
    public void It_keeps_no_tensor_and_takes_none()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var observed = CreateOperator();
        Tensor x = States(observed), v = States(observed), y = observed.Apply(x).clone();
        foreach (var (what,
            use) in ((string, Func<Tensor>)[])[("an observation", () => observed.Apply(x)),
                ("a tangent linear", () => observed.TangentLinear(x, v)), ("an adjoint", () => observed.Adjoint(x, y))])
        {
            use().Dispose(); // the first call may make what the operator keeps
            using var inner = NewDisposeScope();
            var result = use();
            Demand(inner.DisposablesCount == 1, observed.Name, "ownership",
                $"{what} leaves {inner.DisposablesCount} tensors behind; its result alone is needed.");
            result.Dispose();
            Demand(!x.IsInvalid && !v.IsInvalid
                && !y.IsInvalid, observed.Name, "ownership", $"disposing the result of {what} disposes what it was given.");
        }
    }

    /// <summary>One object serves several threads at once.</summary>
    [Fact]
    public void Several_threads_get_the_same_numbers()
    {
        using var scope = NewDisposeScope();
        var observed = CreateOperator();
        Tensor x = States(observed), v = States(observed);
        DemandSameOnThreads(observed.Name, () =>
        {
            using var inner = NewDisposeScope();
            using var noGradients = no_grad();
            var y = observed.Apply(x);
            return TensorBits.Of([y, observed.TangentLinear(x, v), observed.Adjoint(x, y)]);
        });
    }

    /// <summary>After saving and reading, it is the same to the bit; skipped if it cannot be saved.</summary>
    [Fact]
    public void It_comes_back_from_a_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var observed = CreateOperator();
        var read = RoundTrip(observed, CreateContext());
        var x = States(observed);
        DemandSame(read.Apply(x), observed.Apply(x), observed.Name, "saving", "what the operator read from a file observes");
    }

    private Tensor States(IObservationOperator observed)
    {
        using var random = CreateContext().Random("conformance/states");
        return CreateStates()?.Draw(3, random, ScalarType.Float64) ?? random.Normal([3, observed.StateDimension], ScalarType.Float64);
    }
}
