using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A filter in a prediction engine takes one observation at a time and remembers those before.</summary>
public sealed class SteppingTests
{
    private const int Cycles = 20, Dimension = 8;
    private readonly MLContext ml = new(seed: 1);
    private readonly DataAssimilationContext context = new(7);
    private readonly AssimilationSystem system;
    private readonly ITransformer filter;
    private readonly MemoryTrajectoryView observed;
    private readonly float[][] expected;

    private static readonly TrajectoryRows Reading = new(new RowColumn(Columns.Observation, "Observed")) { Time = "Time", StartTime = 0 };

    public SteppingTests()
    {
        var dynamics = new Lorenz96(Dimension);
        system = new AssimilationSystem(dynamics, ObservationNetwork.Full(Dimension));
        filter = context.Analysis.EnsembleTransformKalmanFilter(system, new() { Members = 12 });
        observed = context.Data.Twin(system, new() { Cycles = Cycles }).Materialise([Columns.Observation]);
        using var analyses = filter.Transform(observed).Materialise([Columns.Analysis]);
        using var scope = NewDisposeScope();
        expected = [.. analyses[Columns.Analysis].to(ScalarType.Float32).ToArray<float>().Chunk(Dimension)];
    }

    private sealed class Report
    {
        public double Time { get; set; }
        public string Station { get; set; } = "";
        [VectorType(Dimension)] public double[] Observed { get; set; } = [];
    }

    private sealed class Estimate
    {
        [ColumnName("analysis")] public float[] Analysis { get; set; } = [];
        public double Time { get; set; }
    }

    private sealed class Doubled
    {
        [ColumnName("both")] public float[] Both { get; set; } = [];
    }

    private Report At(int cycle, string station = "") => new()
    {
        Time = observed.Times[cycle], Station = station, Observed = observed[Columns.Observation][cycle, 0].ToArray<double>(),
    };

    private IDataView Rows() => ml.Data.LoadFromEnumerable(Enumerable.Range(0, Cycles).Select(cycle => At(cycle)).ToList());

    [Fact]
    public void A_prediction_engine_gives_the_analyses_of_the_whole_view_one_by_one()
    {
        var model = filter.AsMicrosoftML(ml, context, Reading).Fit(Rows());
        Assert.True(model.IsRowToRowMapper);
        using var engine = ml.Model.CreatePredictionEngine<Report, Estimate>(model);
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            var estimate = engine.Predict(At(cycle));
            Assert.Equal(expected[cycle], estimate.Analysis);
            Assert.Equal(observed.Times[cycle], estimate.Time);
        }
    }

    [Fact]
    public void Two_engines_have_memories_of_their_own_also_on_two_threads()
    {
        var model = filter.AsMicrosoftML(ml, context, Reading).Append(ml.Transforms.Concatenate("both", "analysis", "forecast"))
            .Fit(Rows());
        var found = new float[3][][];
        var threads = Enumerable.Range(0, found.Length).Select(i => new Thread(() =>
        {
            using var engine = ml.Model.CreatePredictionEngine<Report, Doubled>(model);
            found[i] = [.. Enumerable.Range(0, Cycles - i).Select(cycle => engine.Predict(At(cycle)).Both[..Dimension])];
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        for (int i = 0; i < found.Length; i++) Assert.Equal(expected[..(Cycles - i)], found[i]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Dimension - 1)]
    [InlineData(Dimension + 1)]
    public void A_row_with_a_wrong_number_of_values_is_refused_left_out_and_the_next_one_goes_on(int length)
    {
        var model = filter.AsMicrosoftML(ml, context, Reading).Fit(Rows());
        using var engine = ml.Model.CreatePredictionEngine<Report, Estimate>(model);
        Assert.Equal(expected[0], engine.Predict(At(0)).Analysis);
        foreach (double[]? values in (double[]?[])[new double[length], length == 0 ? null : new double[length]])
        {
            var wrong = At(1);
            wrong.Observed = values!;
            var refused = Assert.ThrowsAny<Exception>(() => engine.Predict(wrong));
            while (refused.InnerException is { } inner) refused = inner;
            Assert.Contains($"column 'Observed': {length} values are given and {Dimension} are needed", refused.Message);
        }
        for (int cycle = 1; cycle < 4; cycle++) Assert.Equal(expected[cycle], engine.Predict(At(cycle)).Analysis);
        // The same in a view of rows.
        var wrongLength = At(2);
        wrongLength.Observed = new double[length];
        var rows = ml.Data.LoadFromEnumerable((Report[])[At(0), At(1), wrongLength]);
        var of = Assert.ThrowsAny<Exception>(() => context.Data.FromDataView(rows, Reading).Materialise());
        while (of.InnerException is { } inner) of = inner;
        Assert.Contains($"{length} values are given", of.Message);
    }

    [Fact]
    public void Each_trajectory_is_stepped_by_itself()
    {
        var rows = ml.Data.LoadFromEnumerable(Enumerable.Range(0, Cycles).Select(cycle => At(cycle, "A")).ToList());
        var model = filter.AsMicrosoftML(ml, context, Reading with { Trajectory = "Station" }).Fit(rows);
        using var engine = ml.Model.CreatePredictionEngine<Report, Estimate>(model);
        for (int cycle = 0; cycle < Cycles; cycle++)
            foreach (string station in (string[])["B", "A"])
                if (station == "A" || cycle < 5) Assert.Equal(expected[cycle], engine.Predict(At(cycle, station)).Analysis);
    }

    [Fact]
    public void A_row_that_is_read_twice_is_assimilated_once_and_one_that_is_left_out_is_refused()
    {
        var rows = Rows();
        var mapper = ((Microsoft.ML.ITransformer)filter.AsMicrosoftML(ml, context, Reading).Fit(rows)).GetRowToRowMapper(rows.Schema);
        Assert.Equal(["Time", "Station", "Observed", "forecast", "analysis", "forecast-spread", "analysis-spread"],
            mapper.OutputSchema.Select(column => column.Name));
        var analysis = mapper.OutputSchema["analysis"];
        Assert.Equal(["Observed", "Time"], mapper.GetDependencies([analysis]).Select(column => column.Name).Order());
        Assert.Equal(["Station"], mapper.GetDependencies([mapper.OutputSchema["Station"]]).Select(column => column.Name));

        using var cursor = rows.GetRowCursor(rows.Schema);
        var row = mapper.GetRow(cursor, [analysis]);
        var getter = row.GetGetter<VBuffer<float>>(analysis);
        Assert.Throws<InvalidOperationException>(() => row.GetGetter<double>(mapper.OutputSchema["Time"]));
        for (int cycle = 0; cycle < 3; cycle++)
        {
            Assert.True(cursor.MoveNext());
            for (int time = 0; time < 2; time++) Assert.Equal(expected[cycle], Value());
        }
        Assert.True(cursor.MoveNext() && cursor.MoveNext());
        Assert.Contains("was at row 2 and is asked for row 4", Assert.Throws<InvalidOperationException>(Value).Message);
        row.Dispose();

        float[] Value()
        {
            VBuffer<float> value = default;
            getter(ref value);
            return [.. value.DenseValues()];
        }
    }

    [Fact]
    public void What_a_single_row_cannot_tell_is_asked_for()
    {
        string Refused(ITransformer step, TrajectoryRows reading, params int[] cycles)
        {
            var model = step.AsMicrosoftML(ml, context, reading).Fit(Rows());
            using var engine = ml.Model.CreatePredictionEngine<Report, Estimate>(model);
            var thrown = Record.Exception(() => cycles.Select(cycle => engine.Predict(At(cycle))).ToList());
            while (thrown?.InnerException is { } inner) thrown = inner;
            return Assert.IsAssignableFrom<Exception>(thrown).Message;
        }
        Assert.Contains("give TrajectoryRows.StartTime a number, or FileStart.AtFirstCycle",
            Refused(filter, Reading with { StartTime = FileStart.OneIntervalBefore }, 0));
        Assert.Contains("Give StartTime", Refused(filter, Reading with { StartTime = null }, 0));
        Assert.Contains("times must rise", Refused(filter, Reading, 1, 0));
        Assert.Contains("apply Transform to all rows", Refused(new Ahead(), Reading, 0));
    }

    [Fact]
    public void Counted_cycles_need_no_start_time()
    {
        var map = new LinearDynamics(eye(Dimension, dtype: ScalarType.Float64));
        var steady = new AssimilationSystem(map, ObservationNetwork.Full(Dimension))
            { Initial = new GaussianInitialCondition(zeros(Dimension, dtype: ScalarType.Float64), ErrorCovariance.Scalar(Dimension, 1)) };
        var model = context.Analysis.KalmanFilter(steady)
            .AsMicrosoftML(ml, context, new TrajectoryRows(new RowColumn(Columns.Observation, "Observed"))).Fit(Rows());
        using var engine = ml.Model.CreatePredictionEngine<Report, Estimate>(model);
        // A constant observed n times with error variance 1, from a prior of mean 0 and variance 1: the sum over n + 1.
        double sum = 0;
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            sum += At(cycle).Observed[3];
            Assert.Equal(sum / (cycle + 2), engine.Predict(At(cycle)).Analysis[3], 1e-5);
        }
    }

    [Fact]
    public void A_missing_value_is_left_out_of_the_analysis()
    {
        var view = new MemoryTrajectoryView(new Dictionary<Column, Tensor>
        {
            [Columns.Observation] = observed[Columns.Observation].clone(),
            [Columns.ObservationMask] = arange(Cycles * Dimension).remainder(5).ne(0).reshape(Cycles, 1, Dimension),
        }, observed.Times, 0);
        using var analyses = filter.Transform(view).Materialise([Columns.Analysis]);
        var model = filter.AsMicrosoftML(ml, context, Reading).Fit(Rows());
        using var engine = ml.Model.CreatePredictionEngine<Report, Estimate>(model);
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            var report = At(cycle);
            for (int i = 0; i < Dimension; i++)
                if ((cycle * Dimension + i) % 5 == 0) report.Observed[i] = double.NaN;
            Assert.Equal(analyses[Columns.Analysis][cycle, 0].to(ScalarType.Float32).ToArray<float>(), engine.Predict(report).Analysis);
        }
    }

    /// <summary>A step that looks one cycle ahead, as a smoother does.</summary>
    private sealed class Ahead : ITransformer
    {
        public string Name => "ahead";
        public SchemaContract Contract { get; } = new([], [new(Columns.Analysis, Dimension)]);

        public ITrajectoryView Transform(ITrajectoryView input) => new TrajectoryView(Contract.Apply(input.Schema, Name), input,
            source => new Cursor(source));

        private sealed class Cursor(ITrajectoryCursor source) : TrajectoryCursor(source)
        {
            protected override bool Compute(long cycle) => Source!.MoveNext();
        }
    }
}
