using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// The contract of every transformer: it is immutable and lazy, its cursors restart to the bit and are independent of each other, it
/// provides the columns that it promises and does not change its input. Inherit it in a test project of xunit v3 and define how the
/// transformer and an input for it are made.
/// </summary>
public abstract class TransformerContract : Contract
{
    /// <summary>Makes the transformer.</summary>
    protected abstract ITransformer CreateTransformer(DataAssimilationContext context);

    /// <summary>
    /// Makes an input view, which has more cycles than <see cref="Cycles"/> plus those that the transformer leaves out, or never ends.
    /// </summary>
    protected abstract ITrajectoryView CreateInput(DataAssimilationContext context);

    /// <summary>The number of cycles that are read (default: 6).</summary>
    protected virtual int Cycles => 6;

    /// <summary>Its view has the schema that it announced, its columns have the shapes of the schema, and times rise.</summary>
    [Fact]
    public void It_gives_the_columns_it_promises()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var view = step.Transform(input);
        var promised = step.GetOutputSchema(input.Schema);
        Demand(promised.Batch == view.Schema.Batch && promised.Definitions.SequenceEqual(view.Schema.Definitions), step.Name, "schema",
            $"GetOutputSchema says {promised}; the view it gives says {view.Schema}.");
        foreach (var added in step.Contract.Adds)
            Demand(view.Schema.Find(added.Column) is { } given
                && added.Accepts(given.Shape), step.Name, "schema", $"its contract adds {added}; its view has: {view.Schema}.");
        using var cursor = view.OpenCursor();
        Demand(cursor.Cycle == -1, step.Name, "cursor", $"a cursor that has not moved is on cycle {cursor.Cycle}; -1 is needed.");
        double time = view.StartTime ?? double.NegativeInfinity;
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            Demand(cursor.MoveNext(), step.Name, "cursor",
                $"its view ends after {cycle} cycles; {Cycles} are read. Give it a longer input.");
            Demand(cursor.Cycle == cycle, step.Name, "cursor",
                $"the cursor is on cycle {cursor.Cycle} after {cycle + 1} moves; {cycle} is needed.");
            Demand(cursor.Time >= time, step.Name, "cursor", $"time goes back from {time} to {cursor.Time} in cycle {cycle}.");
            time = cursor.Time;
            foreach (var definition in view.Schema.Definitions)
            {
                var value = cursor[definition.Column];
                Demand(value.ndim == definition.Shape.Length + 1 && value.size(0) == view.Schema.Batch
                    && definition.Accepts(value.Sizes()[1..]), step.Name, "schema",
                    $"the column '{definition.Column}' has shape {ColumnDefinition.Describe(value.Sizes())} in cycle {cycle}; " +
                        $"{ColumnDefinition.Describe([view.Schema.Batch, .. definition.Shape])} was promised.");
            }
        }
    }

    /// <summary>Applying it to a view reads nothing; opening a cursor computes nothing before the cursor moves.</summary>
    [Fact]
    public void It_computes_nothing_before_a_cursor_moves()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var watched = new WatchedView(input);
        var view = step.Transform(watched);
        Demand(watched.Opened == 0, step.Name, "laziness", "it opens a cursor of its input when it is put on it.");
        using var cursor = view.OpenCursor();
        Demand(watched.Moves == 0, step.Name, "laziness", "a cursor reads its input before it moves.");
    }

    /// <summary>Reading a view again gives the same to the bit.</summary>
    [Fact]
    public void Its_view_is_read_again_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var view = step.Transform(input);
        DemandSameReading(step, "restart", CursorBits.Of(view, Cycles), CursorBits.Of(view, Cycles), "a second cursor of the same view");
        DemandSameReading(step, "restart", CursorBits.Of(view, Cycles), CursorBits.Of(step.Transform(input), Cycles),
            "a cursor of a second view of the same transformer");
    }

    /// <summary>Cursors that move in turn give the same as each alone: the state from cycle to cycle belongs to the cursor.</summary>
    [Fact]
    public void Interleaved_cursors_do_not_disturb_each_other()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var alone = CursorBits.Of(step.Transform(input), Cycles);
        var view = step.Transform(input);
        using ITrajectoryCursor first = view.OpenCursor(), second = view.OpenCursor(), other = step.Transform(input).OpenCursor();
        var readings = new Dictionary<ITrajectoryCursor, List<byte[]>> { [first] = [], [second] = [], [other] = [] };
        void Move(ITrajectoryCursor cursor)
        {
            if (readings[cursor].Count < Cycles && cursor.MoveNext()) readings[cursor].Add(CursorBits.Of(cursor, view.Schema));
        }
        Move(first);
        Move(first);
        for (int i = 0; i < Cycles; i++)
        {
            Move(second);
            Move(first);
            Move(other);
        }
        foreach (var (_,
            reading) in readings) DemandSameReading(step, "independence of cursors", reading, alone,
                "a cursor that moves by turns with others");
    }

    /// <summary>Cursors on several threads at once give the same as each alone.</summary>
    [Fact]
    public void Cursors_on_several_threads_do_not_disturb_each_other()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var view = step.Transform(input);
        DemandSameOnThreads(step.Name, () => [.. CursorBits.Of(view, Cycles).SelectMany(bits => bits)]);
    }

    /// <summary>Neither the order in which columns are read, nor whether they are read, changes anything.</summary>
    [Fact]
    public void The_order_of_reading_columns_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var view = step.Transform(input);
        var forwards = CursorBits.Of(view, Cycles);
        DemandSameReading(step, "order of reading", CursorBits.Of(view, Cycles, backwards: true), forwards,
            "a cursor whose columns are read the other way round");
        using var cursor = view.OpenCursor();
        for (int i = 0; i < Cycles; i++) cursor.MoveNext();
        Demand(CursorBits.Of(cursor, view.Schema).AsSpan().SequenceEqual(forwards[^1]), step.Name, "order of reading",
            "the last cycle differs where the columns of those before were not read.");
    }

    /// <summary>The tensors of its input are unchanged, and it closes the cursors that it opens.</summary>
    [Fact]
    public void It_leaves_its_input_alone_and_closes_what_it_opens()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var watched = new WatchedView(input);
        using (var cursor = step.Transform(watched).OpenCursor())
            for (int i = 0; i < Cycles && cursor.MoveNext(); i++)
                foreach (var added in step.Contract.Adds) TensorBits.Of(cursor[added.Column]);
        Demand(watched.Damage.Count == 0, step.Name, "ownership", watched.Damage.FirstOrDefault() + ".");
        Demand(watched.Opened == watched.Closed, step.Name, "ownership",
            $"it opens {watched.Opened} cursors of its input and closes {watched.Closed}.");
    }

    /// <summary>It ends when its input ends, and says how many cycles there are.</summary>
    [Fact]
    public void It_ends_when_its_input_ends()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var view = step.Transform(input.Take(Cycles));
        using var cursor = view.OpenCursor();
        long count = 0;
        while (count <= Cycles && cursor.MoveNext()) count++;
        Demand(count <= Cycles, step.Name, "end", $"its view goes on after the {Cycles} cycles of its input.");
        Demand(view.CycleCount is { } said
            && said == count, step.Name, "end", $"it says there are {view.CycleCount?.ToString() ?? "endless"} cycles; there are {count}.");
        Demand(!cursor.MoveNext(), step.Name, "end", "a cursor that came to the end moves again.");
    }

    /// <summary>An input that lacks a column it needs is refused before anything is read.</summary>
    [Fact]
    public void A_missing_column_is_refused()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        foreach (var required in step.Contract.Requires)
        {
            Demand(input.Schema.Has(required.Column), step.Name, "schema",
                $"it needs the column '{required.Column}', which the input it is tested on does not have.");
            var lacking = new ViewWithout(input, required.Column);
            foreach (var (what,
                use) in ((string, Action)[])[("GetOutputSchema", () => step.GetOutputSchema(lacking.Schema)),
                    ("Transform", () => step.Transform(lacking))])
            {
                bool refused = false;
                try { use(); }
                catch (SchemaException) { refused = true; }
                Demand(refused, step.Name, "refusal",
                    $"{what} takes a view without the column '{required.Column}' it needs; a SchemaException is needed.");
            }
        }
    }

    /// <summary>Made again with the same seed and settings, it gives the same to the bit.</summary>
    [Fact]
    public void Seed_and_settings_say_all()
    {
        using var scope = NewDisposeScope();
        var (step, input) = Create();
        var (again, sameInput) = Create();
        DemandSameReading(step, "seeds", CursorBits.Of(again.Transform(sameInput), Cycles), CursorBits.Of(step.Transform(input), Cycles),
            "a second object of the same seed and settings");
    }

    /// <summary>After saving and reading, it gives the same to the bit; skipped if it cannot be saved.</summary>
    [Fact]
    public void It_comes_back_from_a_file_to_the_bit()
    {
        using var scope = NewDisposeScope();
        var context = CreateContext();
        var step = CreateTransformer(context);
        var input = CreateInput(context);
        var read = RoundTrip(step, context);
        DemandSameReading(step, "saving", CursorBits.Of(read.Transform(input), Cycles), CursorBits.Of(step.Transform(input), Cycles),
            "the transformer read from a file");
    }

    private (ITransformer Step, ITrajectoryView Input) Create()
    {
        var context = CreateContext();
        return (CreateTransformer(context), CreateInput(context));
    }

    private static void DemandSameReading(ITransformer step, string test, List<byte[]> given, List<byte[]> expected, string what)
    {
        int cycle = CursorBits.FirstDifference(given, expected);
        Demand(cycle < 0, step.Name, test, $"{what} gives other numbers from cycle {cycle} on.");
    }
}
