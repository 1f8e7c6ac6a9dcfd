using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>4D-Var linearises its model from one step that a term uses to the next, and a term uses the steps that it says.</summary>
public sealed class UsedStepsTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly DataAssimilationContext context = new(29);

    public void Dispose() => scope.Dispose();

    /// <summary>A model whose linearisations are recorded; stepwise, or the model's own.</summary>
    private sealed class Recorded(IDynamics model, bool stepwise) : IDynamics
    {
        public List<(TimeInterval Interval, Tensor State, LinearisationOptions Options)> Linearised { get; } = [];
        public string Name => "recorded";
        public long Dimension => model.Dimension;
        public double TimeStep => model.TimeStep;
        public IErrorCovariance? ModelError => null;
        public Tensor Advance(Tensor state, TimeInterval interval) => model.Advance(state, interval);
        public Tensor TangentLinear(Tensor state, Tensor perturbation, TimeInterval interval) =>
            model.TangentLinear(state, perturbation, interval);
        public Tensor Adjoint(Tensor state, Tensor sensitivity, TimeInterval interval) => model.Adjoint(state, sensitivity, interval);
        public ILinearisation Linearise(Tensor state, TimeInterval interval, LinearisationOptions? options = null)
        {
            Linearised.Add((interval, state, options!));
            return stepwise ? new StepwiseLinearisation(this, state, interval, options) : model.Linearise(state, interval, options);
        }
    }

    /// <summary>1/2 |x_k|^2 at a step; it says nothing of that.</summary>
    private class Silent(int step) : ICostTerm
    {
        public string Name => "own";
        public Tensor Value(WindowTrajectory<State> trajectory) => 0.5 * trajectory[step].Values.square().sum(-1);
        public void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient) =>
            gradient.Add(step, new(trajectory[step].Values));
        public void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment,
            WindowContributions<Sensitivity> product) =>
            product.Add(step, new(increment[step].Values));
    }

    private sealed class Saying(int step, params int[] says) : Silent(step), ICostTerm
    {
        public IEnumerable<int> UsedSteps(AssimilationWindow window) => says;
    }

    /// <summary>An increment at a step and the sensitivity there, or of all steps.</summary>
    private sealed class Prior(int adds, int? looks, params int[] says) : IPriorTerm
    {
        public string Name => "prior";
        public IEnumerable<int> UsedSteps(AssimilationWindow window) => says;
        public long ControlDimension(AssimilationWindow window) => window.Dimension;
        public void AddIncrements(AssimilationWindow window, ControlVector control, WindowContributions<Increment> increments) =>
            increments.Add(adds, new(control.Values));
        public ControlVector Adjoint(AssimilationWindow window, WindowTrajectory<Sensitivity> sensitivities) =>
            new((looks is { } step ? sensitivities[step] : sensitivities.Steps[adds]).Values);
    }

    private static ShallowWater Water() =>
        new(ShallowWaterOptions.Turbulent with { CellsX = 16, CellsY = 16, TimeStep = 1800, InitialHeight = 20 });

    // Observed at some steps, two of them at one; the observations are of a run from elsewhere.
    private (AssimilationWindow Window, ObservationTerm Term) Window(IDynamics model, int steps, params int[] observed)
    {
        using var random = context.Random("window");
        long n = model.Dimension;
        double h = model.TimeStep, spread = model is ShallowWater ? 0.01 : 1;
        var start = model is ShallowWater water ? water.InitialCondition!.Draw(2, random, ScalarType.Float64)
            : 3 * random.Normal([2, n], ScalarType.Float64);
        var observations = observed.Select(step => new Observation(
            model.Advance(start, new TimeInterval(0, step * h)) + spread * random.Normal([2, n], ScalarType.Float64), null, 1 + step * h));
        return (new(new State(start + spread * random.Normal([2, n], ScalarType.Float64)), new TimeInterval(1, 1 + steps * h), h,
            [.. observations]),
            new ObservationTerm(new IdentityObservationOperator(n), ErrorCovariance.Scalar(n, 0.25 * spread * spread)));
    }

    /// <summary>
    /// The same kernels in the same order, whether a term that says nothing makes every step matter or the model goes from one step that
    /// matters to the
    /// next: the same bits. More than 96 steps of shallow water between two of them too.
    /// </summary>
    [Theory, InlineData("Lorenz-96", 12), InlineData("stepwise", 12), InlineData("shallow water", 12), InlineData("shallow water", 110)]
    public void Products_over_segments_are_those_step_by_step_to_the_bit(string name, int steps)
    {
        IDynamics model = name == "shallow water" ? Water() : new Lorenz96(9);
        int end = steps - 3;
        var (window, observed) = Window(model, steps, 2, end, end);
        var recorded = new Recorded(model, name == "stepwise");
        var background = new BackgroundTerm(ErrorCovariance.Scalar(model.Dimension, 0.5));
        FourDimensionalVariationalCost said = new(recorded, [background, new Prior(4, 4, 4)], [observed, new Saying(5, 5)]),
            silent = new(recorded, [background, new Prior(4, 4, 4)], [observed, new Silent(5)]);
        using var random = context.Random("vectors");
        var control = new ControlVector(0.01 * random.Normal([2, 2 * model.Dimension], ScalarType.Float64));
        var at = said.Run(window, control);

        recorded.Linearised.Clear();
        var value = said.Value(at, control).Total;
        using var segments = said.Linearise(at, control, value);
        Assert.Equal([(0, 2), (2, 4), (4, 5), (5, end)],
            recorded.Linearised.Select(each => (window.StepOf(each.Interval.From), window.StepOf(each.Interval.To))));
        foreach (var (interval, state, options) in recorded.Linearised)
        {
            int first = window.StepOf(interval.From);
            Compare.Close(at[first].Values, state, 0);
            foreach (var (step, known) in options.States!.Index()) Compare.Close(at[first + step].Values, known, 0);
        }
        recorded.Linearised.Clear();
        using var each = silent.Linearise(at, control, value);
        Assert.Equal(steps, recorded.Linearised.Count);

        Compare.Close(each.RightSide.Values, segments.RightSide.Values, 0);
        var vectors = random.Normal([2, 5, 2 * model.Dimension], ScalarType.Float64);
        var one = new ControlVector(vectors.select(1, 0));
        Compare.Close(each.HessianProduct(one).Values, segments.HessianProduct(one).Values, 0);
        Compare.Close(each.HessianProducts(vectors), segments.HessianProducts(vectors), 0);
        Assert.True((segments.RightSide.Values != 0).any().ToBoolean());
    }

    /// <summary>Nothing to look at: the Hessian is that of the background, and the model is not linearised.</summary>
    [Fact]
    public void A_window_without_observations_is_not_linearised()
    {
        var model = new Recorded(new Lorenz96(9), true);
        var (window, observed) = Window(model, 6);
        var cost = new FourDimensionalVariationalCost(model, [new BackgroundTerm(ErrorCovariance.Scalar(9, 0.5))], [observed]);
        var at = cost.Run(window, cost.Background(window));
        using var random = context.Random("vector");
        var vector = new ControlVector(random.Normal([2, 9], ScalarType.Float64));
        Compare.Close(vector.Values, cost.HessianProduct(at, vector).Values, 0);
        Assert.Empty(model.Linearised);
    }

    /// <summary>Another term's steps help nobody: each gets and adds at those that it names itself.</summary>
    [Fact]
    public void A_term_that_uses_a_step_it_does_not_name_is_refused()
    {
        var model = new Lorenz96(9);
        var (window, observed) = Window(model, 6, 3, 5);
        var background = new BackgroundTerm(ErrorCovariance.Scalar(9, 0.5));
        string Refused(IPriorTerm[] priors, params ICostTerm[] terms)
        {
            var cost = new FourDimensionalVariationalCost(model, priors, terms);
            return Assert.Throws<InvalidOperationException>(() =>
            {
                var control = cost.Background(window);
                cost.HessianProduct(cost.Run(window, control), control);
            }).Message;
        }

        string term = Refused([background], observed, new Saying(5, 0, 4));
        foreach (string part in (string[])["own", "step 5", "0, 4", "ICostTerm.UsedSteps"]) Assert.Contains(part, term);
        Assert.Contains("none", Refused([background], observed, new Saying(5)));
        string adds = Refused([background, new Prior(2, 3, 3)], observed);
        foreach (string part in (string[])["prior", "step 2", "IPriorTerm.UsedSteps"]) Assert.Contains(part, adds);
        Assert.Contains("step 3", Refused([background, new Prior(2, 3, 2)], observed));
        Assert.Contains("step 0", Refused([background, new Prior(2, null, 2)], observed)); // it asked for all

        var wrong = new FourDimensionalVariationalCost(model, [background], [new Saying(5, 3, 5)]);
        var zero = wrong.Background(window);
        wrong.Gradient(wrong.Run(window, zero), zero);
        var other = new FourDimensionalVariationalCost(model, [background], [new Saying(5, 3)]);
        Assert.Contains("step 5", Assert.Throws<InvalidOperationException>(() => other.Gradient(other.Run(window, zero), zero)).Message);
        var outside = new FourDimensionalVariationalCost(model, [background], [new Saying(5, 7)]);
        Assert.Contains("0 to 6", Assert.Throws<ArgumentException>(() => outside.Gradient(outside.Run(window, zero), zero)).Message);
    }
}
