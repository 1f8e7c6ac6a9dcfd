namespace DaML.Components;

/// <summary>
/// A term of 4D-Var's cost function with its own control variables: the background's increment at the window's beginning, or a model
/// error in every step (weak constraint). It maps its part v of the control vector linearly to increments that are added to the state at
/// the steps of the window, and costs J = 1/2 v^T C v. With a control variable transform dx = B^(1/2) v, C is the identity. A term is
/// stateless; the caller disposes its tensors by a scope around the call.
/// </summary>
public interface IPriorTerm
{
    /// <summary>The term's name, for instance <c>Jb</c>.</summary>
    string Name { get; }

    /// <summary>The number of its control variables in a window.</summary>
    /// <exception cref="ArgumentException">The states of the window and the term differ in dimension.</exception>
    long ControlDimension(AssimilationWindow window);

    /// <summary>
    /// The steps of a window at which the term adds increments, in any order (default: all). The model is linearised from one step in use
    /// to the next; at other steps a term adds nothing and receives no sensitivity.
    /// </summary>
    /// <param name="window">The window.</param>
    IEnumerable<int> UsedSteps(AssimilationWindow window) => Enumerable.Range(0, window.Steps + 1);

    /// <summary>
    /// Adds the increments that follow from v: at step 0 to the background, at step k to the model's output at the end of step k - 1.
    /// </summary>
    /// <param name="window">The window.</param>
    /// <param name="control">v, the term's own part.</param>
    /// <param name="increments">The sums it adds to.</param>
    void AddIncrements(AssimilationWindow window, ControlVector control, WindowContributions<Increment> increments);

    /// <summary>The transpose of <see cref="AddIncrements"/>.</summary>
    /// <param name="window">The window.</param>
    /// <param name="sensitivities">
    /// The sensitivity of a cost to the state at each step of <see cref="UsedSteps"/>; access to any other step is refused with an
    /// <see cref="InvalidOperationException"/>.
    /// </param>
    /// <returns>The sensitivity to v.</returns>
    ControlVector Adjoint(AssimilationWindow window, WindowTrajectory<Sensitivity> sensitivities);

    /// <summary>C v (default: v itself).</summary>
    ControlVector HessianProduct(ControlVector control) => control;
}
