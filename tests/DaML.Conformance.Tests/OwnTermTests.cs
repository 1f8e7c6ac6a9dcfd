using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Our terms of 4D-Var's cost keep their contracts, and what breaks one is caught.</summary>
public static class TermWindows
{
    /// <summary>Four steps of five components for three trajectories, observed at two times with some missing.</summary>
    public static AssimilationWindow Make(RandomStream? random = null, long observed = 5)
    {
        using var own = new RandomStream(3, "window", CPU);
        random ??= own;
        var observations = ((double[])[0.2, 0.4])
            .Select(time =>
                new Observation(random.Normal([3, observed], ScalarType.Float64), random.Uniform([3, observed], ScalarType.Float64) > 0.3,
                    time));
        return new(new State(random.Normal([3, 5], ScalarType.Float64)), new TimeInterval(0, 0.4), 0.1, [.. observations]);
    }

    public static FullErrorCovariance Spd()
    {
        using var random = new RandomStream(4, "covariance", CPU);
        var factor = random.Normal([5, 5], ScalarType.Float64);
        return ErrorCovariance.Full(factor.matmul(factor.T) + eye(5, dtype: ScalarType.Float64));
    }
}

public sealed class ObservationTermConformance : CostTermContract
{
    protected override bool IsQuadratic => true;
    protected override ICostTerm CreateTerm() => new ObservationTerm(new IdentityObservationOperator(5), TermWindows.Spd());
    protected override AssimilationWindow CreateWindow(RandomStream random) => TermWindows.Make(random);
}

public sealed class NonlinearObservationTermConformance : CostTermContract
{
    private sealed class Squares() : ObservationOperator(5, 2)
    {
        protected override Tensor Observe(Tensor state) => state.narrow(-1, 1, 2).square() + state.narrow(-1, 3, 2);
    }

    protected override ICostTerm CreateTerm() => new ObservationTerm(new Squares(), ErrorCovariance.Diagonal(1, 2));
    protected override AssimilationWindow CreateWindow(RandomStream random) => TermWindows.Make(random, 2);
}

public sealed class DigitalFilterTermConformance : CostTermContract
{
    protected override bool IsQuadratic => true;
    protected override ICostTerm CreateTerm() => new DigitalFilterTerm(0.5, TermWindows.Spd());
    protected override AssimilationWindow CreateWindow(RandomStream random) => TermWindows.Make(random);
}

public sealed class ResidualTermConformance : CostTermContract
{
    private sealed class Products : ResidualCostTerm
    {
        protected override Tensor Residual(AssimilationWindow window, Tensor states) =>
            (states.narrow(1, 1, window.Steps) * states.narrow(1, 0, window.Steps)).sum([-1]);
    }

    protected override ICostTerm CreateTerm() => new Products();
    protected override AssimilationWindow CreateWindow(RandomStream random) => TermWindows.Make(random);
}

public sealed class BackgroundTermConformance : PriorTermContract
{
    protected override IPriorTerm CreateTerm() => new BackgroundTerm(TermWindows.Spd());
    protected override AssimilationWindow CreateWindow() => TermWindows.Make();
}

public sealed class IncrementTermConformance : PriorTermContract
{
    protected override IPriorTerm CreateTerm() => new BackgroundTerm(TermWindows.Spd(), ControlVariable.Increment);
    protected override AssimilationWindow CreateWindow() => TermWindows.Make();
}

public sealed class ModelErrorTermConformance : PriorTermContract
{
    protected override IPriorTerm CreateTerm() => new ModelErrorTerm(TermWindows.Spd());
    protected override AssimilationWindow CreateWindow() => TermWindows.Make();
}

public sealed class CaughtTermTests
{
    /// <summary>1/2 |a x_2|^2 with a factor of its derivatives open to error, and of the batch.</summary>
    private sealed class Term(double gradientFactor = 1, double hessianFactor = 1, bool mixes = false, bool skewed = false, double sign = 1)
        : ICostTerm
    {
        public string Name => "own";
        public Tensor Value(WindowTrajectory<State> trajectory) =>
            sign * 0.5 * trajectory[2].Values.square().sum(-1) +
            (mixes ? trajectory[2].Values.mean() : zeros(1, dtype: ScalarType.Float64));
        public void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient) =>
            gradient.Add(2, new(sign * gradientFactor * trajectory[2].Values));
        public void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment,
            WindowContributions<Sensitivity> product) =>
            product.Add(2,
                new(sign * hessianFactor * (skewed ? increment[2].Values + 0.1 * increment[2].Values.roll(1, -1) : increment[2].Values)));
    }

    /// <summary>It gives its derivatives at one step, looks at the increment of another and says what it likes.</summary>
    private sealed class Sayings(int adds, int looks, params int[] says) : ICostTerm
    {
        public string Name => "sayings";
        public IEnumerable<int> UsedSteps(AssimilationWindow window) => says;
        public Tensor Value(WindowTrajectory<State> trajectory) => 0.5 * trajectory[adds].Values.square().sum(-1);
        public void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient) =>
            gradient.Add(adds, new(trajectory[adds].Values));
        public void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment,
            WindowContributions<Sensitivity> product) =>
            product.Add(adds, new(increment[looks].Values));
    }

    /// <summary>Increments at a step, with the sensitivity of another.</summary>
    private sealed class PriorSayings(int adds, int looks, params int[] says) : IPriorTerm
    {
        public string Name => "sayings";
        public IEnumerable<int> UsedSteps(AssimilationWindow window) => says;
        public long ControlDimension(AssimilationWindow window) => window.Dimension;
        public void AddIncrements(AssimilationWindow window, ControlVector control, WindowContributions<Increment> increments) =>
            increments.Add(adds, new(control.Values));
        public ControlVector Adjoint(AssimilationWindow window, WindowTrajectory<Sensitivity> sensitivities) =>
            new(sensitivities[looks].Values);
    }

    /// <summary>Increments with a transpose that is none.</summary>
    private sealed class Prior(double adjointFactor, double sign = 1) : IPriorTerm
    {
        public string Name => "own";
        public long ControlDimension(AssimilationWindow window) => window.Dimension;
        public void AddIncrements(AssimilationWindow window, ControlVector control, WindowContributions<Increment> increments) =>
            increments.Add(1, new(2 * control.Values));
        public ControlVector Adjoint(AssimilationWindow window, WindowTrajectory<Sensitivity> sensitivities) =>
            new(adjointFactor * sensitivities[1].Values);
        public ControlVector HessianProduct(ControlVector control) => sign * control;
    }

#pragma warning disable xUnit1000 // run by the tests here, not by the runner
    private sealed class OfTerm(ICostTerm term) : CostTermContract
    {
        protected override bool IsQuadratic => true;
        protected override ICostTerm CreateTerm() => term;
        protected override AssimilationWindow CreateWindow(RandomStream random) => TermWindows.Make(random);
    }

    private sealed class OfPrior(IPriorTerm term) : PriorTermContract
    {
        protected override IPriorTerm CreateTerm() => term;
        protected override AssimilationWindow CreateWindow() => TermWindows.Make();
    }
#pragma warning restore xUnit1000

    private static void Caught(Action test, string name) => Assert.StartsWith(name, Assert.Throws<ConformanceException>(test).Test);

    [Fact]
    public void Terms_with_wrong_derivatives()
    {
        var right = new OfTerm(new Term());
        right.Its_gradient_is_that_of_its_value();
        right.Its_Hessian_is_linear_symmetric_and_nowhere_negative();
        right.Trajectories_are_independent();
        Caught(new OfTerm(new Term(gradientFactor: 1.001)).Its_gradient_is_that_of_its_value, "gradient");
        Caught(new OfTerm(new Term(hessianFactor: 1.001)).Its_gradient_is_that_of_its_value, "Hessian");
        Caught(new OfTerm(new Term(skewed: true)).Its_Hessian_is_linear_symmetric_and_nowhere_negative, "symmetry");
        Caught(new OfTerm(new Term(sign: -1)).Its_Hessian_is_linear_symmetric_and_nowhere_negative, "no negative curvature");
        Caught(new OfTerm(new Term(mixes: true)).Trajectories_are_independent, "batch independence");
    }

    [Fact]
    public void Prior_terms_with_a_wrong_adjoint_or_form()
    {
        var right = new OfPrior(new Prior(2));
        right.Its_increments_are_linear_and_its_adjoint_is_their_transpose();
        right.Its_cost_is_a_positive_quadratic_form();
        Caught(new OfPrior(new Prior(2.001)).Its_increments_are_linear_and_its_adjoint_is_their_transpose, "dot product");
        Caught(new OfPrior(new Prior(2, -1)).Its_cost_is_a_positive_quadratic_form, "positive definiteness");
    }

    [Fact]
    public void Terms_that_use_other_steps_than_they_say()
    {
        new OfTerm(new Term()).It_uses_the_steps_that_it_says();
        new OfTerm(new Sayings(2, 2, 2)).It_uses_the_steps_that_it_says();
        Caught(new OfTerm(new Sayings(1, 2, 2)).It_uses_the_steps_that_it_says, "used steps");
        Caught(new OfTerm(new Sayings(2, 1, 0, 2)).It_uses_the_steps_that_it_says, "used steps");
        new OfPrior(new Prior(2)).It_uses_the_steps_that_it_says();
        new OfPrior(new PriorSayings(2, 2, 2)).It_uses_the_steps_that_it_says();
        Caught(new OfPrior(new PriorSayings(1, 2, 2)).It_uses_the_steps_that_it_says, "used steps");
        Caught(new OfPrior(new PriorSayings(2, 1, 0, 2)).It_uses_the_steps_that_it_says, "used steps");
    }
}
