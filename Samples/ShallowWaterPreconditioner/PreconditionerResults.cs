using System.Globalization;

namespace DaML.Samples;

/// <summary>What the parts measured, as tables and metrics.</summary>
/// <param name="plan">Sizes and lengths.</param>
/// <param name="parts">The figures of each part.</param>
internal sealed class PreconditionerResults(PreconditionerPlan plan,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> parts)
{
    private static readonly (string Metric, string Title)[] Rows =
    [
        ("none", "none"), ("control_variable", "B^(1/2); B = I, so no change"), ("ritz_pairs", "Ritz pairs of the outer loop before"),
        ("ritz", "its Ritz vectors, limited memory"),
        ("fixed_inverse", "inverse of the average + shift"), ("exact_spectral", "exact spectral"), ("randomized", "randomised"),
        ("fixed", "fixed, spectral"),
        ("fixed_limited_memory", "fixed, limited memory"), ("learned", "learned, spectral (paper's form)"),
        ("learned_limited_memory", "learned, limited memory"),
        ("learned_residual", "learned correction of the fixed one"), ("learned_residual_limited_memory", "the same, limited memory"),
    ];

    public IReadOnlyDictionary<string, double[]> Of(string regime) => parts[$"{regime} comparison"];

    public IReadOnlyDictionary<string, double[]> Training(string regime, string kind) => parts[$"{regime} {kind}"];

    /// <summary>Iterations of a regime: medians with quartiles over the systems, and the cost of preparation and solve.</summary>
    public ReportTable Table(string regime)
    {
        var figures = Of(regime);
        var rows = new List<string[]>();
        foreach (var (metric, title) in Rows)
            foreach (string name in NamesOf(figures, metric))
            {
                double[] iterations = figures[$"iterations/{name}"], operational = figures[$"operational/{name}"];
                string[] pieces = name[metric.Length..].Split('.', StringSplitOptions.RemoveEmptyEntries);
                rows.Add([title, pieces.FirstOrDefault(piece => int.TryParse(piece, out _)) ?? "", pieces.Length == 0 ? ""
                    : pieces.Contains("mu1") ? "1" : "smallest kept", Spread(iterations), Spread(operational),
                    Whole(figures[$"cost/{name}"][0]),
                    figures[$"condition/{name}"].Order().ElementAt(figures[$"condition/{name}"].Length / 2)
                        .ToString("g3", CultureInfo.InvariantCulture)]);
            }
        return new ReportTable(
            $"{char.ToUpperInvariant(regime[0]) + regime[1..]} regime: {figures["iterations/none"].Length} systems at states nobody " +
                $"trained on, medians and quartiles",
            ["preconditioner", "r", "mu", "iterations to 1e-7", "to 1e-3", "cost, forward runs", "condition number"], rows);
    }

    /// <summary>How far approximations are from the whole matrix, relative, in the Frobenius norm.</summary>
    public ReportTable? Errors(string regime)
    {
        var figures = Of(regime);
        return !figures.ContainsKey($"error/best.{plan.Ranks[0]}") ? null
            : new ReportTable($"{char.ToUpperInvariant(regime[0]) + regime[1..]} regime: |A - approximation| / |A|, Frobenius norm",
            ["rank", "best there is (Eckart-Young)", "fixed", "learned", "learned correction"],
            [.. plan.Ranks.Select(rank => (string[])[rank.ToString(CultureInfo.InvariantCulture),
                .. ((string[])["best", "fixed", "learned", "learned_residual"])
                    .Select(name => figures[$"error/{name}.{rank}"].Average().ToString("g3", CultureInfo.InvariantCulture))])]);
    }

    /// <summary>The metrics of both regimes; those of the turbulent one begin with <c>turbulent.</c>.</summary>
    public IReadOnlyDictionary<string, double> Metrics()
    {
        var metrics = new Dictionary<string, double>();
        foreach (string regime in PreconditionerParts.Regimes)
        {
            string prefix = regime == "calm" ? "" : regime + ".";
            var figures = Of(regime);
            int rank = plan.Ranks[^1];
            foreach (var (metric, _) in Rows)
            {
                foreach (string name in NamesOf(figures, metric))
                {
                    metrics[$"{prefix}iterations.{name}"] = Median.Of(figures[$"iterations/{name}"]);
                    metrics[$"{prefix}iterations_operational.{name}"] = Median.Of(figures[$"operational/{name}"]);
                    metrics[$"{prefix}cost.{name}"] = figures[$"cost/{name}"][0];
                }
                // Without rank and mu: the largest rank and the smallest eigenvalue kept.
                string chosen = figures.ContainsKey($"iterations/{metric}") ? metric : FormattableString.Invariant($"{metric}.{rank}");
                if (!figures.ContainsKey($"iterations/{chosen}")) continue;
                metrics[$"{prefix}iterations.{metric}"] = Median.Of(figures[$"iterations/{chosen}"]);
                metrics[$"{prefix}cost.{metric}"] = figures[$"cost/{chosen}"][0];
                metrics[$"{prefix}condition.{metric}"] = Median.Of(figures[$"condition/{chosen}"]);
            }
            foreach (string cost in (string[])["cost.product", "cost.product_in_block", "cost.network", "cost.residual_network"])
                metrics[prefix + cost] = figures[cost][0];
            if (figures.TryGetValue("relative/learned", out double[]? relative)) metrics[$"{prefix}loss.relative"] = relative.Average();
            if (figures.TryGetValue("relative/learned_residual", out double[]? corrected))
                metrics[$"{prefix}loss.relative_residual"] = corrected.Average();
            metrics[$"{prefix}solution.max_difference"] = figures.Where(pair =>
                pair.Key.StartsWith("difference/", StringComparison.Ordinal)).Max(pair => pair.Value.Max());
            foreach (string kind in (string[])["learned", "residual"])
                metrics[$"{prefix}training.steps.{kind}"] = Training(regime, kind)["steps"][0];
        }
        return metrics;
    }

    /// <summary>What the figures say, in a sentence for each regime.</summary>
    public string Verdict(string regime)
    {
        var figures = Of(regime);
        int rank = plan.Ranks[^1];
        double Iterations(string key) =>
            Median.Of(figures.TryGetValue($"iterations/{key}", out double[]? plain) ? plain
                : figures[FormattableString.Invariant($"iterations/{key}.{rank}")]);
        double none = Iterations("none"), fixedPairs = Iterations("fixed"), exact = Iterations("exact_spectral"),
            learned = Iterations("learned"), residual = Iterations("learned_residual");
        string way = fixedPairs > exact
            ? string.Create(CultureInfo.InvariantCulture,
                $", {100 * (fixedPairs - residual) / (fixedPairs - exact):f0} % of the way from the fixed pairs ({fixedPairs:f0}) to " +
                $"the exact ones ({exact:f0})") : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"{char.ToUpperInvariant(regime[0]) + regime[1..]}: with r = {rank} and the smallest eigenvalue kept the learned correction " +
            $"takes {residual:f0} iterations where none takes {none:f0} ({100 * (residual / none - 1):f0} %){way}; " +
            $"the network alone takes {learned:f0}.");
    }

    private static IEnumerable<string> NamesOf(IReadOnlyDictionary<string, double[]> figures, string metric) =>
        figures.Keys.Where(key => key.StartsWith("iterations/", StringComparison.Ordinal))
        .Select(key => key["iterations/".Length..]).Where(name => name.Split('.')[0] == metric);

    private string Spread(double[] values)
    {
        double[] ordered = [.. values.Order()];
        double At(double share) => ordered[(int)Math.Round(share * (ordered.Length - 1))];
        // What reached the limit was not solved.
        string Shown(double value) => (value >= plan.MaximumIterations ? ">" : "") + Whole(value);
        return $"{Shown(Median.Of(values))} [{Shown(At(0.25))}, {Shown(At(0.75))}]";
    }

    private static string Whole(double value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
