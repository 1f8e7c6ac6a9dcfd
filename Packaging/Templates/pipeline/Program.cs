using DaML;

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
