using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Variational_quotes_its_examples_word_for_word()
    {
        Assert.Contains(Whole("SlowEnergy.cs"), Quoted("variational.md"));
        Assert.Contains(Marked("Variational.cs", "example"), Quoted("variational.md"));
    }

    [Fact]
    public void The_variational_example_beats_the_observations_and_reports_its_loops()
    {
        var (rmse, windows) = Variational.Run(160);
        Assert.InRange(rmse, 0.1, 0.6);
        Assert.Equal(40, windows.Count);
        Assert.All(windows, loops => Assert.InRange(loops.Length, 1, 3));
        Assert.Contains(windows, loops => loops.Length > 1 && loops[1].Contains("spectral") && loops[0].Contains("none"));
    }

    [Fact]
    public void The_example_of_an_emulator_analyses_a_field_from_sites_and_its_gradient_is_right()
    {
        using var scope = NewDisposeScope();
        foreach (string mark in (string[])["window", "check"])
            Assert.Contains(Marked("EmulatorWindows.cs", mark), Quoted("variational.md"));
        var context = new DataAssimilationContext(seed: 3);
        // Two coefficients that turn and decay, of two lags.
        var matrix = tensor(new[,] { { 0.9, -0.3, 0, 0 }, { 0.3, 0.9, 0, 0 }, { 1, 0, 0, 0 }, { 0, 1, 0, 0 } });
        var noise = ErrorCovariance.Blocks(ErrorCovariance.Scalar(2, 0.05), ErrorCovariance.Scalar(2, 0));
        var emulator = new LinearDynamics(matrix) { ModelError = noise };
        var grid = new LatitudeLongitudeGrid([60, 50, 40], [230, 240, 250]);
        using var random = context.Random("modes");
        var weights = ones(9, dtype: ScalarType.Float64);
        var modes = new ProperOrthogonalDecomposition(zeros(9, dtype: ScalarType.Float64),
            linalg.qr(random.Normal([9, 2], ScalarType.Float64)).Q, weights, ones(2, dtype: ScalarType.Float64), weights);
        (double, double)[] sites = [(55, 233), (41, 249), (50, 240), (47, 231), (58, 246)];
        var table = new List<string>();
        var start = new GaussianInitialCondition(zeros(4), ErrorCovariance.Scalar(4, 0.3));
        var system = new AssimilationSystem(emulator, ObservationNetwork.Full(emulator.Dimension)) { Initial = start };
        var training = context.Data.Twin(system, new() { Batch = 4, Cycles = 200, Stream = "training" });
        var (method, network) = EmulatorWindows.Make(context, emulator, training, Columns.Truth, modes, grid, sites, table);
        var emulatorSystem = new AssimilationSystem(emulator, network) { Initial = start };
        var test = context.Data.Twin(emulatorSystem, new() { Batch = 2, Cycles = 60, Stream = "test" });
        var score = context.Scores.Evaluate(method.Transform(test), new() { BurnIn = 10 });
        Assert.True(score.AnalysisRmse.Mean < score.ForecastRmse.Mean, $"{score.AnalysisRmse.Mean} {score.ForecastRmse.Mean}");
        Assert.Equal(12, table.Count);
        Assert.All(table, line => Assert.Contains("GradientReduced", line));
        var window = new AssimilationWindow(new(random.Normal([1, 4], ScalarType.Float64)), new TimeInterval(0, 3), 1,
            [new(random.Normal([1, 5], ScalarType.Float64), null, 2)]);
        var (check, differences) = EmulatorWindows.Check(emulator, training, Columns.Truth,
            new ForecastErrors(5).Estimate(emulator, training, Columns.Truth), network, window);
        Assert.True(check.IsRight);
        Assert.Equal(4 + 3 * 4, differences.Values.size(1));
    }
}
