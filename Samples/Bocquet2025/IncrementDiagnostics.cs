namespace DaML.Samples;

/// <summary>How a network's increments grow with the innovation, and how large innovations are (section 4.3.2, figures 6 and 7).</summary>
internal static class IncrementDiagnostics
{
    private const double Reach = 12;
    private const int Bins = 96;

    /// <summary>r(lambda) of eq. 23 with what 90 % of the cycles lie between, and the density of the projected innovations.</summary>
    public static IReadOnlyDictionary<string, double[]> Measure(Bocquet2025Plan plan, PartRun run, TwinSetting setting,
        SequentialAssimilation<StateMemory> method)
    {
        var scaling = new IncrementScalingScore { Every = plan.DiagnosedEvery };
        var histogram = new ProjectedInnovationHistogram(setting.System.Network, HistogramBins.Symmetric(Reach, Bins));
        var test = setting.Test("increments", plan.DiagnosedTrajectories, plan.BurnIn + plan.DiagnosedCycles);
        var view = new IncrementScaling<StateMemory>(method, setting.System.Network).Transform(test);
        var report = run.Context.Scores.Evaluate(view, new ScoreOptions { BurnIn = plan.BurnIn, Scores = [scaling, histogram] },
            run.Cancellation);
        var (curve, innovations) = (report.Of(scaling), report.Of(histogram));
        return new Dictionary<string, double[]>
        {
            ["scaling.lambda"] = [.. curve.Scales], ["scaling.r"] = [.. curve.Means.Select(mean => mean.Mean)],
            ["scaling.low"] = [.. curve.Low], ["scaling.high"] = [.. curve.High],
            ["innovation.center"] = [.. Enumerable.Range(0, Bins).Select(i => -Reach + (i + 0.5) * 2 * Reach / Bins)],
            ["innovation.density"] = [.. innovations.Densities],
            ["innovation.deviation"] = [innovations.StandardDeviation.Mean], ["innovation.kurtosis"] = [innovations.ExcessKurtosis.Mean],
        };
    }

    /// <summary>
    /// The slope of ln r over ln lambda between two values of lambda: one for an analysis that is linear in the innovation.
    /// </summary>
    public static double Slope(IReadOnlyDictionary<string, double[]> figures, double from, double to) =>
        Math.Log(figures["scaling.r"][Place(figures, to)] / figures["scaling.r"][Place(figures, from)]) / Math.Log(to / from);

    /// <summary>Where a value of lambda stands among those that were measured.</summary>
    public static int Place(IReadOnlyDictionary<string, double[]> figures, double lambda) =>
        Array.FindIndex(figures["scaling.lambda"], value => Math.Abs(value / lambda - 1) < 1e-6);
}
