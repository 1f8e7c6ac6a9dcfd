using static TorchSharp.torch;

namespace DaML;

/// <summary>
/// Trajectories to learn an analysis from that show a teacher's analyses in the truth's place: those of a method that may know more than
/// the one that learns, an ensemble filter for an ensemble-free analysis. Given what the learner knows, a forecast and an observation, the mean of
/// all observations' posterior has the same expectation as the truth, so the best analysis in the mean square stays what it was. But the truth's own
/// scatter about that mean is gone, and the gradients' noise with it, which is what long trainings wait for. A teacher that is biased passes its bias on.
/// </summary>
/// <remarks>For squared errors. A density that is to hold the truth must see the truth.</remarks>
public sealed class TaughtTrajectories : ITransformer
{
    private readonly ITransformer teacher;
    private readonly long burnIn;

    /// <summary>Creates the step.</summary>
    /// <param name="teacher">The teacher: it adds <see cref="Columns.Analysis"/>.</param>
    /// <param name="burnIn">Number of cycles at the start that still show the truth, while the teacher finds it.</param>
    /// <exception cref="ArgumentException">It adds no analysis, or the count is below zero.</exception>
    public TaughtTrajectories(ITransformer teacher, long burnIn)
    {
        (this.teacher, this.burnIn) = (teacher, Require.NotNegative(burnIn));
        var analysis = teacher.Contract.Adds.FirstOrDefault(definition => definition.Column == Columns.Analysis)
            ?? throw new ArgumentException($"A teacher gives analyses; {teacher.Name} adds {(teacher.Contract.Adds.Count == 0 ? "no column" : string.Join(", ", teacher.Contract.Adds))}.", nameof(teacher));
        ColumnDefinition truth = new(Columns.Truth, analysis.Shape);
        Contract = new([.. teacher.Contract.Requires.Where(definition => definition.Column != Columns.Truth), truth], [truth]);
    }

    /// <inheritdoc/>
    public string Name => $"lessons of {teacher.Name}";

    /// <inheritdoc/>
    public SchemaContract Contract { get; }

    /// <inheritdoc/>
    public ITrajectoryView Transform(ITrajectoryView input) =>
        new TrajectoryView(Contract.Apply(input.Schema, Name), teacher.Transform(input), source => new Cursor(source, burnIn));

    private sealed class Cursor(ITrajectoryCursor source, long burnIn) : TrajectoryCursor(source)
    {
        protected override bool Compute(long cycle)
        {
            if (cycle >= burnIn) Set(Columns.Truth, Source![Columns.Analysis].to(Source[Columns.Truth].dtype));
            return true;
        }
    }
}
