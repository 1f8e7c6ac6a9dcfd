using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A term of 4D-Var's cost function of the model's trajectory through a window: the misfit to observations, the roughness that a digital
/// filter sees, anything else. Its quadratic form around a trajectory x is J(x) + g^T dx + 1/2 dx^T H dx with the exact gradient g and
/// the Gauss-Newton Hessian H (of a term 1/2 |r(x)|^2 that is r'^T r'), where dx is the increment of the whole trajectory. The term does
/// not handle the model's tangent linear and adjoint between the steps. A sum of squares of your own needs one method:
/// <see cref="ResidualCostTerm"/>. A term is stateless; the caller disposes its tensors by a scope around the call.
/// </summary>
public interface ICostTerm
{
    /// <summary>The term's name, for instance <c>Jo</c>.</summary>
    string Name { get; }

    /// <summary>
    /// The steps of a window whose states the term depends on, in any order (default: all). The model is linearised from one step in use
    /// to the next, so a term that names only a few steps saves time and memory. At other steps it receives and adds nothing.
    /// </summary>
    /// <param name="window">The window, with the observations.</param>
    IEnumerable<int> UsedSteps(AssimilationWindow window) => Enumerable.Range(0, window.Steps + 1);

    /// <summary>J(x), <c>[batch]</c>.</summary>
    /// <param name="trajectory">x at every step of the window, which has the observations.</param>
    Tensor Value(WindowTrajectory<State> trajectory);

    /// <summary>Adds g at the steps that the term depends on.</summary>
    /// <param name="trajectory">x</param>
    /// <param name="gradient">The sum it adds to.</param>
    void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient);

    /// <summary>Adds H dx at the steps that the term depends on.</summary>
    /// <param name="trajectory">x</param>
    /// <param name="increment">dx at the steps of <see cref="UsedSteps"/>; access to any other step is refused with an
    /// <see cref="InvalidOperationException"/>.</param>
    /// <param name="product">The sum it adds to.</param>
    void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment,
        WindowContributions<Sensitivity> product);
}
