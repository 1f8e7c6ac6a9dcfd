using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Innovation statistics where they are known.</summary>
public sealed class InnovationStatisticsTests
{
    private readonly DataAssimilationContext context = new(8);

    [Fact]
    public void OneInnovationIsNormalisedByItsExpectedDeviation()
    {
        // P = 3, R = 1, so S = 4; d = 5 - 1 = 4 is two expected deviations.
        var statistics = new InnovationStatistics(new IdentityObservationOperator(1), ErrorCovariance.Scalar(1, 1));
        statistics.Add(new GaussianDensity(ones(1, 1, dtype: ScalarType.Float64), 3 * ones(1, 1, 1, dtype: ScalarType.Float64)),
            new Observation(tensor(new double[,] { { 5 } }), null, 0));
        Assert.Equal(2, statistics.Normalised.Single(), 14);
        Assert.Equal(4, statistics.ChiSquares.Single(), 13);
        Assert.Equal(4, statistics.RootMeanSquare, 14);
        Assert.Equal(2, statistics.PredictedRootMeanSquare, 14);
    }

    [Fact]
    public void WhatIsMissingIsLeftOut()
    {
        using var random = context.Random("masked");
        var a = random.Normal([3, 3], ScalarType.Float64);
        var covariance = (matmul(a, a.mT) + eye(3, dtype: ScalarType.Float64)).unsqueeze(0);
        var mean = random.Normal([1, 3], ScalarType.Float64);
        var values = random.Normal([1, 3], ScalarType.Float64);
        var b = random.Normal([3, 3], ScalarType.Float64);
        var error = matmul(b, b.mT) + eye(3, dtype: ScalarType.Float64);

        var masked = new InnovationStatistics(new IdentityObservationOperator(3), ErrorCovariance.Full(error));
        masked.Add(new GaussianDensity(mean, covariance), new Observation(values, tensor(new[,] { { true, false, true } }), 0));
        masked.Add(new GaussianDensity(mean, covariance), new Observation(values, tensor(new[,] { { false, false, false } }), 0));
        var subset = new InnovationStatistics(new SubsetObservationOperator(3, [0, 2]),
            ErrorCovariance.Full(error.index_select(0, tensor((long[])[0, 2])).index_select(1, tensor((long[])[0, 2]))));
        subset.Add(new GaussianDensity(mean, covariance), new Observation(values.index_select(1, tensor((long[])[0, 2])), null, 0));
        Assert.Equal(2, masked.Count);
        Assert.Equal(subset.Normalised, masked.Normalised);
        Assert.Equal(subset.PredictedRootMeanSquare, masked.PredictedRootMeanSquare, 14);
    }

    [Fact]
    public void AnExactFilterExpectsItsInnovationsAndAWrongOneDoesNot()
    {
        var dynamics = new LinearDynamics(tensor(new double[,] { { 0.9, 0.2 }, { -0.2, 0.9 } }))
            { ModelError = ErrorCovariance.Scalar(2, 0.5) };
        var network = new ObservationNetwork(new IdentityObservationOperator(2), ErrorCovariance.Diagonal(1, 0.3));
        var initial = new GaussianInitialCondition(zeros(2, dtype: ScalarType.Float64), ErrorCovariance.Scalar(2, 1));
        var system = new AssimilationSystem(dynamics, network) { Initial = initial };
        var view = context.Data.Twin(system, new() { Cycles = 2000 });

        var right = Run(dynamics);
        // chi^2 of 4000 independent normal numbers: 1 +- 0.022; lag correlations and kurtosis likewise.
        Assert.InRange(right.MeanChiSquare, 0.93, 1.07);
        Assert.InRange(right.Mean, -0.05, 0.05);
        Assert.InRange(right.Kurtosis, 2.75, 3.25);
        Assert.InRange(right.RootMeanSquare / right.PredictedRootMeanSquare, 0.97, 1.03);
        double[] z = [.. right.Normalised];
        Assert.InRange(z[..^2].Zip(z[2..], (x, y) => x * y).Average(), -0.05, 0.05);

        var confident = Run(new LinearDynamics(dynamics.Matrix) { ModelError = ErrorCovariance.Scalar(2, 0.05) });
        Assert.True(confident.MeanChiSquare > 1.3);

        InnovationStatistics Run(LinearDynamics model)
        {
            var filter = context.Analysis.KalmanFilter(system with { Dynamics = model });
            var statistics = new InnovationStatistics(network.Operator, network.Error);
            using var run = filter.Run(view);
            while (run.MoveNext()) statistics.Add(run.ForecastDensity, new Observation(run[Columns.Observation], null, run.Time));
            return statistics;
        }
    }

    [Theory, InlineData(1e8), InlineData(1e16)]
    public void A_diffuse_prior_leaves_the_errors_of_observations_of_one_place(double variance)
    {
        // Three observations of the one component, P = variance, R = I: S = I + P 1 1^T, det S = 1 + 3 P, and
        // d^T S^-1 d = |d|^2 - (1^T d)^2 P / (1 + 3 P), in which round-off of P would be as large as R.
        using var scope = NewDisposeScope();
        var network = new ObservationNetwork(new LinearObservationOperator(ones(3, 1, dtype: ScalarType.Float64)),
            ErrorCovariance.Scalar(3, 1));
        var model = new LinearDynamics(eye(1, dtype: ScalarType.Float64));
        var system = new AssimilationSystem(model, network)
            { Initial = new GaussianInitialCondition(zeros(1), ErrorCovariance.Scalar(1, variance)) };
        var filter = context.Analysis.KalmanFilter(system);
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Observation] = tensor(new[] { 1.0, 2, 4 }).reshape(1, 1, 3) }, [1.0]);
        double distance = 21 - 49 / (1 / variance + 3);

        var (likelihood, chi) = (new LogLikelihood(network), new InnovationChiSquare(network));
        var report = context.Scores.Evaluate(filter.Transform(view), new() { Scores = [likelihood, chi] });
        Assert.Equal(distance, 3 * report[chi].Mean, 1e-6);
        Assert.Equal(-0.5 * (3 * Math.Log(2 * Math.PI) + Math.Log(1 + 3 * variance) + distance), report.Of(likelihood).Single(), 1e-6);

        using var run = filter.Run(view);
        run.MoveNext();
        var statistics = new InnovationStatistics(network.Operator, network.Error);
        statistics.Add(run.ForecastDensity, new Observation(run[Columns.Observation], null, 1));
        Assert.Equal(distance, 3 * statistics.MeanChiSquare, 1e-6);
    }

    [Fact]
    public void A_small_ensemble_in_single_precision_is_compared_with_observations_in_double()
    {
        // Two members at -1 and 1: P = 2, three observations of it, as above.
        using var scope = NewDisposeScope();
        var single = new DataAssimilationContext(new DataAssimilationOptions { Precision = ScalarType.Float32 });
        var network = new ObservationNetwork(new LinearObservationOperator(ones(3, 1)), ErrorCovariance.Scalar(3, 1));
        var model = new LinearDynamics(eye(1));
        var first = new GaussianInitialCondition(zeros(1), ErrorCovariance.Scalar(1, 1));
        var system = new AssimilationSystem(model, network) { Initial = first };
        var filter = single.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 2 });
        var view = single.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Observation] = tensor(new[] { 1.0, 2, 4 }).reshape(1, 1, 3) }, [1.0]);
        using var run = filter.Run(view);
        run.MoveNext();
        double mean = run.ForecastDensity.Mean.ToDouble(), variance = run.ForecastDensity.Covariance.ToDouble();
        double[] d = [1 - mean, 2 - mean, 4 - mean];
        double distance = d.Sum(x => x * x) - Math.Pow(d.Sum(), 2) * variance / (1 + 3 * variance);

        var likelihood = new LogLikelihood(network);
        double found = single.Scores.Evaluate(filter.Transform(view), new() { Scores = [likelihood] }).Of(likelihood).Single();
        Assert.Equal(-0.5 * (3 * Math.Log(2 * Math.PI) + Math.Log(1 + 3 * variance) + distance), found, 1e-4);
    }

    [Fact]
    public void Observations_without_error_of_one_place_are_refused_by_their_number()
    {
        using var scope = NewDisposeScope();
        var statistics = new InnovationStatistics(new LinearObservationOperator(ones(2, 1, dtype: ScalarType.Float64)),
            ErrorCovariance.Scalar(2, 0));
        var message = Assert.Throws<ArithmeticException>(() => statistics.Add(
            new GaussianDensity(zeros(1, 1, dtype: ScalarType.Float64), ones(1, 1, 1, dtype: ScalarType.Float64)),
            new Observation(ones(1, 2, dtype: ScalarType.Float64), null, 0))).Message;
        Assert.Contains("observation 1 (from 0)", message);
    }

    [Fact]
    public void A_likelihood_is_no_sum_over_the_cycles_that_happen_to_be_finite()
    {
        using var scope = NewDisposeScope();
        var model = new LinearDynamics(-eye(1, dtype: ScalarType.Float64));    // from 1 to -1 and back
        var system = new AssimilationSystem(model, ObservationNetwork.Full(model.Dimension, 1))
            { Initial = new GaussianInitialCondition(ones(1), ErrorCovariance.Scalar(1, 1e-6)) };
        var filter = context.Analysis.KalmanFilter(system);
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor>
            { [Columns.Observation] = ones(4, 1, 1, dtype: ScalarType.Float64) }, [1.0, 2, 3, 4]);
        var network = new ObservationNetwork(new Roots(1), ErrorCovariance.Scalar(1, 1));
        foreach (IScore score in (IScore[])[new LogLikelihood(network), new InnovationChiSquare(network)])
        {
            var message = Assert.Throws<DivergenceException>(() =>
                context.Scores.Evaluate(filter.Transform(view), new() { Scores = [score] })).Message;
            Assert.Contains("'Roots'", message);
            Assert.Contains("cycle 0", message);
        }
    }

    private sealed class Roots(long n) : ObservationOperator(n, n)
    {
        protected override Tensor Observe(Tensor state) => state.sqrt();
    }

    [Fact]
    public void NothingTakenInGivesNoFigure() =>
        Assert.Throws<InvalidOperationException>(() =>
            new InnovationStatistics(new IdentityObservationOperator(1), ErrorCovariance.Scalar(1, 1)).MeanChiSquare);
}
