using System.Globalization;

namespace DaML.Samples;

/// <summary>Tables, metrics and the page of the sample.</summary>
/// <param name="plan">What was measured.</param>
/// <param name="experiments">What it gave.</param>
internal sealed class Bocquet2025Report(Bocquet2025Plan plan, Bocquet2025Experiments experiments)
{
    private const double SlopeFrom = 1, SlopeTo = 8;

    /// <summary>All tables, in the order of the page.</summary>
    public IReadOnlyList<ReportTable> Tables => [UpdateSteps, Forcings, Published, Increments, Gains, Truncations, Data];

    /// <summary>The single figures; what could not be measured is left out.</summary>
    public Dictionary<string, double> Metrics
    {
        get
        {
            var metrics = PublishedFigure.Metrics(Rows);
            foreach (var (interval, figures) in experiments.Increments)
            {
                metrics.Add(Named("increments.slope", interval), IncrementDiagnostics.Slope(figures, SlopeFrom, SlopeTo));
                metrics.Add(Named("innovations.deviation", interval), figures["innovation.deviation"][0]);
            }
            foreach (var (one, figures) in experiments.Gains)
            {
                var pattern = GainPatterns.Pattern(figures)!;
                metrics.Add("gain.locality" + one.Metric, pattern.ShareWithin(GainPatterns.LocalDistance));
                metrics.Add("gain.half_width" + one.Metric, pattern.HalfWidth);
                metrics.Add("gain.equivariance_error" + one.Metric, figures["gain.equivariance"][0]);
                metrics.Add("gain.largest" + one.Metric, pattern.Largest);
                metrics.Add("rmse.gain" + one.Metric, figures["rmse"][0]);
                if (one.Metric != "") metrics.Add("gain.likeness" + one.Metric, Likeness(pattern));
                else metrics.Add("gain.composite_correlation", figures["gain.composite"][0]);
            }
            foreach (var point in experiments.Truncations)
                metrics.Add(IsFirst(point) ? $"rmse.n_iter.{point.Truncation}"
                    : Named($"rmse.n_iter.{point.Truncation}.dt", point.Interval), point.Mean);
            if (experiments.Law is { } law) metrics.Add("scaling.residual", law.Residual);
            foreach (var (name, exponent) in Exponents)
                if (Range(exponent) is var (low, high)) (metrics[$"{name}.low"], metrics[$"{name}.high"]) = (low, high);
            return metrics;
        }
    }

    private ReportTable UpdateSteps =>
        experiments.UpdateSteps.Table(
            string.Create(CultureInfo.InvariantCulture, $"Test RMSE over the update step, F = {plan.Forcing} ") +
            "(* some trajectories lost the truth and are left out; lost: half of them or more)", "Δt");

    private ReportTable Forcings =>
        experiments.Forcings.Table(FormattableString.Invariant($"Test RMSE over the forcing, Δt = {plan.Intervals[0]}"), "F");

    private ReportTable Published => PublishedFigure.Table("What the paper's text says", Rows);

    private IReadOnlyList<PublishedFigure> Rows
    {
        get
        {
            double At(string method, double interval) => experiments.UpdateSteps.Error(method, interval) ?? double.NaN;
            double first = plan.Intervals[0], last = plan.Intervals[^1];
            string small = plan.WarmStarts ? "quick network" : "";
            return
            [
                new($"EnKF, Δt = {first}", "rmse.enkf_n", "0.18-0.20", At(EnsembleSweeps.Filter, first)),
                new($"IEnKF, Δt = {first}", "rmse.ienkf_n", "slightly below the EnKF", At(EnsembleSweeps.IterativeFilter, first)),
                new($"casual network, Δt = {first}", "rmse.casual", "0.19-0.20", At(LearnedMethod.Casual, first), small),
                new($"linear in the innovation, Δt = {first}", "rmse.innovation_linear", "0.19", At(LearnedMethod.InnovationLinear, first),
                    small),
                new($"blind network, Δt = {first}", "rmse.blind", "0.38", At(LearnedMethod.Blind, first), small),
                new($"linear network, Δt = {first}", "rmse.linear", "0.38", At(LearnedMethod.Linear, first), small),
                new($"blind network, Δt = {last}", "rmse.blind.last", "below 1", At(LearnedMethod.Blind, plan.DegradedIntervals[^1]),
                    small),
                new($"casual network, Δt = {last}", "rmse.casual.last", "a significant edge over the blind",
                    At(LearnedMethod.Casual, last), small),
                .. experiments.Law is { } law
                    ? (PublishedFigure[])
                    [
                        new("exponent γ", "scaling.gamma", "1.435", law.Gamma, Settled("scaling.gamma")),
                        new("exponent α of N_r", "scaling.alpha", "0.103", law.Alpha, Settled("scaling.alpha")),
                        new("exponent β of S_b", "scaling.beta", "0.060", law.Beta, Settled("scaling.beta")),
                        new("ratio β / α", "scaling.ratio", "0.58", law.Ratio, Settled("scaling.ratio")),
                    ]
                    : [],
            ];
        }
    }

    private static IReadOnlyDictionary<string, Func<ScalingLaw, double>> Exponents { get; } =
        new Dictionary<string, Func<ScalingLaw, double>>
    {
        ["scaling.gamma"] = law => law.Gamma, ["scaling.alpha"] = law => law.Alpha, ["scaling.beta"] = law => law.Beta,
        ["scaling.ratio"] = law => law.Ratio,
    };

    // Within what a number of the law stays when one error is left out.
    private (double Low, double High)? Range(Func<ScalingLaw, double> exponent) =>
        experiments.LawsLeavingOneOut is { Count: > 0 } laws ? (laws.Min(exponent), laws.Max(exponent)) : null;

    private string Settled(string name) =>
        Range(Exponents[name]) is var (low, high) ? $"{SampleRun.Number(low)} to {SampleRun.Number(high)} when one error is left out"
        : "of few errors";

    private ReportTable Increments =>
        new($"Scaling of the casual network's increments (slope of ln r over ln λ from {SlopeFrom} to {SlopeTo}; 1 for an analysis " +
            $"linear in the innovation) and its projected innovations",
        ["Δt", "r(2)", "r(8)", "slope", "deviation of innovations", "their excess kurtosis"],
        [.. experiments.Increments.Select(point =>
            (string[])[Text(point.Interval), R(point.Figures, 2), R(point.Figures, 8),
                SampleRun.Number(IncrementDiagnostics.Slope(point.Figures, SlopeFrom, SlopeTo)),
            SampleRun.Number(point.Figures["innovation.deviation"][0]), SampleRun.Number(point.Figures["innovation.kurtosis"][0])])]);

    private ReportTable Gains =>
        new($"Mean marginal gain (locality: share of sum |Ω| within {GainPatterns.LocalDistance} sites of r; likeness: correlation with " +
            $"the first)",
        ["network", "test RMSE", "largest |Ω|", "locality", "share of the sites", "half-width", "likeness", "equivariance error"],
        [.. experiments.Gains.Select(one =>
        {
            var pattern = GainPatterns.Pattern(one.Figures)!;
            return (string[])[one.Case.Name, SampleRun.Number(one.Figures["rmse"][0]), SampleRun.Number(pattern.Largest, 4),
                SampleRun.Number(pattern.ShareWithin(GainPatterns.LocalDistance), 2),
                SampleRun.Number(Math.Pow((2 * GainPatterns.LocalDistance + 1.0) / pattern.Sites, 2), 2),
                pattern.HalfWidth.ToString(CultureInfo.InvariantCulture), SampleRun.Number(Likeness(pattern), 2),
                one.Figures["gain.equivariance"][0].ToString("0.0e+0", CultureInfo.InvariantCulture)];
        })]);

    private ReportTable Truncations
    {
        get
        {
            var intervals = experiments.Truncations.Select(point => point.Interval).Distinct().ToList();
            string Cell(TruncationError point) =>
                SampleRun.Number(point.Mean, 4) + (plan.Repetitions > 1 ? $" ± {SampleRun.Number(point.Deviation, 4)}" : "");
            return new("Test RMSE over N_iter (empty: lost the truth, or had no time for all steps)",
                ["N_iter", .. intervals.Select(interval => $"Δt = {Text(interval)}")],
                [.. plan.Truncations.Select(truncation => (string[])[$"{truncation}", .. intervals.Select(interval =>
                    experiments.Truncations.Where(point => point.Truncation == truncation && point.Interval == interval).Select(Cell)
                        .FirstOrDefault(""))])]);
        }
    }

    private ReportTable Data =>
        new("Test RMSE over the number of trajectories N_r and the batch S_b (empty: lost the truth, or had no time for all steps)",
            ["N_r", .. plan.Batches.Select(batch => $"S_b = {batch}")],
        [.. plan.TrajectoryCounts.Select(count => (string[])[$"{count}", .. plan.Batches.Select(batch =>
            experiments.Errors.Where(error => error.Trajectories == count && error.Batch == batch)
                .Select(error => SampleRun.Number(error.Rmse)).FirstOrDefault(""))])]);

    /// <summary>Draws the figures and writes the page.</summary>
    public void Write(SampleRun run, string about, IReadOnlyDictionary<string, object> settings)
    {
        List<ReportBlock> blocks =
        [
            new ReportParagraph(about), Published,
            new ReportHeading("Stronger nonlinearity"), UpdateSteps,
            Drawn(experiments.UpdateSteps.Chart(new Axis("Δt")), "update-step", "Test RMSE over the update step (the paper's figure 3)."),
            Forcings, Drawn(experiments.Forcings.Chart(new Axis("F")), "forcing", "Test RMSE over the forcing (the paper's figure 5)."),
        ];
        if (experiments.Increments.Count > 0)
            blocks.AddRange([new ReportHeading("What the network makes of the innovation"), Increments,
                Drawn(Bocquet2025Figures.IncrementScaling(experiments.Increments), "increments",
                    "Scaling r(λ) of the analysis increments in the projected innovations, eq. 23 (the paper's figure 6)."),
                Drawn(Bocquet2025Figures.Innovations(experiments.Increments), "innovations",
                    "Density of the projected innovations along the test (the paper's figure 7).")]);
        if (experiments.Gains.Count > 0)
        {
            var bySize = experiments.Gains.Where(one => one.Case.Metric is "" or ".n80").ToList();
            var byNetwork = experiments.Gains.Where(one => one.Case.Metric is not ".n80").ToList();
            blocks.AddRange([new ReportHeading("Local patterns"), Gains]);
            if (bySize.Count > 0)
                blocks.Add(Drawn(Bocquet2025Figures.Patterns(bySize, common: false), "patterns-by-size",
                    "Mean marginal gain about site n / 2, each over its largest value (the paper's figure 1)."));
            if (byNetwork.Count > 0)
                blocks.Add(Drawn(Bocquet2025Figures.Patterns(byNetwork, common: true), "patterns-by-network",
                    "Mean marginal gain for sparser observations, over the largest value of all panels (the paper's figure 2)."));
        }
        blocks.AddRange([new ReportHeading("What training depends on"), Truncations]);
        var alone = experiments.Truncations.Where(IsFirst).ToList();
        if (alone.Count > 0)
            blocks.Add(Drawn(Bocquet2025Figures.Truncations(alone), "truncation",
                "Test RMSE over the truncation of back-propagation (the paper's figure A1)."));
        if (experiments.Truncations.Count > alone.Count)
            blocks.Add(Drawn(Bocquet2025Figures.TruncationsByUpdateStep(experiments.Truncations), "truncation-by-update-step",
                "Test RMSE over truncation and update step (the paper's figure 4)."));
        blocks.Add(Data);
        if (experiments.Errors.Count > 0)
            blocks.Add(Drawn(Bocquet2025Figures.Data(experiments.Errors, experiments.Law), "data",
                "Test RMSE over batch and data, and the fitted law of eq. A1 (the paper's figures A2 and A3)."));
        blocks.AddRange([new ReportHeading("Settings"), new ReportSettings(settings)]);
        run.Write(new HtmlReport("Learned analyses under strong nonlinearity, and what they have learned", blocks));

        ReportFigure Drawn(Figure figure, string name, string caption) => new(run.Write(figure, name), caption);
    }

    private double Likeness(MeanMarginalGain pattern) =>
        GainPatterns.Likeness(GainPatterns.Pattern(experiments.Gains[0].Figures)!, pattern);

    private static string R(IReadOnlyDictionary<string, double[]> figures, double lambda) =>
        SampleRun.Number(figures["scaling.r"][IncrementDiagnostics.Place(figures, lambda)], 2);

    private static string Text(double value) => value.ToString("0.0#", CultureInfo.InvariantCulture);

    private bool IsFirst(TruncationError point) => point.Interval == plan.Intervals[0];

    private static string Named(string metric, double value) => $"{metric}.{Text(value)}";
}
