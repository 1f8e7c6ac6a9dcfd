using TorchSharp;
using static TorchSharp.torch;

namespace DaML.Samples;

/// <summary>
/// After Maulik, Rao, Wang, Mengaldo, Constantinescu, Lusch, Balaprakash, Foster and Kotamarthi 2022 (Geosci. Model Dev. 15, 3433-3445):
/// modes of a real field, a long short-term memory that forecasts their coefficients, and 4D-Var whose model is that emulator and whose
/// adjoint is automatic. The method, on other data and another region.
/// </summary>
public sealed class PodLstmSample : ISample
{
    private readonly IReadOnlyList<FieldCase> cases;

    /// <summary>The sample on both fields.</summary>
    public PodLstmSample() : this([FieldCase.Pressure, FieldCase.Height])
    {
    }

    /// <summary>The sample on given fields; metrics of the first have no prefix.</summary>
    internal PodLstmSample(IReadOnlyList<FieldCase> cases) => this.cases = cases;

    /// <inheritdoc/>
    public string Name => "pod-lstm-4dvar";

    /// <inheritdoc/>
    public string Summary => "A learned emulator inside 4D-Var on real reanalysis fields: modes, LSTM, sparse noisy observations, " +
        "forecasts to 20 days (Maulik et al.).";

    /// <inheritdoc/>
    public string Details => """
        Daily sea-level pressure over the North Atlantic (2001-2010) and height of 500 hPa over Europe (2000-2002), both NCEP/NCAR
        Reanalysis 1. Separate years train (seasonal cycle, modes, ridge regression, linear inverse model, LSTM), validate and test.
        Forecasts to 20 days start from the same noisy observations at drawn sites: from each day's interpolated map, from 4D-Var
        through the emulator (windows by themselves, and cycled), from ETKF and EnKF-N; and from the true coefficients, the best
        there is. Region and data are not the paper's, so its numbers are not replicated.
        Everything is counted in steps, not in minutes: the same seed gives the same figures. About four minutes on two cores.
        Writes report.html, the figures as SVG, the analyses as NetCDF and the emulators.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick];

    /// <inheritdoc/>
    public double? TrainingMinutes => null;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var report = new List<ReportBlock> { new ReportParagraph(Details.ReplaceLineEndings(" ")) };
        var metrics = new Dictionary<string, double>();
        var settings = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed, ["device"] = run.Options.Device,
            ["members"] = PodLstmExperiment.Members, ["window.days"] = EmulatorAssimilation.WindowDays + 1,
        };
        foreach (var field in cases)
        {
            var experiment = run.Track(progress => PodLstmExperiment.Run(run.CreateContext(progress), field, run.Cancellation));
            bool main = field == cases[0];
            Tell(run, report, experiment, field.Unit == "hPa" ? 2 : 1);
            foreach (var (name, value) in PodLstmTables.Metrics(main ? "" : field.Key + ".", experiment)) metrics[name] = value;
            settings[field.Key + ".modes"] = field.Modes;
            settings[field.Key + ".variance_fraction"] = Math.Round(experiment.Reduced.Modes.Decomposition.VarianceFraction, 4);
            settings[field.Key + ".validation"] = field.ValidationStart.ToString("yyyy-MM-dd");
            settings[field.Key + ".test"] = field.TestStart.ToString("yyyy-MM-dd");
            run.CreateContext().Model.Save(experiment.Reduced.Emulator, run.OutputFile($"{field.Key}-emulator.daml"));
            WriteAnalyses(experiment, run.OutputFile($"{field.Key}-analyses.nc"), run.Cancellation);
        }
        report.Add(new ReportHeading("Settings"));
        report.Add(new ReportSettings(settings));
        report.Add(new ReportParagraph("NCEP/NCAR Reanalysis 1 data provided by the NOAA Physical Sciences Laboratory, Boulder, " +
            "Colorado, USA (Kalnay et al. 1996)."));
        run.Write(new HtmlReport("A reduced-order emulator inside 4D-Var", report));
        return new SampleResult(settings, metrics);
    }

    private static void Tell(SampleRun run, List<ReportBlock> report, PodLstmExperiment experiment, int decimals)
    {
        var field = experiment.Reduced.Case;
        report.Add(new ReportHeading(char.ToUpperInvariant(field.Title[0]) + field.Title[1..]));
        Add(PodLstmTables.Errors($"RMSE of forecasts of {field.Title} from the true coefficients, {field.Unit}", experiment.FromTruth,
            decimals));
        foreach (var system in experiment.Systems)
        {
            string title = $"The same from observations: {system.System.Title} ({system.Assimilation.Sites.Count} sites), {field.Unit}";
            Add(PodLstmTables.Errors(title, system.Forecasts, decimals, system.Milliseconds));
            Add(PodLstmTables.Comparison("Better by (standard errors of the difference)",
            [
                ("LSTM than ridge", system.Forecasts["lstm"], system.Forecasts["ridge"]),
                .. PodLstmExperiment.Assimilations.Select(name =>
                    ($"{PodLstmTables.Titles[name]} than LSTM from maps", system.Forecasts[name], system.Forecasts["lstm"])),
            ]));
            string verdict = PodLstmTables.Verdict(system.System, system);
            run.Say(verdict);
            report.Add(new ReportParagraph(verdict));
        }
        Add(PodLstmTables.Comparison("From the true coefficients, better by (standard errors of the difference)",
            ("LSTM than ridge", experiment.FromTruth["lstm"], experiment.FromTruth["ridge"])));
        var main = experiment.Systems[0];
        Add(PodLstmTables.Others($"Other scores: {main.System.Title}", main.Forecasts, decimals));
        Add(PodLstmTables.Regions($"RMSE by region, LSTM from maps → with 4D-Var, {field.Unit}", main, decimals));
        Add(PodLstmTables.Costs(experiment));
        Add(PodLstmTables.Terms(experiment.Gradient));
        foreach (var system in experiment.Systems.Take(2))
        {
            string name = $"{field.Key}-{(system.System.Key.Length == 0 ? "main" : system.System.Key.TrimEnd('.'))}";
            report.Add(new ReportFigure(run.Write(PodLstmFigures.Skill(experiment, system), name + "-skill"),
                "By how much errors are below that of climatology, whole domain, area-weighted; persistence of a day is above it from " +
                "the third day on."));
            report.Add(new ReportFigure(
                run.Write(PodLstmFigures.Improvement(experiment, system, "lstm", "lstm_4dvar"), name + "-improvement"),
                "The regions where assimilation improves the emulator's forecasts, over all starts of the test."));
        }
        var few = experiment.Systems[Math.Min(1, experiment.Systems.Count - 1)];
        report.Add(new ReportFigure(
            run.Write(PodLstmFigures.Day(experiment, few, ReducedOrderModels.SpinUp + 57), field.Key + "-day"),
            "One day of few observations: anomalies from the seasonal cycle, and errors of the interpolated map and of 4D-Var."));
        report.Add(new ReportFigure(run.Write(PodLstmFigures.Training(experiment), field.Key + "-training"), "The networks' training."));

        void Add(ReportTable table)
        {
            run.Show(table);
            report.Add(table);
        }
    }

    // The fields that 4D-Var analysed, day by day, for any reader of NetCDF.
    private static void WriteAnalyses(PodLstmExperiment experiment, string path, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var (reduced, system) = (experiment.Reduced, experiment.Systems[0]);
        var start = system.Maps["lstm_4dvar"];
        var seasons = (reduced.Truth - reduced.Anomalies)[start.First..];
        var fields = reduced.Modes.Decomposition.Reconstruct(start.States.narrow(1, 0, reduced.Case.Modes)) + seasons;
        var column = new Column(reduced.Case.Variable);
        new DataAssimilationContext(new DataAssimilationOptions()).Data
            .FromMemory(new Dictionary<Column, Tensor> { [column] = fields.unsqueeze(1) }, [.. reduced.Test.Times.Skip(start.First)])
            .ToNetCdf(path, [column], "days since 1970-01-01", descriptions: new Dictionary<Column, NetCdfDescription>
            {
                [column] = new()
                {
                    Grid = reduced.Grid, Units = reduced.Case.Unit,
                    LongName = $"{reduced.Case.Title}, analysed by 4D-Var through an emulator",
                },
            }, cancellation: cancellation);
    }
}
