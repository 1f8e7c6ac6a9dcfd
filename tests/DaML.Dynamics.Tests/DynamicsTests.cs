using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>What the base classes give to a model.</summary>
public sealed class DynamicsTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    public void Dispose() => scope.Dispose();

    [Fact]
    public void The_integrator_is_of_fourth_order()
    {
        var x = tensor([1.0, 0.0]);
        double Error(double h) =>
            (new Rotation(h).Advance(x, new TimeInterval(0, 2)) - tensor([Math.Cos(2), Math.Sin(2)])).abs().max().ToDouble();
        Assert.InRange(Error(0.1) / Error(0.05), 15.5, 16.5);
        Assert.InRange(Error(0.05) / Error(0.025), 15.5, 16.5);
    }

    [Fact]
    public void A_tendency_that_changes_with_time_sees_the_time()
    {
        var model = new Forced(0.1);
        var end = model.Advance(tensor([0.5]), new TimeInterval(1, 3));
        Assert.Equal(0.5 + Math.Sin(3) - Math.Sin(1), end.ToDouble(), 1e-6); // Simpson's rule: 1e-4 h^4
    }

    [Fact]
    public void A_tendency_of_a_wrong_shape_is_refused_with_the_model_s_name()
    {
        var refused = Assert.Throws<ArgumentException>(() => new HalfATendency().Advance(zeros(16, 2, dtype: ScalarType.Float64),
            new TimeInterval(0, 0.1)));
        Assert.Contains("HalfATendency: the tendency of a state [16, 2] must have that shape too; given: [16]", refused.Message);
    }

    [Fact]
    public void The_tangent_linear_and_the_adjoint_of_many_steps_equal_the_Jacobian()
    {
        var model = new Roessler();
        var interval = new TimeInterval(0, 0.5);
        var x = Numbers.Normal(3, 3);
        var jacobian = autograd.functional.jacobian((Tensor state) => model.Advance(state, interval), x);
        Tensor dx = Numbers.Normal(4, 3), dy = Numbers.Normal(5, 3);
        Numbers.Close(matmul(jacobian, dx), model.TangentLinear(x, dx, interval), 1e-13);
        Numbers.Close(matmul(jacobian.mT, dy), model.Adjoint(x, dy, interval), 1e-13);
    }

    [Fact]
    public void Results_carry_a_graph_only_where_something_they_depend_on_does()
    {
        var model = new Lorenz63();
        var interval = new TimeInterval(0, 0.03);
        Tensor x = Numbers.Normal(1, 2, 3), v = Numbers.Normal(2, 2, 3);
        Assert.False(model.Advance(x, interval).requires_grad);
        Assert.False(model.TangentLinear(x, v, interval).requires_grad);
        Assert.False(model.Adjoint(x, v, interval).requires_grad);
        foreach (var (state, other) in (ValueTuple<Tensor, Tensor>[])[(x.clone().requires_grad_(), v), (x, v.clone().requires_grad_())])
        {
            Assert.True(model.TangentLinear(state, other, interval).requires_grad);
            Assert.True(model.Adjoint(state, other, interval).requires_grad);
            using var noGradients = no_grad();
            Assert.False(model.Advance(state, interval).requires_grad);
            Assert.False(model.TangentLinear(state, other, interval).requires_grad);
            Assert.False(model.Adjoint(state, other, interval).requires_grad);
        }
        Assert.False(x.requires_grad);
    }

    [Fact]
    public void Tangent_linear_and_adjoint_can_be_differentiated_again()
    {
        var model = new Lorenz63();
        var interval = new TimeInterval(0, 0.03);
        Tensor x = Numbers.Normal(1, 3), v = Numbers.Normal(2, 3), w = Numbers.Normal(3, 3);
        foreach (var product in (Func<Tensor, Tensor>[])[state => model.TangentLinear(state, v, interval),
            state => model.Adjoint(state, v, interval)])
        {
            var tracked = x.clone().requires_grad_();
            var gradient = autograd.grad([(product(tracked) * w).sum()], [tracked])[0];
            for (int i = 0; i < 3; i++)
            {
                var h = zeros_like(x);
                h[i] = 1e-5;
                double difference = ((product(x + h) - product(x - h)) * w).sum().ToDouble() / 2e-5;
                Assert.Equal(difference, gradient[i].ToDouble(), 1e-7);
            }
        }
    }

    [Fact]
    public void A_parameter_learns_through_forecast_tangent_linear_and_adjoint()
    {
        var parameter = tensor(0.7, dtype: ScalarType.Float64, requires_grad: true);
        Tensor x = Numbers.Normal(1, 4, 2), v = Numbers.Normal(2, 4, 2);
        foreach (long steps in (long[])[1, 3])
        {
            var interval = new TimeInterval(0, 0.1 * steps);
            foreach (var run in (Func<Trainable, Tensor>[])[m => m.Advance(x, interval), m => m.TangentLinear(x, v, interval),
                m => m.Adjoint(x, v, interval)])
            {
                double gradient = autograd.grad([run(new Trainable(parameter)).sum()], [parameter])[0].ToDouble();
                double Value(double p) => run(new Trainable(tensor(p))).sum().ToDouble();
                Assert.Equal((Value(0.7 + 1e-6) - Value(0.7 - 1e-6)) / 2e-6, gradient, 1e-7);
            }
        }
    }

    [Fact]
    public void A_long_forecast_holds_its_memory()
    {
        var model = new Counting();
        using (no_grad()) model.Advance(zeros([2, 3], dtype: ScalarType.Float64), new TimeInterval(0, 2000));
        Assert.True(model.Most - model.First <= 2, $"{model.Most - model.First} tensors more than in the first step");
    }

    [Fact]
    public void Long_tangent_linears_and_adjoints_leave_one_tensor_behind()
    {
        var model = new Lorenz63();
        Tensor x = Numbers.Normal(1, 3), v = Numbers.Normal(2, 3);
        using var inner = NewDisposeScope();
        model.TangentLinear(x, v, new TimeInterval(0, 2));
        model.Adjoint(x, v, new TimeInterval(0, 2));
        model.Advance(x, new TimeInterval(0, 2));
        Assert.Equal(3, inner.DisposablesCount);
    }

    [Fact]
    public void What_is_given_stays_its_owners()
    {
        Tensor x = Numbers.Normal(1, 2, 3), v = Numbers.Normal(2, 2, 3);
        var interval = new TimeInterval(0, 3);
        foreach (var use in (Func<Tensor>[])[
            () => new Persistence().Advance(x, interval), () => new Persistence().TangentLinear(x, v, interval),
            () => new Persistence().Adjoint(x, v, interval),
            () => new IdentityObservationOperator(3).Apply(x), () => new IdentityObservationOperator(3).TangentLinear(x, v),
            () => new IdentityObservationOperator(3).Adjoint(x, v)])
        {
            using (NewDisposeScope()) use();
            Assert.False(x.IsInvalid || v.IsInvalid);
            Assert.True(scope.Contains(x) && scope.Contains(v));
        }
    }

    [Fact]
    public void Several_threads_linearise_at_once()
    {
        var model = new Lorenz96();
        var interval = new TimeInterval(0, 0.5);
        var cases = Enumerable.Range(0, 8)
            .Select(i => (X: Numbers.Normal(i, 2, 40).DetachFromDisposeScope(), V: Numbers.Normal(100 + i, 2, 40).DetachFromDisposeScope()))
            .ToArray();
        var alone = cases.Select(c => (model.TangentLinear(c.X, c.V, interval).Bits(), model.Adjoint(c.X, c.V, interval).Bits())).ToArray();
        var together = new (byte[], byte[])[8];
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            using var threadScope = NewDisposeScope();
            for (int repeat = 0; repeat < 5; repeat++)
                together[i] = (model.TangentLinear(cases[i].X, cases[i].V, interval).Bits(),
                    model.Adjoint(cases[i].X, cases[i].V, interval).Bits());
        });
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal(alone[i].Item1, together[i].Item1);
            Assert.Equal(alone[i].Item2, together[i].Item2);
        }
    }

    [Fact]
    public void Model_error_is_drawn_after_every_step()
    {
        var context = new DataAssimilationContext(2);
        var model = new LinearDynamics(0.5 * eye(2, dtype: ScalarType.Float64)) { ModelError = ErrorCovariance.Diagonal(1, 4) };
        var random = context.Random("noise");
        var x = model.AdvanceWithModelError(zeros([100_000, 2], dtype: ScalarType.Float64), new TimeInterval(0, 3), random);
        // variance of x after three steps: (1 + 1/4 + 1/16) Q
        Numbers.Close(tensor([1.3125, 5.25]), x.var(0), 0.02);
        Numbers.Close(zeros([2], dtype: ScalarType.Float64), x.mean([0]), 0.03);

        var perfect = new Lorenz63();
        var state = Numbers.Normal(1, 4, 3);
        Assert.Equal(perfect.Advance(state, new TimeInterval(0, 0.1)).Bits(),
            perfect.AdvanceWithModelError(state, new TimeInterval(0, 0.1), random).Bits());
        Assert.Throws<ArgumentException>(() => new Lorenz63 { ModelError = ErrorCovariance.Scalar(4, 1) });
    }

    [Fact]
    public void The_linear_model_is_its_matrix()
    {
        var matrix = Numbers.Normal(1, 4, 4);
        var model = new LinearDynamics(matrix);
        matrix.fill_(0); // it has a copy
        var x = Numbers.Normal(2, 3, 5, 4);
        var power = matmul(model.Matrix, matmul(model.Matrix, model.Matrix));
        var interval = new TimeInterval(2, 5);
        Numbers.Close(einsum("ij,bmj->bmi", power, x), model.Advance(x, interval), 1e-13);
        Numbers.Close(einsum("ij,bmj->bmi", power, x), model.TangentLinear(0 * x, x, interval), 1e-13);
        Numbers.Close(einsum("ji,bmj->bmi", power, x), model.Adjoint(0 * x, x, interval), 1e-13);
        Assert.Throws<ArgumentException>(() => new LinearDynamics(zeros(3, 4)));
        Assert.Throws<ArgumentException>(() => new LinearDynamics(zeros(3)));
        Assert.Throws<ArgumentException>(() => new LinearDynamics(tensor([1, 2, double.NaN, 4]).reshape(2, 2)));
    }

    /// <summary>Notes how many tensors are alive whenever its tendency is asked for.</summary>
    private sealed class Counting() : Dynamics(3, 1)
    {
        public long First { get; private set; } = -1;
        public long Most { get; private set; }

        protected override Tensor Tendency(Tensor state) => Tendency(state, 0);

        protected override Tensor Tendency(Tensor state, double time)
        {
            long alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            if (time == Math.Floor(time) && time > 0)
            {
                if (First < 0) First = alive;
                Most = Math.Max(Most, alive);
            }
            return -0.001 * state;
        }
    }
}
