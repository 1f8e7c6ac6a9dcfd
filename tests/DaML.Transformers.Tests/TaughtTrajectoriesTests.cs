using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A teacher's analyses in the truth's place.</summary>
public sealed class TaughtTrajectoriesTests
{
    private const long BurnIn = 20, Cycles = 30;

    private static readonly DataAssimilationContext Context = new(seed: 3);
    private static readonly LinearDynamics Model = new(tensor(new[,] { { 0.855, -0.38 }, { 0.38, 0.855 } })) { ModelError = ErrorCovariance.Scalar(2, 0.1) };
    private static readonly IObservationNetwork Observing = Context.Observations.Full(Model, errorVariance: 0.5);
    private static readonly GaussianInitialCondition First = new(zeros(2, dtype: ScalarType.Float64), ErrorCovariance.Scalar(2, 1));

    private static ITransformer Kalman => Context.Analysis.KalmanFilter(Model, Observing, First).Transformer;

    private static ITrajectoryView Twin(long batch) => Context.Data.Twin(Model, Observing, new() { Batch = batch, Cycles = Cycles, Initial = First });

    [Fact]
    public void AfterItsBurnInItShowsTheTeachersAnalysisAndNothingElseIsChanged()
    {
        var twin = Twin(4);
        var taught = Context.Transforms.Taught(Kalman, BurnIn).Transformer.Transform(twin);
        Assert.Equal(twin.Schema.Definitions.Order(Comparer<ColumnDefinition>.Create((a, b) => string.CompareOrdinal(a.Column.Name, b.Column.Name))),
            taught.Schema.Definitions.Order(Comparer<ColumnDefinition>.Create((a, b) => string.CompareOrdinal(a.Column.Name, b.Column.Name))));
        using var lessons = taught.OpenCursor();
        using var truth = twin.OpenCursor();
        using var teacher = Kalman.Transform(twin).OpenCursor();
        long cycles = 0;
        for (; lessons.MoveNext() && truth.MoveNext() && teacher.MoveNext(); cycles++)
        {
            using var scope = NewDisposeScope();
            Assert.True((cycles < BurnIn ? truth[Columns.Truth] : teacher[Columns.Analysis]).equal(lessons[Columns.Truth]).all().ToBoolean());
            Assert.True((truth[Columns.Observation]).equal(lessons[Columns.Observation]).all().ToBoolean());
            Assert.Equal((truth.Time, cycles), (lessons.Time, lessons.Cycle));
        }
        Assert.Equal(Cycles, cycles);
    }

    // A learner with a gain that is not the best: d/dK |x_f + K d - t|^2 = 2 (x_f + K d - t) d^T, for the truth t and for the Kalman filter's mean.
    [Fact]
    public void GradientsHaveTheSameMeanAndLessNoise()
    {
        using var scope = NewDisposeScope();
        var twin = Twin(4000);
        using var lessons = Context.Transforms.Taught(Kalman, BurnIn).Transformer.Transform(twin).OpenCursor();
        using var truth = twin.OpenCursor();
        Tensor state = zeros(4000, 2, dtype: ScalarType.Float64), ofTruth = state, ofLesson = state;
        while (lessons.MoveNext() && truth.MoveNext())
        {
            var forecast = state.matmul(Model.Matrix.T);
            var innovation = truth[Columns.Observation] - forecast;
            state = forecast + 0.1 * innovation;
            Tensor Gradient(Tensor target) => 2 * (state - target).unsqueeze(-1) * innovation.unsqueeze(-2);   // [batch, 2, 2]
            (ofTruth, ofLesson) = (Gradient(truth[Columns.Truth]), Gradient(lessons[Columns.Truth]));
        }
        var difference = ofTruth - ofLesson;
        var error = difference.std([0], unbiased: true) / Math.Sqrt(4000);
        Assert.True((difference.mean([0]).abs() < 4 * error).all().ToBoolean());
        Assert.True((ofTruth.mean([0]).abs().max() > 20 * error.max()).ToBoolean());    // there is something to learn
        Assert.True((ofLesson.var([0], unbiased: true).sum() < 0.7 * ofTruth.var([0], unbiased: true).sum()).ToBoolean());
    }

    [Fact]
    public void WhatCannotTeachOrBeTaughtIsRefused()
    {
        Assert.Contains("no column", Assert.Throws<ArgumentException>(() => Context.Transforms.Taught(new Mute())).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Context.Transforms.Taught(Kalman, -1));
        var blind = new TrajectoryView(new TrajectorySchema(4, new ColumnDefinition(Columns.Observation, 2)), Twin(4), source => source);
        Assert.Contains(Columns.Truth.Name, Assert.Throws<SchemaException>(() => Context.Transforms.Taught(Kalman).Transformer.Transform(blind)).Message);
    }

    private sealed class Mute : ITransformer
    {
        public string Name => "mute";
        public SchemaContract Contract => SchemaContract.None;
        public ITrajectoryView Transform(ITrajectoryView input) => input;
    }
}
