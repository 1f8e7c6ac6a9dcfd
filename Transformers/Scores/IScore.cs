using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>
/// A measure that is computed cycle by cycle and averaged over time and trajectories. A score of your own implements this interface
/// alone; averages, standard errors and the handling of divergence belong to the evaluation (<see cref="ScoreOptions.Scores"/>). A score
/// has no mutable state, so one object serves many evaluations.
/// </summary>
public interface IScore
{
    /// <summary>The score's name; no two scores of an evaluation share one.</summary>
    string Name { get; }

    /// <summary>The columns it reads.</summary>
    IReadOnlyList<Column> Requires { get; }

    /// <summary>Whether it reads densities, which a view has after an assimilation method
    /// (<see cref="ITrajectoryCursor.ForecastDensity"/>).</summary>
    bool NeedsDensities => false;

    /// <summary>
    /// The stride of the scored cycles after the burn-in (default: 1, every cycle). For scores that cost more than the method itself.
    /// </summary>
    long Every => 1;

    /// <summary>Computes its figures in a cycle.</summary>
    /// <param name="cycle">The cycle.</param>
    /// <returns><c>[batch]</c>, or <c>[batch, figures]</c> for a score made of several; not a number if there is nothing to
    /// score.</returns>
    Tensor Of(ScoredCycle cycle);
}

/// <summary>A score that is given its name and columns when it is made.</summary>
/// <param name="name">The name.</param>
/// <param name="requires">The columns it reads.</param>
public abstract class Score(string name, params IReadOnlyList<Column> requires) : IScore
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public IReadOnlyList<Column> Requires => requires;

    /// <inheritdoc/>
    public virtual bool NeedsDensities => false;

    /// <inheritdoc/>
    public long Every { get; init; } = 1;

    /// <inheritdoc/>
    public abstract Tensor Of(ScoredCycle cycle);
}

/// <summary>A score whose result is a function of its averages: a ratio, a histogram.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public interface IScore<out TResult> : IScore
{
    /// <summary>Computes the result from the averages.</summary>
    /// <param name="figures">The averages, and functions of them with their standard errors.</param>
    TResult Summarise(ScoreFigures figures);
}

/// <summary>The state of a cycle that is scored.</summary>
public enum ScoredState
{
    /// <summary>The state before the cycle's observation is used.</summary>
    Forecast,

    /// <summary>The state after the cycle's observation is used.</summary>
    Analysis,
}

/// <summary>A cycle in the view of scores: its columns, its observation, and the method's belief. All tensors are the cycle's.</summary>
public sealed class ScoredCycle
{
    private readonly ITrajectoryCursor cursor;
    private readonly TrajectorySchema schema;
    private readonly Dictionary<ScoredState, IDensity> densities = [];

    /// <summary>A state's word in the name of a score.</summary>
    internal static string NameOf(ScoredState which) => which.ToString().ToLowerInvariant();

    internal ScoredCycle(ITrajectoryCursor cursor, TrajectorySchema schema) => (this.cursor, this.schema) = (cursor, schema);

    /// <summary>The number of trajectories.</summary>
    public long Batch => schema.Batch;

    /// <summary>The cycle's number, from 0.</summary>
    public long Cycle => cursor.Cycle;

    /// <summary>The cycle's time in the model's unit.</summary>
    public double Time => cursor.Time;

    /// <summary>A column, <c>[batch, shape...]</c>.</summary>
    /// <exception cref="SchemaException">The view has no such column.</exception>
    public Tensor this[Column column] => cursor[column];

    /// <summary>The true state, <c>[batch, n]</c>.</summary>
    public Tensor Truth => cursor[Columns.Truth];

    /// <summary>The observation, with its mask if the view has one.</summary>
    public Observation Observation => cursor.ReadObservation(schema, cursor[Columns.Observation], "scoring");

    /// <summary>The estimate, <c>[batch, n]</c>.</summary>
    public Tensor State(ScoredState which) => cursor[ColumnOf(which)];

    /// <summary>The standard deviation that the method claims, <c>[batch, n]</c>.</summary>
    public Tensor Spread(ScoredState which) => cursor[SpreadOf(which)];

    /// <summary>The method's density over states.</summary>
    /// <exception cref="SchemaException">The view has no densities.</exception>
    public IDensity Density(ScoredState which)
    {
        if (densities.TryGetValue(which, out var known)) return known;
        return densities[which] = (which == ScoredState.Forecast ? cursor.ForecastDensity : cursor.AnalysisDensity) ??
            throw new SchemaException("The view has no densities: it has no assimilation method, or a step after the method changes " +
                "the truth, the observation, the forecast or the analysis and so leaves the method's state space.");
    }

    /// <summary>The method's ensemble, <c>[batch, members, n]</c>.</summary>
    /// <exception cref="NotSupportedException">The method has no ensemble.</exception>
    public Tensor Members(ScoredState which) => Density(which) is EnsembleDensity ensemble ? ensemble.Members
        : throw new NotSupportedException(
            $"A score of an ensemble needs a method with an ensemble; the density of this method is a {Density(which).GetType().Name}.");

    /// <summary>The column of an estimate.</summary>
    public static Column ColumnOf(ScoredState which) => which == ScoredState.Forecast ? Columns.Forecast : Columns.Analysis;

    /// <summary>The column of an estimate's spread.</summary>
    public static Column SpreadOf(ScoredState which) => which == ScoredState.Forecast ? Columns.ForecastSpread : Columns.AnalysisSpread;
}
