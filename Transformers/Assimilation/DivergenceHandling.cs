namespace DaML;

/// <summary>The treatment of a trajectory that diverged: its memory became non-finite, or its state exceeded its bound.</summary>
public enum DivergenceHandling
{
    /// <summary>Ends the run, with all its trajectories, by a <see cref="DivergenceException"/>.</summary>
    Stop,

    /// <summary>
    /// Flags the trajectory for good in the column <see cref="Columns.Diverged"/>, which scores leave out and count, and restarts its
    /// memory from the method's source, so that its numbers stay finite. The other trajectories are the same to the bit as if it had not
    /// diverged. An analysis that fails for one trajectory alone (a covariance that is no longer positive definite, an eigenvalue problem
    /// without a solution) counts as a divergence of that trajectory. So does a model that fails for one trajectory (a sea that ran dry):
    /// it restarts before the forecast.
    /// </summary>
    Isolate,
}
