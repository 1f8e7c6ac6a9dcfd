using System.Globalization;

namespace DaML.Samples;

/// <summary>The sample's tables, verdicts and metrics.</summary>
internal static class PodLstmTables
{
    private static readonly int[] Leads = ForecastErrorsByLead.Leads;

    /// <summary>What methods are called in tables.</summary>
    public static readonly IReadOnlyDictionary<string, string> Titles = new Dictionary<string, string>
    {
        ["persistence"] = "persistence", ["climatology"] = "climatology", ["damped"] = "damped persistence",
        ["lim"] = "linear inverse model", ["ridge"] = "ridge on the last days",
        ["lstm_alone"] = "LSTM, no baseline", ["lstm"] = "LSTM on the ridge",
        ["lstm_4dvar"] = "4D-Var, windows by themselves", ["lstm_4dvar_cycled"] = "4D-Var, cycled",
        ["lstm_etkf"] = "ETKF", ["lstm_enkfn"] = "EnKF-N",
    };

    /// <summary>Errors by lead with their standard errors, and what an analysis took where there was one.</summary>
    public static ReportTable Errors(string title, IReadOnlyDictionary<string, ForecastErrorsByLead> forecasts, int decimals,
        IReadOnlyDictionary<string, double>? milliseconds = null)
    {
        string Cell(ForecastErrorsByLead errors, int lead)
        {
            var score = At(errors, lead).RootMeanSquareError;
            return $"{Number(score.Value, decimals)} ± {Number(score.StandardError, decimals)}";
        }
        IReadOnlyList<string> Row(string name, ForecastErrorsByLead errors) =>
        [
            Titles[name], .. Leads.Select(lead => Cell(errors, lead)),
            .. milliseconds is null ? Array.Empty<string>() : [milliseconds.TryGetValue(name, out double taken) ? Number(taken, 1) : ""],
        ];
        return new(title, ["", .. Leads.Select(Day), .. milliseconds is null ? Array.Empty<string>() : ["ms a day"]],
            [.. forecasts.Select(pair => Row(pair.Key, pair.Value))]);
    }

    /// <summary>The cost of one window term by term, before and after its minimisation.</summary>
    public static ReportTable Terms(GradientCost gradient) => new("Cost of one window of 4D-Var, term by term",
        ["", "background", "analysis"],
        [.. gradient.Terms.Select(term => (IReadOnlyList<string>)[term.Name, Number(term.Before, 1), Number(term.After, 1)])]);

    /// <summary>Mean absolute error, anomaly correlation and structural similarity at some leads.</summary>
    public static ReportTable Others(string title, IReadOnlyDictionary<string, ForecastErrorsByLead> forecasts, int decimals)
    {
        int[] some = [1, 5, 10];
        return new(title,
            [
                "", .. some.Select(lead => "MAE, " + Day(lead)), .. some.Select(lead => "correlation, " + Day(lead)),
                .. some.Select(lead => "similarity, " + Day(lead)),
            ],
            [.. forecasts.Select(pair => (IReadOnlyList<string>)
            [
                Titles[pair.Key], .. some.Select(lead => Number(At(pair.Value, lead).MeanAbsoluteError.Value, decimals)),
                .. some.Select(lead => At(pair.Value, lead).AnomalyCorrelation is { } correlation ? Number(correlation.Value, 3) : ""),
                .. some.Select(lead => Number(At(pair.Value, lead).StructuralSimilarity!.Value, 3)),
            ])]);
    }

    /// <summary>
    /// By how much one method is better than another, in percent of the other's error, and how many standard errors of the difference that
    /// is.
    /// </summary>
    public static ReportTable Comparison(string title,
        params (string Title, ForecastErrorsByLead Ours, ForecastErrorsByLead Theirs)[] pairs) => new(title,
        ["", .. Leads.Select(Day)], [.. pairs.Select(pair => (IReadOnlyList<string>)[pair.Title, .. Leads.Select(lead =>
        {
            var below = At(pair.Ours, lead).ErrorBelow(At(pair.Theirs, lead));
            double percent = 100 * below.Value / At(pair.Theirs, lead).RootMeanSquareError.Value;
            double standardErrors = below.Value / below.StandardError;
            return string.Create(CultureInfo.InvariantCulture, $"{percent:+0.0;-0.0;0.0} % ({standardErrors:+0.0;-0.0;0.0})");
        })])]);

    /// <summary>Errors of regions, without and with assimilation.</summary>
    public static ReportTable Regions(string title, SystemResult system, int decimals)
    {
        var (without, with) = (system.Forecasts["lstm"], system.Forecasts["lstm_4dvar"]);
        string Cell(ForecastErrorsByLead errors, string region, int lead) =>
            Number(errors.ByRegion[region][lead - 1].RootMeanSquareError.Value, decimals);
        return new(title, ["", .. Leads.Select(Day)], [.. without.ByRegion.Keys.Select(region => (IReadOnlyList<string>)
            [region, .. Leads.Select(lead => $"{Cell(without, region, lead)} → {Cell(with, region, lead)}")])]);
    }

    /// <summary>What an analysis costs.</summary>
    public static ReportTable Costs(PodLstmExperiment experiment)
    {
        var (main, gradient) = (experiment.Systems[0], experiment.Gradient);
        double byDifferences = gradient.Evaluations * gradient.Differences;
        IReadOnlyList<string> Row(string name, double milliseconds) => [name, Number(milliseconds, milliseconds < 10 ? 2 : 0)];
        return new($"Time of an analysis, {main.Assimilation.Sites.Count} sites, ms", ["", "ms"],
        [
            Row("optimal interpolation of a day", main.Milliseconds["interpolated"]),
            Row($"ETKF, {PodLstmExperiment.Members} members", main.Milliseconds["lstm_etkf"]),
            Row($"EnKF-N, {PodLstmExperiment.Members} members", main.Milliseconds["lstm_enkfn"]),
            Row("4D-Var cycled, Gauss-Newton", main.Milliseconds["lstm_4dvar_cycled"]),
            Row($"4D-Var, windows of {EmulatorAssimilation.WindowDays + 1} days in batches, Gauss-Newton", main.Milliseconds["lstm_4dvar"]),
            Row($"4D-Var, one such window, quasi-Newton, {gradient.Evaluations} gradients by the adjoint", gradient.QuasiNewton),
            Row("the same gradients by differences, one run after the other", byDifferences),
            Row("a gradient by the adjoint", gradient.Adjoint),
            Row($"a gradient by differences of {gradient.Components} components, one run after the other", gradient.Differences),
            Row("the same, all runs as one batch", gradient.BatchedDifferences),
        ]);
    }

    /// <summary>At which leads assimilation makes forecasts better, in a sentence.</summary>
    public static string Verdict(FieldCase.ObservingSystem system, SystemResult result)
    {
        var parts = PodLstmExperiment.Assimilations.Select(name =>
        {
            var below = Leads.ToDictionary(lead => lead,
                lead => At(result.Forecasts[name], lead).ErrorBelow(At(result.Forecasts["lstm"], lead)));
            string Days(Func<VerificationScore, bool> of) => string.Join(", ", Leads.Where(lead => of(below[lead])));
            string better = Days(score => score.Value > 2 * score.StandardError);
            string worse = Days(score => score.Value < -2 * score.StandardError);
            return $"{Titles[name]} " +
                (better.Length > 0 ? $"better at {better} {(better == "1" ? "day" : "days")}" : "nowhere better") +
                (worse.Length > 0 ? $", worse at {worse}" : "");
        });
        return $"{system.Title}: by more than two standard errors of the difference, and beside the emulator started from each day's " +
            $"interpolated map, {string.Join("; ", parts)}.";
    }

    /// <summary>All metrics of a field; <paramref name="key"/> begins their names.</summary>
    public static IEnumerable<KeyValuePair<string, double>> Metrics(string key, PodLstmExperiment experiment)
    {
        foreach (var metric in Metrics(key + "from_truth.", experiment.FromTruth)) yield return metric;
        foreach (var system in experiment.Systems)
        {
            foreach (var metric in Metrics(key + system.System.Key, system.Forecasts)) yield return metric;
            foreach (var (name, milliseconds) in system.Milliseconds)
                yield return new($"{key}{system.System.Key}milliseconds.{name}", milliseconds);
            yield return new($"{key}{system.System.Key}sites", system.Assimilation.Sites.Count);
        }
        yield return new(key + "speedup.adjoint_vs_fd", experiment.Gradient.Differences / experiment.Gradient.Adjoint);
        yield return new(key + "speedup.adjoint_vs_batched_fd", experiment.Gradient.BatchedDifferences / experiment.Gradient.Adjoint);
        yield return new(key + "gradient.relative_error", experiment.Gradient.RelativeError);
        yield return new(key + "gradient.components", experiment.Gradient.Components);
    }

    private static IEnumerable<KeyValuePair<string, double>> Metrics(string key,
        IReadOnlyDictionary<string, ForecastErrorsByLead> forecasts)
    {
        foreach (var (name, errors) in forecasts)
            foreach (int lead in Leads)
            {
                var score = At(errors, lead);
                string of = $"{name}.day{lead}";
                yield return new($"{key}rmse.{of}", score.RootMeanSquareError.Value);
                yield return new($"{key}rmse_standard_error.{of}", score.RootMeanSquareError.StandardError);
                yield return new($"{key}mae.{of}", score.MeanAbsoluteError.Value);
                if (score.AnomalyCorrelation is { } correlation) yield return new($"{key}anomaly_correlation.{of}", correlation.Value);
                yield return new($"{key}structural_similarity.{of}", score.StructuralSimilarity!.Value);
            }
    }

    private static FieldVerification At(ForecastErrorsByLead errors, int lead) => errors.ByLead[lead - 1];

    private static string Day(int lead) => lead == 1 ? "1 day" : $"{lead} days";

    private static string Number(double value, int decimals) => SampleRun.Number(value, decimals);
}
