namespace DaML;

/// <summary>
/// What a run does about a trajectory that diverged: its memory left the finite numbers, or its state the bound that was set for it.
/// </summary>
public enum DivergenceHandling
{
    /// <summary>The run ends with a <see cref="DivergenceException"/>, all its trajectories with it.</summary>
    Stop,

    /// <summary>
    /// The trajectory is flagged for good in the column <see cref="Columns.Diverged"/>, which scores leave out and count, and
    /// its memory is started afresh from the method's source, so that its numbers stay finite; the others are the same to the
    /// bit as if it had not diverged. An analysis that fails for one trajectory alone (a covariance that is no longer positive
    /// definite, an eigenvalue problem without a solution) counts as a divergence of that one too, and so does a model that fails for
    /// one (a sea that ran dry): that trajectory starts afresh before the forecast.
    /// </summary>
    Isolate,
}
