namespace DaML;

/// <summary>The form in which the finite-size ensemble Kalman filter is solved. The three find the same mean; see
/// docs/methods/finite-size-ensemble-kalman-filter.md.</summary>
public enum FiniteSizeForm
{
    /// <summary>
    /// The dual cost function, of one variable (Bocquet et al. 2015): the cheapest. The perturbations are updated with the
    /// prior weight that was found, without the rank-one term of the primal Hessian, as in DAPPER.
    /// </summary>
    Dual,

    /// <summary>
    /// The primal cost function, of the N weights, by Newton's method with the exact Hessian (Bocquet 2011); perturbations as in
    /// <see cref="Dual"/>, so that both agree to round-off.
    /// </summary>
    Primal,

    /// <summary>
    /// The primal cost function, and its exact Hessian, rank-one term included, also for the perturbations (Bocquet 2011), which are then
    /// wider along the increment.
    /// </summary>
    PrimalExactHessian,
}
