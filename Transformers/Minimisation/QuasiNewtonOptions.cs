namespace DaML;

/// <summary>Settings of limited-memory quasi-Newton 4D-Var, with their defaults.</summary>
[Component("quasi-newton-minimisation")]
public sealed record QuasiNewtonOptions : MinimisationOptions
{
    /// <summary>The number of latest steps in the approximate Hessian (default: 10).</summary>
    public int Memory { get; init; } = 10;

    /// <summary>The fraction of the gradient's length at the background at which a trajectory ends (default: 1e-4).</summary>
    public double GradientReduction { get; init; } = 1e-4;

    /// <summary>The largest number of iterations, each a line search of one or a few runs of the model and its adjoint (default:
    /// 100).</summary>
    public int MaximumIterations { get; init; } = 100;

    /// <inheritdoc/>
    public override IWindowMinimisation Of(FourDimensionalVariationalCost cost) => new QuasiNewtonFourDimensionalVariational(cost, this);
}
