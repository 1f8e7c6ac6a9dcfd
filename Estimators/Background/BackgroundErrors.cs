using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The source of a background error covariance B, by type: <see cref="ForecastErrors"/> of the model itself, or
/// <see cref="StateStatistics"/>. The states are a column of a training view, of the model's dimension n. If the column is L times
/// smaller, the model's state is a window of L lags, the newest first, and is assembled from successive cycles
/// (<see cref="LaggedStates"/>). The result may be singular: 4D-Var needs only its root
/// (<see cref="ControlVariable.BackgroundSquareRoot"/>).
/// </summary>
public abstract record BackgroundErrors
{
    private protected BackgroundErrors()
    {
    }

    /// <summary>The factor of the covariance (default: 1).</summary>
    public double Scale { get; init; } = 1;

    /// <summary>The shrinkage to the diagonal (default: none).</summary>
    public CovarianceShrinkage Shrinkage { get; init; } = CovarianceShrinkage.None;

    /// <summary>The part of the state that is varied (default: all of it).</summary>
    public WindowControl Control { get; init; } = WindowControl.WholeWindow;

    /// <summary>Estimates B.</summary>
    /// <param name="dynamics">The model, of dimension n.</param>
    /// <param name="training">A view of evenly spaced cycles.</param>
    /// <param name="state">The column of states, <c>[n]</c>, or <c>[n / L]</c> for a state of L lags.</param>
    /// <param name="cancellation">Checked in every cycle.</param>
    /// <exception cref="SchemaException">The view does not have the column.</exception>
    /// <exception cref="ArgumentException">The column's size does not divide n, times are not evenly spaced or not a whole number of the
    /// model's steps apart, a value is non-finite, there are fewer than two samples, or a setting is out of range.</exception>
    public IErrorCovariance Estimate(IDynamics dynamics, ITrajectoryView training, Column state, CancellationToken cancellation = default)
    {
        Require.Positive(Scale);
        Check();
        var states = new StatePairs(dynamics, training, state, GetType().Name);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        using var moments = Moments(dynamics, states, cancellation);
        if (moments.Count < 2)
            throw new ArgumentException($"{GetType().Name} of {dynamics.Name} needs two samples or more; the view gives {moments.Count}. " +
                "A longer view is needed.", nameof(training));
        return Control.Restrict(ErrorCovariance.Full(Scale * Shrinkage.Apply(moments)));
    }

    private protected virtual void Check()
    {
    }

    private protected abstract SampleMoments Moments(IDynamics dynamics, StatePairs states, CancellationToken cancellation);

    // The sums over the samples, on the samples' device.
    private protected static SampleMoments Sum(long dimension, bool aboutMean, IEnumerable<Tensor> samples)
    {
        SampleMoments? moments = null;
        foreach (var sample in samples) (moments ??= new(dimension, sample.device, aboutMean)).Add(sample);
        return moments ?? new(dimension, CPU, aboutMean);
    }
}

/// <summary>
/// B is the mean square error of the model's forecasts, M(x_t) - x_(t + lead), about zero, so that a bias counts as an error. That is the
/// background error of a cycle with perfect analyses, a lower bound; a <see cref="BackgroundErrors.Scale"/> above 1 accounts for the
/// analysis error.
/// </summary>
/// <param name="Lead">The lead in cycles, 1 or more: that of the background forecast between two analyses.</param>
public sealed record ForecastErrors(int Lead = 1) : BackgroundErrors
{
    private protected override void Check() => Require.AtLeast(Lead, 1);

    private protected override SampleMoments Moments(IDynamics dynamics, StatePairs states, CancellationToken cancellation) =>
        Sum(dynamics.Dimension, aboutMean: false,
        states.Apart(Lead, cancellation).Select(pair => dynamics.Advance(pair.Earlier, Whole(dynamics, pair.Between)) - pair.Later));

    // A one-shot emulator advances several cycles in one step.
    private TimeInterval Whole(IDynamics dynamics, TimeInterval between)
    {
        double passed = between.Length, steps = passed / dynamics.TimeStep, whole = Math.Round(steps);
        if (whole >= 1 && Math.Abs(steps - whole) <= TimeInterval.DefaultTolerance) return between;
        throw new ArgumentException($"{nameof(ForecastErrors)} of {dynamics.Name} over {Lead} cycles of the view, a time of " +
            $"{passed:g6}, need a whole number of the model's steps of {dynamics.TimeStep:g6}; that time is {steps:g3} steps. Give a " +
            $"{nameof(Lead)} that is one step or several long: one step takes {dynamics.TimeStep * Lead / passed:g3} cycles.");
    }

    /// <summary>
    /// Estimates Q of a model: the mean square error of its forecasts one time step ahead. For a state of lags only the components that a
    /// step adds have an error, so Q is semidefinite; a filter's noise and <see cref="ModelErrorTerm"/> need only its root.
    /// </summary>
    /// <param name="dynamics">The model, of dimension n.</param>
    /// <param name="training">A view in which one step of the model is a whole number of cycles.</param>
    /// <param name="state">The column of states, <c>[n]</c>, or <c>[r]</c> with r = n / L for a state of L lags.</param>
    /// <param name="newest">The number of components of the state that a step adds, the first ones (default: null, those of the cycles
    /// that a step takes).</param>
    /// <param name="shrinkage">The shrinkage to the diagonal (default: null, none).</param>
    /// <param name="cancellation">Checked in every cycle.</param>
    /// <exception cref="SchemaException">The view does not have the column.</exception>
    /// <exception cref="ArgumentException">As for <see cref="BackgroundErrors.Estimate"/>; or one step is not a whole number of
    /// cycles.</exception>
    public static IErrorCovariance ModelError(IDynamics dynamics, ITrajectoryView training, Column state, long? newest = null,
        CovarianceShrinkage? shrinkage = null,
        CancellationToken cancellation = default)
    {
        var states = new StatePairs(dynamics, training, state, "The error of one step");
        int cycles = states.CyclesOfStep(dynamics);
        long ahead = newest ?? Math.Min(dynamics.Dimension, cycles * states.ColumnSize);
        var errors = new ForecastErrors(cycles)
        {
            Shrinkage = shrinkage ?? CovarianceShrinkage.None, Control = WindowControl.InitialCondition(ahead),
        };
        return errors.Estimate(dynamics, training, state, cancellation);
    }
}

/// <summary>B is the sample covariance of the states about their mean: the error of climatology, an upper bound for a useful background,
/// so a <see cref="BackgroundErrors.Scale"/> well below 1 is usual.</summary>
public sealed record StateStatistics : BackgroundErrors
{
    private protected override SampleMoments Moments(IDynamics dynamics, StatePairs states, CancellationToken cancellation)
    {
        Tensor? sum = null;
        long count = 0;
        foreach (var (state, _, _) in states.Apart(0, cancellation))
        {
            var total = state.sum(dim: 0);
            if (sum is null) sum = total.DetachFromDisposeScope();
            else sum.add_(total);
            count += state.size(0);
        }
        using var mean = sum?.div_(Math.Max(1, count));
        return Sum(dynamics.Dimension, aboutMean: true, states.Apart(0, cancellation).Select(pair => pair.Earlier - mean!));
    }
}
