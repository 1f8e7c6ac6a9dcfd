namespace DaML.Tests;

/// <summary>Quotations of docs/preconditioning.md.</summary>
public static class Preconditioners
{
    /// <summary>A 4D-Var that recycles eigenpairs.</summary>
    public static FourDimensionalVariational Recycling(Background background, WindowCycling window) => new()
    {
        Background = background,
        Window = window,
        // <recycled>
        Minimisation = new IncrementalOptions
        {
            InnerSolver = new ConjugateGradientSolver(),
            Preconditioning = new LimitedMemoryPreconditioning(new RecycledEigenpairs(20)),
        }
        // </recycled>
    };

    /// <summary>Preconditioners that are learned once.</summary>
    public static (IPreconditioning OfPairs, IPreconditioning OfTheInverse) Fixed(FourDimensionalVariationalCost cost,
        IReadOnlyList<AssimilationWindow> windows)
    {
        // <fixed>
        var estimator = new FixedPreconditioningEstimator(cost);
        // never a matrix
        var pairs = estimator.FindEigenpairs(windows, new ComputedEigenpairs(100));
        // or SpectralPreconditioning(pairs)
        var preconditioning = new LimitedMemoryPreconditioning(pairs);
        // (A_0 + s I)^-1, small m
        var inverse = new RegularisedInversePreconditioning(estimator.AverageHessian(windows), shift: 10);
        // </fixed>
        return (preconditioning, inverse);
    }
}
