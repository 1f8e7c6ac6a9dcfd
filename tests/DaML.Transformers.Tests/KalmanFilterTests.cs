using MathNet.Numerics.LinearAlgebra;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public sealed class KalmanFilterTests
{
    private readonly DataAssimilationContext context = new(7);

    [Fact]
    public void Equals_the_textbook_filter_written_with_another_library()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem();
        var dynamicsSystem = system.System with { Interval = 2 };
        var twin = context.Data.Twin(dynamicsSystem, new() { Batch = 1, Cycles = 30 });
        using var run = context.Analysis.KalmanFilter(dynamicsSystem).Run(twin);

        var (m, h, q, r) = (Of(system.M), Of(system.H), Of(system.Q), Of(system.R));
        var x = Of(system.M0.unsqueeze(-1));
        var p = Of(system.P0);
        int cycles = 0;
        while (run.MoveNext())
        {
            for (int step = 0; step < 2; step++) (x, p) = (m * x, m * p * m.Transpose() + q); // two model steps a cycle
            Compare.Close(Back(x).T, run[Columns.Forecast], 1e-12);
            Compare.Close(Back(p), run.Forecast.Covariance[0], 1e-12);
            var gain = p * h.Transpose() * (h * p * h.Transpose() + r).Inverse();
            x += gain * (Of(run[Columns.Observation].T) - h * x);
            p = (Matrix<double>.Build.DenseIdentity(LinearGaussianSystem.N) - gain * h) * p;
            Compare.Close(Back(x).T, run[Columns.Analysis], 1e-11);
            Compare.Close(Back(p), run.Analysis.Covariance[0], 1e-11);
            Compare.Close(Back(p).diagonal().sqrt().unsqueeze(0), run[Columns.AnalysisSpread], 1e-11);
            cycles++;
        }
        Assert.Equal(30, cycles);
    }

    [Fact]
    public void Settles_on_the_solution_of_its_Riccati_equation_and_is_as_wrong_as_it_says()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(2);
        var observedSystem = system.System;
        var twin = context.Data.Twin(observedSystem, new() { Batch = 200, Cycles = 120 });
        var filter = context.Analysis.KalmanFilter(observedSystem);
        using var run = filter.Run(twin);
        while (run.Cycle < 119) Assert.True(run.MoveNext());

        // P = M (P - P H^T (H P H^T + R)^-1 H P) M^T + Q
        var p = run.Forecast.Covariance[0];
        var gain = p.matmul(system.H.T).matmul(linalg.inv(system.H.matmul(p).matmul(system.H.T) + system.R));
        var next = system.M.matmul(p - gain.matmul(system.H).matmul(p)).matmul(system.M.T) + system.Q;
        Compare.Close(p, next, 1e-12);

        // The squared error in the metric of its covariance is chi-square with n degrees of freedom: mean n, standard error sqrt(2 n /
        // count).
        var error = run[Columns.Analysis] - run[Columns.Truth];
        var white = linalg.solve_triangular(linalg.cholesky(run.Analysis.Covariance[0]), error.T, upper: false);
        double mean = white.square().sum([0]).mean().ToDouble();
        Assert.InRange(mean, 5 - 4 * Math.Sqrt(2 * 5 / 200.0), 5 + 4 * Math.Sqrt(2 * 5 / 200.0));
    }

    [Fact]
    public void Missing_observations_are_as_if_they_were_not_in_the_network()
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(3);
        using var random = context.Random("masks");
        var y = random.Normal([2, 3], ScalarType.Float64);
        var mask = tensor(new[] { true, false, true, true, false, true }, 2, 3);
        var forecast = new GaussianMemory(system.M0.unsqueeze(0).repeat(2, 1), system.P0.repeat(2, 1, 1));
        var analysis = new KalmanFilterAnalyzer(system.Network.Operator, system.Network.Error)
            .Analyze(forecast, new Observation(y, mask, 0), random);

        var there = tensor(new long[] { 0, 2 });
        var smaller = new KalmanFilterAnalyzer(new LinearObservationOperator(system.H.index_select(0, there)),
            ErrorCovariance.Full(system.R.index_select(0, there).index_select(1, there)));
        var expected = smaller.Analyze(forecast, new Observation(y.index_select(1, there), null, 0), random);
        Compare.Close(expected.Mean, analysis.Mean, 1e-13);
        Compare.Close(expected.Covariance, analysis.Covariance, 1e-13);
    }

    [Theory]
    [InlineData(InflationTarget.Prior)]
    [InlineData(InflationTarget.Posterior)]
    public void Inflation_multiplies_the_covariance_it_names(InflationTarget target)
    {
        using var scope = NewDisposeScope();
        var system = new LinearGaussianSystem(4);
        using var random = context.Random("inflation");
        var y = new Observation(random.Normal([1, 3], ScalarType.Float64), null, 0);
        GaussianMemory Analyze(Tensor covariance, MultiplicativeInflation inflation) =>
            new KalmanFilterAnalyzer(system.Network.Operator, system.Network.Error, inflation)
                .Analyze(new(system.M0.unsqueeze(0), covariance.unsqueeze(0)), y, random);

        var inflated = Analyze(system.P0, Inflation.Variance(1.21, target));
        var plain = Analyze(target == InflationTarget.Prior ? 1.21 * system.P0 : system.P0, Inflation.None);
        Compare.Close(plain.Mean, inflated.Mean, 1e-13);
        Compare.Close(target == InflationTarget.Prior ? plain.Covariance : 1.21 * plain.Covariance, inflated.Covariance, 1e-13);
        Assert.Equal(1.1, Inflation.Variance(1.21).StandardDeviationFactor, 15);
        Assert.Equal(1 / 0.8, Inflation.ForgettingFactor(0.8).VarianceFactor, 14);
    }

    private static Matrix<double> Of(Tensor tensor)
    {
        double[] values = tensor.contiguous().data<double>().ToArray();
        return Matrix<double>.Build.Dense((int)tensor.shape[0], (int)tensor.shape[1], (i, j) => values[i * (int)tensor.shape[1] + j]);
    }

    private static Tensor Back(Matrix<double> matrix) => tensor(matrix.ToArray());
}
