using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>The ready tests pass what is right and catch what is wrong.</summary>
public class ConformanceTests
{
    [Fact]
    public void Every_model_of_ours_conforms()
    {
        using var scope = NewDisposeScope();
        foreach (var model in (IDynamics[])[new Lorenz63(), new Lorenz96(), new Lorenz96(4), new LinearDynamics(Numbers.Normal(1, 5, 5)),
            new Roessler(), new Rotation(0.1), new HandWritten(), new Persistence()])
        {
            var results = DynamicsConformance.Check(model);
            Assert.Contains(results, result => result.Test == "dot product" && result.Measured < 1e-13);
            Assert.Contains(results, result => result.Test == "Taylor" && (double.IsNaN(result.Measured) || result.Measured > 1.9));
        }
        foreach (var model in (IDynamics[])[new Lorenz84(), new KuramotoSivashinsky(), new KuramotoSivashinsky(33, 22, 0.5),
            new LinearAdvection(12, -5, 0.9), new TwoScaleLorenz96(), new TwoScaleLorenz96(4, 1),
            new JointDynamics(new Lorenz63(), new EstimatedParameter("beta", 2, 1), new EstimatedParameter("sigma", 9, 1)),
            new JointDynamics(new Lorenz96(6), new EstimatedParameter("forcing", 7, 1)),
            new JointDynamics(new Lorenz84(), new EstimatedParameter("asymmetry", 1, 1)),
            new JointDynamics(new TwoScaleLorenz96(5, 3), new EstimatedParameter("speedRatio", 9, 1),
                new EstimatedParameter("forcing", 18, 2))])
        {
            var results = DynamicsConformance.Check(model, new ConformanceOptions { States = model.InitialCondition });
            Assert.Contains(results, result => result.Test == "dot product" && result.Measured < 1e-13);
            Assert.Contains(results, result => result.Test == "Taylor" && (double.IsNaN(result.Measured) || result.Measured > 1.9));
        }
        DynamicsConformance.Check(new Lorenz96(),
            new ConformanceOptions { Steps = 20, States = new AttractorInitialCondition(new Lorenz96(), 10) });
    }

    [Fact]
    public void Every_operator_of_ours_conforms()
    {
        using var scope = NewDisposeScope();
        foreach (var observed in (IObservationOperator[])[
            new IdentityObservationOperator(6), SubsetObservationOperator.Strided(7, 3), new SubsetObservationOperator(5, 3, 0, 3),
            new LinearObservationOperator(Numbers.Normal(1, 4, 6)),
            SubsetObservationOperator.Strided(8, 2).Then(new ElementwiseObservationOperator(4, ObservationFunction.Cube)),
            .. Enum.GetValues<ObservationFunction>().Select(function => new ElementwiseObservationOperator(6, function)), new OwnOperator(),
            new RadianceOperator(7)])
        {
            var results = ObservationOperatorConformance.Check(observed);
            Assert.Contains(results, result => result.Test == "dot product" && result.Measured < 1e-14);
        }
    }

    [Theory]
    [InlineData(nameof(HandWritten.Fault.TangentLinear), "dot product")]
    [InlineData(nameof(HandWritten.Fault.Adjoint), "dot product")]
    [InlineData(nameof(HandWritten.Fault.Both), "Taylor")]
    [InlineData(nameof(HandWritten.Fault.BatchMixing), "batch independence")]
    [InlineData(nameof(HandWritten.Fault.Noise), "determinism")]
    [InlineData(nameof(HandWritten.Fault.ChangesItsInput), "determinism")]
    [InlineData(nameof(HandWritten.Fault.NoGraph), "automatic differentiation")]
    [InlineData(nameof(HandWritten.Fault.InfiniteAtRest), "finite")]
    public void What_is_wrong_is_caught_and_named(string fault, string test)
    {
        var caught = Assert.Throws<ConformanceException>(() =>
            DynamicsConformance.Check(new HandWritten(Enum.Parse<HandWritten.Fault>(fault))));
        Assert.Equal(test, caught.Test);
        Assert.Contains("HandWritten", caught.Message);
    }

    [Fact]
    public void A_wrong_adjoint_is_reported_with_its_figures() =>
        Assert.Matches(@"<M'dx, dy> = -?\d.* against <dx, M'\^T dy> = .*relative difference \d.*e-\d+; at most 1e-11",
            Assert.Throws<ConformanceException>(() => DynamicsConformance.Check(new HandWritten(HandWritten.Fault.Adjoint))).Message);

    [Fact]
    public void A_wrong_tangent_linear_is_reported_with_its_order() =>
        Assert.Contains("where 2 is needed",
            Assert.Throws<ConformanceException>(() => DynamicsConformance.Check(new HandWritten(HandWritten.Fault.Both))).Message);

    [Fact]
    public void An_operator_that_says_it_is_linear_and_is_not_is_caught() =>
        Assert.Equal("linearity",
            Assert.Throws<ConformanceException>(() => ObservationOperatorConformance.Check(new OwnOperator(linear: true))).Test);

    [Fact]
    public void An_operator_of_another_dimension_than_it_says_is_caught() =>
        Assert.Contains("4",
            Assert.Throws<ArgumentException>(() => ObservationOperatorConformance.Check(new OwnOperator(says: 4))).Message);

    [Fact]
    public void A_model_that_takes_any_shape_is_caught() =>
        Assert.Equal("refusal", Assert.Throws<ConformanceException>(() => DynamicsConformance.Check(new AnyShape())).Test);

    private sealed class OwnOperator(bool linear = false, long says = 3) : ObservationOperator(6, says)
    {
        public override bool IsLinear => linear;
        protected override Tensor Observe(Tensor state) => state.narrow(-1, 0, 3) * state.narrow(-1, 3, 3).sin();
    }

    [Fact]
    public void A_model_whose_intervals_do_not_add_up_is_caught() =>
        Assert.Equal("composition in time", Assert.Throws<ConformanceException>(() => DynamicsConformance.Check(new Interest())).Test);

    /// <summary>x(t1) = (1 + t1 - t0) x(t0), however the interval is divided.</summary>
    private sealed class Interest : IDynamics
    {
        public string Name => "interest";
        public long Dimension => 3;
        public double TimeStep => 1;
        public IErrorCovariance? ModelError => null;
        public Tensor Advance(Tensor state, TimeInterval interval) => (1 + interval.Length) * Require.LastDimension(state, 3, "The state");
        public Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval) => (1 + interval.Length) * perturbation;
        public Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval) => (1 + interval.Length) * sensitivity;
    }

    /// <summary>A model without base class that checks nothing.</summary>
    private sealed class AnyShape : IDynamics
    {
        public string Name => "any shape";
        public long Dimension => 3;
        public double TimeStep => 1;
        public IErrorCovariance? ModelError => null;
        public Tensor Advance(Tensor state, TimeInterval interval) => 2 * state;
        public Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval) => 2 * perturbation;
        public Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval) => 2 * sensitivity;
    }
}
