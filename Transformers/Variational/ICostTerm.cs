using static TorchSharp.torch;

namespace DaML;

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

    /// <summary>J(x), <c>[batch]</c>.</summary>
    /// <param name="trajectory">x at every step of the window; the window has the observations.</param>
    Tensor Value(WindowTrajectory<State> trajectory);

    /// <summary>Adds g at the steps that the term depends on.</summary>
    /// <param name="trajectory">x</param>
    /// <param name="gradient">Where it is added.</param>
    void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient);

    /// <summary>Adds H dx at the steps that the term depends on.</summary>
    /// <param name="trajectory">x</param>
    /// <param name="increment">dx at every step.</param>
    /// <param name="product">Where it is added.</param>
    void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment, WindowContributions<Sensitivity> product);
}
