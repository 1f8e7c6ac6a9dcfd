namespace DaML;

/// <summary>Settings of the iterative ensemble Kalman smoother; a posterior inflation and a rotation are given to the ensemble that the next window begins with.</summary>
public record IterativeEnsembleKalmanSmootherOptions : EnsembleFilterOptions
{
    /// <summary>How windows follow each other; one cycle long unless said, which is the iterative ensemble Kalman filter.</summary>
    public WindowCycling Window { get; init; } = WindowCycling.Overlapping(1);

    /// <summary>The minimisation.</summary>
    public EnsembleGaussNewton Iteration { get; init; } = new();

    /// <summary>How often an observation is used that several windows hold; once unless said.</summary>
    public ObservationUse ObservationUse { get; init; } = ObservationUse.Single;

    /// <summary>None unless said.</summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;

    /// <summary>The hyperprior of the finite-size smoother, IEnKS-N, which needs no inflation against sampling error; null, as unless said, for the plain one.</summary>
    public FiniteSizePrior? Prior { get; init; }

    /// <summary>How the finite-size cost function is minimised within a step; the dual unless said.</summary>
    public FiniteSizeForm Form { get; init; } = FiniteSizeForm.Dual;
}

/// <summary>Settings of the iterative ensemble Kalman filter with additive model error.</summary>
public record AdditiveErrorEnsembleKalmanFilterOptions : EnsembleFilterOptions
{
    /// <summary>The minimisation.</summary>
    public EnsembleGaussNewton Iteration { get; init; } = new();

    /// <summary>None unless said.</summary>
    public EnsembleRotation Rotation { get; init; } = EnsembleRotation.None;
}
