using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers;
using Microsoft.ML.Transforms;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>ML.NET's own transforms and trainers over trajectories, against numbers that are computed another way.</summary>
public sealed class MicrosoftMLTests
{
    private const int Cycles = 40, Batch = 5, Rows = Cycles * Batch;
    private static readonly Column Indicator = new("indicator"), Count = new("count");
    private readonly DataAssimilationContext context = new(11);
    private readonly MLContext ml = new(seed: 1);
    private readonly WatchedView watched;

    public MicrosoftMLTests()
    {
        using var random = context.Random("values");
        // A correlated state, a group of each row, and counts with means 2 and 5 in the two groups.
        var mixing = tensor(new double[,] { { 2, 0.5, 0, 0 }, { 0, 1, -0.7, 0 }, { 0, 0, 0.6, 0.2 }, { 0, 0, 0, 0.1 } });
        var group = (random.Normal([Cycles, Batch, 1], ScalarType.Float64) > 0).to(ScalarType.Float64);
        var columns = new Dictionary<Column, Tensor>
        {
            [Columns.Truth] = random.Normal([Cycles, Batch, 4], ScalarType.Float64).matmul(mixing) + 3,
            [Columns.Forecast] = random.Normal([Cycles, Batch, 2], ScalarType.Float64),
            [Indicator] = group,
            [Count] = (random.Normal([Cycles, Batch], ScalarType.Float64) * 0.5 + 2 + 3 * group.squeeze(-1)).round().clamp_min(0),
        };
        watched = new WatchedView(new MemoryTrajectoryView(columns, [.. Enumerable.Range(1, Cycles).Select(cycle => 0.1 * cycle)], 0));
    }

    [Fact]
    public void Preview_shows_the_first_rows()
    {
        var preview = watched.ToDataView().Preview(7);
        Assert.Equal(["Cycle", "Trajectory", "Time", "truth", "forecast", "indicator", "count"],
            preview.Schema.Select(column => column.Name));
        Assert.Equal(7, preview.RowView.Length);
        Assert.Equal([0L, 0L, 0L, 0L, 0L, 1L, 1L], preview.ColumnView[0].Values);
        Assert.Equal([0, 1, 2, 3, 4, 0, 1], preview.ColumnView[1].Values);
        Assert.Equal(0, watched.Open);
    }

    [Fact]
    public void Concatenate_puts_columns_side_by_side()
    {
        var data = watched.ToDataView();
        var joined = ml.Transforms.Concatenate("Features", "forecast", "count", "truth").Fit(data).Transform(data);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 7), joined.Schema["Features"].Type);
        float[][] truth = Vectors(data, "truth"), forecast = Vectors(data, "forecast"), features = Vectors(joined, "Features");
        float[] count = [.. data.GetColumn<float>("count")];
        Assert.Equal(Rows, features.Length);
        for (int row = 0; row < Rows; row++) Assert.Equal([.. forecast[row], count[row], .. truth[row]], features[row]);
        Assert.Equal(0, watched.Open);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-6)]
    [InlineData(ScalarType.Float64, 1e-12)]
    public void NormalizeMeanVariance_finds_the_statistics_of_the_trajectories(ScalarType precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        var data = watched.ToDataView(precision);
        var fitted = ml.Transforms.NormalizeMeanVariance("normal", "truth", fixZero: false).Fit(data);
        var (scale, offset) = fitted.GetNormalizerModelParameters(0) switch
        {
            NormalizingTransformer.AffineNormalizerModelParameters<System.Collections.Immutable.ImmutableArray<float>> single =>
                (Doubles(single.Scale), Doubles(single.Offset)),
            NormalizingTransformer.AffineNormalizerModelParameters<System.Collections.Immutable.ImmutableArray<double>> exact =>
                ([.. exact.Scale], [.. exact.Offset]),
            var other => throw new InvalidOperationException($"{other.GetType()}"),
        };
        var all = All(Columns.Truth).reshape(Rows, 4);
        Close(all.mean([0]), tensor(offset), tolerance);
        Close(1 / all.std(0, unbiased: false), tensor(scale), tolerance);

        var normal = fitted.Transform(data);
        var found = precision == ScalarType.Float32 ? tensor(Vectors(normal, "normal").SelectMany(Doubles).ToArray())
            : tensor(normal.GetColumn<VBuffer<double>>("normal").SelectMany(row => row.DenseValues()).ToArray());
        Close(((all - all.mean([0])) / all.std(0, unbiased: false)).flatten(), found, 3 * tolerance);
    }

    [Fact]
    public void Rows_can_be_taken_skipped_filtered_split_and_cached()
    {
        var data = watched.ToDataView();
        float[][] truth = Vectors(data, "truth");
        Assert.Equal(truth[..12], Vectors(ml.Data.TakeRows(data, 12), "truth"));
        Assert.Equal(truth[12..], Vectors(ml.Data.SkipRows(data, 12), "truth"));

        var late = ml.Data.FilterRowsByColumn(data, "Time", lowerBound: 2.05); // the cycles from number 20 on
        Assert.Equal(truth[(20 * Batch)..], Vectors(late, "truth"));

        var split = ml.Data.TrainTestSplit(data, 0.3, seed: 5);
        float[][] parts = [.. Vectors(split.TrainSet, "truth"), .. Vectors(split.TestSet, "truth")];
        Assert.Equal(Rows, parts.Length);
        Assert.Equal(truth.Select(row => row[0]).Order(), parts.Select(row => row[0]).Order());

        int opened = watched.Opened;
        var cached = ml.Data.Cache(data);
        for (int pass = 0; pass < 3; pass++) Assert.Equal(truth, Vectors(cached, "truth"));
        Assert.Equal(opened + 1, watched.Opened);

        // ShuffleRows of ML.NET 5.0.1 does not dispose the cursor it reads; ours lets go of the view's at the last row.
        var shuffled = Vectors(ml.Data.ShuffleRows(data, seed: 2), "truth");
        Assert.NotEqual(truth, shuffled);
        Assert.Equal(truth.Select(row => row[0]).Order(), shuffled.Select(row => row[0]).Order());
        Assert.Equal(0, watched.Open);
    }

    /// <summary>
    /// With one indicator and no regularisation, a Poisson regression has as many parameters as there are groups, so that its
    /// rates are the groups' mean counts: log rate = bias + weight x indicator, bias = log mean_0, weight = log(mean_1 / mean_0).
    /// </summary>
    [Fact]
    public void A_Poisson_regression_finds_the_mean_counts_of_two_groups()
    {
        var data = watched.ToDataView();
        var trainer = ml.Regression.Trainers.LbfgsPoissonRegression(new LbfgsPoissonRegressionTrainer.Options
        {
            LabelColumnName = "count", FeatureColumnName = "indicator", L1Regularization = 0, L2Regularization = 0,
            OptimizationTolerance = 1e-8f, NumberOfThreads = 1,
        });
        var model = trainer.Fit(data);

        using var scope = NewDisposeScope();
        Tensor group = All(Indicator).flatten(), count = All(Count).flatten();
        double first = (count * (1 - group)).sum().ToDouble() / (1 - group).sum().ToDouble(),
            second = (count * group).sum().ToDouble() / group.sum().ToDouble();
        Assert.InRange(second / first, 2, 3);
        Assert.Equal(Math.Log(first), model.Model.Bias, 1e-3);
        Assert.Equal(Math.Log(second / first), model.Model.Weights[0], 1e-3);

        var rates = model.Transform(data).GetColumn<float>("Score").ToArray();
        float[] groups = [.. Vectors(data, "indicator").Select(row => row[0])];
        for (int row = 0; row < Rows; row++) Assert.Equal(groups[row] == 0 ? first : second, rates[row], 5e-3 * second);
        Assert.Equal(0, watched.Open);
    }

    [Fact]
    public void A_saved_pipeline_scores_the_same_to_the_bit()
    {
        using var folder = new TemporaryFolder();
        var data = watched.ToDataView();
        var pipeline = ml.Transforms.Concatenate("all", "truth", "forecast").Append(ml.Transforms.NormalizeMeanVariance("all"));
        var model = pipeline.Fit(data);
        string file = folder.File("model.zip");
        ml.Model.Save(model, data.Schema, file);
        var loaded = new MLContext().Model.Load(file, out var schema);
        Assert.Equal(data.Schema.Select(column => (column.Name, column.Type)), schema.Select(column => (column.Name, column.Type)));
        Assert.Equal(Vectors(model.Transform(data), "all"), Vectors(loaded.Transform(data), "all"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cancelled_view_ends_a_fit_and_leaves_no_cursor_open(bool cached)
    {
        using var cancellation = new CancellationTokenSource();
        var stopped = new WatchedView(watched)
        {
            Moving = cycle =>
            {
                if (cycle == 10) cancellation.Cancel();
                cancellation.Token.ThrowIfCancellationRequested();
            },
        };
        IDataView data = stopped.ToDataView();
        if (cached) data = ml.Data.Cache(data);
        var thrown = Record.Exception(() => ml.Transforms.NormalizeMeanVariance("truth").Fit(data));
        while (thrown is not (null or OperationCanceledException)) thrown = thrown.InnerException;
        Assert.NotNull(thrown);
        Assert.Equal(0, stopped.Open);
    }

    [Fact]
    public void A_filter_s_analyses_are_rows_and_every_pass_computes_the_same()
    {
        var dynamics = new Lorenz96(8);
        var system = new AssimilationSystem(dynamics, ObservationNetwork.Full(dynamics.Dimension));
        var twin = context.Data.Twin(system, new() { Batch = 2, Cycles = 6 });
        var run = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 6 }).Transform(twin);
        var data = run.ToDataView();
        Assert.Equal(12, data.GetRowCount());
        float[][] analyses = Vectors(data, "analysis");
        Assert.Equal(analyses, Vectors(data, "analysis"));
        using var cursor = run.OpenCursor();
        for (int row = 0; row < 12; row++)
        {
            if (row % 2 == 0) cursor.MoveNext();
            Assert.Equal(cursor[Columns.Analysis][row % 2].to(ScalarType.Float32).data<float>().ToArray(), analyses[row]);
        }
    }

    private Tensor All(Column column)
    {
        using var cursor = watched.OpenCursor();
        var cycles = new List<Tensor>();
        while (cursor.MoveNext()) cycles.Add(cursor[column].clone());
        return stack(cycles);
    }

    private static float[][] Vectors(IDataView data, string column) => [.. data.GetColumn<float[]>(column)];

    private static double[] Doubles(IEnumerable<float> values) => [.. values.Select(value => (double)value)];

    private static void Close(Tensor expected, Tensor found, double tolerance)
    {
        double difference = ((expected - found).abs() / (1 + expected.abs())).max().ToDouble();
        Assert.InRange(difference, 0, tolerance);
    }
}
