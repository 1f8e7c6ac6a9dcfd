using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>Steps of DaML in pipelines of ML.NET: the numbers are DaML's to the bit, whatever stands before and after them.</summary>
public sealed class PipelineTests
{
    private const int Cycles = 30, Dimension = 8;
    private readonly MLContext ml = new(seed: 1);
    private readonly DataAssimilationContext context = new(7);
    private readonly AssimilationSystem system;
    private readonly ITransformer filter;

    private static readonly TrajectoryRows Reading = new(new RowColumn(Columns.Observation))
        { Time = "Time", Trajectory = "Trajectory", StartTime = 0 };

    public PipelineTests()
    {
        var dynamics = new Lorenz96(Dimension);
        system = new AssimilationSystem(dynamics, ObservationNetwork.Full(Dimension));
        filter = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 12 });
    }

    // Observations in double precision, with gaps, as rows of ML.NET; and the analyses that DaML gives of them.
    private (IDataView Rows, MemoryTrajectoryView Analyses) Experiment(int batch)
    {
        var twin = context.Data.Twin(system, new() { Batch = batch, Cycles = Cycles });
        using var recorded = twin.Materialise([Columns.Observation]);
        using var random = context.Random("gaps");
        var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor>
        {
            [Columns.Observation] = recorded[Columns.Observation].clone(),
            [Columns.ObservationMask] = random.Uniform([Cycles, batch, Dimension], ScalarType.Float64) > 0.2,
        }, recorded.Times, 0);
        return (view.ToDataView(ScalarType.Float64), filter.Transform(view).Materialise());
    }

    private static float[][] Expected(MemoryTrajectoryView analyses, Column column)
    {
        using var scope = NewDisposeScope();
        float[] all = analyses[column].to(ScalarType.Float32).ToArray<float>();
        return [.. all.Chunk(Dimension)];
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_filter_adds_its_analyses_to_the_rows_and_leaves_the_rest_as_it_is(int batch)
    {
        var (rows, analyses) = Experiment(batch);
        var output = filter.AsMicrosoftML(ml, context, Reading).Fit(rows).Transform(rows);
        Assert.Equal([.. rows.Schema.Select(column => column.Name), "forecast", "analysis", "forecast-spread", "analysis-spread"],
            output.Schema.Select(column => column.Name));
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, Dimension), output.Schema["analysis"].Type);
        Assert.Equal((Cycles * batch, false), (output.GetRowCount(), output.CanShuffle));
        foreach (var column in (Column[])[Columns.Forecast, Columns.Analysis, Columns.ForecastSpread, Columns.AnalysisSpread])
            Assert.Equal(Expected(analyses, column), output.GetColumn<float[]>(column.Name));
        Assert.Equal(rows.GetColumn<double[]>("observation"), output.GetColumn<double[]>("observation"));
        Assert.Equal(rows.GetColumn<double>("Time"), output.GetColumn<double>("Time"));
    }

    [Fact]
    public void Rows_that_come_trajectory_by_trajectory_get_the_same_analyses()
    {
        var (rows, analyses) = Experiment(2);
        var all = ml.Data.CreateEnumerable<Observed>(rows, reuseRowObject: false, ignoreMissingColumns: true).ToList();
        var grouped = ml.Data.LoadFromEnumerable(all.OrderBy(row => row.Trajectory).ToList());
        var output = filter.AsMicrosoftML(ml, context, Reading).Fit(grouped).Transform(grouped);
        float[][] expected = Expected(analyses, Columns.Analysis);
        float[][] found = [.. output.GetColumn<float[]>("analysis")];
        for (int cycle = 0; cycle < Cycles; cycle++)
            for (int trajectory = 0; trajectory < 2; trajectory++)
                Assert.Equal(expected[2 * cycle + trajectory], found[trajectory * Cycles + cycle]);
    }

    [Fact]
    public void Columns_can_have_double_precision()
    {
        var (rows, analyses) = Experiment(1);
        var output = filter.AsMicrosoftML(ml, context, Reading with { Precision = ScalarType.Float64 }).Fit(rows).Transform(rows);
        using var scope = NewDisposeScope();
        Assert.Equal(analyses[Columns.Analysis].ToArray<double>(), output.GetColumn<double[]>("analysis").SelectMany(row => row));
    }

    [Fact]
    public void Cursors_on_two_threads_give_the_same_rows()
    {
        var (rows, analyses) = Experiment(2);
        var output = filter.AsMicrosoftML(ml, context, Reading).Fit(rows).Transform(rows);
        float[][] expected = Expected(analyses, Columns.Analysis);
        var found = new float[4][][];
        var ids = new DataViewRowId[4][];
        var threads = Enumerable.Range(0, found.Length).Select(i => new Thread(() =>
        {
            using var cursor = output.GetRowCursor([output.Schema["analysis"]]);
            var (analysis, id) = (cursor.GetGetter<VBuffer<float>>(output.Schema["analysis"]), cursor.GetIdGetter());
            var (values, names) = (new List<float[]>(), new List<DataViewRowId>());
            while (cursor.MoveNext())
            {
                VBuffer<float> value = default;
                analysis(ref value);
                values.Add([.. value.DenseValues()]);
                DataViewRowId name = default;
                id(ref name);
                names.Add(name);
            }
            (found[i], ids[i]) = ([.. values], [.. names]);
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Assert.All(found, values => Assert.Equal(expected, values));
        Assert.All(ids, names => Assert.Equal(ids[0], names));
        Assert.Equal(2 * Cycles, ids[0].Distinct().Count());
    }

    [Fact]
    public void Two_cursors_in_one_thread_move_independently()
    {
        var (rows, analyses) = Experiment(1);
        var output = filter.AsMicrosoftML(ml, context, Reading).Fit(rows).Transform(rows);
        float[][] expected = Expected(analyses, Columns.Analysis);
        using var first = output.GetRowCursor(output.Schema);
        using var second = Assert.Single(output.GetRowCursorSet(output.Schema, 4));
        var (one, two) = (Getter(first), Getter(second));
        for (int row = 0; row < 10; row++) Assert.True(first.MoveNext());
        for (int row = 0; row < 3; row++) Assert.True(second.MoveNext());
        Assert.Equal(expected[9], one());
        Assert.Equal(expected[2], two());
        Assert.Equal((9, 2), (first.Position, second.Position));

        static Func<float[]> Getter(DataViewRowCursor cursor)
        {
            var getter = cursor.GetGetter<VBuffer<float>>(cursor.Schema["analysis"]);
            return () =>
            {
                VBuffer<float> value = default;
                getter(ref value);
                return [.. value.DenseValues()];
            };
        }
    }

    [Fact]
    public void A_pass_that_needs_no_analysis_does_not_run_the_filter()
    {
        var watched = new WatchedView(context.Data.Twin(system, new() { Batch = 2, Cycles = Cycles }));
        var counting = new CountingStep();
        var output = counting.AsMicrosoftML(ml, context, Reading).Fit(watched.ToDataView()).Transform(watched.ToDataView());
        Assert.Equal(2 * Cycles, output.GetColumn<double>("Time").Count());
        Assert.Equal(0, counting.Computed);
        using (var cursor = output.GetRowCursor([output.Schema["sum"], output.Schema["Time"]]))
        {
            Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<VBuffer<float>>(output.Schema["observation"]));
            Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<double>(output.Schema["sum"]));
            var sum = cursor.GetGetter<float>(output.Schema["sum"]);
            float value = 0;
            Assert.Contains("not on a row", Assert.Throws<InvalidOperationException>(() => sum(ref value)).Message);
            while (cursor.MoveNext()) sum(ref value);
            Assert.Equal(-1, cursor.Position);
        }
        Assert.Equal(Cycles, counting.Computed);
        Assert.Equal(0, watched.Open);
    }

    [Fact]
    public void ML_NETs_own_steps_stand_before_and_after()
    {
        var (rows, analyses) = Experiment(2);
        var pipeline = ml.Transforms.CopyColumns("observed", "observation")
            .Append(ml.Transforms.DropColumns("observation", "observation-mask"))
            .Append(filter.AsMicrosoftML(ml, context, new TrajectoryRows(new RowColumn(Columns.Observation, "observed"))
                { Time = "Time", Trajectory = "Trajectory", StartTime = 0 }))
            .Append(ml.Transforms.Concatenate("Features", "forecast", "analysis"))
            .Append(ml.Transforms.NormalizeMeanVariance("Normal", "Features", fixZero: false));
        var output = pipeline.Fit(rows).Transform(rows);
        float[][] forecast = Expected(analyses, Columns.Forecast), analysis = Expected(analyses, Columns.Analysis);
        Assert.Equal(forecast.Zip(analysis, (f, a) => (float[])[.. f, .. a]), output.GetColumn<float[]>("Features"));
        float[][] normal = [.. output.GetColumn<float[]>("Normal")];
        for (int i = 0; i < 2 * Dimension; i++)
        {
            Assert.Equal(0, normal.Average(row => (double)row[i]), 1e-4);
            Assert.Equal(1, normal.Average(row => (double)row[i] * row[i]), 1e-3);
        }
    }

    [Fact]
    public void A_trainer_learns_from_analyses()
    {
        // The label is a count whose log rate is linear in one component of the analysis; the regression finds the weight.
        var (rows, analyses) = Experiment(2);
        float[][] analysis = Expected(analyses, Columns.Analysis);
        var labelled = ml.Transforms.CustomMapping<Analysed, Labelled>(
            (row, label) => label.Label = MathF.Exp(0.5f + 0.1f * row.Analysis[0]), null, SchemaOf());
        var trainer = ml.Regression.Trainers.LbfgsPoissonRegression(new()
        {
            FeatureColumnName = "analysis", L1Regularization = 0, L2Regularization = 0, OptimizationTolerance = 1e-9f, NumberOfThreads = 1,
        });
        var model = filter.AsMicrosoftML(ml, context, Reading).Append(labelled).Append(trainer).Fit(rows);
        var weights = model.LastTransformer.Model.Weights;
        Assert.Equal(0.1, weights[0], 2e-3);
        for (int i = 1; i < Dimension; i++) Assert.Equal(0, weights[i], 2e-3);
        Assert.Equal(0.5, model.LastTransformer.Model.Bias, 1e-2);
        float[] scores = [.. model.Transform(rows).GetColumn<float>("Score")];
        for (int row = 0; row < scores.Length; row++) Assert.Equal(1, scores[row] / MathF.Exp(0.5f + 0.1f * analysis[row][0]), 1e-2);

        static SchemaDefinition SchemaOf()
        {
            var definition = SchemaDefinition.Create(typeof(Analysed));
            definition[nameof(Analysed.Analysis)].ColumnName = "analysis";
            return definition;
        }
    }

    [Fact]
    public void An_estimator_learns_when_the_pipeline_is_fitted()
    {
        using var random = context.Random("values");
        var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor>
            { [Columns.Truth] = random.Normal([800, 1, 2], ScalarType.Float64) + 5 }, [.. Enumerable.Range(1, 800)], 0);
        var rows = new TrajectoryRows(new RowColumn(Columns.Truth)) { Time = "Time" };
        var estimator = context.Transforms.SeasonalCycle(Columns.Truth, new Column("anomaly"));
        var model = estimator.AsMicrosoftML(ml, context, rows).Fit(view.ToDataView(ScalarType.Float64));
        var expected = estimator.Fit(view);
        Assert.Equal(expected.Cycle.Coefficients.ToArray<double>(),
            Assert.IsType<SeasonalCycleTransformer>(model.Transformer).Cycle.Coefficients.ToArray<double>());
    }

    [Fact]
    public void Shapes_are_known_and_checked_before_there_is_a_fit()
    {
        var (rows, _) = Experiment(1);
        var shape = rows.Schema.ToShape();
        Assert.Equal(rows.Schema.Select(column => column.Name), shape.Select(column => column.Name));
        var pipeline = filter.AsMicrosoftML(ml, context, Reading).Append(ml.Transforms.Concatenate("Features", "analysis", "forecast"));
        var output = pipeline.GetOutputSchema(shape);
        var analysis = output.Single(column => column.Name == "analysis");
        Assert.Equal((SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single), (analysis.Kind, analysis.ItemType));
        Assert.Equal(pipeline.Fit(rows).GetOutputSchema(rows.Schema).Select(column => column.Name).Order(),
            output.Select(column => column.Name).Order());

        string missing = Assert.Throws<SchemaException>(() => ml.Transforms.DropColumns("observation")
            .Append(filter.AsMicrosoftML(ml, context, Reading)).GetOutputSchema(shape)).Message;
        Assert.Contains("The rows have no column 'observation'; there are: ", missing);
        var other = new TrajectoryRows(new RowColumn(Columns.Truth, "observation")) { Time = "Time", Trajectory = "Trajectory" };
        Assert.Contains("needs the column 'observation' of shape [8], which is missing",
            Assert.Throws<SchemaException>(() => filter.AsMicrosoftML(ml, context, other).GetOutputSchema(shape)).Message);
        var single = new TrajectoryRows(new RowColumn(Columns.Observation, "Cycle")) { Time = "Time", Trajectory = "Trajectory" };
        Assert.Contains("of shape [8], but it has shape [1]",
            Assert.Throws<SchemaException>(() => filter.AsMicrosoftML(ml, context, single).GetOutputSchema(shape)).Message);
        // The size of a vector is known only where there are rows.
        var five = ml.Data.LoadFromEnumerable([new Five()]);
        var reading = new TrajectoryRows(new RowColumn(Columns.Observation, nameof(Five.Values)));
        var estimator = filter.AsMicrosoftML(ml, context, reading);
        Assert.Contains(estimator.GetOutputSchema(five.Schema.ToShape()), column => column.Name == "analysis");
        Assert.Contains("but it has shape [5]", Assert.Throws<SchemaException>(() => estimator.Fit(five)).Message);
    }

    [Fact]
    public void Progress_is_told_by_ML_NETs_messages()
    {
        var messages = new List<LoggingEventArgs>();
        ml.Log += (_, message) =>
        {
            if (message.Source.StartsWith("DaML", StringComparison.Ordinal)) lock (messages) messages.Add(message);
        };
        ml.AsProgress().Report(new ProgressReport("training a network", 3, 10,
            new Dictionary<string, double> { ["loss"] = 0.25 }, TimeSpan.Zero, null));
        Assert.Contains(messages, message => message is { Kind: ChannelMessageKind.Info }
            && message.Message.Contains("training a network: 3 of 10, loss 0.25"));
        var (rows, _) = Experiment(2);
        filter.AsMicrosoftML(ml, context, Reading).Fit(rows);
        Assert.Contains(messages, message => message.Message.Contains($"{filter.Name}: {Cycles} cycles of 2 trajectories"));
    }

    [Fact]
    public void A_token_stops_the_fit_of_a_step_and_that_of_a_trainer_behind_it()
    {
        using var source = new CancellationTokenSource();
        var watched = new WatchedView(context.Data.Twin(system, new() { Cycles = Cycles }))
        {
            Moving = cycle =>
            {
                if (cycle == 10) source.Cancel();
            },
        };
        var rows = watched.ToDataView();
        // ML.NET's trainers and normalisers have no token of their own: the adapter's ends their pass over the rows.
        var reading = new TrajectoryRows(new RowColumn(Columns.Observation));
        var pipeline = filter.AsMicrosoftML(ml, context, reading, source.Token).Append(ml.Transforms.NormalizeMeanVariance("analysis"));
        Cancelled(() => pipeline.Fit(rows));
        Assert.Equal(0, watched.Open);
        Cancelled(() => filter.AsMicrosoftML(ml, context, Reading, source.Token).Fit(rows));    // while it reads the times
        Assert.Equal(0, watched.Open);

        static void Cancelled(Action work)
        {
            var thrown = Record.Exception(work);
            while (thrown is not (null or OperationCanceledException)) thrown = thrown.InnerException;
            Assert.NotNull(thrown);
        }
    }

    [Fact]
    public void A_filter_that_diverges_ends_the_pass_with_its_own_message()
    {
        var wild = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 5)
            .Select(i => new Observed { Time = 0.05 * (i + 1), Observation = [.. Enumerable.Repeat(1e200 * i, Dimension)] }).ToList());
        var output = filter.AsMicrosoftML(ml, context, Reading with { Precision = ScalarType.Float64 }).Fit(wild).Transform(wild);
        var thrown = Record.Exception(() => output.GetColumn<double[]>("analysis").ToList());
        while (thrown is not (null or DivergenceException)) thrown = thrown.InnerException;
        Assert.Contains(filter.Name, Assert.IsType<DivergenceException>(thrown).Message);
    }

    [Fact]
    public void A_step_whose_values_belong_to_other_rows_is_refused()
    {
        var (rows, _) = Experiment(2);
        string Refused(Func<ITrajectoryView, ITrajectoryView> change) => Innermost(() => new Changing(change)
            .AsMicrosoftML(ml, context, Reading).Fit(rows).Transform(rows).GetColumn<float[]>("observation").Count()).Message;
        Assert.Contains("gives cycle 0 at time 0.1; the rows have it at 0.05",
            Refused(view => new TrajectoryView(view.Schema, view, source => new Later(source))));
        Assert.Contains("ended after cycle 3; the rows have 30 cycles", Refused(view => view.Take(4)));
        Assert.Contains("makes 5 trajectories of the 2",
            Refused(view => new TrajectoryView(view.Schema with { Batch = 5 }, view, source => source)));

        static Exception Innermost(Action work)
        {
            var thrown = Record.Exception(work);
            while (thrown?.InnerException is { } inner) thrown = inner;
            return Assert.IsType<InvalidDataException>(thrown);
        }
    }

    [Fact]
    public void Reading_rows_leaves_no_tensor_behind()
    {
        var (rows, _) = Experiment(2);
        var output = filter.AsMicrosoftML(ml, context, Reading).Fit(rows).Transform(rows);
        using var cursor = output.GetRowCursor(output.Schema);
        for (int row = 0; row < 8; row++) cursor.MoveNext();
        long before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        for (int row = 8; row < 40; row++) cursor.MoveNext();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    private sealed class Observed
    {
        public double Time { get; set; }
        public int Trajectory { get; set; }
        [ColumnName("observation"), VectorType(Dimension)] public double[] Observation { get; set; } = [];
    }

    private sealed class Five
    {
        [VectorType(5)] public float[] Values { get; set; } = new float[5];
    }

    private sealed class Analysed
    {
        [VectorType(Dimension)] public float[] Analysis { get; set; } = [];
    }

    private sealed class Labelled
    {
        public float Label { get; set; }
    }

    private sealed class Changing(Func<ITrajectoryView, ITrajectoryView> change) : ITransformer
    {
        public string Name => "changing";
        public SchemaContract Contract { get; } = new([], [new(Columns.Observation, Dimension)]);
        public ITrajectoryView Transform(ITrajectoryView input) => change(input);
    }

    /// <summary>Leaves the first cycle out.</summary>
    private sealed class Later : ITrajectoryCursor
    {
        private readonly ITrajectoryCursor source;

        public Later(ITrajectoryCursor source)
        {
            this.source = source;
            source.MoveNext();
        }

        public long Cycle => source.Cycle - 1;
        public double Time => source.Time;
        public Tensor this[Column column] => source[column];
        public bool MoveNext() => source.MoveNext();
        public void Dispose() => source.Dispose();
    }

    private sealed class CountingStep() : CycleTransformer("counting",
        new SchemaContract([new(Columns.Observation, Dimension)], [new(new Column("sum"))]))
    {
        public int Computed;

        protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle)
        {
            Computed++;
            return [cycle[Columns.Observation].sum([1])];
        }
    }
}
