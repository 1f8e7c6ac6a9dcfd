using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every term of 4D-Var's cost: its gradient is that of its value, its Hessian is linear, symmetric and positive
/// semidefinite, it uses the steps that it names, and trajectories are independent. Inherit it in a test project of xunit v3 and define
/// how the term and a window for it are made.
/// </summary>
public abstract class CostTermContract : Contract
{
    /// <summary>Makes the term.</summary>
    protected abstract ICostTerm CreateTerm();

    /// <summary>
    /// Makes a window for the term, with a background for two trajectories or more and the observations that the term uses.
    /// </summary>
    /// <param name="random">The stream that its numbers may be drawn from.</param>
    protected abstract AssimilationWindow CreateWindow(RandomStream random);

    /// <summary>
    /// Whether the term is quadratic in the states, so that its Hessian is the derivative of its gradient (default: false, because
    /// Gauss-Newton leaves out second derivatives).
    /// </summary>
    protected virtual bool IsQuadratic => false;

    /// <summary>The standard deviation of the tested states around the background (default: 1).</summary>
    protected virtual double Spread => 1;

    /// <summary>The largest relative error where the contract is exact up to round-off (default: 1e-10).</summary>
    protected virtual double Tolerance => 1e-10;

    /// <summary>The largest relative error against finite differences (default: 1e-5).</summary>
    protected virtual double DifferenceTolerance => 1e-5;

    /// <summary>(J(x + h dx) - J(x - h dx)) / 2h = g^T dx.</summary>
    [Fact]
    public void Its_gradient_is_that_of_its_value()
    {
        using var scope = NewDisposeScope();
        var (term, window, x, dx, _) = Make();
        double h = 1e-4 * Spread;
        var difference = (Value(term, Shifted(x, h, dx)) - Value(term, Shifted(x, -h, dx))) / (2 * h);
        DemandClose(Along(Gradient(term, x), dx), difference, DifferenceTolerance, term.Name, "gradient",
            "the slope its gradient says against that of its value");
        if (!IsQuadratic) return;
        var change = Difference(Gradient(term, Shifted(x, h, dx)), Gradient(term, Shifted(x, -h, dx)), 1 / (2 * h), window);
        DemandClose(Stacked(Hessian(term, x, dx), window), change, DifferenceTolerance, term.Name, "Hessian",
            "its Hessian against the change of its gradient");
    }

    /// <summary>H(2a - 3b) = 2 H a - 3 H b, a^T H b = b^T H a, a^T H a is not below zero.</summary>
    [Fact]
    public void Its_Hessian_is_linear_symmetric_and_nowhere_negative()
    {
        using var scope = NewDisposeScope();
        var (term, window, x, a, b) = Make();
        Tensor alongA = Stacked(Hessian(term, x, a), window), alongB = Stacked(Hessian(term, x, b), window);
        var combined = new WindowTrajectory<Increment>(window, [.. a.Steps.Zip(b.Steps, (one, other) => 2 * one - 3 * other)]);
        DemandClose(Stacked(Hessian(term, x, combined), window), 2 * alongA - 3 * alongB, Tolerance, term.Name, "linearity",
            "H(2a - 3b) against 2 H a - 3 H b");
        Tensor ab = Along(Hessian(term, x, b), a), ba = Along(Hessian(term, x, a), b), aa = Along(Hessian(term, x, a), a),
            bb = Along(Hessian(term, x, b), b);
        double scale = (aa.abs() * bb.abs()).sqrt().max().ToDouble(), asymmetry = (ab - ba).abs().max().ToDouble();
        Demand(asymmetry <= Tolerance * Math.Max(scale, 1e-300), term.Name, "symmetry",
            $"a^T H b and b^T H a differ by {asymmetry:g4}, where the product of their lengths in H is {scale:g4}.");
        double smallest = minimum(aa, bb).min().ToDouble();
        Demand(smallest >= -Tolerance * Math.Max(scale, 1e-300), term.Name, "no negative curvature", $"a^T H a is {smallest:g4}.");
    }

    /// <summary>It adds at the steps that <see cref="ICostTerm.UsedSteps"/> names, and reads increments at these steps only.</summary>
    [Fact]
    public void It_uses_the_steps_that_it_says()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (term, window, x, dx, _) = Make();
        var steps = TermSteps.Of(term, window);
        try
        {
            term.AddGradient(x, new WindowContributions<Sensitivity>(window).Of(steps));
            var increment = new WindowTrajectory<Increment>(window, [.. dx.Steps.Select(step => (Increment?)step)], steps);
            term.AddHessianProduct(x, increment, new WindowContributions<Sensitivity>(window).Of(steps));
        }
        catch (InvalidOperationException refusal) { Demand(false, term.Name, "used steps", refusal.Message); }
    }

    /// <summary>
    /// The value is finite, one for each trajectory, the same each time, and equal to that of each trajectory computed separately.
    /// </summary>
    [Fact]
    public void Trajectories_are_independent()
    {
        using var scope = NewDisposeScope();
        var (term, window, x, dx, _) = Make();
        var value = Value(term, x);
        Demand(value.Sizes().AsSpan().SequenceEqual([window.Batch]), term.Name, "shape",
            $"its value has shape {ColumnDefinition.Describe(value.Sizes())} where [{window.Batch}] is needed.");
        Demand(value.isfinite().all().ToBoolean(), term.Name, "finite", "its value is infinite or NaN.");
        DemandSame(Value(term, x), value, term.Name, "determinism", "the value computed again");
        var changed = new WindowTrajectory<State>(window,
            [.. x.Steps.Zip(dx.Steps, (state, step) => state + new Increment(step.Values * First(window)))]);
        DemandClose(Value(term, changed).narrow(0, 1, window.Batch - 1), value.narrow(0, 1, window.Batch - 1), 1e-13, term.Name,
            "batch independence", "the value of the others when one trajectory changes");
        DemandClose(Stacked(Gradient(term, changed), window).narrow(0, 1, window.Batch - 1),
            Stacked(Gradient(term, x), window).narrow(0, 1, window.Batch - 1), 1e-13,
            term.Name, "batch independence", "the gradient of the others when one trajectory changes");
    }

    /// <summary>After saving and reading, it is the same to the bit; skipped if it cannot be saved.</summary>
    [Fact]
    public void It_comes_back_from_a_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var (term, window, x, _, _) = Make();
        var read = RoundTrip(term, CreateContext());
        DemandSame(Value(read, x), Value(term, x), term.Name, "saving", "the value of the term read from a file");
        DemandSame(Stacked(Gradient(read, x), window), Stacked(Gradient(term, x), window), term.Name, "saving",
            "the gradient of the term read from a file");
    }

    private (ICostTerm Term, AssimilationWindow Window, WindowTrajectory<State> X, WindowTrajectory<Increment> A,
        WindowTrajectory<Increment> B) Make()
    {
        using var random = CreateContext().Random("conformance/term");
        var window = CreateWindow(random);
        Require.AtLeast(window.Batch, 2);
        WindowTrajectory<Increment> Draw(double deviation) =>
            new(window, [.. Enumerable.Range(0, window.Steps + 1)
                .Select(_ => new Increment(deviation * random.Normal([window.Batch, window.Dimension], window.Background.Values.dtype)))]);
        var x = new WindowTrajectory<State>(window, [.. Draw(Spread).Steps.Select(step => window.Background + step)]);
        return (CreateTerm(), window, x, Draw(1), Draw(1));
    }

    private static WindowTrajectory<State> Shifted(WindowTrajectory<State> x, double h, WindowTrajectory<Increment> dx) =>
        new(x.Window, [.. x.Steps.Zip(dx.Steps, (state, step) => state + h * step)]);

    private static Tensor Value(ICostTerm term, WindowTrajectory<State> x)
    {
        using var noGradients = no_grad();
        return term.Value(x);
    }

    private static WindowContributions<Sensitivity> Gradient(ICostTerm term, WindowTrajectory<State> x)
    {
        using var noGradients = no_grad();
        var gradient = new WindowContributions<Sensitivity>(x.Window);
        term.AddGradient(x, gradient);
        return gradient;
    }

    private static WindowContributions<Sensitivity> Hessian(ICostTerm term, WindowTrajectory<State> x, WindowTrajectory<Increment> dx)
    {
        using var noGradients = no_grad();
        var product = new WindowContributions<Sensitivity>(x.Window);
        term.AddHessianProduct(x, dx, product);
        return product;
    }

    // [batch, K + 1, n], zero where nothing was added.
    private static Tensor Stacked(WindowContributions<Sensitivity> sensitivities, AssimilationWindow window) =>
        stack([.. Enumerable.Range(0, window.Steps + 1)
            .Select(step => sensitivities[step]?.Values ?? zeros_like(window.Background.Values))], 1);

    private static Tensor Difference(WindowContributions<Sensitivity> a, WindowContributions<Sensitivity> b, double factor,
        AssimilationWindow window) =>
        factor * (Stacked(a, window) - Stacked(b, window));

    private static Tensor Along(WindowContributions<Sensitivity> sensitivities, WindowTrajectory<Increment> dx) =>
        (Stacked(sensitivities, dx.Window) * stack([.. dx.Steps.Select(step => step.Values)], 1)).sum([1, 2]);

    // One for the first trajectory, zero for the others, [batch, 1].
    private static Tensor First(AssimilationWindow window) =>
        (arange(window.Batch, device: window.Background.Values.device) == 0).to_type(window.Background.Values.dtype).unsqueeze(-1);
}
