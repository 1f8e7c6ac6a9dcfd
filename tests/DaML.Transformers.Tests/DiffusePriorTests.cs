using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Kalman filters that begin knowing next to nothing: the answer no longer depends on how much next to nothing is.</summary>
public sealed class DiffusePriorTests
{
    private static readonly Dictionary<string, (double[,] Model, double Position, double Deviation)> Systems = new()
    {
        // Position and its deviation in cycle 9, computed with 80 digits for a prior variance of 1e16.
        ["constant velocity"] = (new double[,] { { 1, 1 }, { 0, 1 } }, 4.763, 0.593),
        ["constant acceleration"] = (new[,] { { 1, 1, 0.5 }, { 0, 1, 1 }, { 0, 0, 1 } }, 5.291, 0.789),
    };

    public static TheoryData<string, ScalarType, double> Cases
    {
        get
        {
            var cases = new TheoryData<string, ScalarType, double>();
            foreach (string system in Systems.Keys)
            {
                foreach (double p0 in (double[])[1e8, 1e12, 1e16, 1e18]) cases.Add(system, ScalarType.Float64, p0);
                foreach (double p0 in (double[])[1e6, 1e7, 1e8]) cases.Add(system, ScalarType.Float32, p0);
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void A_diffuse_prior_gives_the_same_answer_in_both_precisions(string system, ScalarType precision, double p0)
    {
        using var scope = NewDisposeScope();
        var (matrix, position, deviation) = Systems[system];
        long n = matrix.GetLength(0);
        var context = new DataAssimilationContext(new DataAssimilationOptions { Precision = precision });
        var model = new LinearDynamics(tensor(matrix), 1) { ModelError = ErrorCovariance.Scalar(n, 1e-3) };
        var y = tensor(Enumerable.Range(0, 12).Select(t => 0.5 * t + Math.Sin(t)).ToArray()).reshape(12, 1, 1);
        var view = context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Observation] = y },
            [.. Enumerable.Range(1, 12).Select(i => (double)i)]);
        var start = new GaussianInitialCondition(zeros(n), ErrorCovariance.Scalar(n, p0));
        // Once, and twice by two gauges of twice the variance: the same information.
        foreach (int gauges in (int[])[1, 2])
        {
            var modelSystem = new AssimilationSystem(model,
                new ObservationNetwork(new LinearObservationOperator(eye(1, n, dtype: ScalarType.Float64).repeat(gauges, 1)),
                    ErrorCovariance.Scalar(gauges, gauges))) { Initial = start };
            var data = gauges == 1 ? view
                : context.Data.FromMemory(new Dictionary<Column, Tensor> { [Columns.Observation] = y.repeat(1, 1, 2) },
                    [.. Enumerable.Range(1, 12).Select(i => (double)i)]);
            foreach (var method in (SequentialAssimilation<GaussianMemory>[])[
                context.Analysis.KalmanFilter(modelSystem), context.Analysis.ExtendedKalmanFilter(modelSystem)])
            {
                using var run = method.Run(data);
                while (run.Cycle < 9) Assert.True(run.MoveNext());
                Assert.Equal(position, run[Columns.Analysis][0, 0].to_type(ScalarType.Float64).ToDouble(), 1e-3);
                Assert.Equal(deviation, run[Columns.AnalysisSpread][0, 0].to_type(ScalarType.Float64).ToDouble(), 1e-3);
            }
        }
    }

    [Fact]
    public void Three_dimensional_variational_analysis_takes_a_diffuse_background()
    {
        using var scope = NewDisposeScope();
        var h = new LinearObservationOperator(tensor(new double[,] { { 1, 0 }, { 1, 0 }, { 1, 1 } }));
        var y = new Observation(tensor(new double[] { 1, 3, 5 }).reshape(1, 3), null, 0);
        using var random = new RandomStream(1, "none", CPU);
        foreach (var error in (IErrorCovariance[])[ErrorCovariance.Scalar(3, 1), ErrorCovariance.Full(eye(3, dtype: ScalarType.Float64))])
        {
            var analysis = new ThreeDimensionalVariationalAnalyzer(h, error, ErrorCovariance.Scalar(2, 1e16))
                .Analyze(new(zeros(1, 2, dtype: ScalarType.Float64)), y, random).State;
            Compare.Close(tensor(new double[] { 2, 3 }).reshape(1, 2), analysis, 1e-6);
        }
    }
}
