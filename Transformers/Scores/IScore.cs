using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// Something that is measured cycle by cycle and averaged over time and trajectories. A score of one's own is this and
/// nothing more: averages, standard errors and the handling of divergence are the evaluation's
/// (<see cref="ScoreOptions.Scores"/>). It holds nothing that changes, so one object serves many evaluations.
/// </summary>
public interface IScore
{
    /// <summary>What to call it; no two scores of an evaluation have the same name.</summary>
    string Name { get; }

    /// <summary>The columns it reads.</summary>
    IReadOnlyList<Column> Requires { get; }

    /// <summary>Whether it reads densities, which a view has behind an assimilation method
    /// (<see cref="ITrajectoryCursor.ForecastDensity"/>).</summary>
    bool NeedsDensities => false;

    /// <summary>
    /// Of how many successive cycles after the burn-in one is scored; all unless said. For what costs more than the method itself.
    /// </summary>
    long Every => 1;

    /// <summary>Its figures in a cycle.</summary>
    /// <param name="cycle">The cycle.</param>
    /// <returns><c>[batch]</c>, or <c>[batch, figures]</c> for a score made of several; not a number where there is nothing to
    /// score.</returns>
    Tensor Of(ScoredCycle cycle);
}

/// <summary>A score that makes something else of its averages than the averages themselves: a ratio, a histogram.</summary>
/// <typeparam name="TResult">What it makes.</typeparam>
public interface IScore<out TResult> : IScore
{
    /// <summary>What follows from the averages.</summary>
    /// <param name="figures">The averages, and functions of them with their standard errors.</param>
    TResult Summarise(ScoreFigures figures);
}

/// <summary>Which of a cycle's two states is scored.</summary>
public enum ScoredState
{
    /// <summary>Before the cycle's observation was used.</summary>
    Forecast,

    /// <summary>After the cycle's observation was used.</summary>
    Analysis,
}

/// <summary>A cycle as scores see it: its columns, its observation, and what the method believes. All tensors are the cycle's.</summary>
public sealed class ScoredCycle
{
    private readonly ITrajectoryCursor cursor;
    private readonly TrajectorySchema schema;
    private readonly Dictionary<ScoredState, IDensity> densities = [];

    internal ScoredCycle(ITrajectoryCursor cursor, TrajectorySchema schema) => (this.cursor, this.schema) = (cursor, schema);

    /// <summary>Number of trajectories.</summary>
    public long Batch => schema.Batch;

    /// <summary>The cycle's number, from 0.</summary>
    public long Cycle => cursor.Cycle;

    /// <summary>The cycle's time in the model's unit.</summary>
    public double Time => cursor.Time;

    /// <summary>A column, <c>[batch, shape...]</c>.</summary>
    /// <exception cref="SchemaException">The view does not have it.</exception>
    public Tensor this[Column column] => cursor[column];

    /// <summary>The true state, <c>[batch, n]</c>.</summary>
    public Tensor Truth => cursor[Columns.Truth];

    /// <summary>The observation, with its mask where the view has one.</summary>
    public Observation Observation => cursor.ReadObservation(schema, cursor[Columns.Observation], "scoring");

    /// <summary>The estimate, <c>[batch, n]</c>.</summary>
    public Tensor State(ScoredState which) => cursor[ColumnOf(which)];

    /// <summary>The standard deviation the method claims, <c>[batch, n]</c>.</summary>
    public Tensor Spread(ScoredState which) => cursor[SpreadOf(which)];

    /// <summary>What the method believes of the state.</summary>
    /// <exception cref="SchemaException">The view has no densities.</exception>
    public IDensity Density(ScoredState which)
    {
        if (densities.TryGetValue(which, out var known)) return known;
        return densities[which] = (which == ScoredState.Forecast ? cursor.ForecastDensity : cursor.AnalysisDensity) ??
            throw new SchemaException("The view has no densities: no assimilation method is in it, or a step behind the method gives the " +
                "truth, the observation, the forecast or the analysis other values, and so leaves its state space.");
    }

    /// <summary>The method's ensemble, <c>[batch, members, n]</c>.</summary>
    /// <exception cref="NotSupportedException">The method has none.</exception>
    public Tensor Members(ScoredState which) => Density(which) is EnsembleDensity ensemble ? ensemble.Members
        : throw new NotSupportedException(
            $"A score of an ensemble needs a method that has one; the density of this one is a {Density(which).GetType().Name}.");

    /// <summary>The column of an estimate.</summary>
    public static Column ColumnOf(ScoredState which) => which == ScoredState.Forecast ? Columns.Forecast : Columns.Analysis;

    /// <summary>The column of an estimate's spread.</summary>
    public static Column SpreadOf(ScoredState which) => which == ScoredState.Forecast ? Columns.ForecastSpread : Columns.AnalysisSpread;
}
