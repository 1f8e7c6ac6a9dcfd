using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Linear inverse modelling of systems that are linear, so that what should come out is known.</summary>
public sealed class LinearInverseModelTests
{
    private static readonly Column Coefficients = new("coefficients"), Forecast = new("linear-forecast");
    private readonly DataAssimilationContext context = new(5);
    private readonly LinearDynamics truth;
    private readonly Tensor modelError;

    public LinearInverseModelTests()
    {
        // A damped rotation coupled to a slow decay, with correlated noise.
        modelError = tensor(new double[,] { { 1, 0.3, 0 }, { 0.3, 0.5, 0.1 }, { 0, 0.1, 0.2 } });
        truth = new LinearDynamics(tensor(new double[,] { { 0.7, -0.4, 0 }, { 0.4, 0.7, 0.1 }, { 0, 0, 0.9 } }), 0.5)
            { ModelError = ErrorCovariance.Full(modelError) };
    }

    [Fact]
    public void TheMatrixOfALinearSystemIsRecoveredAtTheMonteCarloRate()
    {
        var few = new List<double>();
        var many = new List<double>();
        for (int trial = 0; trial < 12; trial++)
        {
            few.Add(Error(Fit(Simulated($"few{trial}", 400, 2))));
            many.Add(Error(Fit(Simulated($"many{trial}", 6400, 2))));
        }
        // 16 times the data: a quarter of the error, to the accuracy of 12 trials.
        Assert.InRange(few.Average() / many.Average(), 2.8, 5.6);
        Assert.True(many.Average() < 0.02, $"mean error {many.Average():g3}");

        double Error(LinearInverseModel model) => (model.Dynamics.Matrix - truth.Matrix).norm().ToDouble();
    }

    [Fact]
    public void TheModelErrorIsThatOfTheSystemAndKeepsTheClimatology()
    {
        var model = Fit(Simulated("noise", 20000, 4));
        var q = model.Dynamics.ModelError!.ToMatrix(ScalarType.Float64, CPU);
        Assert.True((q - modelError).abs().max().ToDouble() < 0.03);
        Assert.Equal(0, model.RepairedFraction);
        Assert.Equal(0.5, model.Dynamics.TimeStep);
        // C(0) = G C(0) G^T + Q
        var (g, c) = (model.Dynamics.Matrix, model.ClimatologicalCovariance);
        Assert.True((c - matmul(matmul(g, c), g.mT) - q).abs().max().ToDouble() < 1e-12);
    }

    [Fact]
    public void ALongerLagGivesThePowerOfTheMatrix()
    {
        var model = Fit(Simulated("lag", 20000, 4), new LinearInverseModelOptions { Lag = 3 });
        Assert.Equal(1.5, model.Dynamics.TimeStep);
        Assert.True((model.Dynamics.Matrix - truth.Matrix.matrix_power(3)).abs().max().ToDouble() < 0.03);
    }

    [Fact]
    public void ShortRecordsOfManyCoefficientsStillGiveAPositiveDefiniteModelError()
    {
        using var random = context.Random("short");
        for (int trial = 0; trial < 10; trial++)
        {
            var walk = random.Normal([60, 1, 20], ScalarType.Float64).cumsum(0);
            var view = View(walk - walk.mean([0]));
            var model = Fit(view);
            var q = model.Dynamics.ModelError!.ToMatrix(ScalarType.Float64, CPU);
            Assert.True(linalg.eigvalsh(q).min().ToDouble() > 0);
            Assert.Equal(0, model.RepairedFraction);
        }
    }

    [Fact]
    public void WhatIsNotPositiveDefiniteIsRaisedAndReported()
    {
        // Noise in the first component alone: Q has rank 1.
        using var random = context.Random("rank");
        var noise = random.Normal([2000], ScalarType.Float64).data<double>().ToArray();
        var values = new double[2000, 1, 2];
        for (int k = 1; k < 2000; k++) (values[k, 0, 0], values[k, 0, 1]) = (0.5 * values[k - 1, 0, 0] + noise[k], values[k - 1, 0, 0]);
        var model = Fit(View(tensor(values)), new LinearInverseModelOptions { EigenvalueFloor = 0.01 });
        var eigenvalues = linalg.eigvalsh(model.Dynamics.ModelError!.ToMatrix(ScalarType.Float64, CPU));
        Assert.InRange(model.RepairedFraction, 0.003, 0.006);
        Assert.Equal(0.005, (eigenvalues[0] / eigenvalues.sum()).ToDouble(), 3);
    }

    [Fact]
    public void TheTransformerAddsTheForecastFromTheCycleBefore()
    {
        using var view = Simulated("forecast", 500, 2);
        var model = Fit(view);
        using var forecasts = model.Transform(view).Materialise();
        Assert.Equal(499, forecasts.CycleCount);
        var expected = matmul(view[Coefficients][..499], model.Dynamics.Matrix.mT);
        Assert.True((forecasts[Forecast] - expected).abs().max().ToDouble() < 1e-13);
        Assert.Equal(view[Coefficients][1..].data<double>().ToArray(), forecasts[Coefficients].data<double>().ToArray());
        // No linear forecast of lag one can do better than G in the mean over the record.
        double error = (forecasts[Forecast] - forecasts[Coefficients]).square().mean().ToDouble();
        Assert.True(error < (view[Coefficients][..499] - view[Coefficients][1..]).square().mean().ToDouble());
    }

    [Fact]
    public void ItIsTheSameToTheBitAfterSaving()
    {
        using var view = Simulated("saved", 300, 2);
        var model = Fit(view);
        var loaded = Reloaded.Of(model, context);
        Assert.Equal(model.Dynamics.Matrix.data<double>().ToArray(), loaded.Dynamics.Matrix.data<double>().ToArray());
        Assert.Equal(model.ClimatologicalCovariance.data<double>().ToArray(), loaded.ClimatologicalCovariance.data<double>().ToArray());
        using var before = model.Transform(view).Materialise();
        using var after = loaded.Transform(view).Materialise();
        Assert.Equal(before[Forecast].data<double>().ToArray(), after[Forecast].data<double>().ToArray());
    }

    [Fact]
    public void TimesOfFewDigitsAreEquallySpaced()
    {
        using var view = Simulated("rounded", 300, 1);
        var values = view[Coefficients];
        Tensor Matrix(Func<double, double> rounded) =>
            Fit(context.Data.FromMemory(new Dictionary<Column, Tensor> { [Coefficients] = values },
            [.. Enumerable.Range(1, 300).Select(hour => rounded(hour / 24.0))])).Dynamics.Matrix;
        double[] exact = Matrix(time => time).ToArray<double>();
        Assert.Equal(exact, Matrix(time => Math.Round(time, 6)).ToArray<double>());
        Assert.Equal(exact, Matrix(time => (float)time).ToArray<double>());
    }

    [Fact]
    public void WhatCannotBeLearnedFromIsRefused()
    {
        using var random = context.Random("bad");
        var noise = random.Normal([50, 1, 2], ScalarType.Float64);
        var uneven = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Coefficients] = noise },
            [.. Enumerable.Range(0, 50).Select(k => k + (k > 30 ? 1.5 : 1))]);
        Assert.Contains("equally spaced cycles; cycle", Assert.Throws<ArgumentException>(() => Fit(uneven)).Message);
        Assert.Contains("at least 4 samples; given: 3 cycles, 3 samples",
            Assert.Throws<ArgumentException>(() => Fit(View(noise[..3]))).Message);
        Assert.Contains("does not vary", Assert.Throws<ArgumentException>(() => Fit(View(cat([noise, noise], 2)))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new LinearInverseModelEstimator(Coefficients, Forecast, new LinearInverseModelOptions { Lag = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            new LinearInverseModelEstimator(Coefficients, Forecast, new LinearInverseModelOptions { EigenvalueFloor = 0 }));
    }

    private LinearInverseModel Fit(ITrajectoryView view, LinearInverseModelOptions? options = null) =>
        new LinearInverseModelEstimator(Coefficients, Forecast, options).Fit(view);

    private MemoryTrajectoryView Simulated(string name, int cycles, long batch)
    {
        using var random = context.Random(name);
        using var scope = NewDisposeScope();
        var x = zeros([batch, 3], dtype: ScalarType.Float64);
        for (int k = 0; k < 100; k++) x = truth.AdvanceWithModelError(x, new TimeInterval(0, 0.5), random);
        var values = new List<Tensor>();
        for (int k = 0; k < cycles; k++) values.Add(x = truth.AdvanceWithModelError(x, new TimeInterval(0, 0.5), random));
        return View(stack(values), 0.5);
    }

    private MemoryTrajectoryView View(Tensor values, double spacing = 1) =>
        context.Data.FromMemory(new Dictionary<Column, Tensor> { [Coefficients] = values },
            [.. Enumerable.Range(1, (int)values.shape[0]).Select(k => k * spacing)]);
}
