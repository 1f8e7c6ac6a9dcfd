using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A cost term that is a sum of squares, J = 1/2 |r(x)|^2: the base class for terms of your own. A subclass gives the residual; gradient
/// and Gauss-Newton Hessian follow by automatic differentiation.
/// </summary>
public abstract class ResidualCostTerm : ICostTerm
{
    /// <inheritdoc/>
    public virtual string Name => GetType().Name;

    /// <summary>r(x), whitened, that is, divided by the standard deviation allowed for it; made of differentiable operators.</summary>
    /// <param name="window">The window.</param>
    /// <param name="states">x at every step, <c>[batch, K + 1, n]</c></param>
    /// <returns><c>[batch, m]</c></returns>
    protected abstract Tensor Residual(AssimilationWindow window, Tensor states);

    /// <inheritdoc/>
    public Tensor Value(WindowTrajectory<State> trajectory) =>
        0.5 * Checked(trajectory.Window, Stacked(trajectory)).square().sum(-1);

    /// <inheritdoc/>
    public void AddGradient(WindowTrajectory<State> trajectory, WindowContributions<Sensitivity> gradient)
    {
        var states = Stacked(trajectory);
        Add(trajectory.Window, states, Checked(trajectory.Window, states), gradient);
    }

    /// <inheritdoc/>
    public void AddHessianProduct(WindowTrajectory<State> trajectory, WindowTrajectory<Increment> increment,
        WindowContributions<Sensitivity> product)
    {
        var states = Stacked(trajectory);
        var along = stack(increment.Steps.Select(step => step.Values), 1);
        Add(trajectory.Window, states, Differentiation.TangentLinear(x => Checked(trajectory.Window, x), states, along, Name).Derivative,
            product);
    }

    private void Add(AssimilationWindow window, Tensor states, Tensor sensitivity, WindowContributions<Sensitivity> to)
    {
        var back = Differentiation.Adjoint(x => Checked(window, x), states, sensitivity, Name);
        for (int step = 0; step <= window.Steps; step++) to.Add(step, new Sensitivity(back.select(1, step)));
    }

    private Tensor Checked(AssimilationWindow window, Tensor states) =>
        Require.Shape(Residual(window, states), $"The residual of the term {Name}", window.Batch, ColumnDefinition.AnySize);

    private static Tensor Stacked(WindowTrajectory<State> trajectory) => stack(trajectory.Steps.Select(state => state.Values), 1);
}
