namespace DaML.Components;

/// <summary>Settings of the minimisation in an iterative ensemble method: Gauss-Newton steps in the space the ensemble spans.</summary>
public sealed record EnsembleGaussNewton
{
    private readonly int maximumIterations = 10;
    private readonly double tolerance = 1e-3;

    /// <summary>The linearisation (default: the transform).</summary>
    [Inlined]
    public EnsembleLinearisation Linearisation { get; init; } = EnsembleLinearisation.Transform;

    /// <summary>
    /// The largest number of steps, at least one (default: 10). One step makes a smoother without iterations. A trajectory that has not
    /// converged by then keeps its last step.
    /// </summary>
    public int MaximumIterations
    {
        get => maximumIterations;
        init => maximumIterations = (int)Require.AtLeast(value, 1, nameof(MaximumIterations));
    }

    /// <summary>
    /// The largest step of a converged trajectory, in the ensemble's own standard deviations (sqrt(N - 1) |dw|, over all directions
    /// together) (default: 0.001, as in Bocquet and Sakov (2012)). Zero takes all steps.
    /// </summary>
    public double Tolerance { get => tolerance; init => tolerance = Require.NotNegative(value, nameof(Tolerance)); }
}
