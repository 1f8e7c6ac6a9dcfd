namespace DaML.Components;

/// <summary>Error covariances of a shallow-water state (eta, u, v), whose fields have different units and different grids.</summary>
public static class ShallowWaterErrors
{
    /// <summary>Makes a covariance without correlations, with one variance for the height and one for the currents.</summary>
    /// <param name="model">The model.</param>
    /// <param name="heightVariance">The variance of eta, in m2, zero or above.</param>
    /// <param name="velocityVariance">The variance of u and of v, in m2/s2, zero or above.</param>
    public static BlockErrorCovariance UncorrelatedErrors(this ShallowWater model, double heightVariance, double velocityVariance)
    {
        var o = model.Options;
        return ErrorCovariance.Blocks(ErrorCovariance.Scalar((long)o.CellsX * o.CellsY, heightVariance),
            ErrorCovariance.Scalar(o.PointsU, velocityVariance), ErrorCovariance.Scalar(o.PointsV, velocityVariance));
    }

    /// <summary>
    /// Makes a covariance that correlates each field by diffusion on its own points of the C-grid. At a wall the height and the current
    /// along it are mirrored, and the current through it falls to zero, as in the model.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="heightVariance">The variance of eta, in m2, zero or above.</param>
    /// <param name="velocityVariance">The variance of u and of v, in m2/s2, zero or above.</param>
    /// <param name="correlationLength">
    /// The correlation length in metres, above zero; see <see cref="DiffusionOptions.CorrelationLength"/>.
    /// </param>
    /// <param name="steps">The number of steps of diffusion (default: 4); see <see cref="DiffusionOptions.Steps"/>.</param>
    public static BlockErrorCovariance CorrelatedErrors(this ShallowWater model, double heightVariance, double velocityVariance,
        double correlationLength, int steps = 4)
    {
        var o = model.Options;
        static DiffusionBoundary Ends(bool periodic, DiffusionBoundary closed) => periodic ? DiffusionBoundary.Periodic : closed;
        var height = new DiffusionOptions
        {
            Columns = o.CellsX, Rows = o.CellsY, SpacingX = o.LengthX / o.CellsX, SpacingY = o.LengthY / o.CellsY,
            BoundaryX = Ends(o.PeriodicX, DiffusionBoundary.Mirror), BoundaryY = Ends(o.PeriodicY, DiffusionBoundary.Mirror),
            CorrelationLength = correlationLength, Steps = steps, Variance = heightVariance,
        };
        var velocity = height with { Variance = velocityVariance };
        return ErrorCovariance.Blocks(ErrorCovariance.Diffusion(height),
            ErrorCovariance.Diffusion(velocity with { Columns = o.ColumnsU, BoundaryX = Ends(o.PeriodicX, DiffusionBoundary.Zero) }),
            ErrorCovariance.Diffusion(velocity with { Rows = o.RowsV, BoundaryY = Ends(o.PeriodicY, DiffusionBoundary.Zero) }));
    }
}
