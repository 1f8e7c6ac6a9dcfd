using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every term with control variables: its increments are linear in them and at the steps that it names, its adjoint is
/// their transpose, and C is symmetric and positive definite. Inherit it in a test project of xunit v3 and define how the term and a
/// window for it are made.
/// </summary>
public abstract class PriorTermContract : Contract
{
    /// <summary>Makes the term.</summary>
    protected abstract IPriorTerm CreateTerm();

    /// <summary>Makes a window for the term, of one trajectory or more.</summary>
    protected abstract AssimilationWindow CreateWindow();

    /// <summary>The largest relative error where the contract is exact up to round-off (default: 1e-10).</summary>
    protected virtual double Tolerance => 1e-10;

    /// <summary>f(2a - 3b) = 2 f(a) - 3 f(b), and s^T f(v) = (L^T s)^T v for sensitivities s at every step.</summary>
    [Fact]
    public void Its_increments_are_linear_and_its_adjoint_is_their_transpose()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (term, window, a, b) = Make();
        Tensor ofA = Increments(term, window, a), ofB = Increments(term, window, b);
        DemandClose(Increments(term, window, 2 * a - 3 * b), 2 * ofA - 3 * ofB, Tolerance, term.Name, "linearity",
            "the increments of 2a - 3b against 2 f(a) - 3 f(b)");
        var s = Sensitivities(window);
        var back = term.Adjoint(window, new WindowTrajectory<Sensitivity>(window, [.. s.unbind(1).Select(step => new Sensitivity(step))]));
        DemandClose(back.Dot(a), (s * ofA).sum([1, 2]), Tolerance, term.Name, "dot product", "(L^T s)^T v against s^T L v");
    }

    /// <summary>
    /// It adds increments at the steps that <see cref="IPriorTerm.UsedSteps"/> names, and reads sensitivities at these steps only.
    /// </summary>
    [Fact]
    public void It_uses_the_steps_that_it_says()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (term, window, a, _) = Make();
        var steps = TermSteps.Of(term, window);
        try
        {
            term.AddIncrements(window, a, new WindowContributions<Increment>(window).Of(steps));
            term.Adjoint(window,
                new(window, [.. Sensitivities(window).unbind(1).Select(step => (Sensitivity?)new Sensitivity(step))], steps));
        }
        catch (InvalidOperationException refusal) { Demand(false, term.Name, "used steps", refusal.Message); }
    }

    /// <summary>C is linear, symmetric and positive definite.</summary>
    [Fact]
    public void Its_cost_is_a_positive_quadratic_form()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (term, _, a, b) = Make();
        ControlVector ofA = term.HessianProduct(a), ofB = term.HessianProduct(b);
        DemandClose(term.HessianProduct(2 * a - 3 * b).Values, (2 * ofA - 3 * ofB).Values, Tolerance, term.Name, "linearity",
            "C(2a - 3b) against 2 C a - 3 C b");
        Tensor aa = ofA.Dot(a), bb = ofB.Dot(b);
        double smallest = minimum(aa, bb).min().ToDouble(),
            asymmetry = ((ofA.Dot(b) - ofB.Dot(a)) / (aa * bb).abs().sqrt()).abs().max().ToDouble();
        Demand(smallest > 0, term.Name, "positive definiteness", $"v^T C v is {smallest:g4}.");
        Demand(asymmetry <= Tolerance, term.Name, "symmetry",
            $"a^T C b and b^T C a differ by {asymmetry:g4} of the product of the lengths of a and b in C.");
    }

    /// <summary>After saving and reading, it is the same to the bit; skipped if it cannot be saved.</summary>
    [Fact]
    public void It_comes_back_from_a_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (term, window, a, _) = Make();
        var read = RoundTrip(term, CreateContext());
        DemandSame(Increments(read, window, a), Increments(term, window, a), term.Name, "saving",
            "the increments of the term read from a file");
        DemandSame(read.HessianProduct(a).Values, term.HessianProduct(a).Values, term.Name, "saving", "C v of the term read from a file");
    }

    private (IPriorTerm Term, AssimilationWindow Window, ControlVector A, ControlVector B) Make()
    {
        using var random = CreateContext().Random("conformance/controls");
        var (term, window) = (CreateTerm(), CreateWindow());
        ControlVector Draw() => new(random.Normal([window.Batch, term.ControlDimension(window)], ScalarType.Float64));
        return (term, window, Draw(), Draw());
    }

    // [batch, K + 1, n]
    private Tensor Sensitivities(AssimilationWindow window)
    {
        using var random = CreateContext().Random("conformance/sensitivities");
        return random.Normal([window.Batch, window.Steps + 1, window.Dimension], ScalarType.Float64);
    }

    // [batch, K + 1, n], zero where nothing was added.
    private static Tensor Increments(IPriorTerm term, AssimilationWindow window, ControlVector control)
    {
        var increments = new WindowContributions<Increment>(window);
        term.AddIncrements(window, control, increments);
        return stack(
            [.. Enumerable.Range(0, window.Steps + 1).Select(step => increments[step]?.Values ?? zeros_like(window.Background.Values))], 1);
    }
}
