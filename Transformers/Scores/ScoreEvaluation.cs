using TorchSharp;
using static TorchSharp.torch;

namespace DaML;

/// <summary>One pass over a view in which several scores are averaged.</summary>
internal sealed class ScoreEvaluation
{
    private readonly ITrajectoryView view;
    private readonly IReadOnlyList<IScore> scores;
    private readonly ScoreOptions options;
    private readonly int batch;
    private readonly bool flagged;
    private readonly List<double>[] series;
    private readonly int[] counts;    // figures of each score
    private bool[] diverged;
    private BlockAverages? averages;
    private double[] values = [];     // of the cycle, trajectory by trajectory

    public ScoreEvaluation(ITrajectoryView view, IReadOnlyList<IScore> scores, ScoreOptions options)
    {
        (this.view, this.scores, this.options) = (view, scores, options);
        batch = (int)view.Schema.Batch;
        flagged = view.Schema.Has(Columns.Diverged);
        diverged = new bool[batch];
        counts = new int[scores.Count];
        series = [.. scores.Select(_ => new List<double>())];
    }

    /// <summary>How many cycles were taken in, the burn-in's included.</summary>
    public long Cycles { get; private set; }

    /// <summary>The last cycle's averages over the trajectories, of those scores that have one figure.</summary>
    public IReadOnlyDictionary<string, double> Latest =>
        Enumerable.Range(0, scores.Count).Where(i => counts[i] == 1).ToDictionary(i => scores[i].Name, Average);

    /// <summary>Takes in a cycle.</summary>
    public void Add(ITrajectoryCursor cursor)
    {
        if (Cycles == 0 && scores.FirstOrDefault(score => score.NeedsDensities) is { } score && cursor is not IDensityCursor)
            throw new SchemaException($"The score '{score.Name}' needs the method's densities, which only the output of an assimilation method itself has; put it on that view, before other steps.");
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var cycle = new ScoredCycle(cursor, view.Schema);
        var figures = scores.Select(one => Checked(one, one.Of(cycle))).ToList();
        values = cat(figures, 1).cpu().data<double>().ToArray();
        if (averages is null)
        {
            for (int i = 0; i < counts.Length; i++) counts[i] = (int)figures[i].shape[1];
            averages = new BlockAverages(values.Length);
        }
        if (flagged) diverged = cursor[Columns.Diverged].cpu().data<bool>().ToArray();
        if (Cycles >= options.BurnIn) averages.Add(values);
        if (Cycles < options.SeriesCycles)
            for (int i = 0; i < scores.Count; i++)
                if (counts[i] == 1) series[i].Add(Average(i));
        Cycles++;
    }

    /// <summary>The averages.</summary>
    public ScoreReport Report()
    {
        var outcomes = Outcomes();
        int all = counts.Sum(), first = 0;
        var figures = new Dictionary<string, ScoreFigures>();
        for (int i = 0; i < scores.Count; first += counts[i++])
            figures.Add(scores[i].Name, new ScoreFigures(averages!, outcomes, series[i], first, counts[i], all));
        return new ScoreReport(figures, outcomes, Cycles - options.BurnIn);
    }

    private TrajectoryOutcome[] Outcomes()
    {
        // The analysis' error, or the forecast's where there is none; they come first.
        bool hasError = scores[0].Name is nameof(ScoreReport.AnalysisRmse) or nameof(ScoreReport.ForecastRmse);
        return [.. diverged.Select((flag, b) => flag ? TrajectoryOutcome.Diverged
            : hasError && averages!.Mean(b * counts.Sum()) > options.LostTruthBound ? TrajectoryOutcome.LostTruth : TrajectoryOutcome.Scored)];
    }

    private double Average(int score)
    {
        int all = counts.Sum(), first = counts.Take(score).Sum();
        return TimeAverage.MeanOf(Enumerable.Range(0, batch).Where(b => !diverged[b]).Select(b => values[b * all + first]));
    }

    private Tensor Checked(IScore score, Tensor figures)
    {
        if (figures.ndim is not (1 or 2) || figures.shape[0] != batch)
            throw new InvalidOperationException($"The score '{score.Name}' must give [{batch}] or [{batch}, figures] in every cycle; it gave {ColumnDefinition.Describe(figures.shape)}.");
        return figures.ndim == 2 && figures.dtype == ScalarType.Float64 ? figures : figures.reshape(batch, -1).to(ScalarType.Float64);
    }
}
