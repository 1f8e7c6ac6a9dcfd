namespace DaML.Samples;

/// <summary>The ensemble methods that the networks are compared with; they need no training (section 4.1).</summary>
internal static class EnsembleSweeps
{
    /// <summary>The finite-size ensemble Kalman filter.</summary>
    public const string Filter = "EnKF-N";

    /// <summary>The finite-size iterative ensemble Kalman filter.</summary>
    public const string IterativeFilter = "IEnKF-N";

    /// <summary>Both.</summary>
    public static IReadOnlyList<string> Methods { get; } = [Filter, IterativeFilter];

    /// <summary>The parts that score both methods along a sweep.</summary>
    public static IEnumerable<SamplePart> Parts(Bocquet2025Plan plan, Sweep sweep, IReadOnlyList<double> values) =>
        from value in values
        from method in Methods
        select new SamplePart(sweep.Part(value, method), run => Measure(run, plan, sweep.Setting(run.Context, value), method, sweep.Name));

    // The best of the certainties that the plan names; of the iterative filter, which settles its ensemble by itself, the most certain
    // alone.
    private static Dictionary<string, double[]> Measure(PartRun run, Bocquet2025Plan plan, TwinSetting setting, string method,
        string stream)
    {
        var test = setting.Test($"{stream}/test", plan.EnsembleTrajectories, plan.BurnIn + plan.EnsembleCycles);
        Dictionary<string, double[]>? best = null;
        foreach (double certainty in method == Filter ? plan.Certainties : [plan.Certainties.Max()])
        {
            var figures = Sweep.Score(run, Make(setting, method, plan.Members, certainty), test, plan.BurnIn);
            figures["certainty"] = [certainty];
            if (best is null || !(figures["rmse"][0] >= best["rmse"][0]) && !double.IsNaN(figures["rmse"][0])) best = figures;
        }
        return best!;
    }

    private static ITransformer Make(TwinSetting setting, string method, long members, double certainty)
    {
        var system = setting.System;
        var (analysis, prior) = (setting.Context.Analysis, FiniteSizePrior.DiracJeffreys(certainty));
        return method == Filter
            ? analysis.FiniteSizeEnsembleKalmanFilter(system,
                new() { Members = members, Prior = prior, Rotation = EnsembleRotation.MeanPreserving,
                    DivergenceHandling = DivergenceHandling.Isolate })
            : analysis.IterativeEnsembleKalmanSmoother(system,
                new() { Members = members, Prior = prior, Rotation = EnsembleRotation.MeanPreserving,
                    DivergenceHandling = DivergenceHandling.Isolate });
    }
}
