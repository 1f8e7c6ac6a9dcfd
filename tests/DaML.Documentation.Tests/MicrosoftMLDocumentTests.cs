using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

public partial class DocumentTests
{
    [Theory]
    [InlineData("rows")]
    [InlineData("table")]
    [InlineData("pipeline")]
    [InlineData("view")]
    [InlineData("report")]
    [InlineData("step")]
    [InlineData("save")]
    [InlineData("progress")]
    public void Microsoft_ML_quotes_the_marked_lines(string mark) =>
        Assert.Contains(Marked("MicrosoftML.cs", mark), Quoted("microsoft-ml.md"));

    [Fact]
    public void The_rows_of_the_page_on_Microsoft_ML_have_features_of_mean_zero_and_variance_one()
    {
        var context = new DataAssimilationContext(5);
        var dynamics = new Lorenz96(12);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        var twin = context.Data.Twin(system);
        var filter = context.Analysis.EnsembleTransformKalmanFilter(system,
            new() { Members = 20, Inflation = Inflation.StandardDeviation(1.02) });
        float[][] features = [.. MicrosoftMLExamples.Features(new MLContext(seed: 1), filter, twin).GetColumn<float[]>("Features")];
        Assert.Equal(500, features.Length);
        for (int i = 0; i < 24; i++)
        {
            Assert.Equal(0, features.Average(row => (double)row[i]), 1e-4);
            Assert.Equal(1, features.Average(row => (double)row[i] * row[i]), 1e-4);
        }
    }

    [Fact]
    public void The_examples_of_the_page_on_Microsoft_ML_read_filter_step_and_save()
    {
        string folder = Directory.CreateTempSubdirectory("daml-documents-").FullName;
        try
        {
            string path = Path.Combine(folder, "reports.csv");
            File.WriteAllText(path, "date,a,b,c\n2001-01-01,1,2,\n2001-01-02,,2,3\n2001-01-03,1.5,2,2\n");
            var ml = new MLContext(seed: 1);
            var daml = MicrosoftMLExamples.Telling(ml);
            // A random walk with model error 0 from a prior of mean 0 and variance 1, observed with error variance 1.
            var system = new AssimilationSystem(new LinearDynamics(eye(3, dtype: ScalarType.Float64)), ObservationNetwork.Full(3))
                { Initial = new GaussianInitialCondition(zeros(3, dtype: ScalarType.Float64), ErrorCovariance.Scalar(3, 1)) };
            var filter = daml.Analysis.KalmanFilter(system);
            var reports = MicrosoftMLExamples.Table(ml, path);
            var (model, analyses) = MicrosoftMLExamples.Pipeline(ml, daml, filter, reports);
            float[][] found = [.. analyses.GetColumn<float[]>("analysis")];
            float[] expected = [0.5f, 1, 0, 0.5f, 4 / 3f, 1.5f, 2.5f / 3, 1.5f, 5 / 3f];
            foreach (var (e, f) in expected.Zip(found.SelectMany(row => row))) Assert.Equal(e, f, 1e-6f);
            Assert.Equal(6, analyses.GetColumn<float[]>("Features").First().Length);

            var view = MicrosoftMLExamples.View(daml, reports);
            Assert.Equal((11322, 3), (view.StartTime, view.CycleCount));

            IEnumerable<MicrosoftMLExamples.Report> all =
                [.. ml.Data.CreateEnumerable<MicrosoftMLExamples.Report>(reports, reuseRowObject: false)];
            Assert.Equal(found[^1][0], MicrosoftMLExamples.Step(ml, model, all));
            var again = MicrosoftMLExamples.Save(ml, daml, model, reports, Path.Combine(folder, "model.zip"));
            Assert.Equal(found, again.Transform(reports).GetColumn<float[]>("analysis"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
