using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Observation errors of another size in every trajectory: R_r = s_r^2 R.</summary>
public sealed class ErrorScaleTests
{
    [Fact]
    public void The_scaled_innovation_is_weighted_with_the_trajectorys_own_covariance()
    {
        using var scope = NewDisposeScope();
        var context = new DataAssimilationContext();
        var observing = ObservationNetwork.Strided(6, 2, 0.25);
        var state = tensor(new double[] { 1, 2, 3, 4, 5, 6 }, 1, 6).repeat(2, 1);
        var observation = new Observation(full([2, 3], 2.0, dtype: ScalarType.Float64), null, 0)
            { ErrorScale = tensor(new[] { 2.0, 0.5 }) };
        var scaled = AnalysisStatistics.ScaledInnovation(observing.Operator, observing.Error, state, observation);
        Assert.Equal([1, 0, -1, 0, -3, 0, 16, 0, -16, 0, -48, 0], scaled.data<double>().ToArray());
    }

    [Fact]
    public void A_network_learns_what_the_size_of_errors_means()
    {
        // Median over seeds: after so few steps a network may lose a truth among errors of this size for a while.
        var errors = Enumerable.Range(0, 3).Select(seed => Errors(seed)).ToList();
        double small = errors.Select(pair => pair.Small).Order().ElementAt(1),
            large = errors.Select(pair => pair.Large).Order().ElementAt(1);
        Assert.True(small < 0.45, $"{small}");
        Assert.True(large < 1.7, $"{large}");
        Assert.True(large > 1.5 * small, $"{small} {large}");
    }

    private static (double Small, double Large) Errors(long seed)
    {
        using var scope = NewDisposeScope();
        var twin = new SmallTwin(seed: seed);
        var system = twin.System with { Initial = new AttractorInitialCondition(twin.Dynamics, 5) };
        ITrajectoryView View(string stream, double minimum, double maximum, long? cycles = null) =>
            twin.Context.Data.Twin(system, new() { Batch = 16, Stream = stream, Cycles = cycles, ErrorScale = new(minimum, maximum) });
        var options = SmallTwin.Brief with
            { Steps = 200, Truncation = 8, ValidationInterval = 50, ValidationBurnIn = 40, ValidationCycles = 60 };
        var method = twin.Estimator(options).Fit(View("training", 0.5, 2), View("validation", 0.5, 2));
        return (twin.Rmse(method, View("small", 0.5, 0.5, 160)), twin.Rmse(method, View("large", 2, 2, 160)));
    }

    [Fact]
    public void Hidden_channels_and_ensembles_are_trained_with_it_too()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var view = twin.Context.Data.Twin(system, new() { Batch = 10, ErrorScale = new(0.5, 2, ErrorScaleDraw.EachCycle) });
        var options = SmallTwin.Brief with { Steps = 3, ValidationCycles = 5 };
        var hidden = twin.Context.Analysis.ResidualConvolutionWithMemory(system, new() { Training = options }).Fit(view);
        var ensemble = twin.Context.Analysis.EnsembleConvolution(system, new() { Members = 3, Training = options }).Fit(view);
        Assert.True(double.IsFinite(twin.Rmse(hidden, view.Take(10), 2)) && double.IsFinite(twin.Rmse(ensemble, view.Take(10), 2)));
    }

    [Fact]
    public void A_method_that_takes_errors_to_be_the_same_is_refused()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var view = twin.Context.Data.Twin(system, new() { Batch = 4, Cycles = 5, ErrorScale = new(0.5, 2) });
        var filter = twin.Context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 5 });
        Assert.Contains("observation-error-scale", Assert.Throws<SchemaException>(() => filter.Transform(view)).Message);
        var score = new InnovationChiSquare(twin.Observing, ErrorCovariance.Scalar(12, 1));
        var learned = twin.Estimator().Fit(twin.Training, twin.Validation);
        Assert.Contains("observation-error-scale", Assert.Throws<ArgumentException>(() =>
            twin.Context.Scores.Evaluate(learned.Transform(view), new ScoreOptions { Scores = [score], BurnIn = 1 })).Message);
    }

    [Fact]
    public void Diagnostics_that_ask_an_analyzer_about_innovations_of_one_covariance_refuse_it()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var view = twin.Context.Data.Twin(system, new() { Batch = 4, Cycles = 5, ErrorScale = new(0.5, 2) });
        var learned = twin.Estimator().Fit(twin.Training, twin.Validation);
        var covariance = new Column("covariance");
        var transforms = twin.Context.Transforms;
        foreach (ITransformer diagnostic in (ITransformer[])[transforms.KalmanGain(learned, twin.Observing),
            transforms.IncrementScaling(learned, twin.Observing),
                     transforms.AnalysisCovariance(learned, twin.Observing, covariance)])
        {
            Assert.Equal(
                $"{diagnostic.Name} assumes the same observation errors in every trajectory, but the view has the column " +
                    $"'observation-error-scale'.",
                Assert.Throws<SchemaException>(() => diagnostic.Transform(view)).Message);
            Assert.Throws<SchemaException>(() => diagnostic.GetOutputSchema(view.Schema));
        }
        // The covariance that a method's own density has needs no innovations; but the method must take the view.
        Assert.True(transforms.AnalysisCovariance(learned, covariance).Transform(view).Schema.Has(covariance));
        var filter = twin.Context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 5 });
        Assert.Contains("observation-error-scale",
            Assert.Throws<SchemaException>(() => transforms.AnalysisCovariance(filter, covariance).Transform(view)).Message);

        using var random = twin.Context.Random("regressed");
        var state = zeros(4, 12, dtype: ScalarType.Float64);
        var observation = new Observation(state, null, 0) { ErrorScale = ones(4, dtype: ScalarType.Float64) };
        Assert.Contains("observation-error-scale",
            Assert.Throws<ArgumentException>(() => new RegressedAnalyzerCovariance<StateMemory>(learned, twin.Observing)
            .At(learned.Triple.Analyzer, learned.Triple.Procoder, new(state), observation, random)).Message);
    }

    [Fact]
    public void A_scale_that_is_not_above_zero_is_refused_with_its_cycle()
    {
        var twin = new SmallTwin();
        var system = twin.System;
        var view = twin.Context.Data.Twin(system, new() { Batch = 4, Cycles = 5, ErrorScale = new(0.5, 2) });
        var broken = new WatchedView(view, _ => { }, (cycle, column, value) => column == Columns.ObservationErrorScale && cycle == 2
            ? value - 2 : value.alias());
        Assert.Contains("cycle 2",
            Assert.Throws<ArgumentException>(() => twin.Rmse(twin.Estimator().Fit(twin.Training, twin.Validation), broken, 1)).Message);
    }
}
