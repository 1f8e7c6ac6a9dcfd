namespace DaML;

/// <summary>Settings of limited-memory quasi-Newton 4D-Var, with their defaults.</summary>
public sealed record QuasiNewtonOptions : MinimisationOptions
{
    /// <summary>How many of the latest steps the approximate Hessian is made of (default: 10).</summary>
    public int Memory { get; init; } = 10;

    /// <summary>A trajectory ends where its gradient's length has fallen to this fraction of that at the background (default:
    /// 1e-4).</summary>
    public double GradientReduction { get; init; } = 1e-4;

    /// <summary>The most iterations, each a line search of one or a few runs of the model and its adjoint (default: 100).</summary>
    public int MaximumIterations { get; init; } = 100;

    /// <inheritdoc/>
    public override IWindowMinimisation Of(FourDimensionalVariationalCost cost) => new QuasiNewtonFourDimensionalVariational(cost, this);
}
