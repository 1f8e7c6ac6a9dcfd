using System.Globalization;
using System.Text.Json.Nodes;

namespace DaML.Samples;

/// <summary>
/// The methods beside figures that other systems published: forecasts, minimisations and analyses to round-off,
/// time-averaged errors of twin experiments to ten percent. What is measured is data (<see cref="ReferenceTable"/>).
/// </summary>
/// <param name="seeds">Independent experiments of each statistical row where <c>--full</c> is not asked for.</param>
/// <param name="cycles">Cycles that are scored of each.</param>
public sealed class ReferenceScoresSample(long seeds = 5, long cycles = 5_000) : ISample
{
    private const string RowsOption = "--rows";
    private const long FullSeeds = 10, FullCycles = 20_000;

    /// <inheritdoc/>
    public string Name => "reference-scores";

    /// <inheritdoc/>
    public string Summary => "Measures every method beside the figures that DAPPER, OOPS, PDAF and the literature published for it.";

    /// <inheritdoc/>
    public string Details => $"""
        Exact figures (forecasts, cost functions, an analysis of a field) are compared to round-off; the time-averaged analysis
        error of a method is the median over {seeds} independent twin experiments of {cycles:N0} cycles each, truth and first ensemble
        drawn from one normal distribution, and must come within 10 % of what was published. An experiment in which a method
        diverges, or loses its truth (an error above that of optimal interpolation), is counted and not averaged in. Beside it
        stand the error while the truth is tracked, how often it is lost in 1,000 cycles and for how many cycles.
        --full takes {FullSeeds} experiments of {FullCycles:N0} cycles. The figures are a file, data/reference-scores.json;
        with --rows the rows of another one of the same form are measured instead. All cores are used: some three minutes on two
        of them, --full some twenty-five.
        Writes report.html, one figure an experiment and, with --json, the rows.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick, SampleSize.Full];

    /// <inheritdoc/>
    public double? TrainingMinutes => null;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSetting> Settings { get; } =
        [new(RowsOption, "FILE", "Measure the rows of this file instead of those of the project.")];

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var table = ReferenceTable.Load(run.Options.Settings.GetValueOrDefault(RowsOption) ?? ReferenceTable.ShippedFile);
        var (experiments, length) = run.Options.Size == SampleSize.Full ? (FullSeeds, FullCycles) : (seeds, cycles);
        var outcomes = run.Track(progress =>
            ReferenceExecution.Run(table, run.ContextOptions(), experiments, length, progress, run.Cancellation));

        var tables = Tables(outcomes, experiments, length);
        foreach (var shown in tables)    // who published it is told by the page, the console's lines being short
            run.Show(new ReportTable(shown.Title, [.. shown.Headers.SkipLast(1)],
                [.. shown.Rows.Select(row => (string[])[.. row.SkipLast(1)])]));
        int failed = outcomes.Count(outcome => !outcome.Pass);
        run.Say(failed == 0 ? $"All {outcomes.Count} rows pass." : $"{failed} of {outcomes.Count} rows FAIL.");

        var settings = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed,
            ["device"] = run.Options.Device,
            ["seeds"] = experiments,
            ["cycles"] = length,
        };
        Draw(run, outcomes, tables, settings);
        return new SampleResult(settings,
            new Dictionary<string, double> { ["rows"] = outcomes.Count, ["rows.passed"] = outcomes.Count - failed })
            { Document = Document(outcomes) };
    }

    // One for each experiment, then one for all that is exact.
    private static List<ReportTable> Tables(IReadOnlyList<ReferenceOutcome> outcomes, long experiments, long length)
    {
        string scored = string.Create(CultureInfo.InvariantCulture, $"{experiments} experiments of {length:N0} cycles");
        var tables = outcomes.Where(outcome => !outcome.Row.IsExact).GroupBy(outcome => outcome.Row.ModelName)
            .Select(group => new ReportTable($"{group.Key}: analysis RMSE, median over {scored}",
            ["method and settings", "expected", "measured", "range", "tracked", "losses", "length", "lost", "verdict", "source"],
            [.. group.Select(Cells)])).ToList();
        string[][] exact = [.. outcomes.Where(outcome => outcome.Row.IsExact).Select(ExactCells)];
        if (exact.Length > 0)
            tables.Add(new ReportTable("Exact figures", ["case and figure", "expected", "measured", "difference", "verdict", "source"],
                exact));
        return tables;
    }

    private static string[] Cells(ReferenceOutcome outcome) =>
    [
        Called(outcome), (outcome.Row.Tolerance.Below ? "< " : "") + SampleRun.Number(outcome.Row.Expected, 2), Figure(outcome.Measured),
        outcome.PerSeed.Count == 0 ? "-" : $"{Figure(outcome.PerSeed[0])}-{Figure(outcome.PerSeed[^1])}",
        Figure(outcome.Tracking?.TrackedRmse ?? double.NaN), Rate(outcome.Tracking), outcome.Tracking is { Losses: > 0 } lost
            ? SampleRun.Number(lost.MeanLossLength, 0) : "-",
        $"{outcome.Divergences}/{outcome.Seeds}", Verdict(outcome), outcome.Row.Source,
    ];

    private static string[] ExactCells(ReferenceOutcome outcome) =>
    [
        Called(outcome), outcome.Row.Expected.ToString("G10", CultureInfo.InvariantCulture),
        outcome.Measured.ToString("G10", CultureInfo.InvariantCulture),
        (outcome.Measured / outcome.Row.Expected - 1).ToString("0.0e+0", CultureInfo.InvariantCulture), Verdict(outcome),
        outcome.Row.Source,
    ];

    private static string Called(ReferenceOutcome outcome) =>
        outcome.Row.SettingsText is { Length: > 0 } settings ? $"{outcome.Row.MethodName}, {settings}" : outcome.Row.MethodName;

    // Losses in 1,000 cycles.
    private static string Rate(TruthTracking? tracking) =>
        tracking is null || double.IsNaN(tracking.LossesPer1000Cycles) ? "-" : SampleRun.Number(tracking.LossesPer1000Cycles, 1);

    private static JsonNode? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    private static string Figure(double value) => double.IsFinite(value) ? SampleRun.Number(value, 3) : "-";

    private static string Verdict(ReferenceOutcome outcome) => outcome.Pass ? "pass" : "FAIL";

    private static JsonObject Document(IEnumerable<ReferenceOutcome> outcomes) => new()
    {
        ["rows"] = new JsonArray([.. outcomes.Select(outcome => new JsonObject
        {
            ["model"] = outcome.Row.ModelName,
            ["method"] = outcome.Row.MethodName,
            ["settings"] = outcome.Row.SettingsText,
            ["expected"] = outcome.Row.Expected,
            ["measured"] = double.IsFinite(outcome.Measured) ? outcome.Measured : null,
            ["seeds"] = outcome.Seeds,
            ["cycles"] = outcome.Cycles,
            ["divergences"] = outcome.Divergences,
            ["pass"] = outcome.Pass,
            ["tracking"] = outcome.Tracking is { } tracking ? Tracking(outcome, tracking) : null,
        })]),
    };

    private static JsonObject Tracking(ReferenceOutcome outcome, TruthTracking tracking) => new()
    {
        ["mean"] = Number(outcome.Mean),
        ["tracked"] = Number(tracking.TrackedRmse),
        ["lossesPer1000Cycles"] = Number(tracking.LossesPer1000Cycles),
        ["lossLength"] = Number(tracking.MeanLossLength),
        ["lostTruths"] = outcome.LostTruths,
        ["neverTracked"] = tracking.NeverTracked,
        ["lostAbove"] = Number(tracking.Bounds.Lost),
        ["foundBelow"] = Number(tracking.Bounds.Found),
    };

    private static void Draw(SampleRun run, IReadOnlyList<ReferenceOutcome> outcomes, IReadOnlyList<ReportTable> tables,
        Dictionary<string, object> settings)
    {
        var blocks = new List<ReportBlock>
            { new ReportParagraph(
                "Every method beside the figures that other systems published for the same settings. A statistical figure is the " +
                    "median over independent experiments; one in which the method diverged or lost its truth (an error above that of " +
                    "optimal interpolation) is counted and left out. Tracked is the mean error of the cycles in which the truth is not " +
                    "lost; losses are counted in 1,000 cycles, and their length is in cycles.") };
        var measured = outcomes.Where(outcome => !outcome.Row.IsExact && outcome.PerSeed.Count > 0).ToList();
        blocks.AddRange(tables);
        foreach (var group in measured.GroupBy(outcome => outcome.Row.ModelName))
        {
            // Relative to what was published, so that large and small errors are seen alike.
            Bar[] bars = [.. group.Select(outcome => new Bar(Called(outcome), outcome.Measured / outcome.Row.Expected, 1)
                { Range = (outcome.PerSeed[0] / outcome.Row.Expected, outcome.PerSeed[^1] / outcome.Row.Expected) })];
            string file = "scores-" +
                string.Concat(group.Key.ToLowerInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-'))
                    .Replace("--", "-").Trim('-');
            var axis = new Axis("measured over published analysis RMSE")
                { Minimum = Math.Min(0.8, 0.95 * bars.Min(bar => bar.Range!.Value.Low)) };
            var figure = run.Write(new BarChart(group.Key, axis, bars) { Width = 820, Height = 90 + 27 * bars.Length }, file);
            blocks.Add(new ReportFigure(figure,
                $"{group.Key}: the median over experiments (bars) and their range (whiskers), relative to what was published (diamonds)."));
        }
        blocks.AddRange([new ReportHeading("Settings"), new ReportSettings(settings)]);
        run.Write(new HtmlReport("Reference scores", blocks));
    }
}
