namespace DaML.Components;

/// <summary>The boundary condition of diffusion at the two ends of a direction.</summary>
public enum DiffusionBoundary
{
    /// <summary>A mirror half a spacing beyond the last point: nothing diffuses through a wall between cells.</summary>
    Mirror,

    /// <summary>Zero one spacing beyond the last point, like the current through a wall.</summary>
    Zero,

    /// <summary>The two ends are neighbours.</summary>
    Periodic,
}

/// <summary>Settings of a <see cref="DiffusionErrorCovariance"/> on a rectangular grid, in any unit of length.</summary>
public sealed record DiffusionOptions
{
    /// <summary>Number of points in x, at least 1.</summary>
    public required int Columns { get; init; }

    /// <summary>Number of points in y, at least 1 (default: 1, a line).</summary>
    public int Rows { get; init; } = 1;

    /// <summary>The distance between points in x (default: 1).</summary>
    public double SpacingX { get; init; } = 1;

    /// <summary>The distance between points in y (default: 1).</summary>
    public double SpacingY { get; init; } = 1;

    /// <summary>The boundary condition in x (default: <see cref="DiffusionBoundary.Mirror"/>).</summary>
    public DiffusionBoundary BoundaryX { get; init; }

    /// <summary>The boundary condition in y (default: <see cref="DiffusionBoundary.Mirror"/>).</summary>
    public DiffusionBoundary BoundaryY { get; init; }

    /// <summary>
    /// D, the correlation length in the unit of the spacings, above zero: near the origin the correlation is 1 - r^2 / (2 D^2) (Daley
    /// 1991).
    /// </summary>
    public required double CorrelationLength { get; init; }

    /// <summary>
    /// M, the number of implicit steps of diffusion, 3 to 30 (default: 4). Few steps give a correlation with a long tail, and an
    /// inverse that amplifies small scales little; many approach a Gaussian.
    /// </summary>
    public int Steps { get; init; } = 4;

    /// <summary>The variance of every point, zero or above (default: 1, a correlation).</summary>
    public double Variance { get; init; } = 1;

    /// <summary>
    /// The variance of each point, row by row, zero or above; zero on land and where there is no error (default: null,
    /// <see cref="Variance"/> everywhere).
    /// </summary>
    public double[]? Variances { get; init; }

    /// <summary>The square of l in (I - l^2 Laplacian)^-M.</summary>
    internal double SquaredScale
    {
        get
        {
            int directions = (Rows > 1 ? 1 : 0) + (Columns > 1 ? 1 : 0);
            return CorrelationLength * CorrelationLength / (2 * Steps - directions - 2);
        }
    }

    internal DiffusionOptions Checked()
    {
        Require.AtLeast(Columns, 1);
        Require.AtLeast(Rows, 1);
        Require.Positive(SpacingX);
        Require.Positive(SpacingY);
        Require.Positive(CorrelationLength);
        Require.NotNegative(Variance);
        if (Variances is not null && Variances.Length != (long)Rows * Columns)
            throw new ArgumentException($"'{nameof(Variances)}' must have a value for each of the {Rows} x {Columns} points; " +
                $"given: {Variances.Length}.", nameof(Variances));
        foreach (double variance in Variances ?? []) Require.NotNegative(variance, nameof(Variances));
        Require.Between(Steps, 3, 30);
        Require.Defined(BoundaryX);
        Require.Defined(BoundaryY);
        return this;
    }
}
