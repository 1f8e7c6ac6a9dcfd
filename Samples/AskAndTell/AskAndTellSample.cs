using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>Ask and tell: an ETKF drives a model that is a program outside, through files, some of whose runs crash.</summary>
/// <param name="burnIn">Cycles that are not scored.</param>
/// <param name="cycles">Cycles that are scored.</param>
public sealed class AskAndTellSample(long burnIn = 100, long cycles = 300) : ISample
{
    private const int Members = 30, Processes = 2;
    private const long FailEvery = 67, DieEvery = 1009;

    // Errors of the analyses and crashed runs are of each cycle.
    private sealed record Outcome(double[] Errors, double[] ErrorsInside, double[] CrashedRuns, double Difference, int DeadProcesses,
        double Seconds, long BurnIn)
    {
        public double Error => Errors.Skip((int)BurnIn).Average();

        public int Crashes => (int)CrashedRuns.Sum();
    }

    /// <inheritdoc/>
    public string Name => "ask-and-tell";

    /// <inheritdoc/>
    public string Summary =>
        "Drives a Lorenz-96 model written in awk through files, crashes included, and compares with the model in process.";

    /// <inheritdoc/>
    public string Details => $"""
        An ETKF of {Members} members assimilates observations of Lorenz-96 (40 sites, all observed every 0.05 with error variance 1)
        for {burnIn + cycles:N0} cycles, three times: with the model in process; with the same model as an awk program,
        {Processes} processes at once, each of which reads a file of states and writes a file of results; and with that program
        failing on purpose: every {FailEvery}th run fails, and at every {DieEvery}th the process dies in the middle of a line.
        Crashed members are resampled from the survivors. Half way, the assimilation is written to a file and continued from there,
        as from one cluster job to the next. Takes less than a minute; needs awk. Writes report.html and its figure as SVG.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick];

    /// <inheritdoc/>
    public double? TrainingMinutes => null;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var context = run.CreateContext();
        using var mean = full(40, 2.0, dtype: ScalarType.Float64, device: context.Device);
        var start = new GaussianInitialCondition(mean, ErrorCovariance.Scalar(40, 1));
        var model = new Lorenz96();
        var system = new AssimilationSystem(model, ObservationNetwork.Full(40)) { Initial = start };
        using var data = context.Data.Twin(system, new() { Cycles = burnIn + cycles }).Materialise();
        SequentialAssimilation<EnsembleMemory> Method(IDynamics dynamics) =>
            context.Analysis.EnsembleTransformKalmanFilter(system with { Dynamics = dynamics },
            new() { Members = Members, Inflation = Inflation.StandardDeviation(1.03) });

        using var inside = Method(model).Transform(data).Materialise([Columns.Analysis], cancellation: run.Cancellation);
        double error = context.Scores.Evaluate(Method(model).Transform(data), new ScoreOptions { BurnIn = burnIn }).AnalysisRmse.Mean;

        var external = new ExternalDynamics("lorenz96.awk", 40, 0.05);
        var calm = Drive(run, Method(external), new ExternalModel(Path.Combine(run.Options.OutputFolder, "calm"), Processes, 0, 0), data,
            inside);
        var crashing = Drive(run, Method(external),
            new ExternalModel(Path.Combine(run.Options.OutputFolder, "crashing"), Processes, FailEvery, DieEvery), data, inside);

        var table = new ReportTable($"ETKF, {Members} members, {cycles} cycles of Lorenz-96",
            ["the model", "analysis RMSE", "crashed runs", "dead processes", "largest difference", "seconds"],
        [
            ["in process", SampleRun.Number(error, 4), "", "", "", ""],
            Row("awk program", calm),
            Row("awk program that crashes", crashing),
        ]);
        run.Show(table);
        string verdict = calm.Difference == 0 ? "Through files, the program outside gives the numbers of the model in process to the bit."
            : FormattableString.Invariant(
                $"Through files, the analyses of the program outside differ from those in process by at most {calm.Difference:0.0e+0}.");
        run.Say(verdict);
        var settings = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed, ["device"] = run.Options.Device, ["model"] = "Lorenz-96, n = 40, F = 8, step 0.05",
            ["members"] = Members, ["processes"] = Processes,
            ["burn_in"] = burnIn, ["cycles"] = cycles, ["fail_every"] = FailEvery, ["die_every"] = DieEvery,
            ["crash_policy"] = "resample",
        };
        run.Write(new HtmlReport("A model in another process",
        [
            new ReportParagraph(Details.ReplaceLineEndings(" ")), table, new ReportParagraph(verdict),
            new ReportFigure(run.Write(Errors(calm, crashing), "errors"),
                "(a) The program outside lies on the model in process; with the one that crashes the filter takes longer to find the " +
                    "truth, and then stays close. (b) The runs that crashed in each cycle; the tall bars are of processes that died."),
            new ReportHeading("Settings"), new ReportSettings(settings),
        ]));
        return new SampleResult(settings,
            new Dictionary<string, double>
            {
                ["rmse.inside"] = error, ["rmse.outside"] = calm.Error, ["rmse.crashing"] = crashing.Error,
                ["difference.outside"] = calm.Difference,
                ["crashes.runs"] = crashing.Crashes, ["crashes.processes"] = crashing.DeadProcesses, ["seconds.outside"] = calm.Seconds,
                ["seconds.crashing"] = crashing.Seconds,
            });
    }

    // The assimilation by ask and tell; its analyses are compared with those of the model in process.
    private Outcome Drive(SampleRun run, SequentialAssimilation<EnsembleMemory> method, ExternalModel model, ITrajectoryView data,
        ITrajectoryView inside)
    {
        var options = new AskAndTellOptions { Crashes = CrashPolicy.Resample(added: ErrorCovariance.Scalar(method.StateDimension, 0.01)) };
        string checkpoint = Path.Combine(run.Options.OutputFolder, "ask-and-tell.checkpoint");
        var watch = Stopwatch.StartNew();
        var assimilation = new AskAndTell(method, options);
        try
        {
            List<double> errors = [], errorsInside = [], crashed = [];
            double difference = 0;
            using ITrajectoryCursor cycle = data.OpenCursor(), reference = inside.OpenCursor();
            while (cycle.MoveNext() && reference.MoveNext())
            {
                run.Cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                foreach (var results in model.Run(assimilation.Ask(cycle.Time), run.Cancellation)) assimilation.Tell(results);
                if (cycle.Cycle == (burnIn + cycles) / 2)
                {
                    assimilation.Save(checkpoint);
                    assimilation.Dispose();
                    assimilation = AskAndTell.Restore(method, checkpoint, options);
                }
                var analysis = assimilation.Assimilate(new Observation(cycle[Columns.Observation], null, cycle.Time)).Mean;
                difference = Math.Max(difference, (analysis - reference[Columns.Analysis]).abs().max().ToDouble());
                double Error(Tensor estimate) => Math.Sqrt((estimate - cycle[Columns.Truth]).square().mean().ToDouble());
                errors.Add(Error(analysis));
                errorsInside.Add(Error(reference[Columns.Analysis]));
                crashed.Add(assimilation.Crashes.Count - crashed.Sum());
            }
            return new Outcome([.. errors], [.. errorsInside], [.. crashed], difference, model.DeadProcesses, watch.Elapsed.TotalSeconds,
                burnIn);
        }
        finally
        {
            assimilation.Dispose();
            File.Delete(checkpoint);
        }
    }

    private static FigureGrid Errors(Outcome calm, Outcome crashing)
    {
        var cycle = new Axis("cycle");
        var errors = new LineChart("Error of the analysis", cycle, new Axis("analysis RMSE") { Minimum = 0 },
        [
            LineSeries.Evenly("in process", 0, 1, calm.ErrorsInside),
            LineSeries.Evenly("awk program", 0, 1, calm.Errors) with { Style = LineStyle.Dotted },
            LineSeries.Evenly("awk program that crashes", 0, 1, crashing.Errors),
        ]) { Width = 820, Height = 340 };
        double[] edges = [.. Enumerable.Range(0, crashing.CrashedRuns.Length + 1).Select(edge => edge - 0.5)];
        var crashes = new Histogram("Crashed runs", cycle, new Axis("crashed runs"), edges, crashing.CrashedRuns)
            { Width = 820, Height = 240 };
        return new FigureGrid("", [errors, crashes]);
    }

    private static string[] Row(string name, Outcome outcome) =>
    [
        name, SampleRun.Number(outcome.Error, 4), $"{outcome.Crashes}", $"{outcome.DeadProcesses}",
        FormattableString.Invariant($"{outcome.Difference:0.0e+0}"), SampleRun.Number(outcome.Seconds, 1),
    ];
}
