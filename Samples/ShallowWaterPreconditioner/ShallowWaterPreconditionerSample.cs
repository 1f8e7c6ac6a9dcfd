namespace DaML.Samples;

/// <summary>
/// Trappler and Vidard, "State-dependent preconditioning for the inner-loop in variational data assimilation using machine
/// learning": incremental 4D-Var of a shallow-water model, its inner
/// loop preconditioned in every way there is, learned ones among them.
/// </summary>
/// <param name="plan">Sizes and lengths; null = by the size asked for.</param>
public sealed class ShallowWaterPreconditionerSample(PreconditionerPlan? plan = null) : ISample
{
    /// <inheritdoc/>
    public string Name => "shallow-water-preconditioner";

    /// <inheritdoc/>
    public string Summary =>
        "Preconditions 4D-Var's inner loop: exact, randomised, recycled, fixed and learned, iterations and cost (Trappler and Vidard).";

    /// <inheritdoc/>
    public string Details => """
        A shallow-water model whose height is observed after two days, in a calm and in a turbulent regime. A network learns
        to map the state to eigenpairs of the Gauss-Newton matrix (a U-Net with attention, QR, scaled sigmoid), another one to
        correct the fixed pairs of an average. Beside them: none, exact (Lanczos), randomised, Ritz pairs of the outer loop
        before, fixed pairs and a fixed inverse; the spectral and the limited-memory form; each over the same systems at states
        that nobody trained on: iterations to 1e-7 and to 1e-3, and the cost in runs of the forward model. --minutes is the mean
        time of the four trainings, two of which run side by side; corrections take three times as long as networks alone.
        Writes report.html, the figures as SVG and the trained networks. Ctrl-C keeps what is finished; --resume goes on with the
        rest. --full is 64 x 64 cells and ranks to 2000.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick, SampleSize.Full];

    /// <inheritdoc/>
    public double? TrainingMinutes => 4;

    /// <inheritdoc/>
    public double? FullTrainingMinutes => 12 * 60;

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        var chosen = plan ?? (run.Options.Size == SampleSize.Full ? PreconditionerPlan.Full : new());
        var parts = new PreconditionerParts(chosen, TimeSpan.FromMinutes(run.Options.Minutes!.Value));
        var runner = new PartRunner(run,
            FormattableString.Invariant(
                $"seed {run.Options.Seed}, {run.Options.Device}, {chosen.Describe()}, {run.Options.Minutes} minutes"));
        var results = new PreconditionerResults(chosen, run.Track(progress => runner.Run(parts.All, progress)));
        var settings = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed, ["device"] = run.Options.Device, ["size"] = run.Options.Size.ToString().ToLowerInvariant(),
            ["minutes"] = run.Options.Minutes.Value,
            ["cells"] = chosen.Cells, ["ranks"] = chosen.Ranks, ["systems"] = chosen.Chains * chosen.Cycles, ["probes"] = chosen.Probes,
            ["training.batch"] = chosen.TrainingBatch,
            ["spin_up"] = chosen.SpinUp,
        };
        var report = new List<ReportBlock>
        {
            new ReportParagraph(
                "The Gauss-Newton matrix A = I + G^T G of 4D-Var, where G observes the height two days on, differs from state to state. " +
                    "Conjugate gradients solve the same systems with each " +
                "preconditioner. The cost counts iterations and preparation in runs of the forward model, with the costs of a product " +
                    "alone, of one in a block and of a network as measured in this run."),
        };
        foreach (string regime in PreconditionerParts.Regimes)
        {
            foreach (var table in (ReportTable?[])[results.Table(regime), results.Errors(regime)])
            {
                if (table is null) continue;
                run.Show(table);
                report.Add(table);
            }
            run.Say(results.Verdict(regime));
            report.Add(new ReportParagraph(results.Verdict(regime)));
        }
        report.Add(new ReportFigure(run.Write(PreconditionerFigures.Residuals(results, chosen), "residuals"),
            "Residuals over the iterations, medians over the systems; largest rank, mu = smallest eigenvalue kept."));
        if (PreconditionerFigures.Spectra(results) is { } spectra)
            report.Add(new ReportFigure(run.Write(spectra, "spectra"), "Eigenvalues of one unseen state, exact and approximate."));
        foreach (string regime in PreconditionerParts.Regimes)
            report.Add(new ReportFigure(run.Write(PreconditionerFigures.Vectors(results, chosen, regime), $"eigenvectors-{regime}"),
                $"Eigenvectors of one unseen state of the {regime} regime, exact and by the learned correction. Where eigenvalues are " +
                    $"close, vectors turn round each other."));
        report.Add(new ReportFigure(run.Write(PreconditionerFigures.Training(results), "training"),
            "Losses on held-out states: the relative Frobenius loss (eq. 2.11) of the network alone, the whitened loss of the " +
                "correction, one for the fixed pairs."));
        report.Add(new ReportHeading("Settings"));
        report.Add(new ReportSettings(settings));
        run.Write(new HtmlReport("Preconditioning 4D-Var's inner loop", report));
        // The trained networks stay.
        foreach (string regime in PreconditionerParts.Regimes)
            foreach (string kind in (string[])["learned", "residual"])
                File.Copy(Path.Combine(run.PartsFolder, $"{regime}-{kind}.daml"), run.OutputFile($"{regime}-{kind}.daml"), overwrite: true);
        runner.Clear();
        return new SampleResult(settings, results.Metrics());
    }
}
