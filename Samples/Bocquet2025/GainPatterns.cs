namespace DaML.Samples;

/// <summary>A network whose mean marginal gain is drawn (section 3.2).</summary>
/// <param name="Name">What the figure calls it.</param>
/// <param name="Metric">What its metrics are called; empty for the reference.</param>
/// <param name="Sites">n</param>
/// <param name="Observing">What is observed of it, given the setting with all sites observed.</param>
internal sealed record GainCase(string Name, string Metric, long Sites, Func<TwinSetting, TwinSetting> Observing)
{
    /// <summary>The cases of figures 1 and 2; the first is the network that the sweep of the update step begins with.</summary>
    public static IReadOnlyList<GainCase> All { get; } =
    [
        new("all sites observed", "", 40, setting => setting),
        new("all sites observed, n = 80", ".n80", 80, setting => setting),
        new("every other site", ".half", 40,
            setting => setting with
                { System = setting.System with { Network = ObservationNetwork.Strided(setting.System.Dynamics.Dimension, 2) } }),
        new("0 to n random sites", ".random", 40,
            setting => setting with
                { System = setting.System with { Network = ObservationNetwork.Random(setting.System.Dynamics.Dimension) } }),
        new("n/2 to n random sites", ".random_from_half", 40,
            setting => setting with
                { System = setting.System with
                    { Network = ObservationNetwork.Random(setting.System.Dynamics.Dimension, minimumDensity: 0.5) } }),
    ];

    /// <summary>The name of the part that trains it, where it is not the reference.</summary>
    public string Part => "gain " + Metric.TrimStart('.');
}

/// <summary>
/// Mean marginal gains by full second-order differentiation (eq. G1). A convolutional network commutes with translations and the attractor
/// is
/// invariant under them, whatever is observed, so every site counts as a sample (eq. G2).
/// </summary>
internal static class GainPatterns
{
    /// <summary>Within how many sites of r the metric of locality looks.</summary>
    public const int LocalDistance = 5;

    private const int Shift = 7;

    /// <summary>The trainings of all cases but the reference, each from drawn weights, so that what they share is not inherited.</summary>
    public static IEnumerable<LearnedRequest> Requests(Bocquet2025Plan plan) =>
        GainCase.All.Skip(1).Select(one => new LearnedRequest(one.Part, LearnedMethod.Convolution(LearnedMethod.Casual, plan.Network),
            context => one.Observing(TwinSetting.Lorenz96(context, one.Sites, plan.Forcing, plan.Intervals[0])),
            plan.Truncation(plan.Intervals[0]))
        {
            Cost = (double)one.Sites / GainCase.All[0].Sites,
            Diagnose = (run, setting, learned) => Measure(plan, run, setting, learned, compare: false),
        });

    /// <summary>The pattern, its locality and equivariance.</summary>
    /// <param name="plan">Sizes.</param>
    /// <param name="run">Where the part runs.</param>
    /// <param name="setting">Model and observations.</param>
    /// <param name="method">The learned method.</param>
    /// <param name="compare">Whether the composite of regression and differentiation (appendices G and H) is measured beside it.</param>
    public static IReadOnlyDictionary<string, double[]> Measure(Bocquet2025Plan plan, PartRun run, TwinSetting setting,
        SequentialAssimilation<StateMemory> method, bool compare)
    {
        var analyzer = (LearnedAnalyzer<StateMemory>)method.Triple.Analyzer;
        var attractor = setting.Endless("attractor", plan.GainTrajectories).Take(plan.GainCycles);
        var gain = run.Context.Scores.MeanMarginalGain(analyzer, attractor, new MarginalGainOptions { Every = plan.GainEvery },
            run.Cancellation);
        var figures = new Dictionary<string, double[]>
        {
            ["gain.values"] = [.. gain.Values.Cast<double>()], ["gain.errors"] = [.. gain.StandardErrors.Cast<double>()],
            ["gain.site"] = [gain.Site], ["gain.states"] = [gain.States],
            ["gain.equivariance"] = [Equivariance(setting, analyzer)],
        };
        if (compare)
        {
            var composite = run.Context.Scores.MeanMarginalGainByRegression(analyzer, setting.System.Network, attractor,
                new MarginalGainRegressionOptions { Every = plan.GainEvery }, run.Cancellation);
            figures.Add("gain.composite", [Correlation(figures["gain.values"], [.. composite.Values.Cast<double>()])]);
        }
        return figures;
    }

    /// <summary>The pattern that figures keep; null where the network lost the truth.</summary>
    public static MeanMarginalGain? Pattern(IReadOnlyDictionary<string, double[]> figures) =>
        figures.TryGetValue("gain.values", out double[]? values)
        ? new MeanMarginalGain((long)figures["gain.site"][0], Square(values), Square(figures["gain.errors"]),
            (long)figures["gain.states"][0]) : null;

    /// <summary>How alike two patterns are about their sites: the correlation of their values within the smaller circle.</summary>
    public static double Likeness(MeanMarginalGain one, MeanMarginalGain other)
    {
        int n = Math.Min(one.Sites, other.Sites);
        double[] Around(MeanMarginalGain gain) =>
            [.. from i in Enumerable.Range(0, n) from j in Enumerable.Range(0, n) select gain.Values[Place(gain, i), Place(gain, j)]];
        int Place(MeanMarginalGain gain, int offset) => (int)((gain.Site + offset - n / 2 + gain.Sites) % gain.Sites);
        return Correlation(Around(one), Around(other));
    }

    private static double Equivariance(TwinSetting setting, LearnedAnalyzer<StateMemory> analyzer)
    {
        using var cursor = setting.Endless("equivariance", 4).OpenCursor();
        cursor.MoveNext();
        return MarginalGain.EquivarianceError(analyzer.Network, cursor[Columns.Truth], setting.System.Dynamics.Dimension / 2, Shift);
    }

    private static double Correlation(double[] a, double[] b)
    {
        double meanA = a.Average(), meanB = b.Average();
        double Product(double[] x, double meanX, double[] y, double meanY) => x.Zip(y, (p, q) => (p - meanX) * (q - meanY)).Sum();
        return Product(a, meanA, b, meanB) / Math.Sqrt(Product(a, meanA, a, meanA) * Product(b, meanB, b, meanB));
    }

    private static double[,] Square(double[] values)
    {
        int n = (int)Math.Round(Math.Sqrt(values.Length));
        var square = new double[n, n];
        for (int i = 0; i < values.Length; i++) square[i / n, i % n] = values[i];
        return square;
    }
}
