using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A term of 4D-Var's cost function that looks at the model's trajectory through a window: the misfit to observations, the
/// roughness that a digital filter sees, anything else. Its quadratic form around a trajectory x is
/// J(x) + g^T dx + 1/2 dx^T H dx with the exact gradient g and the Gauss-Newton Hessian H (of a term 1/2 |r(x)|^2 that is
/// r'^T r'), where dx is the increment of the whole trajectory. The model's tangent linear and adjoint between the steps
/// are not the term's business. A term of one's own that is a sum of squares needs one method: <see cref="ResidualCostTerm"/>.
/// It is stateless; whoever calls it disposes, by a scope around it, whatever it makes.
/// </summary>
public interface ICostTerm
{
    /// <summary>What to call it, for instance <c>Jo</c>.</summary>
    string Name { get; }

    /// <summary>
    /// The steps of a window whose states the term depends on, in any order (default: all). The model is linearised from one step that some
    /// term
    /// uses to the next, so a term that uses few of them and says so saves time and memory; at other steps it gets and adds nothing.
    /// </summary>
    /// <param name="window">The window, with the observations.</param>
    IEnumerable<int> UsedSteps(AssimilationWindow window) => Enumerable.Range(0, window.Steps + 1);

    /// <summary>J(x), <c>[batch]</c>.</summary>
    /// <param name="trajectory">x at every step of the window; the window has the observations.</param>
    Tensor Value(WindowTrajectory<State> trajectory);

    /// <summary>Adds g at the steps that the term depends on.</summary>
    /// <param name="trajectory">x</param>
    /// <param name="gradient">Where it is added.</param>
    void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient);

    /// <summary>Adds H dx at the steps that the term depends on.</summary>
    /// <param name="trajectory">x</param>
    /// <param name="increment">dx at the steps of <see cref="UsedSteps"/>; another is refused with an
    /// <see cref="InvalidOperationException"/>.</param>
    /// <param name="product">Where it is added.</param>
    void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment,
        WindowContributions<Sensitivity> product);
}
