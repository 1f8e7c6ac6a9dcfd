namespace DaML.Components;

/// <summary>How an iterative ensemble method minimises its cost function: Gauss-Newton steps in the space the ensemble spans.</summary>
public sealed record EnsembleGaussNewton
{
    private readonly int maximumIterations = 10;
    private readonly double tolerance = 1e-3;

    /// <summary>The transform unless said.</summary>
    [Inlined]
    public EnsembleLinearisation Linearisation { get; init; } = EnsembleLinearisation.Transform;

    /// <summary>
    /// The most steps, at least one; ten unless said. One step makes a smoother without iterations. A trajectory that has not converged by
    /// then keeps its last step.
    /// </summary>
    public int MaximumIterations { get => maximumIterations; init => maximumIterations = (int)Require.AtLeast(value, 1); }

    /// <summary>
    /// A trajectory has converged when a step is no longer than this, measured in the ensemble's own standard deviations
    /// (sqrt(N - 1) |dw|, over all directions together); 0.001 unless said, as in Bocquet and Sakov (2012). Zero takes all steps.
    /// </summary>
    public double Tolerance { get => tolerance; init => tolerance = Require.NotNegative(value); }
}
