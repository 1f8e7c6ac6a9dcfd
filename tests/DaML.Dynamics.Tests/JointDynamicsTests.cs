using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A model with its parameters as one model.</summary>
public sealed class JointDynamicsTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(5);
    public void Dispose() => scope.Dispose();

    [Fact]
    public void Every_state_runs_with_its_own_parameters_and_the_others_are_the_models()
    {
        var joint = new JointDynamics(new Lorenz63(0.01, sigma: 9), new EstimatedParameter("beta", 2, 1),
            new EstimatedParameter("rho", 28, 1));
        var x = Numbers.Normal(1, 2, 3, 3);
        double[] betas = [2, 2.2, 2.4, 2.6, 2.8, 3], rhos = [28, 27, 26, 25, 24, 23];
        var theta = stack([tensor(betas), tensor(rhos)], -1).reshape(2, 3, 2);
        var interval = new TimeInterval(0, 0.5);
        var end = joint.Advance(cat([x, theta], -1), interval);
        Assert.Equal(theta.Bits(), end.narrow(-1, 3, 2).Bits());
        for (int i = 0; i < 6; i++)
            Numbers.Close(new Lorenz63(0.01, 9, rhos[i], betas[i]).Advance(x[i / 3, i % 3], interval), end[i / 3, i % 3].narrow(-1, 0, 3),
                1e-12);
        Assert.Equal("Lorenz-63 with beta, rho", joint.Name);
    }

    [Fact]
    public void A_model_with_its_own_values_is_the_model()
    {
        foreach (var model in (IParametricDynamics[])[new Lorenz63(), new Lorenz84(), new Lorenz96(7), new TwoScaleLorenz96(4, 3)])
        {
            var x = Numbers.Normal(1, 2, 3, model.Dimension);
            var parameters = tensor(model.Parameters.Select(parameter => parameter.Value).ToArray()).expand(2, 3, model.Parameters.Count);
            var interval = new TimeInterval(0, 10 * model.TimeStep);
            Numbers.Close(model.Advance(x, interval), model.Advance(x, parameters, interval), 1e-12);
            Assert.Throws<ArgumentException>(() => model.Advance(x, parameters[0], interval));
            Assert.Throws<ArgumentException>(() => model.Advance(x, parameters.narrow(-1, 0, 1).expand(2, 3, 9), interval));
            Assert.Throws<ArgumentException>(() => model.Advance(x.narrow(-1, 0, 2), parameters, interval));
        }
    }

    [Fact]
    public void A_users_tendency_with_parameters_is_one_override_and_knows_the_time()
    {
        var joint = new JointDynamics(new Driven(), new EstimatedParameter("amplitude", 1, 1));
        // x' = amplitude cos t
        var end = joint.Advance(tensor(new[,] { { 0.5, 2.0 }, { 0.0, 3.0 } }), new TimeInterval(1, 3));
        Numbers.Close(tensor(new[,] { { 0.5 + 2 * (Math.Sin(3) - Math.Sin(1)), 2 }, { 3 * (Math.Sin(3) - Math.Sin(1)), 3 } }), end, 1e-6);
        DynamicsConformance.Check(new JointDynamics(new Driven(), new EstimatedParameter("amplitude", 1, 1)));
    }

    [Fact]
    public void The_joint_tangent_linear_takes_the_derivative_that_a_users_tendency_brings()
    {
        var (byHand, automatic) = (new DrivenPendulum(), new Pendulum());
        EstimatedParameter[] believed = [new("frequency", 2, 1), new("damping", 0.1, 1)];
        JointDynamics joint = new(byHand, believed), reference = new(automatic, believed);
        Tensor z = Numbers.Normal(1, 4, 4), dz = Numbers.Normal(2, 4, 4), w = Numbers.Normal(3, 4, 4);
        var interval = new TimeInterval(0.3, 0.8);
        var tangent = joint.TangentLinear(z, dz, interval);
        Assert.True(byHand.Asked > 0);
        Numbers.Close(reference.TangentLinear(z, dz, interval), tangent, 1e-12);
        Numbers.Close((tangent * w).sum(), (dz * joint.Adjoint(z, w, interval)).sum(), 1e-12);
        DynamicsConformance.Check(joint);

        // with the values of its own
        Tensor x = z.narrow(-1, 0, 2), dx = dz.narrow(-1, 0, 2);
        Numbers.Close(automatic.TangentLinear(x, dx, interval), byHand.TangentLinear(x, dx, interval), 1e-12);
    }

    [Fact]
    public void Parameters_walk_or_stay_and_the_models_error_stays_its_own()
    {
        var still = new JointDynamics(new Lorenz96(5), new EstimatedParameter("forcing", 8, 1));
        Assert.Null(still.ModelError);

        var walking = new JointDynamics(new Lorenz63(),
            new EstimatedParameter("rho", 28, 1) { Evolution = ParameterEvolution.RandomWalk(0.5) }, new EstimatedParameter("beta", 2, 1));
        var expected = zeros(5, 5, dtype: ScalarType.Float64);
        expected[3, 3] = 0.25 * 0.01; // per step of 0.01
        Numbers.Close(expected, walking.ModelError!.ToMatrix(ScalarType.Float64, CPU), 1e-15);
        var noise = walking.ModelError!.Sample([20000], context.Random("noise"), ScalarType.Float64);
        Numbers.Close(expected / 0.0025, noise.T.matmul(noise) / 20000 / 0.0025, 0.03);
        Assert.Contains("state has no error", Assert.Throws<NotSupportedException>(() => walking.ModelError!.ApplyInverse(noise)).Message);

        var both = new JointDynamics(new Lorenz63 { ModelError = ErrorCovariance.Full(Numbers.Spd(1, 3)) },
            new EstimatedParameter("rho", 28, 1) { Evolution = ParameterEvolution.RandomWalk(2) });
        var matrix = both.ModelError!.ToMatrix(ScalarType.Float64, CPU);
        Numbers.Close(Numbers.Spd(1, 3), matrix.narrow(0, 0, 3).narrow(1, 0, 3), 1e-15);
        var v = Numbers.Normal(2, 6, 4);
        Numbers.Close(v.matmul(linalg.inv(matrix)), both.ModelError!.ApplyInverse(v), 1e-12);
        Numbers.Close((v * v.matmul(linalg.inv(matrix))).sum([-1]), both.ModelError!.Whiten(v).square().sum([-1]), 1e-12);
        Assert.Equal(linalg.slogdet(matrix).Item2.ToDouble(), both.ModelError!.LogDeterminant, 1e-12);

        var persisting = new JointDynamics(new Lorenz63 { ModelError = ErrorCovariance.Scalar(3, 1) },
            new EstimatedParameter("rho", 28, 1));
        Assert.Contains("persists", Assert.Throws<NotSupportedException>(() => persisting.ModelError!.Whiten(v)).Message);
        Assert.Equal(double.NegativeInfinity, persisting.ModelError!.LogDeterminant);
    }

    [Fact]
    public void It_starts_where_the_model_does_with_what_is_believed_of_the_parameters()
    {
        var joint = new JointDynamics(new Lorenz63(), new EstimatedParameter("rho", 26, 2), new EstimatedParameter("beta", 2.5, 0.1));
        var draws = joint.UsualInitialCondition().Draw(4000, context.Random("start"), ScalarType.Float64);
        Numbers.Close(tensor(new[] { 26, 2.5 }), draws.narrow(-1, 3, 2).mean([0]), 0.006);
        Numbers.Close(tensor(new[] { 2, 0.1 }), draws.narrow(-1, 3, 2).std(0, unbiased: true), 0.04);
        Assert.InRange(draws.select(-1, 2).mean().ToDouble(), 20, 28); // between the wings

        var gaussian = joint.Lift(new GaussianInitialCondition(Numbers.Normal(1, 3), ErrorCovariance.Full(Numbers.Spd(2, 3))));
        Numbers.Close(cat([Numbers.Normal(1, 3), tensor(new[] { 26, 2.5 })]), gaussian.Mean, 1e-15);
        Numbers.Close(tensor(new[] { 4, 0.01 }), gaussian.Covariance.ToMatrix(ScalarType.Float64, CPU).diagonal().narrow(0, 3, 2), 1e-15);
        Assert.IsType<GaussianInitialCondition>(
            joint.Lift((IInitialCondition)new GaussianInitialCondition(Numbers.Normal(1, 3), ErrorCovariance.Scalar(3, 1))));
    }

    [Fact]
    public void A_lifted_network_observes_the_state_as_before()
    {
        var x = Numbers.Normal(1, 4, 8);
        foreach (var observed in (IObservationOperator[])[new IdentityObservationOperator(6), new SubsetObservationOperator(6, 5, 0, 2),
            new LinearObservationOperator(Numbers.Normal(2, 3, 6)), new RadianceOperator(6)])
        {
            var network = new ObservationNetwork(observed, ErrorCovariance.Scalar(observed.ObservationDimension, 0.3),
                new MissingAtRandomPattern(0.4));
            var lifted = new JointObservationNetwork(network, 2);
            Assert.Equal(observed.Apply(x.narrow(-1, 0, 6)).Bits(), lifted.Operator.Apply(x).Bits());
            Assert.Equal(observed.IsLinear, lifted.Operator.IsLinear);
            ObservationOperatorConformance.Check(lifted.Operator);
            Observation expected = network.Observe(x.narrow(-1, 0, 6), 1, context.Random("n")),
                given = lifted.Observe(x, 1, context.Random("n"));
            Assert.Equal(expected.Values.Bits(), given.Values.Bits());
            Assert.Equal(expected.Mask!.Bits(), given.Mask!.Bits());
            Assert.Throws<ArgumentException>(() => lifted.Observe(x.narrow(-1, 0, 6), 1, context.Random("n")));
        }
    }

    [Fact]
    public void Bad_parameters_are_refused()
    {
        Assert.Contains("sigma, rho, beta",
            Assert.Throws<ArgumentException>(() => new JointDynamics(new Lorenz63(), new EstimatedParameter("gamma", 1, 1))).Message);
        Assert.Contains("sigma, rho, beta", Assert.Throws<ArgumentException>(() => new JointDynamics(new Lorenz63())).Message);
        Assert.Contains("twice",
            Assert.Throws<ArgumentException>(() =>
                new JointDynamics(new Lorenz63(), new EstimatedParameter("rho", 1, 1), new EstimatedParameter("rho", 2, 1))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new EstimatedParameter("rho", 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EstimatedParameter("rho", double.NaN, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ParameterEvolution.RandomWalk(0));
        Assert.Throws<ArgumentException>(() => new NoParameters());
        Assert.Throws<ArgumentOutOfRangeException>(() => new Lorenz63(0.01, double.NaN));
    }

    /// <summary>x' = amplitude cos t.</summary>
    private sealed class Driven() : ParametricDynamics(1, 0.1, new ModelParameter("amplitude", 1))
    {
        protected override Tensor Tendency(Tensor state, Tensor parameters) => Tendency(state, parameters, 0);
        protected override Tensor Tendency(Tensor state, Tensor parameters, double time) => parameters * Math.Cos(time) + 0 * state;
    }

    /// <summary>A driven pendulum, x' = y, y' = -omega^2 sin x - damping y + cos t.</summary>
    private class Pendulum() : ParametricDynamics(2, 0.05, new ModelParameter("damping", 0.2), new ModelParameter("frequency", 1.5))
    {
        protected override Tensor Tendency(Tensor state, Tensor parameters) => Tendency(state, parameters, 0);

        protected override Tensor Tendency(Tensor state, Tensor parameters, double time)
        {
            Tensor x = state.select(-1, 0), y = state.select(-1, 1), damping = parameters.select(-1, 0), omega = parameters.select(-1, 1);
            return stack([y, Math.Cos(time) - omega.square() * x.sin() - damping * y], -1);
        }
    }

    /// <summary>The same with f_x dx; f_theta dtheta stays automatic.</summary>
    private sealed class DrivenPendulum : Pendulum
    {
        public int Asked { get; private set; }

        protected override Tensor TendencyTangentLinear(Tensor state, Tensor parameters, Tensor perturbation, double time)
        {
            Asked++;
            Tensor dx = perturbation.select(-1, 0), dy = perturbation.select(-1, 1);
            Tensor damping = parameters.select(-1, 0), omega = parameters.select(-1, 1);
            return stack([dy, -(omega.square() * state.select(-1, 0).cos() * dx) - damping * dy], -1);
        }
    }

    private sealed class NoParameters() : ParametricDynamics(1, 0.1)
    {
        protected override Tensor Tendency(Tensor state, Tensor parameters) => state;
    }
}
