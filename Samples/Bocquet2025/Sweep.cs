using System.Globalization;

namespace DaML.Samples;

/// <summary>What a sweep varies.</summary>
internal enum Varied
{
    /// <summary>The update step Delta t (section 4.1).</summary>
    UpdateStep,

    /// <summary>The forcing F (section 4.2).</summary>
    Forcing,
}

/// <summary>A sweep of Lorenz-96 experiments, all sites observed with R = I.</summary>
/// <param name="Varies">What it varies.</param>
/// <param name="Held">The value of the other.</param>
internal sealed record Sweep(Varied Varies, double Held)
{
    /// <summary>The error of an observation: a method that is no better has lost the truth.</summary>
    public const double ObservationError = 1;

    /// <summary>Its name, also in the JSON.</summary>
    public string Name => Varies == Varied.UpdateStep ? "dt" : "F";

    /// <summary>The experiment at a value.</summary>
    public TwinSetting Setting(DataAssimilationContext context, double value) => Varies == Varied.UpdateStep
        ? TwinSetting.Lorenz96(context, forcing: Held, interval: value)
        : TwinSetting.Lorenz96(context, forcing: value, interval: Held);

    /// <summary>The name of the part that measures a method at a value.</summary>
    public string Part(double value, string method) => string.Create(CultureInfo.InvariantCulture, $"{Name} {value:0.00} {method}");

    /// <summary>Scores a method over a test.</summary>
    /// <returns><c>rmse</c>, not a number where half of the trajectories or more lost the truth, its <c>standard error</c>, and how many
    /// trajectories were <c>lost</c>.</returns>
    public static Dictionary<string, double[]> Score(PartRun run, ITransformer method, ITrajectoryView test, long burnIn)
    {
        ScoreReport report;
        try { report = run.Context.Scores.Evaluate(method.Transform(test),
            new ScoreOptions { BurnIn = burnIn, LostTruthBound = ObservationError }, run.Cancellation); }
        catch (DivergenceException) { return Lost(test.Schema.Batch); }
        bool lost = 2 * report.Divergences >= report.Trajectories;
        return new()
        {
            ["rmse"] = [lost ? double.NaN : report.AnalysisRmse.Mean],
            ["standard error"] = [lost ? double.NaN : report.AnalysisRmse.StandardError],
            ["lost"] = [report.Divergences], ["trajectories"] = [report.Trajectories],
        };
    }

    /// <summary>The figures of a method that lost the truth everywhere.</summary>
    public static Dictionary<string, double[]> Lost(long trajectories) =>
        new() { ["rmse"] = [double.NaN], ["standard error"] = [double.NaN], ["lost"] = [trajectories], ["trajectories"] = [trajectories] };
}
