using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every filter, in addition to that of a transformer. On a linear-Gaussian system it approaches the exact Kalman filter:
/// it is unbiased, as accurate as sampling allows, and consistent in its spread. Missing observations count as missing, and their values
/// change nothing. Inherit it in a test project of xunit v3 and define how the filter is made. Give an ensemble filter 100 members or
/// more: the remaining difference is then due to the filter itself.
/// </summary>
public abstract class FilterContract : TransformerContract
{
    /// <summary>
    /// Makes the filter: a transformer that reads observations and adds forecast and analysis, and their spread if it gives one.
    /// </summary>
    /// <param name="context">The context it belongs to.</param>
    /// <param name="system">
    /// A linear model, with an error if <see cref="TakesModelError"/> is true; the observation network; and the normal distribution from
    /// which the truth starts, and from which the filter's first guess or members should be drawn.
    /// </param>
    protected abstract ITransformer CreateFilter(DataAssimilationContext context, AssimilationSystem system);

    /// <summary>
    /// The largest relative excess of its error over that of the Kalman filter, and the largest relative deviation of its variance
    /// (default: 0.1, which suits 100 members).
    /// </summary>
    protected virtual double SamplingTolerance => 0.1;

    /// <summary>
    /// Whether its analysis draws random numbers for each observation, so that two equivalent networks need not give the same numbers
    /// (default: false).
    /// </summary>
    protected virtual bool DrawsForObservations => false;

    /// <summary>Whether it takes a model with an error (default: true). If not, the model is perfect.</summary>
    protected virtual bool TakesModelError => true;

    /// <inheritdoc/>
    protected sealed override ITransformer CreateTransformer(DataAssimilationContext context) => Create(context, Missing(context));

    /// <inheritdoc/>
    protected sealed override ITrajectoryView CreateInput(DataAssimilationContext context) => Missing(context).Data(context, 3, null);

    /// <summary>
    /// With all observations: no bias against the Kalman filter, its accuracy, its variance, and errors and innovations of the size that
    /// the filter predicts.
    /// </summary>
    [Fact]
    public void On_a_linear_Gaussian_system_it_approaches_the_Kalman_filter()
    {
        var context = CreateContext();
        Judge(context, new LinearGaussianProblem(context, TakesModelError), "");
    }

    /// <summary>With 40 % of the observations missing at random: the same against the Kalman filter that knows which are missing.</summary>
    [Fact]
    public void Missing_observations_count_as_missing()
    {
        var context = CreateContext();
        Judge(context, Missing(context), ", observations missing");
    }

    /// <summary>
    /// An observation that never exists gives the same as a network without it. The comparison is up to round-off; filters that draw for
    /// observations skip it.
    /// </summary>
    [Fact]
    public void A_mask_is_a_smaller_network()
    {
        if (DrawsForObservations)
            Assert.Skip("Its analysis draws for each observation; the test with missing observations covers it in the mean.");
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var problem = new LinearGaussianProblem(context, TakesModelError, new FixedPattern(true, false));
        using var data = problem.Data(context, 3, Cycles).Materialise();
        var smaller = new ObservationNetwork(new SubsetObservationOperator(LinearGaussianProblem.Dimension, 0),
            ErrorCovariance.Diagonal(problem.Variances[0]));
        var filter = Create(context, problem);
        using ITrajectoryCursor masked = filter.Transform(data).OpenCursor(),
            without = CreateFilter(context, problem.System with { Network = smaller }).Transform(new FirstObservation(data)).OpenCursor();
        while (masked.MoveNext() && without.MoveNext())
            DemandClose(masked[Columns.Analysis], without[Columns.Analysis], 1e-9, filter.Name, "mask",
                $"the analysis of cycle {masked.Cycle} with a masked observation against that of the network without it");
    }

    /// <summary>Values under the mask are not used, whatever they are.</summary>
    [Fact]
    public void Values_under_the_mask_do_not_matter()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var problem = Missing(context);
        using var data = problem.Data(context, 3, Cycles).Materialise();
        var filter = Create(context, problem);
        using ITrajectoryCursor clean = filter.Transform(data).OpenCursor(),
            spoilt = filter.Transform(new SpoiltObservations(data)).OpenCursor();
        while (clean.MoveNext() && spoilt.MoveNext())
            DemandSame(spoilt[Columns.Analysis], clean[Columns.Analysis], filter.Name, "mask",
                $"the analysis of cycle {clean.Cycle} with other values under the mask");
    }

    /// <summary>Without any observation the analysis is the forecast, and its spread the forecast's.</summary>
    [Fact]
    public void Where_nothing_is_observed_the_analysis_is_the_forecast()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var problem = new LinearGaussianProblem(context, TakesModelError, new FixedPattern(false, false));
        var filter = Create(context, problem);
        using var cursor = filter.Transform(problem.Data(context, 3, Cycles)).OpenCursor();
        bool hasSpread = filter.Contract.Adds.Any(definition => definition.Column == Columns.AnalysisSpread);
        while (cursor.MoveNext())
        {
            DemandClose(cursor[Columns.Analysis], cursor[Columns.Forecast], 1e-10, filter.Name, "nothing observed",
                $"the analysis of cycle {cursor.Cycle} against the forecast");
            if (hasSpread)
                DemandClose(cursor[Columns.AnalysisSpread], cursor[Columns.ForecastSpread], 1e-10, filter.Name, "nothing observed",
                    $"the spread of cycle {cursor.Cycle} against the forecast's");
        }
    }

    /// <summary>All its columns are finite.</summary>
    [Fact]
    public void Its_numbers_are_finite()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var problem = Missing(context);
        var filter = Create(context, problem);
        var view = filter.Transform(problem.Data(context, 3, 4 * Cycles));
        foreach (var cursor in view)
            foreach (var added in filter.Contract.Adds)
                Demand(cursor[added.Column].isfinite().all().ToBoolean(), filter.Name, "finite",
                    $"the column '{added.Column}' has infinite values or NaN in cycle {cursor.Cycle}.");
    }

    private void Judge(DataAssimilationContext context, LinearGaussianProblem problem, string where)
    {
        var filter = Create(context, problem);
        var found = new FilterConsistency(context, problem, filter);
        double tolerance = SamplingTolerance;
        Demand(found.Bias <= 5 * found.BiasStandardError + tolerance / 10, filter.Name, "bias" + where,
            $"its analyses differ from the Kalman filter's by {found.Bias:f3} of their standard deviation in the mean, where the " +
                $"standard error is {found.BiasStandardError:f3}.");
        Within("accuracy" + where, new(found.ErrorRatio, 0), 1 + tolerance, "its root-mean-square error over that of the Kalman filter");
        if (double.IsNaN(found.VarianceRatio)) return;
        Within("variance" + where, new(found.VarianceRatio, 0), 1 + 2 * tolerance, "the variance it claims over that of the Kalman filter");
        Within("errors as claimed" + where, found.ErrorChiSquare, 1 + 2 * tolerance,
            "the mean square of its errors over the standard deviations it claims");
        Within("innovations as predicted" + where, found.InnovationChiSquare, 1 + 2 * tolerance,
            "the mean square of its innovations over the standard deviations it predicts");

        void Within(string test, FilterConsistency.Mean measured, double factor, string what)
        {
            double low = 1 / factor - 4 * measured.StandardError, high = factor + 4 * measured.StandardError;
            Demand(measured.Value >= low
                && measured.Value <= high, filter.Name, test, $"{what} is {measured.Value:f3}; between {low:f3} and {high:f3} is needed.");
        }
    }

    private ITransformer Create(DataAssimilationContext context, LinearGaussianProblem problem) => CreateFilter(context, problem.System);

    private LinearGaussianProblem Missing(DataAssimilationContext context) =>
        new(context, TakesModelError, new MissingAtRandomPattern(0.4));

    /// <summary>The same observations exist in every cycle.</summary>
    private sealed class FixedPattern(params bool[] exists) : IObservationPattern
    {
        public Tensor Draw(long batch, long observations, RandomStream random)
        {
            using var scope = NewDisposeScope();
            return tensor(exists).expand(batch, observations).contiguous().MoveToOuterDisposeScope();
        }
    }

    /// <summary>A view whose observations are the first of another's, without a mask.</summary>
    private sealed class FirstObservation(ITrajectoryView source) : ITrajectoryView
    {
        public TrajectorySchema Schema =>
            new(source.Schema.Batch, new(Columns.Truth, source.Schema[Columns.Truth].Shape), new(Columns.Observation, 1));
        public long? CycleCount => source.CycleCount;
        public double? StartTime => source.StartTime;
        public ITrajectoryCursor OpenCursor() => new Cursor(source.OpenCursor());

        private sealed class Cursor(ITrajectoryCursor source) : TrajectoryCursor(source)
        {
            protected override bool Compute(long cycle)
            {
                Set(Columns.Observation, Source![Columns.Observation].narrow(1, 0, 1).clone());
                return true;
            }
        }
    }

    /// <summary>A view whose missing observations have absurd values.</summary>
    private sealed class SpoiltObservations(ITrajectoryView source) : ITrajectoryView
    {
        public TrajectorySchema Schema => source.Schema;
        public long? CycleCount => source.CycleCount;
        public double? StartTime => source.StartTime;
        public ITrajectoryCursor OpenCursor() => new Cursor(source.OpenCursor());

        private sealed class Cursor(ITrajectoryCursor source) : TrajectoryCursor(source)
        {
            protected override bool Compute(long cycle)
            {
                Set(Columns.Observation, Source![Columns.Observation].masked_fill(Source[Columns.ObservationMask].logical_not(), 1e6));
                return true;
            }
        }
    }
}
