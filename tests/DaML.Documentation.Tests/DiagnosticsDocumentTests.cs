using TorchSharp;

namespace DaML.Tests;

public partial class DocumentTests
{
    [Fact]
    public void Diagnostics_quotes_its_examples_and_they_measure_a_learned_analysis()
    {
        foreach (string mark in (string[])["run", "gain"]) Assert.Contains(Marked("Diagnostics.cs", mark), Quoted("diagnostics.md"));

        var context = new DataAssimilationContext(4);
        var model = new Lorenz96();
        var network = ObservationNetwork.Full(model.Dimension);
        var system = new AssimilationSystem(model, network);
        var training = context.Data.Twin(system, new() { Stream = "training", Batch = 16 });
        var validation = context.Data.Twin(system, new() { Stream = "validation", Batch = 8 });
        var learned = context.Analysis.ResidualConvolution(system,
            new() { Network = new() { Filters = 8 }, Training = new() { Steps = 120 } }).Fit(training, validation);
        var first = new GaussianInitialCondition(
            model.Advance(context.Random("first guess").Normal([40], context.Precision), new TimeInterval(0, 50)),
            ErrorCovariance.Scalar(40, 1));
        var enkf = context.Analysis.FiniteSizeEnsembleKalmanFilter(system with { Initial = first }, new() { Members = 40 });
        var twin = context.Data.Twin(system with { Initial = first }, new() { Batch = 1, Cycles = 240 });

        var along = Diagnostics.AlongRun(context, model, network, twin, learned, enkf);
        Assert.InRange(along.Report.AnalysisRmse.Mean, 0.2, 0.9);
        Assert.InRange(along.Bias.Mean.Mean, 1e-4, 0.3);                          // learned in seconds, not yet 5e-3
        Assert.Equal(1, along.Scaling.Means[4].Mean, 1e-5);                       // r(1)
        Assert.True(along.Scaling.Means[^1].Mean > along.Scaling.Means[0].Mean);
        Assert.InRange(along.Innovations.StandardDeviation.Mean, 1, 1.8);         // of d = e + x - x_f
        Assert.InRange(along.ToEnsemble, 0.005, 0.1);
        Assert.InRange(along.ToIsotropic, 0.005, 0.1);
        Assert.Equal(40, along.Spectrum.Count);
        Assert.Equal((14, 14), (along.Unstable.Count, along.Random.Count));
        Assert.InRange(along.Random[^1].Mean, 80, 90);

        var (full, composite, error,
            svg) = Diagnostics.Gain(context, network, context.Data.Twin(system, new() { Batch = 4, Cycles = 60 }), learned);
        Assert.InRange(error, 0, 1e-3);
        Assert.InRange(full.ShareWithin(10), 0.5, 1);
        Assert.Equal(full.States, composite.States);
        // The regression smooths over innovations of the observation error's size: alike, not the same.
        double product = 0, a = 0, b = 0;
        foreach (var (x,
            y) in full.Values.Cast<double>()
                .Zip(composite.Values.Cast<double>())) (product, a, b) = (product + x * y, a + x * x, b + y * y);
        Assert.InRange(product / Math.Sqrt(a * b), 0.6, 1);
        Assert.Contains("within five sites", svg);
    }
}
