using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The tangent linears and adjoints written by hand, against automatic differentiation of the same steps.</summary>
public sealed class TangentLinearTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    // No parameter has its usual value, so that none can stand for another.
    private static readonly (string Name, Func<DiscreteDynamics> Create, double Scale)[] Models =
    [
        ("Lorenz-63", () => new Lorenz63(0.013, 9, 27, 2.5), 8),
        ("Lorenz-84", () => new Lorenz84(0.04, 7, 1.3, 0.3, 3.5), 1),
        ("two-scale Lorenz-96, 8 x 32", () => new TwoScaleLorenz96(forcing: 18, coupling: 0.9, scaleRatio: 9, speedRatio: 8), 1),
        ("two-scale Lorenz-96, 4 x 1", () => new TwoScaleLorenz96(4, 1, 17, 0.8, 7, 6), 1),
        ("two-scale Lorenz-96, 5 x 3", () => new TwoScaleLorenz96(5, 3, 17, 0.8, 7, 6), 1),
        ("Kuramoto-Sivashinsky, 128", () => new KuramotoSivashinsky(), 1),
        ("Kuramoto-Sivashinsky, 33", () => new KuramotoSivashinsky(33, 22, 0.5), 1),
        ("Lorenz-96, 40", () => new Lorenz96(forcing: 7), 3),
        ("Lorenz-96, 4", () => new Lorenz96(4, 9), 3),
        ("Lorenz-63 with all parameters", () => Joint(new Lorenz63(0.013, 9, 27, 2.5)), 8),
        ("Lorenz-63 with one", () => Joint(new Lorenz63(0.013, 9, 27, 2.5), "rho"), 8),
        ("Lorenz-84 with all parameters", () => Joint(new Lorenz84(0.04, 7, 1.3, 0.3, 3.5)), 1),
        ("Lorenz-84 with two", () => Joint(new Lorenz84(0.04, 7, 1.3, 0.3, 3.5), "displacement", "asymmetry"), 1),
        ("Lorenz-96 with its forcing", () => Joint(new Lorenz96(7, 9)), 3),
        ("two-scale Lorenz-96 with all parameters", () => Joint(new TwoScaleLorenz96(5, 3, 17, 0.8, 7, 6)), 1),
    ];

    // A model and those of its parameters that are named, or all of them, as one.
    private static JointDynamics Joint(IParametricDynamics model, params string[] names) =>
        new(model, [.. model.Parameters.Where(parameter => names.Length == 0 || names.Contains(parameter.Name))
            .Select(parameter => new EstimatedParameter(parameter.Name, parameter.Value, 1))]);

    public static TheoryData<string, ScalarType> Cases =>
        new(Models.SelectMany(model => ((ScalarType[])[ScalarType.Float64, ScalarType.Float32]).Select(dtype => (model.Name, dtype))));

    // 2 batches of 3 members, whose states, perturbations and sensitivities differ.
    private static (DiscreteDynamics Model, Tensor X, Tensor Dx, Tensor Dy, TimeInterval Interval, double Tolerance) Case(string name,
        ScalarType dtype)
    {
        var (_, create, scale) = Models.Single(model => model.Name == name);
        var model = create();
        Tensor Values(long seed) => Numbers.Normal(seed, 2, 3, model.Dimension).to_type(dtype);
        var x = Values(1) * scale;
        if (model is JointDynamics joint)
        {
            // Parameters of each state, a tenth around the believed ones.
            var believed = tensor(joint.Parameters.Select(parameter => parameter.Mean).ToArray());
            var parameters = (believed * (1 + 0.1 * Numbers.Normal(4, 2, 3, believed.size(0)))).to_type(dtype);
            x = cat([x.narrow(-1, 0, joint.Model.Dimension), parameters], -1);
        }
        return (model, x, Values(2), Values(3), new TimeInterval(0, 3 * model.TimeStep), dtype == ScalarType.Float64 ? 1e-13 : 2e-5);
    }

    [Theory, MemberData(nameof(Cases))]
    public void It_equals_automatic_differentiation(string name, ScalarType dtype)
    {
        var (model, x, dx, dy, interval, tolerance) = Case(name, dtype);
        Tensor tangent = model.TangentLinear(x, dx, interval), adjoint = model.Adjoint(x, dy, interval);
        Assert.Equal(dtype, tangent.dtype);
        Assert.Equal(dtype, adjoint.dtype);
        Close(Differentiation.TangentLinear(at => model.Advance(at, interval), x, dx).Derivative, tangent, tolerance);
        Close(Differentiation.Adjoint(at => model.Advance(at, interval), x, dy), adjoint, tolerance);
        // a state of the batch by itself, without leading dimensions
        Close(tangent[1, 2], model.TangentLinear(x[1, 2], dx[1, 2], interval), tolerance);
        Close(adjoint[1, 2], model.Adjoint(x[1, 2], dy[1, 2], interval), tolerance);
    }

    [Theory, MemberData(nameof(Cases))]
    public void It_and_the_adjoint_are_transposes(string name, ScalarType dtype)
    {
        var (model, x, dx, dy, interval, tolerance) = Case(name, dtype);
        Tensor forward = model.TangentLinear(x, dx, interval), backward = model.Adjoint(x, dy, interval);
        double left = (forward * dy).sum().ToDouble(), right = (dx * backward).sum().ToDouble();
        double scale = forward.norm().ToDouble() * dy.norm().ToDouble();
        Assert.True(Math.Abs(left - right) <= tolerance * scale, $"<M'dx, dy> = {left:g12} against <dx, M'^T dy> = {right:g12}");
    }

    // As in learning through a tangent linear: both products stay in the graph, with the gradients of automatic differentiation.
    [Theory, MemberData(nameof(Cases))]
    public void It_can_be_differentiated_in_the_state_and_in_the_direction(string name, ScalarType dtype)
    {
        var (model, x, v, w, interval, tolerance) = Case(name, dtype);
        foreach (var (byHand, automatic) in (ValueTuple<Func<Tensor, Tensor, Tensor>, Func<Tensor, Tensor, Tensor>>[])[
            ((at, along) => model.TangentLinear(at, along, interval),
                (at, along) => Differentiation.TangentLinear(y => model.Advance(y, interval), at, along).Derivative),
            ((at, along) => model.Adjoint(at, along, interval),
                (at, along) => Differentiation.Adjoint(y => model.Advance(y, interval), at, along))])
        {
            IReadOnlyList<Tensor> Gradients(Func<Tensor, Tensor, Tensor> product)
            {
                Tensor at = x.clone().requires_grad_(), along = v.clone().requires_grad_();
                return Differentiation.Gradients(product(at, along), [at, along], w);
            }
            var (expected, given) = (Gradients(automatic), Gradients(byHand));
            Close(expected[0], given[0], 10 * tolerance);
            Close(expected[1], given[1], 10 * tolerance);
        }
    }

    [Fact]
    public void A_model_of_ones_own_may_bring_the_products_of_its_tendency()
    {
        var (byHand, automatic) = (new OwnProducts(), new Oscillator());
        Tensor x = Numbers.Normal(1, 4, 2), v = Numbers.Normal(2, 4, 2);
        var interval = new TimeInterval(0.3, 0.8);
        Close(automatic.TangentLinear(x, v, interval), byHand.TangentLinear(x, v, interval), 1e-13);
        Close(automatic.Adjoint(x, v, interval), byHand.Adjoint(x, v, interval), 1e-13);
        DynamicsConformance.Check(byHand);
        Assert.True(byHand.Asked > 0);
    }

    [Fact]
    public void Long_products_leave_one_tensor_behind()
    {
        foreach (var (_, create, scale) in Models)
        {
            var model = create();
            Tensor x = Numbers.Normal(1, model.Dimension) * scale, v = Numbers.Normal(2, model.Dimension);
            model.TangentLinear(x, v, new TimeInterval(0, model.TimeStep)).Dispose(); // constants of the model are kept
            using var inner = NewDisposeScope();
            model.TangentLinear(x, v, new TimeInterval(0, 20 * model.TimeStep));
            model.Adjoint(x, v, new TimeInterval(0, 20 * model.TimeStep));
            Assert.Equal(2, inner.DisposablesCount);
        }
    }

    // Relative to the largest value, as single precision asks for.
    private static void Close(Tensor expected, Tensor given, double tolerance)
    {
        Assert.Equal(expected.shape, given.shape);
        double difference = (expected - given).abs().max().ToDouble(), largest = expected.abs().max().ToDouble();
        Assert.True(difference <= tolerance * largest,
            $"difference {difference:g4} at {largest:g4}; at most {tolerance:g2} of it is allowed");
    }

    /// <summary>A pendulum whose frequency changes with time, x' = y, y' = -(1 + cos t) sin x.</summary>
    private class Oscillator() : Dynamics(2, 0.05)
    {
        protected override Tensor Tendency(Tensor state) => Tendency(state, 0);

        protected override Tensor Tendency(Tensor state, double time)
        {
            Tensor x = state.select(-1, 0), y = state.select(-1, 1);
            return stack([y, -(1 + Math.Cos(time)) * x.sin()], -1);
        }
    }

    private sealed class OwnProducts : Oscillator
    {
        public int Asked { get; private set; }

        protected override Tensor TendencyTangentLinear(Tensor state, Tensor perturbation, double time)
        {
            Asked++;
            Tensor dx = perturbation.select(-1, 0), dy = perturbation.select(-1, 1);
            return stack([dy, -(1 + Math.Cos(time)) * state.select(-1, 0).cos() * dx], -1);
        }

        protected override Tensor TendencyAdjoint(Tensor state, Tensor sensitivity, double time)
        {
            Tensor u = sensitivity.select(-1, 0), v = sensitivity.select(-1, 1);
            return stack([-(1 + Math.Cos(time)) * state.select(-1, 0).cos() * v, u], -1);
        }
    }
}
