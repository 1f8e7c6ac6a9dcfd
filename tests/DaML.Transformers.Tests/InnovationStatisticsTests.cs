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
        statistics.Add(new GaussianDensity(ones(1, 1, dtype: ScalarType.Float64), 3 * ones(1, 1, 1, dtype: ScalarType.Float64)), new Observation(tensor(new double[,] { { 5 } }), null, 0));
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
        var subset = new InnovationStatistics(new SubsetObservationOperator(3, [0, 2]), ErrorCovariance.Full(error.index_select(0, tensor((long[])[0, 2])).index_select(1, tensor((long[])[0, 2]))));
        subset.Add(new GaussianDensity(mean, covariance), new Observation(values.index_select(1, tensor((long[])[0, 2])), null, 0));
        Assert.Equal(2, masked.Count);
        Assert.Equal(subset.Normalised, masked.Normalised);
        Assert.Equal(subset.PredictedRootMeanSquare, masked.PredictedRootMeanSquare, 14);
    }

    [Fact]
    public void AnExactFilterExpectsItsInnovationsAndAWrongOneDoesNot()
    {
        var dynamics = context.Dynamics.Linear(tensor(new double[,] { { 0.9, 0.2 }, { -0.2, 0.9 } }), modelError: ErrorCovariance.Scalar(2, 0.5));
        var network = context.Observations.Network(new IdentityObservationOperator(2), ErrorCovariance.Diagonal(1, 0.3));
        var initial = new GaussianInitialCondition(zeros(2, dtype: ScalarType.Float64), ErrorCovariance.Scalar(2, 1));
        var view = context.Data.Twin(dynamics, network, new TwinExperimentOptions { Cycles = 2000, Initial = initial });

        var right = Run(dynamics);
        // chi^2 of 4000 independent normal numbers: 1 +- 0.022; lag correlations and kurtosis likewise.
        Assert.InRange(right.MeanChiSquare, 0.93, 1.07);
        Assert.InRange(right.Mean, -0.05, 0.05);
        Assert.InRange(right.Kurtosis, 2.75, 3.25);
        Assert.InRange(right.RootMeanSquare / right.PredictedRootMeanSquare, 0.97, 1.03);
        double[] z = [.. right.Normalised];
        Assert.InRange(z[..^2].Zip(z[2..], (x, y) => x * y).Average(), -0.05, 0.05);

        var confident = Run(context.Dynamics.Linear(dynamics.Matrix, modelError: ErrorCovariance.Scalar(2, 0.05)));
        Assert.True(confident.MeanChiSquare > 1.3);

        InnovationStatistics Run(LinearDynamics model)
        {
            var filter = context.Analysis.KalmanFilter(model, network, initial).Transformer;
            var statistics = new InnovationStatistics(network.Operator, network.Error);
            using var run = filter.Run(view);
            while (run.MoveNext()) statistics.Add(run.ForecastDensity, new Observation(run[Columns.Observation], null, run.Time));
            return statistics;
        }
    }

    [Fact]
    public void NothingTakenInGivesNoFigure() =>
        Assert.Throws<InvalidOperationException>(() => new InnovationStatistics(new IdentityObservationOperator(1), ErrorCovariance.Scalar(1, 1)).MeanChiSquare);
}
