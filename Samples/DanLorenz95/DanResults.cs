using System.Globalization;

namespace DaML.Samples;

/// <summary>What the parts gave, as tables, figures and metrics.</summary>
/// <param name="plan">What was measured.</param>
/// <param name="parts">The figures of each part.</param>
internal sealed class DanResults(DanLorenz95Plan plan, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> parts)
{
    private const int ShownCycles = 300;
    // how near the Kalman filter theorem 4.1's optimum is called reached
    private const double Nats = 0.03, MeanShare = 0.05, CovarianceShare = 0.10;

    /// <summary>The tables.</summary>
    public IReadOnlyList<ReportTable> Tables() =>
        [Linear(), PublishedFigure.Table("Lorenz-63 and Lorenz-95, RMSE", Rows()), MemoryTable(), DepthTable()];

    /// <summary>All that was measured, by name.</summary>
    public Dictionary<string, double> Metrics()
    {
        var metrics = PublishedFigure.Metrics(Rows());
        foreach (long n in plan.LinearDimensions)
        {
            var figures = parts[DanParts.Linear(n)];
            metrics.Add($"cross_entropy.dan.{n}", figures["cross-entropy"][0]);
            metrics.Add($"cross_entropy.kalman.{n}", figures["kalman.cross-entropy"][0]);
            metrics.Add($"rmse.linear.dan.{n}", figures["posterior"][0]);
            metrics.Add($"rmse.linear.kalman.{n}", figures["kalman.posterior"][0]);
            metrics.Add($"covariance.difference.{n}", figures["covariance"][0]);
        }
        for (int stage = 0; stage < plan.Stages; stage++)
        {
            metrics.Add($"rmse.l95.posterior.stage.{stage + 1}", parts[DanParts.Truncated(stage)]["posterior"][0]);
            metrics.Add($"rmse.l95.prior.stage.{stage + 1}", parts[DanParts.Truncated(stage)]["prior"][0]);
        }
        foreach (string which in (string[])["prior", "posterior"])
            metrics.Add($"cross_entropy.l95.{which}", parts[DanParts.Truncated(plan.Stages - 1)][$"cross-entropy.{which}"][0]);
        foreach (long depth in plan.Depths) metrics.Add($"memory.megabytes.{depth}", parts[DanParts.Depths][$"{depth}"][0]);
        metrics.Add("cross_entropy.l95.direct.training", parts[DanParts.Direct]["training.loss.mean"][^1]);
        metrics.Add("cross_entropy.l95.direct.validation", parts[DanParts.Direct]["training.validation.rmse"][^1]);
        metrics.Add("cross_entropy.l95.truncated.validation", parts[DanParts.Truncated(plan.Stages - 1)]["training.validation.rmse"].Min());
        foreach (long m in plan.Memories) metrics.Add($"rmse.l63.memory.{m}", parts[DanParts.Memory(m)]["posterior"][0]);
        foreach (long members in plan.Members) metrics.Add($"rmse.l63.members.{members}", parts[DanParts.Filters][$"{members}"][0]);
        return metrics;
    }

    /// <summary>Cost and test errors of the truncated training.</summary>
    public Figure Truncated()
    {
        var lines = new List<LineSeries>();
        var stages = Enumerable.Range(0, plan.Stages).Select(stage => parts[DanParts.Truncated(stage)]).ToList();
        double[] steps = [], losses = [], places = [], validations = [];
        double before = 0;
        foreach (var stage in stages)
        {
            steps = [.. steps, .. stage["training.loss.step"].Select(step => before + step)];
            losses = [.. losses, .. stage["training.loss.mean"]];
            places = [.. places, .. stage["training.validation.step"].Select(step => before + step)];
            validations = [.. validations, .. stage["training.validation.rmse"]];
            before += stage["training.steps"][0];
        }
        lines.Add(new("training", steps, losses));
        if (places.Length > 0) lines.Add(new("held-out trajectories", places, validations) { Markers = true });
        var classical = parts[DanParts.Classical];
        double[] Time(double[] cycles) => [.. cycles.Select((_, cycle) => (double)cycle)];
        double[] First(double[] cycles) => [.. cycles.Take(ShownCycles)];
        List<LineSeries> errors =
            [.. stages.Select((stage, i) =>
                new LineSeries($"network, stage {i + 1}", Time(First(stage["cycles"])), First(stage["cycles"])))];
        errors.Add(new("IEnKF-Q, N = 20", Time(First(classical["ienkf_q.cycles"])), First(classical["ienkf_q.cycles"])));
        return new FigureGrid("Lorenz-95, truncated back-propagation",
        [
            new LineChart("Cross-entropy", new Axis("optimiser step"), new Axis("nats"), lines) { Width = 760 },
            new LineChart("Cross-entropy in a test from an empty memory, last stage", new Axis("cycle"),
                new Axis("nats a component") { Scale = ScaleOf(["prior", "posterior"], which => CrossEntropies(which, stages[^1]).Y) },
                [.. ((string[])["prior", "posterior"]).Select(which => CrossEntropies(which, stages[^1]))]) { Width = 760 },
            new LineChart("Posterior error in a test from an empty memory", new Axis("cycle"),
                new Axis("RMSE") { Scale = AxisScale.Logarithmic }, errors) { Width = 760, References = [new("observations", 1)] },
        ]);
    }

    // Cross-entropies differ by orders of magnitude where a memory is empty or learned by heart, and may be below zero where it knows much.
    private static AxisScale ScaleOf(string[] lines, Func<string, IReadOnlyList<double>> values) =>
        lines.SelectMany(values).All(value => !(value <= 0)) ? AxisScale.Logarithmic : AxisScale.Linear;

    // A cycle's cross-entropy at the truth, by the number of components.
    private static LineSeries CrossEntropies(string which, IReadOnlyDictionary<string, double[]> figures)
    {
        double[] nats = [.. figures[$"cross-entropy.{which}.cycles"].Take(ShownCycles).Select(value => value / DanSystem.Lorenz95Sites)];
        return new(which, [.. nats.Select((_, cycle) => (double)cycle)], nats);
    }

    /// <summary>Memory of an optimiser step over the cycles it goes through.</summary>
    public Figure Depth() => new LineChart("Memory of an optimiser step", new Axis("cycles in a step"), new Axis("held", "MiB"),
        [new($"{plan.DepthBatch} trajectories, m = {plan.Lorenz95.Network.MemorySize}", [.. plan.Depths.Select(depth => (double)depth)],
            [.. plan.Depths.Select(depth => parts[DanParts.Depths][$"{depth}"][0])]) { Markers = true }])
    { Width = 760 };

    /// <summary>Cost of the direct training.</summary>
    public Figure Direct()
    {
        var figures = parts[DanParts.Direct];
        List<LineSeries> lines = [new("training", figures["training.loss.step"], figures["training.loss.mean"])];
        if (figures["training.validation.step"].Length > 0)
            lines.Add(new("held-out trajectories", figures["training.validation.step"], figures["training.validation.rmse"])
                { Markers = true });
        var scale = ScaleOf(["training.loss.mean", "training.validation.rmse"], which => figures[which]);
        return new LineChart("Direct optimisation", new Axis("optimiser step"), new Axis("cross-entropy", "nats") { Scale = scale }, lines)
            { Width = 760 };
    }

    /// <summary>Error over memory, of networks and filters.</summary>
    public Figure Memory() =>
        new LineChart("Lorenz-63, error over memory", new Axis("numbers remembered") { Scale = AxisScale.Logarithmic },
            new Axis("posterior RMSE"),
    [
        new("network, m", [.. plan.Memories.Select(m => (double)m)],
            [.. plan.Memories.Select(m => parts[DanParts.Memory(m)]["posterior"][0])]) { Markers = true },
        new("EnKF-N, 3 N", [.. plan.Members.Select(members => 3.0 * members)],
            [.. plan.Members.Select(members => parts[DanParts.Filters][$"{members}"][0])]) { Markers = true },
    ])
    { Width = 760, References = [new("particle filter", parts[DanParts.Particles]["posterior"][0])] };

    private IEnumerable<PublishedFigure> Rows()
    {
        var last = parts[DanParts.Truncated(plan.Stages - 1)];
        string PerComponent(string which) =>
            SampleRun.Number(last[$"cross-entropy.{which}"][0] / DanSystem.Lorenz95Sites) + " nats a component";
        string size = FormattableString.Invariant($"m = {plan.Lorenz95.Network.MemorySize}, {plan.Lorenz95.Network.Layers} layers");
        return
        [
            new("Lorenz-63: network", "rmse.l63.dan", "", parts[DanParts.Lorenz63]["posterior"][0]),
            new($"Lorenz-63: particle filter, {plan.Particles.ToString("N0", CultureInfo.InvariantCulture)}", "rmse.l63.particle", "",
                parts[DanParts.Particles]["posterior"][0], "stands for the Bayesian optimum"),
            new("Lorenz-95: network, posterior", "rmse.l95.posterior", "0.38", last["posterior"][0],
                $"{size}; the paper: m = 800, 20 layers; {PerComponent("posterior")}"),
            new("Lorenz-95: network, prior", "rmse.l95.prior", "", last["prior"][0], PerComponent("prior")),
            new("Lorenz-95: directly trained, posterior", "rmse.l95.direct", "above 1", parts[DanParts.Direct]["posterior"][0], "overfits"),
            new("Lorenz-95: IEnKF-Q, N = 20", "rmse.l95.ienkf_q", "0.41", parts[DanParts.Classical]["ienkf_q.posterior"][0]),
            new("Lorenz-95: EnKF-N, N = 20", "rmse.l95.enkf_n", "", parts[DanParts.Classical]["enkf_n.posterior"][0]),
        ];
    }

    private ReportTable Linear() => new("Linear-Gaussian systems: the network beside the Kalman filter, the optimum of theorem 4.1",
        ["", "network", "Kalman filter", "difference", "wanted"],
        [.. plan.LinearDimensions.SelectMany(n =>
        {
            var figures = parts[DanParts.Linear(n)];
            double nats = (figures["cross-entropy"][0] - figures["kalman.cross-entropy"][0]) / n,
                share = figures["posterior"][0] / figures["kalman.posterior"][0] - 1;
            string Number(double value) => SampleRun.Number(value, 4);
            string Percent(double value) => value.ToString("P1", CultureInfo.InvariantCulture);
            return (IEnumerable<string[]>)
            [
                [$"n = {n}: cross-entropy, nats a cycle", Number(figures["cross-entropy"][0]), Number(figures["kalman.cross-entropy"][0]),
                    Number(nats) + " a component", $"within {Number(Nats)}"],
                [$"n = {n}: posterior RMSE", Number(figures["posterior"][0]), Number(figures["kalman.posterior"][0]), Percent(share),
                    $"within {Percent(MeanShare)}"],
                [$"n = {n}: posterior covariance", "", "", Percent(figures["covariance"][0]), $"within {Percent(CovarianceShare)}"],
            ];
        })]);

    private ReportTable DepthTable() =>
        new($"Memory of an optimiser step on Lorenz-95, {plan.DepthBatch} trajectories", ["cycles in a step", "MiB", ""],
        [.. plan.Depths.Select(depth => (string[])[$"{depth}", SampleRun.Number(parts[DanParts.Depths][$"{depth}"][0], 1),
            depth == plan.Lorenz95.Training.Truncation ? "truncated training" : depth == plan.Direct.Training.Truncation ? "direct training"
                : ""])]);

    private ReportTable MemoryTable() => new("Lorenz-63: posterior RMSE over memory", ["method", "numbers remembered", "RMSE"],
    [
        .. plan.Memories.Select(m => (string[])["network", $"{m}", SampleRun.Number(parts[DanParts.Memory(m)]["posterior"][0])]),
        .. plan.Members.Select(members =>
            (string[])[$"EnKF-N, N = {members}", $"{3 * members}", SampleRun.Number(parts[DanParts.Filters][$"{members}"][0])]),
    ]);
}
