namespace DaML.Components;

/// <summary>
/// A way to minimise 4D-Var's cost over a window: outer and inner loops (<see cref="IncrementalFourDimensionalVariational"/>), or a
/// quasi-Newton method (<see cref="QuasiNewtonFourDimensionalVariational"/>). Every trajectory of a batch is minimised by itself.
/// </summary>
public interface IWindowMinimisation
{
    /// <summary>What is minimised.</summary>
    FourDimensionalVariationalCost Cost { get; }

    /// <summary>Minimises the cost over a window, from the background.</summary>
    /// <param name="window">The window.</param>
    /// <param name="progress">Told as the minimisation goes on (default: nobody).</param>
    /// <param name="cancellation">Looked at at least before every run of the model's adjoint.</param>
    /// <param name="earlier">Inner solves of windows before, that a preconditioning may recycle (default: none). A method without inner
    /// solves makes no use of them.</param>
    /// <exception cref="ArgumentException">The window does not fit the model or a term.</exception>
    /// <exception cref="ArithmeticException">The cost of the background, or its gradient, is not finite.</exception>
    FourDimensionalVariationalResult Minimise(AssimilationWindow window, IProgress<ProgressReport>? progress = null,
        CancellationToken cancellation = default,
        IReadOnlyList<InnerSolution>? earlier = null);

    /// <summary>What the next window gets of the inner solves up to this one (default: nothing).</summary>
    /// <param name="solves">The inner solves, the first one first; empty for a method without.</param>
    RitzPairs? HandedOn(IReadOnlyList<InnerSolution> solves) => null;
}

/// <summary>
/// Settings of a minimisation of 4D-Var's cost; their type says which it is: <see cref="IncrementalOptions"/> or
/// <see cref="QuasiNewtonOptions"/>.
/// </summary>
public abstract record MinimisationOptions
{
    /// <summary>The minimisation of a cost with these settings.</summary>
    /// <param name="cost">What is minimised.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public abstract IWindowMinimisation Of(FourDimensionalVariationalCost cost);
}
