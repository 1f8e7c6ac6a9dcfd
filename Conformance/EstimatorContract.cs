using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every estimator: it learns the same from the same data and seed, returns a transformer with the promised columns, and
/// does not change its data. Its transformer is also tested, since this contract inherits that of transformers.
/// </summary>
public abstract class EstimatorContract : TransformerContract
{
    /// <summary>Makes the estimator.</summary>
    protected abstract IEstimator<ITransformer> CreateEstimator(DataAssimilationContext context);

    /// <summary>Makes the data that the estimator learns from; as short as learning allows.</summary>
    protected abstract ITrajectoryView CreateTraining(DataAssimilationContext context);

    /// <summary>Makes the input of the transformer (default: the data that the estimator learns from).</summary>
    protected override ITrajectoryView CreateInput(DataAssimilationContext context) => CreateTraining(context);

    /// <inheritdoc/>
    protected sealed override ITransformer CreateTransformer(DataAssimilationContext context) =>
        CreateEstimator(context).Fit(CreateTraining(context));

    /// <summary>Its transformer adds the columns that the estimator promised before it learned.</summary>
    [Fact]
    public void Its_transformer_has_the_columns_it_promised()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var estimator = CreateEstimator(context);
        var input = CreateInput(context);
        var promised = estimator.GetOutputSchema(input.Schema);
        var given = estimator.Fit(CreateTraining(context)).GetOutputSchema(input.Schema);
        Demand(promised.Batch == given.Batch && promised.Definitions.Count == given.Definitions.Count &&
               promised.Definitions.Zip(given.Definitions)
                   .All(pair => pair.First.Column == pair.Second.Column && pair.First.Accepts(pair.Second.Shape)),
            estimator.Name, "schema", $"it promises {promised}; its transformer gives {given}.");
    }

    /// <summary>Learning again gives the same, and a transformer does not change when its estimator learns again.</summary>
    [Fact]
    public void It_learns_the_same_again()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var estimator = CreateEstimator(context);
        var input = CreateInput(context);
        var first = estimator.Fit(CreateTraining(context));
        var before = CursorBits.Of(first.Transform(input), Cycles);
        var second = estimator.Fit(CreateTraining(context));
        Demand(CursorBits.FirstDifference(CursorBits.Of(first.Transform(input), Cycles), before) < 0, estimator.Name, "independence",
            "its first transformer gives other numbers after it has learned again.");
        Demand(CursorBits.FirstDifference(CursorBits.Of(second.Transform(input), Cycles), before) < 0, estimator.Name, "seeds",
            "what it learns from the same data again gives other numbers.");
    }

    /// <summary>The data it learns from are unchanged, and it closes the cursors that it opens.</summary>
    [Fact]
    public void It_leaves_its_data_alone()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var estimator = CreateEstimator(context);
        var watched = new WatchedView(CreateTraining(context));
        estimator.Fit(watched);
        Demand(watched.Damage.Count == 0, estimator.Name, "ownership", watched.Damage.FirstOrDefault() + ".");
        Demand(watched.Opened == watched.Closed, estimator.Name, "ownership",
            $"it opens {watched.Opened} cursors of its data and closes {watched.Closed}.");
    }

    /// <summary>Data that lack a column which the contract requires are refused.</summary>
    [Fact]
    public void Data_without_a_needed_column_are_refused()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var estimator = CreateEstimator(context);
        var data = CreateTraining(context);
        foreach (var required in estimator.Contract.Requires)
        {
            bool refused = false;
            try { estimator.Fit(new ViewWithout(data, required.Column)); }
            catch (SchemaException) { refused = true; }
            Demand(refused, estimator.Name, "refusal",
                $"it learns from data without the column '{required.Column}' it needs; a SchemaException is needed.");
        }
    }
}
