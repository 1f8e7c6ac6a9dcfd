namespace DaML;

/// <summary>
/// The Rauch-Tung-Striebel smoother of a linear-Gaussian system, with model error or without (<see cref="RauchTungStriebelStep"/>); for a
/// nonlinear system it is a first-order approximation.
/// </summary>
[Component("rauch-tung-striebel-smoother-method")]
public sealed record RauchTungStriebelSmoother : AssimilationMethod
{
    /// <summary>The Kalman filter of the forward pass. A smoother has no inflation, so one in the filter is refused.</summary>
    public KalmanFilter Filter { get; init; } = new ExtendedKalmanFilter();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The parts do not match, or there is an inflation.</exception>
    public override FixedIntervalSmoother<GaussianMemory> For(AssimilationSystem system, DataAssimilationContext context)
    {
        if (Filter.Inflation is { VarianceFactor: not 1 } || Filter.CovarianceGrowthPerTimeUnit != 1)
            throw new ArgumentException(
                "The Rauch-Tung-Striebel smoother needs the covariances that the model gives; this filter inflates them. Give the " +
                    "model an error instead.", nameof(Filter));
        return new(Name ?? "Rauch-Tung-Striebel smoother", ToRun(Filter).For(system, context), new RauchTungStriebelStep(system.Dynamics),
            this);
    }
}

/// <summary>
/// An ensemble Kalman smoother over all of a view: any ensemble filter, then backward through its ensembles
/// (<see cref="EnsembleSmootherStep"/>), for models with error or without.
/// </summary>
[Component("ensemble-kalman-smoother-method")]
public sealed record EnsembleKalmanSmoother : AssimilationMethod
{
    /// <summary>The filter. Without rotation its members correspond from cycle to cycle.</summary>
    public required EnsembleFilter Filter { get; init; }

    /// <inheritdoc/>
    public override FixedIntervalSmoother<EnsembleMemory> For(AssimilationSystem system, DataAssimilationContext context)
    {
        var filter = ToRun(Filter).For(system, context);
        return new(Name ?? $"ensemble Kalman smoother, {filter.Name}", filter, new EnsembleSmootherStep(), this);
    }
}
