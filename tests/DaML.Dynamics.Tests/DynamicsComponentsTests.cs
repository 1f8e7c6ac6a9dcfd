using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Everything of this room that can be saved comes back doing the same to the bit.</summary>
public sealed class DynamicsComponentsTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly string path = Path.Combine(Path.GetTempPath(), $"daml-{Guid.NewGuid():n}.model");
    private readonly DataAssimilationContext context = new(6);
    private readonly ComponentRegistry registry = new(DynamicsComponents.All);

    public void Dispose()
    {
        scope.Dispose();
        File.Delete(path);
    }

    [Fact]
    public void Models_come_back()
    {
        var x = Numbers.Normal(1, 2, 5, 4);
        foreach (var model in (IDynamics[])[
            new Lorenz96(4, 7.7, 1.0 / 30) { ModelError = ErrorCovariance.Scalar(4, 0.1) },
            new LinearDynamics(Numbers.Normal(2, 4, 4), 0.3) { ModelError = ErrorCovariance.Full(Numbers.Spd(3, 4)) }])
        {
            var read = RoundTrip(model);
            var interval = new TimeInterval(0, 3 * model.TimeStep);
            Assert.Equal(model.TimeStep, read.TimeStep);
            Assert.Equal(model.AdvanceWithModelError(x, interval, context.Random("e")).Bits(),
                read.AdvanceWithModelError(x, interval, context.Random("e")).Bits());
        }
        foreach (var model in (DiscreteDynamics[])[
            new Lorenz84(0.04, 7, 1.2, 0.3, 3.9), new KuramotoSivashinsky(16, 22.3, 0.3), new LinearAdvection(7, -2, 0.9, 0.1),
            new TwoScaleLorenz96(4, 3, 17, 0.9, 9, 8, 0.004),
            new ShallowWater(new()
                { CellsX = 5, CellsY = 4, WindStressX = [0.1, 0.2, 0.3, 1.0 / 7], InitialHeight = 3, SpinUpTime = 7200 }),
            new JointDynamics(new Lorenz84(),
                new EstimatedParameter("damping", 0.3, 0.1) { Evolution = ParameterEvolution.RandomWalk(0.02) },
                new EstimatedParameter("forcing", 7, 1)),
            new JointDynamics(new Lorenz96(8) { ModelError = ErrorCovariance.Scalar(8, 0.3) }, new EstimatedParameter("forcing", 7, 1))])
        {
            var read = RoundTrip(model);
            var interval = new TimeInterval(0, 3 * model.TimeStep);
            var states = Numbers.Normal(3, 2, model.Dimension);
            Assert.Equal(model.AdvanceWithModelError(states, interval, context.Random("e")).Bits(),
                read.AdvanceWithModelError(states, interval, context.Random("e")).Bits());
            Assert.Equal(model.UsualInitialCondition().Draw(2, context.Random("i"), ScalarType.Float64).Bits(),
                read.UsualInitialCondition().Draw(2, context.Random("i"), ScalarType.Float64).Bits());
        }
        var lorenz = RoundTrip(new Lorenz63(0.02, 9, 27, 2.5));
        Assert.Equal((0.02, 9, 27, 2.5), (lorenz.TimeStep, lorenz.Sigma, lorenz.Rho, lorenz.Beta));
        Assert.Null(lorenz.ModelError);
        var outside = RoundTrip(new ExternalDynamics("ocean", 7, 0.3));
        Assert.Equal(("ocean", 7, 0.3), (outside.Name, outside.Dimension, outside.TimeStep));
    }

    [Fact]
    public void Networks_with_all_their_parts_come_back()
    {
        var x = Numbers.Normal(1, 7, 6);
        foreach (var observed in (IObservationOperator[])[
            new IdentityObservationOperator(6), new SubsetObservationOperator(6, 5, 0, 2),
            new LinearObservationOperator(Numbers.Normal(2, 3, 6)),
            new InterpolationObservationOperator([50, 40.1], [1, 2, 3.3], (45, 1.1), (50, 3), (41, 2)),
            new ElementwiseObservationOperator(6, ObservationFunction.Exponential),
            SubsetObservationOperator.Strided(6, 2).Then(new ElementwiseObservationOperator(3, ObservationFunction.Cube))])
        {
            long p = observed.ObservationDimension;
            foreach (var error in (IErrorCovariance[])[ErrorCovariance.Scalar(p, 0.3),
                ErrorCovariance.Diagonal([.. Enumerable.Range(1, (int)p).Select(i => i / 7.0)]), ErrorCovariance.Full(Numbers.Spd(4, p)),
                ErrorCovariance.Blocks(ErrorCovariance.Diffusion(new() { Columns = (int)p, CorrelationLength = 1.3 })),
                ErrorCovariance.Hybrid(Numbers.Normal(5, 3, p), ErrorCovariance.Scalar(p, 0.4), 0.2)])
                foreach (var pattern in (IObservationPattern?[])[null, new RandomDensityPattern(0.2, 0.7), new RandomCountPattern(1, 3),
                    new MissingAtRandomPattern(0.4)])
                {
                    var network = new ObservationNetwork(observed, error, pattern);
                    var read = RoundTrip(network);
                    Observation expected = network.Observe(x, 1, context.Random("n")), given = read.Observe(x, 1, context.Random("n"));
                    Assert.Equal(expected.Values.Bits(), given.Values.Bits());
                    Assert.Equal(expected.Mask?.Bits(), given.Mask?.Bits());
                    var lifted = new JointObservationNetwork(network, 2);
                    var readLifted = RoundTrip(lifted);
                    var joint = Numbers.Normal(5, 3, 8);
                    Assert.Equal(lifted.Observe(joint, 1, context.Random("n")).Values.Bits(),
                        readLifted.Observe(joint, 1, context.Random("n")).Values.Bits());
                    Assert.Equal(observed.Apply(joint.narrow(-1, 0, 6)).Bits(), readLifted.Operator.Apply(joint).Bits());
                }
        }
    }

    [Fact]
    public void Initial_conditions_come_back()
    {
        var gaussian = new GaussianInitialCondition(Numbers.Normal(1, 3), ErrorCovariance.Full(Numbers.Spd(2, 3)));
        foreach (var initial in (IInitialCondition[])[gaussian, new AttractorInitialCondition(new Lorenz63(), 0.3),
            new AttractorInitialCondition(new Lorenz63(), 0.3, gaussian), new SinusoidalInitialCondition(9, 3, 0.4),
            new JointInitialCondition(gaussian, new SinusoidalInitialCondition(5)),
            new JointDynamics(new Lorenz63(), new EstimatedParameter("rho", 27, 2)).Lift(gaussian)])
            Assert.Equal(initial.Draw(4, context.Random("i"), ScalarType.Float64).Bits(),
                RoundTrip(initial).Draw(4, context.Random("i"), ScalarType.Float64).Bits());
    }

    [Fact]
    public void Every_kind_has_a_name_of_its_own() =>
        Assert.Equal(DynamicsComponents.All.Count, DynamicsComponents.All.Select(type => type.Name).Distinct().Count());

    [Fact]
    public void A_pattern_that_cannot_be_saved_is_named()
    {
        var network = new ObservationNetwork(new IdentityObservationOperator(2), ErrorCovariance.Scalar(2, 1), new Own());
        Assert.Contains("model/pattern", Assert.Throws<NotSupportedException>(() => ModelArchive.Write(network, path)).Message);
    }

    private T RoundTrip<T>(T component) where T : class
    {
        ModelArchive.Write(component, path);
        var read = ModelArchive.Read<T>(path, registry, context);
        Assert.Equal(component.GetType(), read.GetType());
        return read;
    }

    private sealed class Own : IObservationPattern
    {
        public Tensor Draw(long batch, long observations, RandomStream random) => ones([batch, observations], dtype: ScalarType.Bool);
    }
}
