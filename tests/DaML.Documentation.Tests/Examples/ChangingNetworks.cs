namespace DaML.Tests;

/// <summary>The example of docs/filters.md on networks that change.</summary>
public static class ChangingNetworks
{
    /// <summary>The analysis error with what each cycle was observed by.</summary>
    public static double Run(long cycles)
    {
        var context = new DataAssimilationContext(seed: 1);
        var model = new Lorenz96();
        // <example>
        // An instrument that goes round: it sees twenty sites in a row, those at the edges less well.
        var errors =
            ErrorCovariance.Diagonal([.. Enumerable.Range(0, 20).Select(i => i is < 5 or >= 15 ? 2.0 : 0.5)]);
        ObservationNetwork Seen(double time) =>
            new ObservationNetwork(
                new SubsetObservationOperator(40,
                    [.. Enumerable.Range(0, 20).Select(i => ((long)Math.Round(time / 0.05) * 7 + i) % 40)]), errors);

        var twin = context.Data.Twin(new AssimilationSystem(model, Seen(0)),
            new() { Cycles = cycles, NetworkAt = Seen });
        var filter = context.Analysis.EnsembleTransformKalmanFilter(new AssimilationSystem(model, Seen(0)),
            new() { Members = 40, Inflation = Inflation.StandardDeviation(1.03) });
        // each cycle with its own network
        var analyses = filter.Transform(twin);
        // as data of your own say it
        var same = filter.Transform(twin.ObservedBy((cycle, time) => Seen(time)));
        // </example>
        double Score(ITrajectoryView view) =>
            context.Scores.Evaluate(view, new() { BurnIn = cycles / 2 }).AnalysisRmse.Mean;
        return Score(analyses) == Score(same) ? Score(same) : double.NaN;
    }
}
