using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Tests;

/// <summary>A pipeline that cannot work is refused while it is composed, with a message that names step, column, and both shapes.</summary>
public class ChainTests
{
    private static readonly Column Field = new("field");
    private static readonly Column Coefficients = new("coefficients");

    [Fact]
    public void A_shape_that_does_not_fit_is_refused_as_the_step_is_appended()
    {
        var first = Step("reduction", [new(Field, 40)], [new(Coefficients, 5)]);
        var second = Step("emulator", [new(Coefficients, 7)], []);
        var refused = Assert.Throws<SchemaException>(() => first.Append(second));
        Assert.Contains("Step 2 of the pipeline (emulator)", refused.Message);
        Assert.Contains("'coefficients'", refused.Message);
        Assert.Contains("[7]", refused.Message);
        Assert.Contains("[5]", refused.Message);
    }

    [Fact]
    public void The_same_holds_for_estimators_and_for_chains_of_three()
    {
        var chain = Step("a", [], [new(Coefficients, 5)]).Append(Step("b", [], []));
        var refused = Assert.Throws<SchemaException>(() => chain.Append(Step("c", [new(Coefficients, 6)], [])));
        Assert.Contains("Step 3 of the pipeline (c)", refused.Message);
    }

    [Fact]
    public void On_known_data_a_missing_column_is_refused_as_the_step_is_appended()
    {
        var pipeline = new DataAssimilationContext().Pipeline(new ConstantView(3, (Field, ones(2, 40))));
        var refused = Assert.Throws<SchemaException>(() => pipeline.Append(Step("emulator", [new(Coefficients, 7)], [])));
        Assert.Contains("step 1", refused.Message);
        Assert.Contains("emulator", refused.Message);
        Assert.Contains("'coefficients'", refused.Message);
        Assert.Contains("[7]", refused.Message);
        Assert.Contains("field[40]", refused.Message);
    }

    [Fact]
    public void Two_steps_that_ask_the_input_for_one_column_in_different_shapes_are_refused()
    {
        var first = Step("a", [new(Field, 40)], []);
        Assert.Throws<SchemaException>(() => first.Append(Step("b", [new(Field, 41)], [])));
        first.Append(Step("b", [new(Field, ColumnDefinition.AnySize)], []));
        Assert.Throws<SchemaException>(() => first.Append(Step("b", [new(Field, 40, 1)], [])));
    }

    [Fact]
    public void A_column_a_step_replaces_has_its_new_shape_from_there_on()
    {
        var chain = Step("a", [new(Field, 40)], [new(Field, 20)]).Append(Step("b", [new(Field, 20)], [new(Field, 10)]));
        Assert.Equal(new ColumnDefinition(Field, 40), Assert.Single(chain.Contract.Requires));
        Assert.Equal(new ColumnDefinition(Field, 10), Assert.Single(chain.Contract.Adds));
        Assert.Equal([10], chain.GetOutputSchema(new TrajectorySchema(1, new ColumnDefinition(Field, 40)))[Field].Shape);
    }

    [Fact]
    public void A_chain_of_estimators_fits_each_step_on_what_the_steps_before_it_give()
    {
        var seen = new List<double>();
        var data = new ConstantView(2, (Field, ones(2, 3)));
        var fitted = Recorder(seen).Append(new Doubling()).Append(Recorder(seen)).Append(new Doubling()).Fit(data);
        Assert.Equal([1, 2], seen);
        using var cursor = fitted.Transform(data).OpenCursor();
        Assert.True(cursor.MoveNext());
        Assert.Equal(4, cursor[Field].mean().ToDouble());
        Assert.Equal(4, fitted.Steps.Count);
        Assert.Throws<InvalidOperationException>(() => fitted.Find<Doubling>());
    }

    [Fact]
    public void Validation_data_takes_the_same_way_through_the_chain()
    {
        var seen = new List<double>();
        var chain = new Doubling().Append(Recorder(seen));
        chain.Fit(new ConstantView(2, (Field, ones(2, 3))), new ConstantView(2, (Field, 10 * ones(2, 3))));
        Assert.Equal([2, 20], seen);
    }

    [Fact]
    public void Fitting_on_data_that_lacks_a_column_is_refused_before_anything_is_learned()
    {
        var seen = new List<double>();
        var chain = Recorder(seen).Append(Step("emulator", [new(Coefficients, 7)], []));
        Assert.Throws<SchemaException>(() => chain.Fit(new ConstantView(2, (Field, ones(2, 3)))));
        Assert.Empty(seen);
    }

    [Fact]
    public void Two_cursors_of_one_transformed_view_do_not_disturb_each_other()
    {
        var view = new Doubling().Append(new Doubling()).Transform(new ConstantView(3, (Field, ones(2, 3))));
        using ITrajectoryCursor one = view.OpenCursor(), two = view.OpenCursor();
        Assert.True(one.MoveNext() && one.MoveNext() && two.MoveNext());
        Assert.Equal((1, 0), (one.Cycle, two.Cycle));
        Assert.Equal(4, two[Field].max().ToDouble());
        var missing = Assert.Throws<SchemaException>(() => one[Coefficients]);
        Assert.Contains("coefficients", missing.Message);
    }

    [Fact]
    public void Taking_cycles_ends_an_endless_view()
    {
        var view = new ConstantView(null, (Field, ones(1, 3))).Take(4);
        Assert.Equal(4, view.CycleCount);
        using var cursor = view.OpenCursor();
        int count = 0;
        while (cursor.MoveNext()) count++;
        Assert.Equal(4, count);
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Take(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => view.Take(-1));
    }

    [Theory, InlineData(""), InlineData("two words"), InlineData("tab\there")]
    public void A_columns_name_has_no_blanks(string name) => Assert.Throws<ArgumentException>(() => new Column(name));

    [Fact]
    public void Columns_are_the_same_if_their_names_are() => Assert.Equal(Columns.Truth, new Column("truth"));

    private static DoNothing Step(string name, ColumnDefinition[] requires, ColumnDefinition[] adds) =>
        new(name, new SchemaContract(requires, adds));

    private static RecordingEstimator Recorder(List<double> seen) => new(seen);

    private sealed class DoNothing(string name, SchemaContract contract) : ITransformer
    {
        public string Name => name;
        public SchemaContract Contract => contract;
        public ITrajectoryView Transform(ITrajectoryView input) => input;
    }

    private sealed class Doubling()
        : CycleTransformer("doubling", new SchemaContract([new(Field, ColumnDefinition.AnySize)], [new(Field, ColumnDefinition.AnySize)]))
    {
        protected override IReadOnlyList<Tensor> Apply(ITrajectoryCursor cycle) => [2 * cycle[Field]];
    }

    /// <summary>Notes the mean of what it is fitted on.</summary>
    private sealed class RecordingEstimator(List<double> seen) : IValidatedEstimator<ITransformer>
    {
        public string Name => "recorder";
        public SchemaContract Contract => new([new(Field, ColumnDefinition.AnySize)], []);

        public ITransformer Fit(ITrajectoryView data, CancellationToken cancellation = default)
        {
            using var cursor = data.OpenCursor();
            cursor.MoveNext();
            seen.Add(cursor[Field].mean().ToDouble());
            return new DoNothing("recorded", Contract);
        }

        public ITransformer Fit(ITrajectoryView training, ITrajectoryView validation, CancellationToken cancellation = default)
        {
            Fit(training, cancellation);
            return Fit(validation, cancellation);
        }
    }
}
