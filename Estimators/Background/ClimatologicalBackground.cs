using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// A background error covariance that is learned: the sample covariance of the truth over a long run, times the scale with the smallest
/// analysis error on a piece of the training view. The scale is found by a <see cref="TuningEstimator{TTransformer}"/> on a logarithmic
/// grid refined by golden sections. A method without an initial condition then starts from the climatology.
/// </summary>
public sealed record ClimatologicalBackground : LearnedBackground
{
    private const double LogarithmicTolerance = 0.03, SmallestAtOneTime = 1e-3, SmallestInWindow = 1e-4;

    /// <summary>
    /// The number of first cycles of the training view for the climatology, over all trajectories together (default: 2000, or all if
    /// there are fewer).
    /// </summary>
    public long ClimatologyCycles { get; init; } = 2000;

    /// <summary>
    /// The number of first cycles of the training view for tuning the scale, the burn-in included (default: 500, or all if there are
    /// fewer).
    /// </summary>
    public long TuningCycles { get; init; } = 500;

    /// <summary>The number of cycles of a tuning run that its score leaves out (default: 100).</summary>
    public long TuningBurnIn { get; init; } = 100;

    /// <summary>
    /// The smallest fraction of the climatological covariance to try (default: null, 1e-3, or 1e-4 for a method with a window, which
    /// forecasts better than one at a single time).
    /// </summary>
    public double? SmallestScale { get; init; }

    /// <summary>The largest fraction of the climatological covariance to try (default: 2).</summary>
    public double LargestScale { get; init; } = 2;

    /// <inheritdoc/>
    protected override string ToLearn => "its background error covariance";

    /// <inheritdoc/>
    protected override void Check()
    {
        double smallest = SmallestScale ?? SmallestInWindow;
        Require.AtLeast(ClimatologyCycles, 2);
        Require.AtLeast(TuningBurnIn, 0);
        Require.AtLeast(TuningCycles, TuningBurnIn + 1);
        Require.Positive(smallest, nameof(SmallestScale));
        if (!(LargestScale > smallest) || !double.IsFinite(LargestScale))
            throw new ArgumentOutOfRangeException(nameof(LargestScale), LargestScale,
                $"The largest scale must be finite and above the smallest, {smallest}; given: {LargestScale}.");
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The data holds no more states than the state has components, or ends within the
    /// burn-in.</exception>
    protected override TMethod Learn<TMethod>(Func<IErrorCovariance, IInitialCondition, TMethod> method, BackgroundProblem problem,
        ITrajectoryView data, CancellationToken cancellation)
    {
        var context = problem.Context;
        using var recorded = data.Take(Math.Max(ClimatologyCycles, TuningCycles)).Materialise(
            [Columns.Truth, Columns.Observation, .. data.Schema.Has(Columns.ObservationMask) ? [Columns.ObservationMask]
                : Array.Empty<Column>()],
            cancellation: cancellation);
        if (recorded.CycleCount <= TuningBurnIn)
            throw new ArgumentException(
                $"Learning a background error covariance needs more cycles than its burn-in of {TuningBurnIn}; the data has " +
                    $"{recorded.CycleCount}.", nameof(data));

        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var (mean, covariance) = StateClimatology.Measure(recorded, ClimatologyCycles, cancellation);
        var initial = problem.System.Initial ?? new GaussianInitialCondition(mean, ErrorCovariance.Full(covariance));
        double smallest = SmallestScale ?? (problem.IsWindow ? SmallestInWindow : SmallestAtOneTime);
        return new TuningEstimator<TMethod>(context,
            [new("scale", TuningSearch.GoldenSection(smallest, LargestScale, LogarithmicTolerance, SearchScale.Logarithmic))],
            values =>
            {
                using var background = values[0] * covariance;
                return method(ErrorCovariance.Full(background), initial);
            },
            new TuningOptions { Cycles = TuningCycles, BurnIn = TuningBurnIn, ScoreName = "rmse" }).Fit(recorded, cancellation);
    }
}
