namespace DaML.Samples;

/// <summary>
/// The ensemble-free analysis of Bocquet et al. (2024) in full: accuracy beside the classical methods, what the network knows of
/// its errors, and how far it carries. <see cref="Bocquet2024Parts"/> says what is learned and measured.
/// </summary>
/// <param name="quick">The size of <c>--quick</c>; null = <see cref="Bocquet2024Settings.Quick"/>.</param>
public sealed class Bocquet2024Sample(Bocquet2024Settings? quick = null) : ISample
{
    private const string Pretrained = "--pretrained";

    /// <inheritdoc/>
    public string Name => "bocquet2024";

    /// <inheritdoc/>
    public string Summary => "Learns the analysis of Lorenz-96 without an ensemble and takes it apart (Bocquet et al. 2024).";

    /// <inheritdoc/>
    public string Details => $"""
        A residual convolutional network learns the analysis of a fully observed Lorenz-96 model from one forecast state, beside
        one with hidden channels that it carries from cycle to cycle, one without activations and one blind to the forecast. They
        are scored beside 3D-Var and the EnKF-N; the learned analysis' error covariance is estimated from its increments and
        compared with the ensemble's and with the Lyapunov vectors; its weights are used in other dimensions and with other
        observation errors; networks learn random observing systems and the Kuramoto-Sivashinsky equation.
        {TrainingMinutes:0} minutes are for the main network, on one core; trainings and measurements run side by side, a core each,
        some 20 minutes in all on two. --full takes the paper's network and batch and wants a GPU and hours.
        Writes report.html, every figure as SVG and learned.daml. Ctrl-C keeps the finished parts and the checkpoints
        of the others; --resume continues them.
        """;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSize> Sizes => [SampleSize.Quick, SampleSize.Full];

    /// <inheritdoc/>
    public double? TrainingMinutes => 8;

    /// <inheritdoc/>
    public double? FullTrainingMinutes => 120;

    /// <inheritdoc/>
    public IReadOnlyList<SampleSetting> Settings { get; } =
        [new(Pretrained, "WEIGHTS",
            "Score weights instead of training the main network: those of the project, or others by name or path (without " +
                "extension).") { ValueOptional = true }];

    /// <inheritdoc/>
    public SampleResult Run(SampleRun run)
    {
        bool full = run.Options.Size == SampleSize.Full;
        var settings = full ? Bocquet2024Settings.Full : quick ?? Bocquet2024Settings.Quick;
        var weights = run.Options.Settings.TryGetValue(Pretrained, out string? given)
            ? ShippedWeights.Find(ResidualConvolutionNetwork.Type, given, Pretrained) : null;
        double minutes = run.Options.Minutes!.Value;
        var parts = new Bocquet2024Parts(settings, minutes, weights);
        var runner = new PartRunner(run, $"{Name}, seed {run.Options.Seed}, {run.Options.Size}, {weights?.Path ?? "trained"}, {settings}");
        var figures = run.Track(progress => runner.Run(parts.All, progress));

        var table = new Bocquet2024Table(settings, quick: !full, pretrained: weights is not null, figures);
        var shown = PublishedFigure.Table("Bocquet et al. (2024): RMSE of the analysis unless stated otherwise", table.Rows);
        run.Show(shown);
        var result = new SampleResult(Chosen(run, settings, minutes, weights, figures), PublishedFigure.Metrics(table.Rows));
        Draw(run, new Bocquet2024Figures(settings, figures), shown, result);
        string learned = Path.Combine(run.PartsFolder, Bocquet2024Parts.Learned + ".daml");
        if (File.Exists(learned)) File.Copy(learned, run.OutputFile("learned.daml"), overwrite: true);    // not where it diverged
        runner.Clear();
        return result;
    }

    private static Dictionary<string, object> Chosen(SampleRun run, Bocquet2024Settings settings, double minutes, ShippedWeights? weights,
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, double[]>> figures)
    {
        static string Size(ResidualConvolutionOptions network) => $"{network.Filters} filters, {network.Blocks} x {network.SubBlocks}";
        var chosen = new Dictionary<string, object>
        {
            ["seed"] = run.Options.Seed, ["size"] = run.Options.Size.ToString(), ["device"] = run.Options.Device,
            ["cores"] = Environment.ProcessorCount, ["minutes"] = minutes,
            ["weights"] = weights is null ? "trained here" : Path.GetFileName(weights.Path),
            ["network"] = Size(weights?.Network ?? settings.Network),
            ["network.kuramoto_sivashinsky"] = Size(settings.KuramotoSivashinskyNetwork),
            ["network.degraded"] = Size(settings.DegradedNetwork),
            ["batch"] = settings.Batch, ["learning_rate"] = settings.LearningRate,
            ["test.trajectories"] = settings.Trajectories, ["test.burn_in"] = settings.BurnIn, ["test.cycles"] = settings.Cycles,
            ["test.cycles.per_point"] = settings.PointCycles,
        };
        foreach (var (name, values) in figures)
        {
            if (!values.TryGetValue("steps", out double[]? steps)) continue;
            string key = name.Replace(' ', '_').ToLowerInvariant();
            chosen[$"{key}.steps"] = steps[0];
            chosen[$"{key}.seconds"] = Math.Round(values["seconds"][0], 1);
            if (values.TryGetValue("parameters", out double[]? parameters)) chosen[$"{key}.parameters"] = parameters[0];
        }
        return chosen;
    }

    private static void Draw(SampleRun run, Bocquet2024Figures figures, ReportTable table, SampleResult result)
    {
        (Figure? Drawn, string File, string Caption)[] drawings =
        [
            (figures.Scores(), "scores", "Analysis error of each method (bars) beside the paper's (diamonds)."),
            (figures.Training(), "training", "Error on held-out trajectories while the networks learn; the weights of the least are kept."),
            (figures.Spectra(), "spectra",
                "Time-averaged eigenvalues of the analysis error covariance along one run (the paper's figure 1): the learned analysis' " +
                    "from the regression of its increments on innovations, the ensemble's its own."),
            (figures.Angles(), "angles",
                "Time-averaged principal angles (the paper's figure 2) of the 14 leading directions of either covariance, the " +
                    "unstable-neutral subspace (backward Lyapunov vectors of the truth), and a random subspace."),
            (figures.Dimensions(), "dimensions",
                "(a) The weights learned at n = 40 in other dimensions, beside the EnKF-N with as many members as dimensions (the " +
                    "paper's figure 3); (b) the number of Lyapunov exponents that are not negative."),
            (figures.Noise(), "noise",
                "Observations with other errors: the weights learned at 1 where the analysis still assumes R = I, and where it is " +
                    "given the true R; a network that learned with an error drawn for each trajectory, told R. Where a point is " +
                    "missing the truth was lost."),
            (figures.Density(), "density", "One network that learned on observing systems of random density, tested at fixed densities."),
            (figures.Fields(), "kuramoto-sivashinsky",
                "The Kuramoto-Sivashinsky equation: truth, learned analysis and its error on a finer scale."),
        ];
        run.Write(new HtmlReport("Bocquet et al. (2024): an analysis without an ensemble",
        [
            new ReportParagraph(
                "A residual convolutional network corrects the forecast of the Lorenz-96 model (40 sites, F = 8, all sites observed " +
                    "every 0.05 with error variance 1) from one forecast state and the innovation, " +
                                "without an ensemble. Every method sees the same observations of the same test trajectories; errors are " +
                                    "time averages of the root mean square over the sites."),
            table,
            .. drawings.Where(one => one.Drawn is not null).Select(one => new ReportFigure(run.Write(one.Drawn!, one.File), one.Caption)),
            new ReportHeading("Settings"),
            new ReportSettings(result.Settings),
        ]));
    }
}
