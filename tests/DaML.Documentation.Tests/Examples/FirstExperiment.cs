namespace DaML.Tests;

/// <summary>The program that docs/first-steps.md builds up, step by step.</summary>
internal static class FirstExperiment
{
    /// <summary>All steps. TemplateTests runs them as the page says: in a project made of the template.</summary>
    public static void Run()
    {
        // <template>
        // The system: Lorenz-96 with 40 sites, all observed every 0.05 time units with error variance 1.
        var daml = new DataAssimilationContext(seed: 1);
        var system = new AssimilationSystem(new Lorenz96(), ObservationNetwork.Full(dimension: 40, errorVariance: 1))
            { Interval = 0.05 };

        // A twin experiment: eight simulated truths and their observations, 500 cycles each.
        var twin = daml.Data.Twin(system, new() { Batch = 8, Cycles = 500 });

        // The method, and the scores of its analyses after the first 100 cycles.
        var etkf = daml.Analysis.EnsembleTransformKalmanFilter(system, new()
            { Members = 40, Inflation = Inflation.StandardDeviation(1.03) });
        var scores = daml.Scores.Evaluate(etkf.Transform(twin), new() { BurnIn = 100 });

        Console.WriteLine($"observation RMSE   {scores.ObservationRmse}");
        Console.WriteLine($"forecast RMSE      {scores.ForecastRmse}");
        Console.WriteLine($"analysis RMSE      {scores.AnalysisRmse}");
        // </template>

        // <methods>
        ITransformer[] methods =
        [
            daml.Analysis.OptimalInterpolation(system).Fit(twin),
            daml.Analysis.ThreeDimensionalVariational(system, new() { Background = new ClimatologicalBackground() }).Fit(twin),
            etkf,
            daml.Analysis.FiniteSizeEnsembleKalmanFilter(system, new() { Members = 40 }),
        ];
        foreach (var method in methods)
        {
            var report = daml.Scores.Evaluate(method.Transform(twin), new() { BurnIn = 100 });
            Console.WriteLine($"{method.Name}: {report.AnalysisRmse}");
        }
        // </methods>

        // <honest>
        var chiSquare = new InnovationChiSquare(system.Network);
        var honest = daml.Scores.Evaluate(etkf.Transform(twin), new() { BurnIn = 100, Scores = [chiSquare] });
        Console.WriteLine($"error {honest.AnalysisRmse}, spread {honest.AnalysisSpread}, chi-square {honest[chiSquare]}");
        // </honest>

        // <tune>
        var tuned = daml.Analysis.Tune(system, "inflation", TuningSearch.Grid(1.02, 1.04, 1.08, 1.16),
            factor => new EnsembleTransformKalmanFilter { Members = 40, Inflation = Inflation.StandardDeviation(factor) },
            new() { BurnIn = 100 }).Tune(twin);
        foreach (var point in tuned.Curve.Points) Console.WriteLine($"inflation {point.Values[0]}: {point.Score:f3}");
        // </tune>

        // <half>
        var half = system with { Network = ObservationNetwork.Strided(dimension: 40, stride: 2) };
        var halfTwin = daml.Data.Twin(half, new() { Batch = 8, Cycles = 500 });
        var halfFilter = daml.Analysis.FiniteSizeEnsembleKalmanFilter(half, new() { Members = 40 });
        var halfReport = daml.Scores.Evaluate(halfFilter.Transform(halfTwin), new() { BurnIn = 100 });
        Console.WriteLine($"every second site: {halfReport.AnalysisRmse}");
        // </half>

        // <missing>
        var gappy = system with
            { Network = new ObservationNetwork(system.Network.Operator, system.Network.Error, new MissingAtRandomPattern(0.3)) };
        var gappyTwin = daml.Data.Twin(gappy, new() { Batch = 8, Cycles = 500 });
        var gappyFilter = daml.Analysis.EnsembleTransformKalmanFilter(gappy, new()
            { Members = 40, Inflation = Inflation.StandardDeviation(1.03) });
        var gappyReport = daml.Scores.Evaluate(gappyFilter.Transform(gappyTwin), new() { BurnIn = 100 });
        Console.WriteLine($"three in ten observations missing: {gappyReport.AnalysisRmse}");
        // </missing>

        // <learn>
        var training = daml.Data.Twin(system, new() { Stream = "training", Batch = 32 });
        var learned = daml.Analysis.ResidualConvolution(system, new() { Training = new() { Steps = 1000 } }).Fit(training);
        daml.Model.Save(learned, "learned.daml");
        var reloaded = daml.Model.Load<ITransformer>("learned.daml");
        var learnedReport = daml.Scores.Evaluate(learned.Transform(twin), new() { BurnIn = 100 });
        var reloadedReport = daml.Scores.Evaluate(reloaded.Transform(twin), new() { BurnIn = 100 });
        Console.WriteLine($"learned: {learnedReport.AnalysisRmse}, read back: {reloadedReport.AnalysisRmse}");
        // </learn>

        // <file>
        etkf.Transform(twin.Take(100)).ToCsv("analyses.csv", [Columns.Analysis, Columns.AnalysisSpread]);
        // </file>
    }
}
