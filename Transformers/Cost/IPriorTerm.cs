namespace DaML.Components;

/// <summary>
/// A term of 4D-Var's cost function with control variables of its own: the background's increment at the window's
/// beginning, or a model error in every step (weak constraint). It maps its part v of the control vector linearly to
/// increments that are added to the state at the steps of the window, and costs J = 1/2 v^T C v. With a control variable
/// transform dx = B^(1/2) v, C is the identity. It is stateless; whoever calls it disposes, by a scope around it, whatever it makes.
/// </summary>
public interface IPriorTerm
{
    /// <summary>What to call it, for instance <c>Jb</c>.</summary>
    string Name { get; }

    /// <summary>How many control variables it has in a window.</summary>
    /// <exception cref="ArgumentException">The window's states have another dimension than the term's.</exception>
    long ControlDimension(AssimilationWindow window);

    /// <summary>
    /// The steps of a window at which the term adds increments, in any order (default: all). The model is linearised from one step that
    /// some term
    /// uses to the next; at other steps a term adds nothing and gets no sensitivity.
    /// </summary>
    /// <param name="window">The window.</param>
    IEnumerable<int> UsedSteps(AssimilationWindow window) => Enumerable.Range(0, window.Steps + 1);

    /// <summary>
    /// Adds the increments that follow from v: at step 0 to the background, at step k to what the model makes of step k - 1.
    /// </summary>
    /// <param name="window">The window.</param>
    /// <param name="control">v, the term's own part.</param>
    /// <param name="increments">Where they are added.</param>
    void AddIncrements(AssimilationWindow window, ControlVector control, WindowContributions<Increment> increments);

    /// <summary>The transpose of <see cref="AddIncrements"/>.</summary>
    /// <param name="window">The window.</param>
    /// <param name="sensitivities">
    /// How much a cost changes with the state at each step of <see cref="UsedSteps"/>; another is refused with an
    /// <see cref="InvalidOperationException"/>.
    /// </param>
    /// <returns>How much it changes with v.</returns>
    ControlVector Adjoint(AssimilationWindow window, WindowTrajectory<Sensitivity> sensitivities);

    /// <summary>C v; v itself unless said.</summary>
    ControlVector HessianProduct(ControlVector control) => control;
}
