namespace DaML.Components;

/// <summary>
/// A way to minimise 4D-Var's cost over a window: outer and inner loops (<see cref="IncrementalFourDimensionalVariational"/>), or a
/// quasi-Newton method (<see cref="QuasiNewtonFourDimensionalVariational"/>). Every trajectory of a batch is minimised by itself.
/// </summary>
public interface IWindowMinimisation
{
    /// <summary>The cost that is minimised.</summary>
    FourDimensionalVariationalCost Cost { get; }

    /// <summary>Minimises the cost over a window, from the background.</summary>
    /// <param name="window">The window.</param>
    /// <param name="progress">Reports progress during the minimisation (default: none).</param>
    /// <param name="cancellation">Checked at least before every run of the model's adjoint.</param>
    /// <param name="earlier">Inner solves of earlier windows, for a preconditioning to recycle (default: none). A method without inner
    /// solves ignores them.</param>
    /// <exception cref="ArgumentException">The window does not fit the model or a term.</exception>
    /// <exception cref="ArithmeticException">The cost of the background, or its gradient, is non-finite.</exception>
    FourDimensionalVariationalResult Minimise(AssimilationWindow window, IProgress<ProgressReport>? progress = null,
        CancellationToken cancellation = default,
        IReadOnlyList<InnerSolution>? earlier = null);

    /// <summary>Gives the part of the inner solves so far that the next window receives (default: nothing).</summary>
    /// <param name="solves">The inner solves, the first one first; empty for a method without inner solves.</param>
    RitzPairs? HandedOn(IReadOnlyList<InnerSolution> solves) => null;
}

/// <summary>
/// Settings of a minimisation of 4D-Var's cost; their type selects the method: <see cref="IncrementalOptions"/> or
/// <see cref="QuasiNewtonOptions"/>.
/// </summary>
public abstract record MinimisationOptions
{
    /// <summary>Makes the minimisation of a cost with these settings.</summary>
    /// <param name="cost">The cost that is minimised.</param>
    /// <exception cref="ArgumentException">A setting is out of range.</exception>
    public abstract IWindowMinimisation Of(FourDimensionalVariationalCost cost);
}
