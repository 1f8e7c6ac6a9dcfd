namespace DaML.Components;

/// <summary>The variable of a minimisation.</summary>
public enum ControlVariable
{
    /// <summary>
    /// v with dx = B^(1/2) v, the control variable transform: the Hessian is I + B^(T/2) G^T R^-1 G B^(1/2), with no eigenvalue below one.
    /// </summary>
    BackgroundSquareRoot,

    /// <summary>dx itself: the Hessian is B^-1 + G^T R^-1 G, as badly conditioned as B; it serves to compare preconditioners.</summary>
    Increment,
}

/// <summary>
/// The background term, J_b = 1/2 |x_0 - x_b|^2 in B^-1, whose control variables are the increment at the window's
/// beginning (Courtier et al. 1994, Q. J. R. Meteorol. Soc. 120, 1367-1387).
/// </summary>
/// <param name="background">B, of the state's dimension.</param>
/// <param name="variable">The control variable (default: the square-root transform); a singular B needs that one.</param>
/// <exception cref="ArgumentException">B is singular and the control variable is the increment.</exception>
[Component("background-term")]
public sealed class BackgroundTerm([Saved("covariance")] IErrorCovariance background,
    ControlVariable variable = ControlVariable.BackgroundSquareRoot) : IPriorTerm
{
    /// <inheritdoc/>
    public string Name => "Jb";

    /// <summary>B</summary>
    public IErrorCovariance Covariance { get; } = variable != ControlVariable.Increment ? background
        : background.Invertible("The background error covariance B",
            $"with {nameof(ControlVariable)}.{nameof(ControlVariable.Increment)} J_b is 1/2 dx^T B^-1 dx",
            $"{nameof(ControlVariable)}.{nameof(ControlVariable.BackgroundSquareRoot)} needs the root of B alone.");

    /// <summary>The control variable.</summary>
    public ControlVariable Variable { get; } = Require.Defined(variable);

    /// <inheritdoc/>
    public long ControlDimension(AssimilationWindow window) => Covariance.Dimension == window.Dimension ? window.Dimension
        : throw new ArgumentException(
            $"The background error covariance must have the dimension of the state, {window.Dimension}; given: {Covariance.Dimension}.");

    /// <summary>Step 0, the window's beginning.</summary>
    public IEnumerable<int> UsedSteps(AssimilationWindow window) => [0];

    /// <inheritdoc/>
    public void AddIncrements(AssimilationWindow window, ControlVector control, WindowContributions<Increment> increments) =>
        increments.Add(0, new Increment(Variable == ControlVariable.Increment ? control.Values : Covariance.Colour(control.Values)));

    /// <inheritdoc/>
    public ControlVector Adjoint(AssimilationWindow window, WindowTrajectory<Sensitivity> sensitivities) =>
        new(Variable == ControlVariable.Increment ? sensitivities.Start.Values : Covariance.ColourAdjoint(sensitivities.Start.Values));

    /// <inheritdoc/>
    public ControlVector HessianProduct(ControlVector control) =>
        Variable == ControlVariable.Increment ? new(Covariance.ApplyInverse(control.Values)) : control;
}
