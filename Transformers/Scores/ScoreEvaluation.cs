using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Components;

/// <summary>One pass over a view that averages several scores.</summary>
internal sealed class ScoreEvaluation
{
    private readonly ITrajectoryView view;
    private readonly IReadOnlyList<IScore> scores;
    private readonly ScoreOptions options;
    private readonly int batch, error;           // the score that decides if the truth is lost, or -1
    private readonly double burnInEnd = double.NegativeInfinity;
    private readonly bool flagged;
    private readonly SeriesOfScore[] measured;    // one for each score, from the first cycle on
    private readonly TruthTracking.Watch? watch;
    private readonly bool[] lost;                // if an estimate was non-finite
    private bool[] diverged;

    public ScoreEvaluation(ITrajectoryView view, IReadOnlyList<IScore> scores, ScoreOptions options)
    {
        (this.view, this.scores, this.options) = (view, scores, options);
        batch = (int)view.Schema.Batch;
        flagged = view.Schema.Has(Columns.Diverged);
        (lost, diverged) = (new bool[batch], new bool[batch]);
        measured = new SeriesOfScore[scores.Count];
        error = Place(StandardScores.AnalysisRmse) is var analysis and >= 0 ? analysis : Place(StandardScores.ForecastRmse);
        // A cycle that is at the end except for rounding belongs to the burn-in.
        if (options.BurnInTime is { } time)
        {
            double start = view.RequireStartTime("A burn-in of model time");
            burnInEnd = start + time + 1e-9 * Math.Max(Math.Abs(start), time);
        }
        var bounds = options.TruthBounds
            ?? (double.IsFinite(options.LostTruthBound) ? new(options.LostTruthBound, options.LostTruthBound) : null);
        if (error >= 0 && bounds is not null) watch = new(bounds, batch);

        int Place(IScore score) => Enumerable.Range(0, scores.Count).FirstOrDefault(i => scores[i] == score, -1);
    }

    /// <summary>The number of cycles added, including the burn-in.</summary>
    public long Cycles { get; private set; }

    /// <summary>The number of these cycles after the burn-in.</summary>
    public long Scored { get; private set; }

    /// <summary>The last cycle's averages over the trajectories, of the scores with one figure.</summary>
    public IReadOnlyDictionary<string, double> Latest =>
        Enumerable.Range(0, scores.Count).Where(i => measured[i].Count == 1).ToDictionary(i => scores[i].Name, Average);

    /// <summary>Adds a cycle.</summary>
    public void Add(ITrajectoryCursor cursor)
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        if (Cycles == 0 && scores.FirstOrDefault(score => score.NeedsDensities) is { } score && cursor.ForecastDensity is null)
            throw new SchemaException($"The score '{score.Name}' needs the method's densities, which this view does not have: it has " +
                "no assimilation method, or a step after the method changes the truth, the observation, the forecast or the analysis. " +
                "Score the method's own output, before that step.");
        var cycle = new ScoredCycle(cursor, view.Schema);
        bool counts = Scored > 0 || (Cycles >= options.BurnIn && !(cursor.Time <= burnInEnd));
        // In the first cycle each score shows how many figures it has.
        int[] due = [.. Enumerable.Range(0, scores.Count).Where(i => Cycles == 0 || IsDue(scores[i], counts))];
        if (due.Length > 0) Take(due, [.. due.Select(i => Checked(scores[i], scores[i].Of(cycle)))]);
        if (flagged) diverged = cursor[Columns.Diverged].ToArray<bool>();
        // A non-finite estimate has no error that could be averaged; if it were left out, it would look good.
        for (int b = 0; error >= 0 && b < batch; b++) lost[b] |= !double.IsFinite(measured[error].Latest[b]);
        for (int b = 0; b < batch; b++) diverged[b] |= lost[b];
        watch?.Add(measured[error].Latest, counts);
        for (int i = 0; i < scores.Count; i++)
        {
            bool scored = IsDue(scores[i], counts);
            if (scored && counts)
            {
                measured[i].Averages.Add(measured[i].Latest);
                measured[i].Sample.Add(measured[i].Latest);
            }
            if (Cycles < options.SeriesCycles && measured[i].Count == 1) measured[i].PerCycle.Add(scored ? Average(i) : double.NaN);
        }
        Cycles++;
        if (counts) Scored++;
    }

    /// <summary>The averages.</summary>
    public ScoreReport Report()
    {
        var outcomes = Outcomes();
        var figures = new Dictionary<IScore, ScoreFigures>(ScoreReport.SameScore);
        for (int i = 0; i < scores.Count; i++)
            figures.Add(scores[i], new ScoreFigures(measured[i].Averages, measured[i].Sample, outcomes, measured[i].PerCycle,
                measured[i].Count, scores[i].Every));
        return new ScoreReport(figures, outcomes, Scored, watch?.Result(outcomes));
    }

    // A score of every cycle is also computed in the burn-in, for its series.
    private bool IsDue(IScore score, bool counts) => score.Every == 1 || (counts && Scored % score.Every == 0);

    private void Take(int[] due, List<Tensor> figures)
    {
        double[] values = cat(figures, 1).ToArray<double>();    // trajectory by trajectory
        int all = figures.Sum(one => (int)one.size(1)), first = 0;
        for (int k = 0; k < due.Length; k++)
        {
            int count = (int)figures[k].size(1);
            var into = measured[due[k]] ??= new(batch, count);
            if (count != into.Count)
                throw new InvalidOperationException(
                    $"The score '{scores[due[k]].Name}' must give the same number of figures in every cycle; it gave {into.Count} and " +
                    $"then {count}.");
            for (int b = 0; b < batch; b++) values.AsSpan(b * all + first, count).CopyTo(into.Latest.AsSpan(b * count));
            first += count;
        }
    }

    private TrajectoryOutcome[] Outcomes() => [.. diverged.Select((flag, b) => flag ? TrajectoryOutcome.Diverged
        : error >= 0 && measured[error].Averages.Mean(b) > options.LostTruthBound ? TrajectoryOutcome.LostTruth
        : TrajectoryOutcome.Scored)];

    private double Average(int score) =>
        TimeAverage.MeanOf(Enumerable.Range(0, batch).Where(b => !diverged[b])
            .Select(b => measured[score].Latest[b * measured[score].Count]));

    private Tensor Checked(IScore score, Tensor figures)
    {
        if (figures.ndim is not (1 or 2) || figures.size(0) != batch)
            throw new InvalidOperationException(
                $"The score '{score.Name}' must give [{batch}] or [{batch}, figures] in every cycle; it gave " +
                    $"{figures.DescribeSizes()}.");
        return figures.ndim == 2 && figures.dtype == ScalarType.Float64 ? figures : figures.reshape(batch, -1).to(ScalarType.Float64);
    }

    // The stored values of a score.
    private sealed class SeriesOfScore(int batch, int count)
    {
        public int Count { get; } = count;                                       // figures
        public double[] Latest { get; } = new double[batch * count];             // of the last cycle in which it was scored
        public BlockAverages Averages { get; } = new(batch * count);
        public ThinnedCycles Sample { get; } = new(batch * count);
        public List<double> PerCycle { get; } = [];
    }
}
