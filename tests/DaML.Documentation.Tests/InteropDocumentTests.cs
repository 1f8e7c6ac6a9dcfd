using Microsoft.ML;
using Microsoft.ML.Data;

namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Interop_quotes_the_marked_lines() => Assert.Contains(Marked("Interop.cs", "rows"), Quoted("interop.md"));

    [Fact]
    public void The_interop_example_has_features_of_mean_zero_and_variance_one()
    {
        var context = new DataAssimilationContext(5);
        var dynamics = context.Dynamics.Lorenz96(12);
        var network = context.Observations.Full(dynamics);
        var twin = context.Data.Twin(dynamics, network);
        var filter = context.Analysis.EnsembleTransformKalmanFilter(dynamics, network, 20, Inflation.StandardDeviation(1.02)).Transformer;
        float[][] features = [.. MachineLearningRows.Features(new MLContext(seed: 1), filter, twin).GetColumn<float[]>("Features")];
        Assert.Equal(500, features.Length);
        for (int i = 0; i < 24; i++)
        {
            Assert.Equal(0, features.Average(row => (double)row[i]), 1e-4);
            Assert.Equal(1, features.Average(row => (double)row[i] * row[i]), 1e-4);
        }
    }
}
